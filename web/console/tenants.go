package console

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerTenants(r *web.Console, d desk) {
	r.Page("/tenants", d.tenants)
	r.Act("tenant.create", "/tenants", d.createTenant)
}

// tenants is the list, narrowed as the filters say.
func (d desk) tenants(c echo.Context) error {
	return d.showTenants(c, nil, views.TenantForm{Open: c.QueryParam("new") != ""})
}

// createTenant makes one and leads to it; a refused form comes back with what was typed.
func (d desk) createTenant(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := views.TenantForm{ID: f.text("tenantId"), Name: f.text("name"), Tier: f.text("tier"), Open: true}
	t, err := d.Tenants.Create(c.Request().Context(), tenants.In{TenantID: in.ID, Name: in.Name, Tier: in.Tier})
	if fields, ok := said(err); ok {
		in.Errors = fields
		return d.showTenants(c, err, in)
	}
	if err != nil {
		return err
	}
	d.SignIn.Flash(c, "Made the tenant "+t.Name+".")
	return c.Redirect(http.StatusSeeOther, views.TenantURL(t.ID))
}

func (d desk) showTenants(c echo.Context, refused error, in views.TenantForm) error {
	q := views.TenantQuery{
		Search: c.QueryParam("search"), Tier: c.QueryParam("tier"), Status: models.TenantStatus(c.QueryParam("status")),
		Sort: c.QueryParam("sort"), Cursor: c.QueryParam("cursor"),
	}
	t, err := d.tenantList(c.Request().Context(), q)
	if err != nil {
		return err
	}
	t.Form = in
	return d.answer(c, refused, views.Page{Title: "Tenants", Main: views.TenantsMain(t)})
}

// tenantList loads what the page shows.
func (d desk) tenantList(ctx context.Context, q views.TenantQuery) (t views.Tenants, err error) {
	page, err := models.NewPage(models.DefaultLimit, q.Cursor)
	if err != nil {
		return t, err
	}
	list, err := d.Tenants.List(ctx, tenants.Filter{
		Search: q.Search, Tier: q.Tier, Status: q.Status, Sort: tenants.Sort(q.Sort), Page: page,
	})
	if err != nil {
		return t, err
	}
	actor, _ := models.ActorFrom(ctx)
	t = views.Tenants{
		Query: q, Items: list.Items, Next: list.Next,
		MayCreate: actor.Can(models.PermManageTenants, models.Platform, ""),
		Layers:    actor.Can(models.PermViewConfigs, models.Platform, ""),
	}
	t.Tiers, err = d.Tenants.Tiers(ctx)
	return t, err
}
