package definitions_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
)

// Bounds are said as numbers that people can type, exactly.
func TestLimitsInWords(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, value, want string }{
		{`{"minimum":1}`, `0`, "it must be at least 1"},
		{`{"maximum":2048}`, `99999500`, "it must be at most 2048"},
		{`{"exclusiveMinimum":0.1}`, `0.1`, "it must be more than 0.1"},
		{`{"exclusiveMaximum":1e3}`, `1000`, "it must be less than 1000"},
		{`{"multipleOf":0.25}`, `0.3`, "it must be a multiple of 0.25"},
		{`{"minLength":2}`, `"a"`, "it must have at least 2 characters"},
		{`{"maxLength":1}`, `"ab"`, "it must have at most 1 characters"},
		{`{"minItems":1}`, `[]`, "it must have at least 1 elements"},
		{`{"maxItems":1}`, `[1,2]`, "it must have at most 1 elements"},
	}
	for _, tt := range tests {
		d := models.Definition{Key: "k", Type: models.TypeJSON, Schema: tt.schema}
		found := fields(definitions.NewValidator().Validate(d, value(t, tt.value), "/value"))
		if len(found) != 1 || found[0].Message != tt.want || found[0].Pointer != "/value" {
			t.Errorf("%s of %s: %v, want %s", tt.schema, tt.value, found, tt.want)
		}
	}
}
