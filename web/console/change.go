package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
)

// change is one change with all that its approvers need.
func (d desk) change(c echo.Context) error {
	view, err := d.loadChange(c)
	if err != nil {
		return err
	}
	return d.pages.Render(c, http.StatusOK, changePage(view))
}

func changePage(view views.Change) views.Page {
	return views.Page{Title: view.Title, Main: views.ChangeMain(view)}
}

// loadChange is the change that a path names, as it is now for who looks.
func (d desk) loadChange(c echo.Context) (views.Change, error) {
	ctx := c.Request().Context()
	found, err := d.Changes.Get(ctx, c.Param("changeId"))
	if err != nil {
		return views.Change{}, err
	}
	may, err := d.Changes.May(ctx, found)
	if err != nil {
		return views.Change{}, err
	}
	view := views.Change{
		Change: found, Rights: views.ChangeRights{Decide: may.Decide, Edit: may.Edit, Cancel: may.Cancel, Submit: may.Submit},
	}
	page, _ := strconv.Atoi(c.QueryParam("page")) // what is no number is the first page, or beyond the last one
	view = view.Turn(page, c.QueryParam("digest"))
	return view, d.around(ctx, &view)
}

// around loads what stands around a change: what it replaces, what is live, and its deployments.
func (d desk) around(ctx context.Context, view *views.Change) (err error) {
	if view.Before, err = d.Changes.Before(ctx, view.Change); err != nil {
		return err
	}
	if view.Standing, err = d.standing(ctx, view.Change); err != nil {
		return err
	}
	list, err := d.Deployments.List(ctx, deployments.Filter{
		TenantID: view.TenantID, ChangeID: view.ID, Page: models.Page{Limit: models.DefaultLimit},
	})
	view.Deployments = list.Items
	return err
}

// standing is how a change stands against what is live, while it waits.
func (d desk) standing(ctx context.Context, c models.Change) (*views.ChangeStanding, error) {
	if !c.Status.Open() {
		return nil, nil //nolint:nilnil // it waits no more, so there is nothing to stand against
	}
	now, err := d.Changes.Standing(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	out := &views.ChangeStanding{Moved: map[string]views.MovedKey{}, Problem: now.Problem}
	for key, m := range now.Moved {
		out.Moved[key] = views.MovedKey{Version: m.Version, Value: m.Value}
	}
	return out, nil
}

func (d desk) approve(c echo.Context) error { return d.decide(c, models.Approve) }

func (d desk) reject(c echo.Context) error { return d.decide(c, models.Reject) }

// decide records a verdict on the change as it was looked at. If it is another by now, it is shown as it is.
func (d desk) decide(c echo.Context, v models.Verdict) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := changes.Decide{ChangeID: c.Param("changeId"), Verdict: v, Digest: f.text("digest"), Comment: f.area("comment")}
	if v == models.Reject && f.text("comment") == "" {
		err = models.Invalid("/comment", "say why, so that the author knows what to do")
	}
	var decided models.Change
	if err == nil {
		decided, err = d.Changes.Decide(c.Request().Context(), in)
	}
	if err != nil {
		return d.undone(c, err, views.DecideForm{Digest: in.Digest, Comment: in.Comment})
	}
	d.SignIn.Flash(c, views.Decided(decided, v))
	return c.Redirect(http.StatusSeeOther, decidedAt(f, decided))
}

// decidedAt is where a decision leads: to the list it was made from, else to the change.
func decidedAt(f form, c models.Change) string {
	if to := f.text("return"); to != "" {
		return auth.Local(to)
	}
	return views.ChangeURL(c.ID)
}

// undone shows the change as it is now, beside why nothing was done to it. Other errors stay what they are.
func (d desk) undone(c echo.Context, err error, in views.DecideForm) error {
	e, ok := errors.AsType[*models.Error](err)
	if !ok || !slices.Contains([]models.Code{models.CodeConflict, models.CodeInvalid, models.CodePreconditionFailed}, e.Code) {
		return err
	}
	view, failed := d.loadChange(c)
	if failed != nil {
		return failed
	}
	view.Form = in
	view.Notice = view.Undone(e)
	if words, _ := said(err); words["/comment"] != "" {
		view.Form.Error, view.Notice = words["/comment"], ""
	}
	return &web.PageError{Err: err, Page: changePage(view)}
}

func (d desk) cancelChange(c echo.Context) error {
	return d.act(c, d.Changes.Cancel, func(models.Change) string { return "Cancelled. What is live stays live." })
}

func (d desk) submitChange(c echo.Context) error {
	return d.act(c, d.Changes.SubmitDraft, func(now models.Change) string { return "Submitted. " + views.Sent(now) })
}

func (d desk) rebaseChange(c echo.Context) error {
	return d.act(c, d.Changes.Rebase, func(now models.Change) string { return "Written anew. " + views.Sent(now) })
}

// act does something to the change that a path names, if it is still as it was looked at, and leads back to it.
func (d desk) act(c echo.Context, do func(ctx context.Context, id, ifMatch string) (models.Change, error), done func(models.Change) string) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	changed, err := do(c.Request().Context(), c.Param("changeId"), f.text("tag"))
	if err != nil {
		return d.undone(c, err, views.DecideForm{})
	}
	d.SignIn.Flash(c, done(changed))
	return c.Redirect(http.StatusSeeOther, views.ChangeURL(changed.ID))
}
