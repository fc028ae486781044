package models

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a string that is a value.
func (s *scanner) quoted() error {
	kept := len(s.decoded)
	text, err := s.text()
	if s.write && err == nil {
		s.out = appendQuoted(s.out, text)
	}
	s.decoded = s.decoded[:kept] // unlike names, nobody needs it any more
	return err
}

// text reads a string and returns what it says, unescaped. The result is a part of src or decoded.
func (s *scanner) text() ([]byte, error) {
	s.pos++ // the opening quote
	for kept := len(s.decoded); ; s.pos++ {
		start := s.pos
		s.pos = skipPlain(s.src, start)
		switch {
		case s.pos == len(s.src):
			return nil, s.malformed("the string does not end")
		case s.src[s.pos] < 0x20:
			return nil, s.malformed("control characters in a string must be escaped")
		case s.src[s.pos] == '"' && len(s.decoded) == kept: // the usual case: nothing was escaped
			s.pos++
			return s.src[start : s.pos-1], nil
		}
		s.decoded = append(s.decoded, s.src[start:s.pos]...)
		if s.src[s.pos] == '"' {
			s.pos++
			return s.decoded[kept:len(s.decoded):len(s.decoded)], nil
		}
		if err := s.escape(); err != nil {
			return nil, err
		}
	}
}

// skipPlain returns where the first character from i on is that a string cannot hold as it is.
func skipPlain(text []byte, i int) int {
	for i < len(text) && text[i] >= 0x20 && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// escape decodes the escape that begins at pos and stops on its last byte.
func (s *scanner) escape() error {
	s.pos++
	if s.pos == len(s.src) {
		return s.malformed("the string does not end")
	}
	switch c := s.src[s.pos]; c {
	case '"', '\\', '/':
		s.decoded = append(s.decoded, c)
	case 'u':
		return s.unicode()
	default:
		i := strings.IndexByte("bfnrt", c)
		if i < 0 {
			return s.malformed("there is no such escape")
		}
		s.decoded = append(s.decoded, "\b\f\n\r\t"[i])
	}
	return nil
}

// unicode decodes uXXXX, or the two of a surrogate pair, and stops on the last digit.
func (s *scanner) unicode() error {
	r, ok := s.hex(s.pos + 1)
	if !ok {
		return s.malformed("four hexadecimal digits are expected")
	}
	s.pos += 4
	if r == 0 {
		return s.invalid("a string cannot hold NUL")
	}
	if utf16.IsSurrogate(r) {
		low, ok := s.hex(s.pos + 3)
		r = utf16.DecodeRune(r, low)
		if !ok || s.src[s.pos+1] != '\\' || s.src[s.pos+2] != 'u' || r == utf8.RuneError {
			return s.invalid("a string cannot hold half of a surrogate pair")
		}
		s.pos += 6
	}
	s.decoded = utf8.AppendRune(s.decoded, r)
	return nil
}

// hex reads the four digits at i.
func (s *scanner) hex(i int) (r rune, ok bool) {
	if i+4 > len(s.src) {
		return 0, false
	}
	for _, c := range s.src[i : i+4] {
		switch lower := c | 0x20; {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case lower >= 'a' && lower <= 'f':
			r = r<<4 | rune(lower-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// appendQuoted writes a string in canonical form: escaped is only what JSON demands.
func appendQuoted(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for start := 0; ; start++ {
		i := skipPlain(text, start)
		dst = append(dst, text[start:i]...)
		if i == len(text) {
			return append(dst, '"')
		}
		switch c, short := text[i], strings.IndexByte("\b\f\n\r\t", text[i]); {
		case short >= 0:
			dst = append(dst, '\\', "bfnrt"[short])
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, '\\', c)
		}
		start = i
	}
}
