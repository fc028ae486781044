package models

import "strings"

// sealedPrefix begins the text that stands for a sensitive value wherever values are stored. It is no JSON, so that no
// value can be taken for one.
const sealedPrefix = "sealed:"

// Sealed names a sensitive value without holding it: the id under which its ciphertext is kept, and a commitment,
// HMAC-SHA256 of the canonical text under the tenant's commitment key, in hex.
type Sealed struct{ ID, Commitment string }

// Value is the text that is stored, digested and compared in place of the value. As JSON it is Masked.
func (s Sealed) Value() Value { return Value(sealedPrefix + s.ID + ":" + s.Commitment) }

// Sealed is what a stored text names, if it stands for a sensitive value.
func (v Value) Sealed() (Sealed, bool) {
	rest, ok := strings.CutPrefix(string(v), sealedPrefix)
	if !ok {
		return Sealed{}, false
	}
	id, commitment, ok := strings.Cut(rest, ":")
	return Sealed{ID: id, Commitment: commitment}, ok
}

// IsSealed tells whether the text stands for a sensitive value.
func (v Value) IsSealed() bool { return strings.HasPrefix(string(v), sealedPrefix) }

// committed is what digests hold of a value: of a sensitive one its commitment, whatever id it is kept under.
func (v Value) committed() string {
	if s, ok := v.Sealed(); ok {
		return "hmac:" + s.Commitment
	}
	return string(v)
}

// Same tells whether two values of one tenant or layer are equal; sensitive ones are by their commitments.
func Same(a, b Value) bool { return a.committed() == b.committed() }
