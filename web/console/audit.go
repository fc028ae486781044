package console

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerAudit(r *web.Console, d desk) {
	r.Page("/audit", d.audit)
	r.Page("/audit/:entryId", d.auditEntry)
}

// audit is the log, narrowed as the filters say. What is wrong with them is said in its place.
func (d desk) audit(c echo.Context) error {
	ctx := c.Request().Context()
	q := views.AuditQuery{
		Tenant: c.QueryParam("tenant"), Actor: c.QueryParam("actor"), Action: c.QueryParam("action"),
		Resource: c.QueryParam("resource"), From: c.QueryParam("from"), To: c.QueryParam("to"), Cursor: c.QueryParam("cursor"),
	}
	view, status := views.Audit{Query: q}, http.StatusOK
	list, err := d.entries(ctx, q)
	if faults, ok := said(err); ok {
		view.Fault, status, err = sentence(faults), http.StatusUnprocessableEntity, nil
	}
	if err != nil {
		return err
	}
	if err := d.fillAudit(ctx, &view, list); err != nil {
		return err
	}
	return d.pages.Render(c, status, views.Page{Title: "Audit", Main: views.AuditMain(view)})
}

// auditEntry is one entry with all that is known of it.
func (d desk) auditEntry(c echo.Context) error {
	ctx := c.Request().Context()
	entry, err := d.Audit.Get(ctx, c.Param("entryId"))
	if err != nil {
		return err
	}
	people, err := d.Access.Directory(ctx)
	if err != nil {
		return err
	}
	shown := views.NewAuditEntry(entry, people.Name)
	return d.pages.Render(c, http.StatusOK, views.Page{Title: shown.Title(), Main: views.EntryMain(shown)})
}

// entries is a page of the log; invalid for filters that say nothing.
func (d desk) entries(ctx context.Context, q views.AuditQuery) (models.Paged[models.Entry], error) {
	none := models.Paged[models.Entry]{}
	from, to, err := q.Period()
	if err != nil {
		return none, err
	}
	page, err := models.NewPage(models.DefaultLimit, q.Cursor)
	if err != nil {
		return none, err
	}
	return d.Audit.List(ctx, audit.Filter{
		TenantID: q.Tenant, Actor: q.Actor, Action: q.Action, Resource: q.Resource, From: from, To: to, Page: page,
	})
}

// fillAudit adds the entries in words, and what the filters offer.
func (d desk) fillAudit(ctx context.Context, view *views.Audit, list models.Paged[models.Entry]) error {
	people, err := d.Access.Directory(ctx)
	if err != nil {
		return err
	}
	for _, e := range list.Items {
		view.Entries = append(view.Entries, views.NewAuditEntry(e, people.Name))
	}
	view.Next = list.Next
	known, err := d.knownPeople(ctx)
	if err != nil {
		return err
	}
	view.Actors = views.AuditActors(known, list.Items)
	actor, _ := models.ActorFrom(ctx)
	view.Tenants, err = d.tenantChoices(ctx, true, func(id string) bool { return actor.Everywhere(models.PermViewAudit, id) })
	return err
}

// knownPeople are the first people of the list, as far as the actor may see it.
func (d desk) knownPeople(ctx context.Context) ([]models.ActorRef, error) {
	actor, _ := models.ActorFrom(ctx)
	if len(actor.Places(models.PermViewAccess)) == 0 {
		return nil, nil
	}
	list, err := d.Access.People(ctx, access.PeopleFilter{Page: models.Page{Limit: models.MaxLimit}})
	if err != nil {
		return nil, err
	}
	var refs []models.ActorRef
	for _, m := range list.Items {
		refs = append(refs, m.Ref())
	}
	return refs, nil
}
