package models

import (
	"fmt"
	"log/slog"
)

// Secret is a sensitive value in clear. Printed, logged or encoded it is a mask; only Reveal gives it away. It is held
// behind a pointer: what prints a struct by reflection, and asks no method of its unexported fields, prints an address.
type Secret struct{ clear *Value }

// NewSecret keeps a value from being printed.
func NewSecret(v Value) Secret { return Secret{&v} }

// Reveal is the value in clear; empty for the zero Secret. Whoever calls it answers for where it goes.
func (s Secret) Reveal() Value {
	if s.clear == nil {
		return ""
	}
	return *s.clear
}

// String is the mask.
func (Secret) String() string { return "********" }

// GoString is the mask.
func (s Secret) GoString() string { return s.String() }

// Format prints the mask whatever the verb asks for.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is the mask, and so is the secret as JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
