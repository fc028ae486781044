package console

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerAccess(r *web.Console, d desk) {
	r.Page("/access", d.access)
	r.Page("/access/you", d.you)
	r.Page("/access/people", d.people)
	r.Page("/access/roles", d.roles)
	r.Act(access.ActionBind, "/access/roles", d.bind)
	r.Act(access.ActionUnbind, "/access/roles/:role_bindingId/remove", d.unbind)
	r.Page("/access/keys", d.keys)
	r.Act(access.ActionKeyCreate, "/access/keys", d.createKey)
	r.Act(access.ActionKeyRevoke, "/access/keys/:api_keyId/revoke", d.revokeKey)
	r.Page("/access/sessions", d.sessions)
	r.Act(access.ActionSessionRevoke, "/access/sessions/:sessionId/revoke", d.revokeSession)
}

// seesAccess tells whether somebody may view the access of others anywhere.
func seesAccess(actor models.Actor) bool { return len(actor.Places(models.PermViewAccess)) > 0 }

// givesAccess tells whether somebody may give rights anywhere.
func givesAccess(actor models.Actor) bool { return len(actor.Places(models.PermManageAccess)) > 0 }

// access leads to the list that says most: of everybody, or of oneself.
func (d desk) access(c echo.Context) error {
	actor, _ := models.ActorFrom(c.Request().Context())
	to := views.AccessYou
	if seesAccess(actor) {
		to = views.AccessPeople
	}
	return c.Redirect(http.StatusSeeOther, string(to))
}

func (d desk) you(c echo.Context) error {
	actor, _ := models.ActorFrom(c.Request().Context())
	main := views.YouMain(views.You{Actor: actor, All: seesAccess(actor)})
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "Your access", Main: main})
}

// people is the list of those who may or might do something.
func (d desk) people(c echo.Context) error {
	ctx := c.Request().Context()
	page, err := models.NewPage(models.DefaultLimit, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	view := views.PeopleList{Search: c.QueryParam("search"), Tenant: c.QueryParam("tenant"), Cursor: page.Cursor}
	list, err := d.Access.People(ctx, access.PeopleFilter{TenantID: view.Tenant, Search: view.Search, Page: page})
	if err != nil {
		return err
	}
	for _, m := range list.Items {
		view.Items = append(view.Items, views.AccessPerson{Person: m.Person, Bindings: m.Bindings})
	}
	actor, _ := models.ActorFrom(ctx)
	view.Next, view.MayBind = list.Next, givesAccess(actor)
	view.MayAudit = len(actor.Places(models.PermViewAudit)) > 0
	if view.Tenants, err = d.accessTenants(ctx, models.PermViewAccess); err != nil {
		return err
	}
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "People", Main: views.PeopleMain(view)})
}

// accessTenants are the tenants, and the platform for all of them, where the actor has a right.
func (d desk) accessTenants(ctx context.Context, p models.Permission) (views.TenantChoices, error) {
	actor, _ := models.ActorFrom(ctx)
	return d.tenantChoices(ctx, true, func(id string) bool {
		return (id == models.Platform || !models.IsLayer(id)) && actor.Can(p, id, "")
	})
}

// reach is where rights may hold.
func (d desk) reach(ctx context.Context, p models.Permission) (r views.Reach, err error) {
	if r.Tenants, err = d.accessTenants(ctx, p); err != nil {
		return r, err
	}
	r.Environments, err = d.environmentNames(ctx)
	return r, err
}
