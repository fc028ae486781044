package models

import "strings"

// APIKeyPrefix begins every API key, so that scanners for leaked secrets can find one: hs_<id>_<secret>.
const APIKeyPrefix = "hs_"

// The bounds of an API key's parts, in bytes.
const (
	MaxAPIKeyLength    = 160
	minAPIKeyID        = 16
	minAPIKeySecret    = 32
	apiKeyPartsDivider = '_'
)

// ParseAPIKey finds the id in a key of the form hs_<id>_<secret>. The id is lower-case letters and digits;
// the secret is base64url and may hold the divider itself. It says nothing of whether the key exists.
func ParseAPIKey(key string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(key, APIKeyPrefix)
	if !ok || len(key) > MaxAPIKeyLength {
		return "", false
	}
	divider := strings.IndexByte(rest, apiKeyPartsDivider)
	if divider < minAPIKeyID || len(rest)-divider-1 < minAPIKeySecret {
		return "", false
	}
	for i := range divider {
		if !isLower(rest[i]) && !isDigit(rest[i]) {
			return "", false
		}
	}
	return rest[:divider], true
}
