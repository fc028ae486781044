package models

import "time"

// Definition is what a key is, for all environments. The topmost layer that defines a key defines it for all below.
type Definition struct {
	TenantID    string
	Key         string
	Type        ValueType
	Schema      string // JSON Schema as canonical JSON; empty for none
	Description string
	Sensitive   bool
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Accept converts the value to the definition's type when nothing is lost, else it is invalid.
// The JSON Schema is checked by services/definitions.
func (d Definition) Accept(v Value, pointer string) (Value, error) {
	if out, ok := v.As(d.Type); ok {
		return out, nil
	}
	return "", Invalid(pointer, "the key "+d.Key+" is defined as "+string(d.Type))
}

// Tag is the ETag of the definition.
func (d Definition) Tag() string { return VersionTag(d.Version) }
