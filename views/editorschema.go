package views

import (
	"encoding/json"

	"github.com/hotswap/hotswap/models"
)

// schemaWords are the members of a JSON Schema that can be said in words. Numbers stay text.
type schemaWords struct {
	Enum             []json.RawMessage `json:"enum"`
	Minimum          json.RawMessage   `json:"minimum"`
	Maximum          json.RawMessage   `json:"maximum"`
	ExclusiveMinimum json.RawMessage   `json:"exclusiveMinimum"`
	ExclusiveMaximum json.RawMessage   `json:"exclusiveMaximum"`
	MultipleOf       json.RawMessage   `json:"multipleOf"`
	MinLength        json.RawMessage   `json:"minLength"`
	MaxLength        json.RawMessage   `json:"maxLength"`
	MinItems         json.RawMessage   `json:"minItems"`
	MaxItems         json.RawMessage   `json:"maxItems"`
	Type             json.RawMessage   `json:"type"`
	Pattern          string            `json:"pattern"`
	Format           string            `json:"format"`
	Required         []string          `json:"required"`
}

// readSchema reads what it can; a schema that is none, or says such things in another way, has no words.
func readSchema(schema string) (s schemaWords) {
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		return schemaWords{}
	}
	return s
}

// choices are the values that the schema lists; none if they are too many to choose from.
func (s schemaWords) choices() []models.Value {
	if len(s.Enum) > maxChoices {
		return nil
	}
	var out []models.Value
	for _, raw := range s.Enum {
		v, err := models.ParseValue(raw)
		if err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// hints say in words what the schema asks for.
func (s schemaWords) hints() []string {
	var out []string
	add := func(before string, said json.RawMessage, after string) {
		if len(said) > 0 && said[0] != 't' && said[0] != 'f' { // draft 4 has booleans there
			out = append(out, before+string(said)+after)
		}
	}
	if string(s.Type) == `"integer"` {
		out = append(out, "a whole number")
	}
	add("at least ", s.Minimum, "")
	add("more than ", s.ExclusiveMinimum, "")
	add("at most ", s.Maximum, "")
	add("less than ", s.ExclusiveMaximum, "")
	add("a multiple of ", s.MultipleOf, "")
	add("at least ", s.MinLength, " characters")
	add("at most ", s.MaxLength, " characters")
	add("at least ", s.MinItems, " elements")
	add("at most ", s.MaxItems, " elements")
	if s.Format != "" {
		out = append(out, "of the format "+s.Format)
	}
	if s.Pattern != "" {
		out = append(out, "matching "+s.Pattern)
	}
	if len(s.Required) > 0 {
		out = append(out, "with the members "+listed(s.Required))
	}
	return out
}
