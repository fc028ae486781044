package definitions

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/hotswap/hotswap/models"
)

// maxComplaints is how many broken rules one answer names.
const maxComplaints = 20

// explain names the rules that were broken, and where. Texts of the value itself are left out: an answer
// repeats nothing of what was sent.
func explain(failed *jsonschema.ValidationError, pointer string) []models.FieldError {
	var out []models.FieldError
	printer := message.NewPrinter(language.English)
	var visit func(*jsonschema.ValidationError)
	visit = func(e *jsonschema.ValidationError) {
		if len(e.Causes) > 0 && !isChoice(e.ErrorKind) {
			for _, cause := range e.Causes {
				visit(cause)
			}
			return
		}
		if len(out) < maxComplaints {
			out = append(out, models.FieldError{Pointer: pointer + pointerTo(e.InstanceLocation), Message: sentence(e.ErrorKind, printer)})
		}
	}
	visit(failed)
	slices.SortFunc(out, func(a, b models.FieldError) int { // the library walks maps
		return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Message, b.Message))
	})
	return out
}

// isChoice tells of rules whose causes are alternatives: none of them alone is what is wrong.
func isChoice(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.AnyOf, *kind.OneOf:
		return true
	default:
		return false
	}
}

func sentence(k jsonschema.ErrorKind, printer *message.Printer) string {
	switch k := k.(type) {
	case *kind.Format:
		return "it is not a valid " + k.Want
	case *kind.Pattern:
		return "it does not match the pattern " + k.Want
	case *kind.AnyOf, *kind.OneOf:
		return "it fits none, or more than one, of the alternatives"
	case *kind.PropertyNames:
		return "a member's name is not allowed"
	case *kind.AdditionalProperties:
		return "it has members that the schema does not know"
	case *kind.FalseSchema:
		return "it is not allowed here"
	case *kind.RefCycle:
		return "the schema refers to itself without end"
	}
	if text := limit(k); text != "" {
		return text
	}
	return k.LocalizedString(printer)
}

// limit says which bound was passed, with its exact number; empty for a rule that is none.
func limit(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Minimum:
		return "it must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "it must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "it must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "it must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "it must be a multiple of " + decimal(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("it must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("it must have at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("it must have at least %d elements", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("it must have at most %d elements", k.Want)
	default:
		return ""
	}
}

// decimal writes a number out; every number of a schema has an end.
func decimal(r *big.Rat) string {
	digits, _ := r.FloatPrec()
	return r.FloatString(digits)
}

func pointerTo(location []string) string {
	var out strings.Builder
	for _, token := range location {
		out.WriteByte('/')
		out.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
	}
	return out.String()
}
