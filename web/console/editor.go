package console

import (
	"context"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
)

func registerEditor(r *web.Console, d desk) {
	r.Page("/tenants/:tenantId/edit", d.edit)
	r.Act("config.set", "/tenants/:tenantId/edit", d.saveEdit)
	r.Act("config.delete", "/tenants/:tenantId/remove", d.removeValue)
}

// edit is the form with the value as it is live now, or that of a new key.
func (d desk) edit(c echo.Context) error {
	e, err := d.editor(c.Request().Context(), c.Param("tenantId"), views.EditorForm{
		Key: c.QueryParam("key"), Environment: c.QueryParam("environment"), Return: back(c.QueryParam("return")),
	})
	if err != nil {
		return err
	}
	return d.showEditor(c, nil, e.Fresh())
}

// saveEdit sends the form on its way; with "check" it only tells what would become of it.
func (d desk) saveEdit(c echo.Context) error {
	in, err := readEdit(c)
	if err != nil {
		return err
	}
	e, err := d.editor(c.Request().Context(), c.Param("tenantId"), in)
	if err != nil {
		return err
	}
	e, check := e.Typed(), c.QueryParam("check") != ""
	done, err := d.setValue(c.Request().Context(), e, check)
	if check {
		return d.showCheck(c, e, err)
	}
	return d.edited(c, e, done, err)
}

// removeValue takes the own value of a key away.
func (d desk) removeValue(c echo.Context) error {
	in, err := readEdit(c)
	if err != nil {
		return err
	}
	e, err := d.editor(c.Request().Context(), c.Param("tenantId"), in)
	if err != nil {
		return err
	}
	e = e.Fresh()
	e.Form.Base, e.Form.Removing = in.Base, true
	done, err := d.submitEdit(c.Request().Context(), e, changes.Edit{Key: in.Key, Op: models.OpDelete, BaseVersion: in.Base}, false)
	return d.edited(c, e, done, err)
}

// setValue parses what was typed and submits it; a dry run writes nothing.
func (d desk) setValue(ctx context.Context, e views.Editor, dry bool) (changes.Outcome, error) {
	edit, err := editOf(e)
	if err != nil {
		return changes.Outcome{}, err
	}
	return d.submitEdit(ctx, e, edit, dry)
}

// editOf is what the form asks for: a value, a value with a lock, or the lock alone where the value stays. invalid: there
// is nothing to save, or what was typed is no value.
func editOf(e views.Editor) (changes.Edit, error) {
	edit := changes.Edit{Key: e.Form.Key, Op: models.OpSet, BaseVersion: e.Form.Base, Locked: e.NewLock()}
	if edit.Locked != nil && e.Place.Own && e.KeepsSecret() {
		return locking(edit), nil
	}
	var err error
	if edit.Value, err = e.Value(); err != nil {
		return edit, err
	}
	switch {
	case e.Keeps(edit.Value) && edit.Locked != nil:
		return locking(edit), nil
	case e.Keeps(edit.Value):
		return edit, models.Invalid("/value", "this value is live already: there is nothing to save")
	case e.IsNew():
		edit.Type, edit.Description = e.Type(), e.Form.Description
	}
	return edit, nil
}

// locking is an edit that moves the lock only.
func locking(e changes.Edit) changes.Edit {
	e.Op = models.OpUnlock
	if *e.Locked {
		e.Op = models.OpLock
	}
	e.Value, e.Locked = "", nil
	return e
}

func (d desk) submitEdit(ctx context.Context, e views.Editor, edit changes.Edit, dry bool) (changes.Outcome, error) {
	return d.Changes.Submit(ctx, changes.Draft{
		TenantID: e.Tenant.ID, Environment: e.Place.Environment, Reason: e.Form.Reason, Items: []changes.Edit{edit},
		DryRun: dry, Origin: models.OriginEdit, Pointer: changes.Single,
	})
}

// edited leads on after a form that was taken; one that was refused comes back with what was typed.
func (d desk) edited(c echo.Context, e views.Editor, done changes.Outcome, err error) error {
	if fields, ok := said(err); ok {
		e.Errors = fields
		return d.showEditor(c, err, e)
	}
	if err != nil {
		return err
	}
	d.SignIn.Flash(c, e.Done(done.Change, done.Config))
	if !done.Live() {
		return c.Redirect(http.StatusSeeOther, views.ChangeURL(done.Change.ID))
	}
	return c.Redirect(http.StatusSeeOther, e.Back())
}

// showCheck tells what would become of the form. A field that nobody has filled yet is no mistake.
func (d desk) showCheck(c echo.Context, e views.Editor, err error) error {
	fields, ok := said(err)
	switch {
	case ok && !e.Untouched():
		e.Errors = fields
	case err != nil && !ok:
		return err
	default:
		e.Checked = err == nil
	}
	return d.showEditor(c, nil, e)
}

func (d desk) showEditor(c echo.Context, refused error, e views.Editor) error {
	return d.answer(c, refused, views.Page{Title: e.Title() + " · " + e.Tenant.Name, Main: views.EditorMain(e.Forget())})
}

// back is where a form leads to afterwards, empty for the page that it would lead to anyway.
func back(text string) string {
	if local := auth.Local(text); local != "/" {
		return local
	}
	return ""
}

// readEdit reads the form of the editor.
func readEdit(c echo.Context) (in views.EditorForm, err error) {
	f, err := read(c)
	if err != nil {
		return in, err
	}
	in = views.EditorForm{
		Key: f.text("key"), Environment: f.text("environment"), Type: models.ValueType(f.text("type")),
		Description: f.area("description"), Reason: f.area("reason"), Return: back(f.text("return")),
		Input: views.ValueInput{Text: f.area("value"), AsJSON: f.text("as") == "json"},
		Locks: f.text("locks") != "", Locked: f.text("locked") != "",
	}
	if base := f.text("base"); base != "" {
		n, err := strconv.ParseInt(base, 10, 64)
		if err != nil {
			return in, models.Malformed("the form is malformed")
		}
		in.Base = &n
	}
	return in, nil
}
