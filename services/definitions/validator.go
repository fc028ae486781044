// Package definitions keeps what keys are, and checks values against their JSON Schemas.
package definitions

import "github.com/hotswap/hotswap/models"

// Validator checks values against the JSON Schemas of definitions, and keeps the schemas compiled.
type Validator struct{ schemas schemas }

// NewValidator has compiled nothing yet.
func NewValidator() *Validator { return &Validator{newSchemas()} }

// Validate tells whether the value satisfies the definition's JSON Schema; its type is checked by
// models.Definition.Accept. invalid, with pointers below the one given; numbers are compared exactly.
func (v *Validator) Validate(d models.Definition, value models.Value, pointer string) error {
	if d.Schema == "" {
		return nil
	}
	return v.schemas.check(d, value, pointer)
}

// CheckSchema tells whether the text is a JSON Schema that can be used; invalid, with pointers below /schema.
func (v *Validator) CheckSchema(schema models.Value) error {
	_, err := v.schemas.get(string(schema))
	return err
}
