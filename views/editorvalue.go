package views

import (
	"errors"
	"slices"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// typing is how people type a value.
type typing string

// The ways of typing. Code is JSON text, with which every value can be written.
const (
	typedSwitch typing = "switch"
	typedNumber typing = "number"
	typedText   typing = "text"
	typedCode   typing = "code"
	typedChoice typing = "choice"
)

// maxChoices is how many values a schema may list to be chosen from.
const maxChoices = 50

// ValueInput is the field in which a value is typed.
type ValueInput struct {
	Text     string // what is in it
	AsJSON   bool   // the text is JSON, whatever the type
	how      typing
	options  []components.Option
	required bool
}

// ParseInput makes a value of what was typed for a type; invalid or malformed at /value and below. Numbers stay exact,
// texts are taken as they are, white space included.
func ParseInput(t models.ValueType, in ValueInput) (models.Value, error) {
	if t == models.TypeString && !in.AsJSON {
		v, err := models.ParseValue([]byte(models.Text(in.Text)))
		return v, models.Under("/value", err)
	}
	text := strings.TrimSpace(in.Text)
	if text == "" {
		return "", models.Invalid("/value", "a value is required")
	}
	v, err := models.ParseValue([]byte(text))
	if err == nil && t != models.TypeJSON && v.Type() != t {
		err = expectedInput(t)
	}
	if e, ok := errors.AsType[*models.Error](err); ok && e.Code == models.CodeMalformed {
		err = noJSON(t, in, *e)
	}
	return v, models.Under("/value", err)
}

// noJSON makes a mistake of typing of what would be a broken request.
func noJSON(t models.ValueType, in ValueInput, e models.Error) error {
	if t != models.TypeJSON && !in.AsJSON {
		return expectedInput(t)
	}
	e.Code = models.CodeInvalid
	return &e
}

// expectedInput says what is typed for a type.
func expectedInput(t models.ValueType) error {
	switch t {
	case models.TypeBoolean:
		return models.Invalid("", "choose true or false")
	case models.TypeNumber:
		return models.Invalid("", "a number is expected, such as 12, -0.5 or 1e6")
	default:
		return models.Invalid("", "a string in quotes is expected")
	}
}

// InputFor is the field for a value of a type: what it shows gives the same value again. The empty value leaves it
// empty, a masked one too, for nobody shall save the mask.
func InputFor(t models.ValueType, schema string, v models.Value, masked bool) ValueInput {
	if masked {
		v = ""
	}
	in := ValueInput{how: typedCode, AsJSON: true, required: masked}
	text, isText := v.Text()
	switch choices := readSchema(schema).choices(); {
	case t == models.TypeBoolean:
		in.how, in.Text = typedSwitch, string(v)
	case len(choices) > 0:
		in.how, in.Text, in.options = typedChoice, string(v), choiceOptions(choices, v)
	case t == models.TypeNumber:
		in.how, in.Text, in.AsJSON = typedNumber, string(v), false
	case t == models.TypeString && (v == "" || isText && typable(text)):
		in.how, in.Text, in.AsJSON = typedText, text, false
	case v != "":
		in.Text = components.Indent(v)
	}
	return in
}

// Retyped is the field as InputFor makes it, with what was typed into it instead.
func (in ValueInput) Retyped(typed ValueInput) ValueInput {
	if typed.AsJSON && in.how == typedText {
		in.how, in.AsJSON = typedCode, true
	}
	in.Text = typed.Text
	for i := range in.options {
		in.options[i].Selected = in.options[i].Value == typed.Text
	}
	return in
}

// typable tells whether a text area gives the text back as it was: browsers turn line ends into CRLF, which we turn
// into LF, drop a line end at the beginning, and show nothing of control characters.
func typable(text string) bool {
	return !strings.HasPrefix(text, "\n") && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t'
	})
}

// choiceOptions are the values that a schema lists, and the present one if it is none of them.
func choiceOptions(choices []models.Value, present models.Value) []components.Option {
	var out []components.Option
	switch {
	case present == "":
		out = append(out, components.Option{Label: "Choose…", Selected: true})
	case !slices.Contains(choices, present):
		out = append(out, components.Option{Value: string(present), Label: choiceLabel(present) + " (no longer allowed)", Selected: true})
	}
	for _, c := range choices {
		out = append(out, components.Option{Value: string(c), Label: choiceLabel(c), Selected: c == present})
	}
	return out
}

// choiceLabel is a value as a choice: texts without quotes, unless they would look like another value.
func choiceLabel(v models.Value) string {
	text, ok := v.Text()
	if !ok {
		return string(v)
	}
	if _, err := models.ParseValue([]byte(text)); err == nil || strings.TrimSpace(text) != text || text == "" {
		return string(v)
	}
	return text
}
