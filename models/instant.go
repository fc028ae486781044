package models

import "time"

// ParseInstant reads an instant as RFC 3339 writes it, with a zone and a fraction if need be; invalid at the pointer.
func ParseInstant(text, pointer string) (time.Time, error) {
	var at time.Time
	if err := at.UnmarshalText([]byte(text)); err != nil {
		return at, Invalid(pointer, "an instant is written as 2026-01-02T15:04:05.678901Z, with a zone; + is %2B in a URL")
	}
	return at.UTC(), nil
}
