package models

import (
	"regexp"
	"time"
)

// instantPattern is stricter than package time, which takes a comma for the point and hours of one digit.
var instantPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$`)

// ParseInstant reads an instant as RFC 3339 writes it, with a zone and a fraction if need be; invalid at the pointer.
func ParseInstant(text, pointer string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !instantPattern.MatchString(text) {
		return time.Time{}, Invalid(pointer, "an instant is written as 2026-01-02T15:04:05.678901Z, with a zone; + is %2B in a URL")
	}
	return at.UTC(), nil
}
