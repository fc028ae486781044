package wire

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
)

// RawJSON is a member of a body that may be anything: its text as it was sent, so that no number loses digits.
// It is nil when the member was absent and the text "null" when it was null.
type RawJSON []byte

// Raw is the value as a member of an answer.
func Raw(v models.Value) RawJSON { return v.Raw() }

// Value makes a configuration value of the text. Pointer says where it stands in the body
// ("/items/0/value"), so that what is malformed or invalid can be pointed at. An absent member is invalid.
func (r RawJSON) Value(pointer string) (models.Value, error) {
	if r == nil {
		return "", models.Invalid(pointer, "a value is required")
	}
	v, err := models.ParseValue(r)
	if err != nil {
		return "", models.Under(pointer, err)
	}
	return v, nil
}

// UnmarshalJSON keeps the text.
func (r *RawJSON) UnmarshalJSON(text []byte) error {
	*r = slices.Clone(text)
	return nil
}

// MarshalJSON writes the text as it is; nil is null.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if r == nil {
		return []byte("null"), nil
	}
	return r, nil
}

// Schema tells huma that the member may be anything.
func (RawJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Any JSON value; numbers keep all their digits."}
}
