package models

import (
	"strings"
	"unicode/utf8"
)

// The limits of the API contract; sizes are in bytes.
const (
	MaxKeyLength         = 128
	MaxKeysPerLayer      = 5000 // per layer and environment
	MaxLayerBytes        = 4 << 20
	MaxValueBytes        = 64 << 10 // of the canonical text
	MaxBodyBytes         = 1 << 20
	MaxChangeBodyBytes   = 8 << 20 // on /changes and imports
	MaxChangeItems       = 2000
	MaxDepth             = 64   // of nested arrays and objects
	MaxDescription       = 2000 // characters
	maxEnvironmentLength = 32
)

// ValidKey tells whether a configuration key may be called that:
// ^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$
func ValidKey(key string) bool {
	if key == "" || len(key) > MaxKeyLength {
		return false
	}
	for i := range len(key) {
		switch c := key[i]; {
		case isLower(c) || isDigit(c):
		case i > 0 && i < len(key)-1 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}

// ValidEnvironmentName tells whether an environment may be called that: ^[A-Za-z][A-Za-z0-9-]{0,31}$,
// and not a name under which control data has its heads.
func ValidEnvironmentName(name string) bool {
	if name == "" || len(name) > maxEnvironmentLength {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case isLower(c | 0x20): // either case
		case i > 0 && (isDigit(c) || c == '-'):
		default:
			return false
		}
	}
	return !strings.EqualFold(name, "keys") && !strings.EqualFold(name, "roles")
}

// ValidText tells whether the text can be stored as a name, a title or a reason:
// valid UTF-8 without NUL, at most limit characters. The empty text is valid.
func ValidText(text string, limit int) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 && utf8.RuneCountInString(text) <= limit
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
