package store

import "strings"

// Like is the LIKE pattern of all texts that contain this one, of which no character is a wildcard.
func Like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
