package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/hotswap/hotswap/models"
)

// formats are the only ones that huma reads and writes. It finds problem+json under "json".
func formats() map[string]huma.Format {
	format := huma.Format{Marshal: encodeJSON, Unmarshal: decodeJSON}
	return map[string]huma.Format{"application/json": format, "json": format}
}

// decodeJSON decodes a body that models.CheckJSON has passed: first into any, for validation, then into a struct.
// Its errors are read by callers.
func decodeJSON(data []byte, v any) error {
	if tree, ok := v.(*any); ok {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(tree); err != nil {
			return plain(models.CodeMalformed)
		}
		*tree = withNumbers(*tree)
		return nil
	}
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*models.Error](err); ok {
		return own
	}
	// Validation lets 1.0 and numbers of any size pass as integers; Go's text about that names Go's types.
	return errors.New("a member holds a value that it cannot hold, such as a number that is out of range")
}

// withNumbers gives numbers the types that validation knows. What fits none of them stays as it is:
// it is refused where a number is due, and welcome where anything is.
func withNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = withNumbers(member)
		}
	case []any:
		for i, element := range v {
			v[i] = withNumbers(element)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if n, err := v.Float64(); err == nil {
			return n
		}
	}
	return v
}

// fieldErrors are validation's findings as JSON pointers, without the values that were sent.
func fieldErrors(errs []error) []models.FieldError {
	var fields []models.FieldError
	for _, err := range errs[:min(len(errs), maxFields)] { // a body may have a hundred thousand unknown members
		var own *models.Error
		var detail *huma.ErrorDetail
		switch {
		case errors.As(err, &own):
			fields = append(fields, own.Fields...)
		case errors.As(err, &detail):
			fields = append(fields, fieldError(detail))
		}
	}
	// Validation walks maps, so the order is any; callers should see the same twice.
	slices.SortStableFunc(fields, func(a, b models.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return fields
}

func fieldError(detail *huma.ErrorDetail) models.FieldError {
	message := detail.Message
	if message == validation.MsgUnexpectedProperty {
		message = "there is no such member"
	}
	return models.FieldError{Pointer: pointerOf(detail), Message: message}
}

// pointerOf makes "/items/0/key" of "body.items[0].key", and "/environment" of "query.environment".
func pointerOf(detail *huma.ErrorDetail) string {
	location, name := splitUnexpected(detail)
	place, path, _ := strings.Cut(location, ".")
	var b strings.Builder
	switch {
	case place != "body":
		appendToken(&b, path)
		return b.String()
	case strings.HasPrefix(location, "body["): // an array is the body
		path = strings.TrimPrefix(location, "body")
	}
	for _, token := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		appendToken(&b, token)
	}
	if name != "" {
		appendToken(&b, name)
	}
	return b.String()
}

// splitUnexpected takes an unknown member's name off its location: it is the caller's, and may hold dots and brackets.
func splitUnexpected(detail *huma.ErrorDetail) (location, name string) {
	members, ok := detail.Value.(map[string]any)
	if !ok || detail.Message != validation.MsgUnexpectedProperty {
		return detail.Location, ""
	}
	for member := range members {
		if rest, found := strings.CutSuffix(detail.Location, "."+member); found && len(member) > len(name) {
			location, name = rest, member
		}
	}
	if name == "" {
		return detail.Location, ""
	}
	return location, name
}

// appendToken writes a reference token (RFC 6901).
func appendToken(b *strings.Builder, token string) {
	b.WriteByte('/')
	_, _ = strings.NewReplacer("~", "~0", "/", "~1").WriteString(b, token) // a Builder takes everything
}
