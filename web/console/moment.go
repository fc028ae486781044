package console

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views"
)

// noMoment is what is said of a text that is no time.
const noMoment = "choose a time such as 2026-01-31 12:00, in UTC"

// notThere is what is said of a tenant at an instant before it was made, or while it was deleted.
const notThere = "it was not there at that time"

// momentLayouts are how forms and people write times, all in UTC; addresses hold RFC 3339.
var momentLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05"}

// momentOf reads when to look at something; the empty text is now. invalid at the pointer.
func momentOf(text, pointer string) (views.Moment, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return views.Moment{}, nil
	}
	plain := strings.TrimSpace(strings.TrimSuffix(text, "UTC"))
	for _, layout := range momentLayouts {
		if at, err := time.Parse(layout, plain); err == nil {
			return views.MomentAt(at), nil
		}
	}
	at, err := models.ParseInstant(text, pointer)
	if err != nil {
		return views.Moment{Text: text}, models.Invalid(pointer, noMoment)
	}
	return views.MomentAt(at), nil
}

// pace bounds how often somebody looks at the past; rate_limited.
func (d desk) pace(ctx context.Context, moments ...views.Moment) error {
	for _, m := range moments {
		if m.Past() {
			return d.Past(ctx)
		}
	}
	return nil
}

// momentFault is an error that an instant is to blame for, as invalid at the pointer; nil for any other error. Who looks
// may see the tenant of now: what is not found was not there then.
func momentFault(err error, pointer string) error {
	known, ok := errors.AsType[*models.Error](err)
	switch {
	case !ok:
		return nil
	case known.Code == models.CodeNotFound:
		return models.Invalid(pointer, notThere)
	case known.Code == models.CodeInvalid && slices.ContainsFunc(known.Fields, func(f models.FieldError) bool { return f.Pointer == pointer }):
		return err
	default:
		return nil
	}
}
