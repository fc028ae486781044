package definitions

import (
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	// maxSteps is what one validation may take. A value of 64 KiB under a plain schema stays below 150,000;
	// half a second or so is what the worst schema gets out of it.
	maxSteps = 250_000
	// textPerStep is how many characters, times the instructions of a pattern, are one step.
	textPerStep = 64
)

// meter bounds validations. References let a short schema visit a value in a number of steps that is
// exponential in its depth, and the library has no limit of its own; but it checks a schema's format before
// it descends, so a format that pays for the schema stops it there.
type meter struct {
	left int
	seen map[*jsonschema.Schema]bool
}

var errSpent = errors.New("too many steps")

// attach puts a format that pays in front of every schema that can be reached.
func (m *meter) attach(s *jsonschema.Schema) {
	if s == nil || m.seen[s] || s.Bool != nil {
		return
	}
	m.seen[s] = true
	fixed, plain := fixedCost(s), s.Format
	paying := &jsonschema.Format{Validate: func(v any) error {
		if m.left -= fixed + cost(s, v); m.left < 0 {
			return errSpent
		}
		if plain != nil {
			return plain.Validate(v)
		}
		return nil
	}}
	if plain != nil {
		paying.Name = plain.Name
	}
	s.Format = paying
	for _, below := range children(s) {
		m.attach(below)
	}
}

// fixedCost is how many steps the schema itself takes on whatever value, without those below it.
func fixedCost(s *jsonschema.Schema) int {
	steps := 1 + len(s.Required) + len(s.Dependencies) + len(s.DependentRequired) + len(s.DependentSchemas) +
		len(s.AllOf) + len(s.AnyOf) + len(s.OneOf)
	if s.Enum != nil {
		steps += size(s.Enum.Values)
	}
	if s.Const != nil {
		steps += size(*s.Const)
	}
	return steps
}

// cost is what comes on top for this value.
func cost(s *jsonschema.Schema, v any) int {
	switch v := v.(type) {
	case map[string]any:
		steps := len(v)
		for name := range v {
			for p := range s.PatternProperties {
				steps += textCost(name, p)
			}
		}
		return steps
	case []any:
		if s.UniqueItems {
			return len(v) + size(v)*min(len(v), 20) // up to 20 items are compared each with each
		}
		return len(v)
	case string:
		return textCost(v, s.Pattern)
	default:
		return 0
	}
}

// textCost is what it takes to look through a text, for a pattern if there is one.
func textCost(text string, p jsonschema.Regexp) int {
	program := 1
	if bounded, ok := p.(pattern); ok {
		program = bounded.size
	}
	return 1 + len(text)*program/textPerStep
}

// size counts the values within a value.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += size(member)
		}
	case []any:
		for _, element := range v {
			n += size(element)
		}
	}
	return n
}

// children lists the schemas that validating against s may go to.
func children(s *jsonschema.Schema) []*jsonschema.Schema {
	out := []*jsonschema.Schema{
		s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else, s.PropertyNames, s.UnevaluatedProperties,
		s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema,
	}
	if s.DynamicRef != nil {
		out = append(out, s.DynamicRef.Ref)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, s.PrefixItems} {
		out = append(out, list...)
	}
	for _, byName := range []map[string]*jsonschema.Schema{s.Properties, s.DependentSchemas} {
		for _, below := range byName {
			out = append(out, below)
		}
	}
	for _, below := range s.PatternProperties {
		out = append(out, below)
	}
	for _, mixed := range []any{s.AdditionalProperties, s.Items, s.AdditionalItems} {
		out = append(out, schemasIn(mixed)...)
	}
	for _, mixed := range s.Dependencies {
		out = append(out, schemasIn(mixed)...)
	}
	return out
}

// schemasIn finds schemas in a member that may be a schema, several, or neither.
func schemasIn(mixed any) []*jsonschema.Schema {
	switch mixed := mixed.(type) {
	case *jsonschema.Schema:
		return []*jsonschema.Schema{mixed}
	case []*jsonschema.Schema:
		return mixed
	default:
		return nil
	}
}
