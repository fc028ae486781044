package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

// editChange is the form that edits a change which waits.
func (d desk) editChange(c echo.Context) error {
	view, err := d.editable(c)
	if err != nil {
		return err
	}
	view.Form = views.NewChangeForm(view.Change, view.Types)
	return d.pages.Render(c, http.StatusOK, editPage(view))
}

func editPage(view views.ChangeEdit) views.Page {
	return views.Page{Title: "Edit " + view.Title, Main: views.ChangeEditMain(view)}
}

// editable is the change that a path names, if the actor may edit it.
func (d desk) editable(c echo.Context) (view views.ChangeEdit, err error) {
	ctx := c.Request().Context()
	if view.Change, err = d.Changes.Get(ctx, c.Param("changeId")); err != nil {
		return view, err
	}
	may, err := d.Changes.May(ctx, view.Change)
	if err != nil {
		return view, err
	}
	if may.Edit != nil {
		return view, may.Edit
	}
	standing, err := d.Changes.Standing(ctx, view.ID)
	view.Types = standing.Types
	return view, err
}

// saveChange writes what was edited. A refused form comes back with what was typed.
func (d desk) saveChange(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	view, err := d.editable(c)
	if err != nil {
		return err
	}
	view.Form = changeForm(f, view.Change)
	revised, err := d.revise(c.Request().Context(), view)
	if err != nil {
		return unsaved(view, err)
	}
	d.SignIn.Flash(c, views.Saved(revised, revised.Digest != view.Digest))
	return c.Redirect(http.StatusSeeOther, views.ChangeURL(revised.ID))
}

func changeForm(f form, c models.Change) views.ChangeForm {
	out := views.ChangeForm{Title: f.text("title"), Reason: f.area("reason"), Tag: f.text("tag"), Values: map[string]string{}}
	for _, i := range c.Items {
		out.Values[i.Key] = f.area(views.ValueField(i.Key))
	}
	return out
}

// revise saves what is different; nothing is written when nothing is.
func (d desk) revise(ctx context.Context, view views.ChangeEdit) (models.Change, error) {
	items, err := edits(view)
	if err != nil {
		return models.Change{}, err
	}
	if items == nil && view.Form.Title == view.Title && view.Form.Reason == view.Reason {
		return view.Change, nil
	}
	return d.Changes.Revise(ctx, changes.Revise{
		ChangeID: view.ID, Title: &view.Form.Title, Reason: &view.Form.Reason, Items: items, IfMatch: view.Form.Tag,
	})
}

// edits are the items with the values that were typed; nil when none differs. A secret whose field is empty keeps its
// value, which the mask stands for. invalid: a text is no value.
func edits(view views.ChangeEdit) ([]changes.Edit, error) {
	var out []changes.Edit
	var bad []models.FieldError
	differs := false
	for n, i := range view.Items {
		e := changes.Edit{Key: i.Key, Op: i.Op, BaseVersion: &i.BaseVersion, Definition: i.Defines, Locked: i.Locked}
		switch {
		case i.Op == models.OpRetier || i.Op == models.OpSet && view.KeepsSecret(n):
			e.Value = i.Value
		case i.Op == models.OpSet:
			var err error
			if e.Value, err = view.Edited(n); err != nil {
				bad = append(bad, faults(err, changes.ItemPointer(n)+"/value")...)
			}
			differs = differs || e.Value != i.Value
		}
		out = append(out, e)
	}
	if len(bad) > 0 || !differs {
		return nil, models.InvalidFields(bad)
	}
	return out, nil
}

// faults are what is wrong with a value that was typed.
func faults(err error, pointer string) []models.FieldError {
	if e, ok := errors.AsType[*models.Error](err); ok && len(e.Fields) > 0 {
		return e.Fields
	}
	return []models.FieldError{{Pointer: pointer, Message: err.Error()}}
}

// unsaved shows the form again, with what was wrong. Somebody who was quicker is told of.
func unsaved(view views.ChangeEdit, err error) error {
	e, ok := errors.AsType[*models.Error](err)
	if !ok {
		return err
	}
	if e.Code == models.CodePreconditionFailed {
		view.Moved, view.Form.Tag = true, view.Tag()
	} else if view.Errors, ok = said(err); !ok {
		return err
	}
	return &web.PageError{Err: err, Page: editPage(view.Forget())}
}
