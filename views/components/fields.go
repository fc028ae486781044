package components

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

func fieldID(f Field) string { return "field-" + f.Name }

func inputType(f Field) string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// fieldAttributes are what all kinds of inputs share. What was wrong is read out with the field.
func fieldAttributes(f Field) templ.Attributes {
	a := templ.Attributes{"required": f.Required, "autofocus": f.Autofocus}
	if f.Max > 0 {
		a["maxlength"] = strconv.Itoa(f.Max)
	}
	if f.Mono {
		a["spellcheck"], a["autocomplete"], a["autocapitalize"] = "false", "off", "off"
	}
	var by []string
	if f.Error != "" {
		a["aria-invalid"] = "true"
		by = append(by, fieldID(f)+"-error")
	}
	if f.Hint != "" {
		by = append(by, fieldID(f)+"-hint")
	}
	if len(by) > 0 {
		a["aria-describedby"] = strings.Join(by, " ")
	}
	return a
}

// Choices are options of texts that are their own labels.
func Choices(selected string, values ...string) []Option {
	options := make([]Option, len(values))
	for i, v := range values {
		options[i] = Option{Value: v, Label: v, Selected: v == selected}
	}
	return options
}
