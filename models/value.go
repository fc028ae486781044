package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Value is a configuration value as canonical JSON text: UTF-8, members sorted by code point, no white space,
// no escape that JSON does not demand, numbers exact. Equal values have equal text, so the text is what is
// compared, digested, stored and sealed. Only ParseValue, Canonical and Object make one; the empty Value is none.
type Value string

// Null is a value of type json, and of no other type.
const Null Value = "null"

// ValueType is what a definition says a key holds.
type ValueType string

// The types of values.
const (
	TypeBoolean ValueType = "boolean"
	TypeNumber  ValueType = "number"
	TypeString  ValueType = "string"
	TypeJSON    ValueType = "json"
)

// Valid tells whether the type exists.
func (t ValueType) Valid() bool {
	return t == TypeBoolean || t == TypeNumber || t == TypeString || t == TypeJSON
}

// ParseValue makes a value of exactly one JSON text. What is no JSON is malformed; what JSON allows and we do not
// is invalid: duplicate members, NUL, lone surrogates, depth over MaxDepth, numbers of more than 34 digits
// or beyond 1e±308, text over MaxValueBytes. Pointers are relative to the value; see Under.
func ParseValue(raw []byte) (Value, error) {
	v, err := canonical(raw)
	if err != nil {
		return "", err
	}
	if len(v) > MaxValueBytes {
		return "", Invalid("", "a value has at most 64 KiB")
	}
	return v, nil
}

// Canonical makes canonical text, of any size, of a Go value that encoding/json can marshal;
// it is what digests and leaf hashes are taken over.
func Canonical(parts any) (Value, error) {
	raw, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("canonical JSON: %w", err)
	}
	return canonical(raw)
}

// Object makes a value of members that are values themselves; it undoes Members.
// Names must be valid UTF-8 without NUL.
func Object(members map[string]Value) Value {
	out := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, []byte(name)), ':')
		out = append(out, members[name].Raw()...)
	}
	return Value(append(out, '}'))
}

// Type is the value's natural type; null, arrays and objects are json.
func (v Value) Type() ValueType {
	switch {
	case v == "":
		return TypeJSON
	case v[0] == '"':
		return TypeString
	case v[0] == 't' || v[0] == 'f':
		return TypeBoolean
	case v[0] == '-' || isDigit(v[0]):
		return TypeNumber
	default:
		return TypeJSON
	}
}

// As is the value for a key of that type, if nothing is lost: a string becomes the boolean or number whose
// canonical text it holds ("true", "1.5", not "1.50"); a key of type json takes every value as it is.
func (v Value) As(t ValueType) (Value, bool) {
	switch {
	case v == "" || !t.Valid():
		return "", false
	case t == TypeJSON || v.Type() == t:
		return v, true
	}
	text, ok := v.Text()
	if !ok || t == TypeString {
		return "", false
	}
	held, err := ParseValue([]byte(text))
	if err != nil || string(held) != text || held.Type() != t {
		return "", false
	}
	return held, true
}

// Raw is the text as bytes; null when there is no value, and Masked for one that is sealed.
func (v Value) Raw() []byte {
	switch {
	case v == "":
		return []byte(Null)
	case v.IsSealed():
		return []byte(Masked)
	default:
		return []byte(v)
	}
}

// MarshalJSON puts the text into a JSON document as it is; the empty Value is null there.
func (v Value) MarshalJSON() ([]byte, error) { return v.Raw(), nil }

// UnmarshalJSON reads what MarshalJSON wrote, by the rules of ParseValue. An absent value that shall
// not come back as null needs omitempty.
func (v *Value) UnmarshalJSON(raw []byte) error {
	parsed, err := ParseValue(raw)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// Text is the content of a string value, unescaped.
func (v Value) Text() (string, bool) {
	switch {
	case len(v) < 2 || v[0] != '"':
		return "", false
	case strings.IndexByte(string(v), '\\') < 0:
		return string(v[1 : len(v)-1]), true
	}
	s := scanner{src: []byte(v)}
	text, err := s.text()
	return string(text), err == nil
}

// Members are the members of an object; false for every other value.
func (v Value) Members() (map[string]Value, bool) {
	if v == "" || v[0] != '{' {
		return nil, false
	}
	members := map[string]Value{}
	for i := 1; i < len(v)-1; {
		colon := v.skip(i)
		name, ok := v[i:colon].Text()
		if !ok || colon+1 >= len(v) {
			return nil, false
		}
		end := v.skip(colon + 1)
		members[name] = v[colon+1 : end]
		i = end + 1
	}
	return members, true
}

// Elements are the elements of an array; false for every other value.
func (v Value) Elements() ([]Value, bool) {
	if v == "" || v[0] != '[' {
		return nil, false
	}
	elements := []Value{}
	for i := 1; i < len(v)-1; {
		end := v.skip(i)
		elements = append(elements, v[i:end])
		i = end + 1
	}
	return elements, true
}

// skip returns where the value that begins at i ends. It relies on canonical text: no white space, all brackets paired.
func (v Value) skip(i int) int {
	for depth, quoted := 0, false; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']'):
			return i
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return min(i, len(v))
}
