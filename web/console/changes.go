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

func registerChanges(r *web.Console, d desk) {
	r.Page("/changes", d.changes)
	r.Page("/changes/:changeId", d.change)
	r.Page("/changes/:changeId/edit", d.editChange)
	r.Act("change.edit", "/changes/:changeId/edit", d.saveChange)
	r.Act("change.approve", "/changes/:changeId/approve", d.approve)
	r.Act("change.reject", "/changes/:changeId/reject", d.reject)
	r.Act("change.cancel", "/changes/:changeId/cancel", d.cancelChange)
	r.Act("change.submit", "/changes/:changeId/submit", d.submitChange)
	r.Act("change.rebase", "/changes/:changeId/rebase", d.rebaseChange)
}

// changes is the list, narrowed as the filters say. What is wrong with them is said in its place.
func (d desk) changes(c echo.Context) error {
	ctx := c.Request().Context()
	q := views.ChangeQuery{
		Status: c.QueryParam("status"), Tenant: c.QueryParam("tenant"), Environment: c.QueryParam("environment"),
		Mine: c.QueryParam("mine") != "", Cursor: c.QueryParam("cursor"),
	}
	view, status := views.Changes{Query: q}, http.StatusOK
	list, err := d.listChanges(ctx, q)
	if fault, ok := unfit(err); ok {
		view.Fault, status, err = fault.Message, web.Status(fault.Code), nil
	}
	if err != nil {
		return err
	}
	view.Items, view.Next = list.Items, list.Next
	if err := d.changeFilters(ctx, &view); err != nil {
		return err
	}
	return d.pages.Render(c, status, views.Page{Title: "Changes", Main: views.ChangesMain(view)})
}

// unfit is an error about a filter: a status or cursor that is none, or a tenant that is not there for the actor.
func unfit(err error) (*models.Error, bool) {
	e, ok := errors.AsType[*models.Error](err)
	if !ok || e.Code != models.CodeInvalid && e.Code != models.CodeNotFound {
		return nil, false
	}
	return e, true
}

func (d desk) listChanges(ctx context.Context, q views.ChangeQuery) (models.Paged[models.Change], error) {
	page, err := models.NewPage(models.DefaultLimit, q.Cursor)
	if err != nil {
		return models.Paged[models.Change]{}, err
	}
	f := changes.Filter{
		TenantID: q.Tenant, Environment: q.Environment, Status: models.ChangeStatus(q.Status), Page: page,
	}
	if q.Status == views.StatusOpen {
		f.Status, f.Open = "", true
	}
	if q.Mine {
		actor, _ := models.ActorFrom(ctx)
		f.Author = actor.ID
	}
	return d.Changes.List(ctx, f)
}

// changeFilters adds what the filters offer.
func (d desk) changeFilters(ctx context.Context, view *views.Changes) (err error) {
	actor, _ := models.ActorFrom(ctx)
	view.Tenants, err = d.tenantChoices(ctx, actor.Sees(models.Platform), func(tenantID string) bool {
		return actor.Can(models.PermViewChanges, tenantID, "")
	})
	if err != nil {
		return err
	}
	view.Environments, err = d.environmentNames(ctx)
	return err
}
