package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerTenantLife(r *web.Console, d desk) {
	r.Page("/tenants/:tenantId/life", d.tenantLife)
	r.Act("tenant.suspend", "/tenants/:tenantId/suspend", d.suspendTenant)
	r.Act("tenant.update", "/tenants/:tenantId/tier", d.moveTenant)
	r.Act("tenant.activate", "/tenants/:tenantId/activate", d.activateTenant)
	r.Act("tenant.delete", "/tenants/:tenantId/delete", d.deleteTenant)
}

// tenantLife is where a tenant is suspended, moved, made active again or deleted.
func (d desk) tenantLife(c echo.Context) error { return d.showLife(c, nil, views.LifeForm{}) }

// suspendTenant sends a suspension on its way.
func (d desk) suspendTenant(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := views.LifeForm{Of: models.OpSuspend, Reason: f.text("reason")}
	out, err := d.Changes.Suspend(c.Request().Context(), c.Param("tenantId"), in.Reason)
	return d.lived(c, out, err, in, "Suspended. Its applications get no values any more.")
}

// moveTenant sends a change of tier on its way.
func (d desk) moveTenant(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := views.LifeForm{Of: models.OpRetier, Reason: f.text("reason"), Tier: f.text("tier")}
	out, err := d.Changes.Retier(c.Request().Context(), c.Param("tenantId"), in.Tier, in.Reason)
	return d.lived(c, out, err, in, "Moved to the other tier. It is live.")
}

// lived leads on after a change of a tenant was made; a refused form comes back.
func (d desk) lived(c echo.Context, out changes.Outcome, err error, in views.LifeForm, did string) error {
	if fields, ok := said(err); ok {
		in.Errors = fields
		return d.showLife(c, err, in)
	}
	if err != nil {
		return err
	}
	if !out.Live() {
		d.SignIn.Flash(c, views.SentOn(out.Change))
		return c.Redirect(http.StatusSeeOther, views.ChangeURL(out.Change.ID))
	}
	d.SignIn.Flash(c, did)
	return c.Redirect(http.StatusSeeOther, views.LifeURL(c.Param("tenantId")))
}

// activateTenant ends a suspension, or undoes a deletion.
func (d desk) activateTenant(c echo.Context) error {
	t, err := d.Tenants.Activate(c.Request().Context(), c.Param("tenantId"))
	if fields, ok := said(err); ok {
		return d.showLife(c, err, views.LifeForm{Errors: fields})
	}
	if err != nil {
		return err
	}
	d.SignIn.Flash(c, views.TenantSaid(t, "% is active again."))
	return c.Redirect(http.StatusSeeOther, views.TenantURL(t.ID))
}

// deleteTenant ends a suspended tenant.
func (d desk) deleteTenant(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := views.LifeForm{Of: models.OpDelete, Confirm: f.text("confirm")}
	id := c.Param("tenantId")
	err = d.Tenants.Delete(c.Request().Context(), id, in.Confirm, f.text("match"))
	if fields, ok := said(err); ok {
		in.Errors = fields
		return d.showLife(c, err, in)
	}
	if err != nil {
		return err
	}
	d.SignIn.Flash(c, "Deleted "+id+". That can be undone for 30 days.")
	return c.Redirect(http.StatusSeeOther, "/tenants?status=deleted")
}

func (d desk) showLife(c echo.Context, refused error, in views.LifeForm) error {
	l, err := d.life(c.Request().Context(), c.Param("tenantId"))
	if err != nil {
		return err
	}
	l.Form = in
	return d.answer(c, refused, views.Page{Title: "Manage · " + l.Tenant.Name, Main: views.TenantLifeMain(l)})
}

// life loads what the page shows, for who manages tenants. A layer has no life of its own.
func (d desk) life(ctx context.Context, id string) (l views.TenantLife, err error) {
	l.Now = d.Now()
	holds, err := d.Tenants.DeletionPreview(ctx, id)
	if hidden(err) {
		l.Tenant, err = d.deletedTenant(ctx, id, err)
		return l, err
	}
	if err != nil {
		return l, err
	}
	if models.IsLayer(id) {
		return l, models.NotFound("tenant")
	}
	l.Holds = views.TenantHolds{
		Values: int(holds.Values), Keys: int(holds.Keys), Bindings: int(holds.Bindings), OpenChanges: int(holds.OpenChanges),
	}
	if l.Tenant, err = d.Tenants.Get(ctx, id); err != nil {
		return l, err
	}
	environments, err := d.environmentNames(ctx)
	if err != nil {
		return l, err
	}
	policies, err := d.Tenants.Policies(ctx, tenants.PolicyFilter{})
	if err != nil {
		return l, err
	}
	l.Stages = views.StagesAnywhere(policies, l.Tenant, environments)
	l.Tiers, err = d.otherTiers(ctx, l.Tenant, environments)
	return l, err
}

// deletedTenant is one whose deletion can be undone, or the error of the page that looked for another.
func (d desk) deletedTenant(ctx context.Context, id string, missing error) (models.Tenant, error) {
	list, err := d.Tenants.List(ctx, tenants.Filter{
		Search: id, Status: models.TenantDeleted, Page: models.Page{Limit: models.MaxLimit},
	})
	if err != nil {
		return models.Tenant{}, missing
	}
	at := slices.IndexFunc(list.Items, func(t models.Tenant) bool { return t.ID == id })
	if at < 0 {
		return models.Tenant{}, missing
	}
	return list.Items[at], nil
}

// otherTiers are those that the tenant can move to, with how much of what it inherits they change.
func (d desk) otherTiers(ctx context.Context, t models.Tenant, environments []string) ([]views.TierChoice, error) {
	tiers, err := d.Tenants.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	own, last := models.TierLayer(t.Tier), environments[len(environments)-1]
	var out []views.TierChoice
	for _, tier := range tiers {
		if tier.ID == own {
			continue
		}
		choice := views.TierChoice{Layer: tier, Compare: views.CompareTenantsURL(own, tier.ID, last)}
		if choice.Differ, err = d.differing(ctx, own, tier.ID, environments); err != nil {
			return nil, err
		}
		if choice.Differ == 0 {
			choice.Compare = ""
		}
		out = append(out, choice)
	}
	return out, nil
}

// differing counts the keys that two layers give different values, in any environment.
func (d desk) differing(ctx context.Context, from, to string, environments []string) (int, error) {
	keys := map[string]bool{}
	for _, e := range environments {
		found, err := d.Snapshots.Compare(ctx, snapshots.CompareIn{TenantID: from, ToTenantID: to, From: e, To: e})
		if err != nil {
			return 0, err
		}
		for _, f := range found {
			keys[f.Key] = true
		}
	}
	return len(keys), nil
}
