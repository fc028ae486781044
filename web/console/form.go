package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
)

// form is what a form sent.
type form struct{ values url.Values }

// read reads the form of a request; too_large, or malformed when it is no text.
func read(c echo.Context) (form, error) {
	r := c.Request()
	if err := r.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return form{}, &models.Error{Code: models.CodeTooLarge, Message: "the form is too large"}
		}
		return form{}, models.Malformed("the form is malformed")
	}
	for name, values := range r.PostForm {
		for _, v := range append(values, name) {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return form{}, models.Malformed("the form holds characters that are not text")
			}
		}
	}
	return form{r.PostForm}, nil
}

// text is a line as it is meant: without space around it.
func (f form) text(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// area is a text of several lines, with the line ends that we use; browsers send CRLF.
func (f form) area(name string) string {
	return strings.ReplaceAll(f.values.Get(name), "\r\n", "\n")
}

// all are the values of boxes that were ticked.
func (f form) all(name string) []string { return f.values[name] }

// said are the sentences about the fields of a form, by pointer ("/key"); false for an error that is not about them.
func said(err error) (map[string]string, bool) {
	e, ok := errors.AsType[*models.Error](err)
	if !ok || e.Code != models.CodeInvalid && e.Code != models.CodeConflict && e.Code != models.CodeMalformed {
		return nil, false
	}
	out := map[string]string{}
	if len(e.Fields) == 0 {
		out[""] = e.Message
	}
	for _, f := range e.Fields {
		if out[f.Pointer] == "" {
			out[f.Pointer] = f.Message
		}
	}
	return out, true
}
