package console

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerTenant(r *web.Console, d desk) {
	r.Page("/tenants/:tenantId", d.tenant)
}

// tenant is the page of a tenant or layer: its keys in all environments.
func (d desk) tenant(c echo.Context) error {
	q := views.MatrixQuery{
		TenantID: c.Param("tenantId"), Search: c.QueryParam("search"), Cursor: c.QueryParam("cursor"),
		OnlyDifferent: c.QueryParam("different") != "",
	}
	m, refused, err := d.matrixAt(c.Request().Context(), q, c.QueryParam("at"))
	if err != nil {
		return err
	}
	return d.answer(c, refused, views.Page{Title: m.Tenant.Name, Main: views.MatrixMain(m)})
}

// matrixAt loads the matrix at an instant. One that cannot be shown is refused, with the matrix of now.
func (d desk) matrixAt(ctx context.Context, q views.MatrixQuery, at string) (m views.Matrix, refused, err error) {
	if q.When, refused = momentOf(at, "/at"); refused == nil {
		if err := d.pace(ctx, q.When); err != nil {
			return m, nil, err
		}
		m, err = d.matrix(ctx, q)
		if err == nil || !q.When.Past() {
			return m, nil, err
		}
		if refused = momentFault(err, "/at"); refused == nil {
			return m, nil, err
		}
	}
	q.When, q.Cursor = views.Moment{}, "" // a cursor is of the instant
	if m, err = d.matrix(ctx, q); err != nil {
		return m, nil, err
	}
	fields, _ := said(refused)
	m.Problem = views.Capital(fields["/at"]) + ". You look at now."
	return m, refused, nil
}

// matrix loads what the page shows.
func (d desk) matrix(ctx context.Context, q views.MatrixQuery) (out views.Matrix, err error) {
	page, err := models.NewPage(models.DefaultLimit, q.Cursor)
	if err != nil {
		return out, err
	}
	m, err := d.Snapshots.Matrix(ctx, snapshots.MatrixFilter{
		TenantID: q.TenantID, Search: q.Search, OnlyDifferent: q.OnlyDifferent, At: q.When.At, Page: page,
	})
	if err != nil {
		return out, err
	}
	if m.Tenant, err = d.Tenants.Get(ctx, q.TenantID); err != nil { // with its metadata
		return out, err
	}
	policies, err := d.Tenants.Policies(ctx, tenants.PolicyFilter{})
	if err != nil {
		return out, err
	}
	actor, _ := models.ActorFrom(ctx)
	out = matrixOf(m, policies, actor)
	out.Query, out.Now = q, d.Now()
	if q.When.Past() {
		out.Freeze()
	}
	if out.Heirs, err = d.heirs(ctx, m.Tenant, actor); err != nil {
		return out, err
	}
	out.Waiting, err = d.Changes.CountOpen(ctx, m.Tenant.ID)
	return out, err
}

// heirs is how many tenants inherit from a layer; -1 for a tenant, and for who does not see all of them.
func (d desk) heirs(ctx context.Context, layer models.Tenant, actor models.Actor) (int, error) {
	if !models.IsLayer(layer.ID) || !actor.Everywhere(models.PermViewTenants, models.Platform) {
		return -1, nil
	}
	return d.Tenants.Heirs(ctx, layer)
}

// matrixOf shapes what the service found like the screen.
func matrixOf(m snapshots.Matrix, policies []models.Policy, actor models.Actor) views.Matrix {
	out := views.Matrix{
		Tenant: m.Tenant, Next: m.Rows.Next, Keys: m.Keys, Found: m.Found, Different: m.Different,
		SeesAudit: actor.Can(models.PermViewAudit, m.Tenant.ID, ""),
		Manages:   actor.Everywhere(models.PermManageTenants, models.Platform) && !models.IsLayer(m.Tenant.ID),
		SeesTier:  m.Tenant.Tier != "" && actor.Can(models.PermViewConfigs, models.TierLayer(m.Tenant.Tier), ""),
	}
	for _, e := range m.Environments {
		out.Columns = append(out.Columns, views.MatrixColumn{
			Environment: e, Stages: views.StagesIn(policies, m.Tenant, e),
			MayEdit: actor.Can(models.PermEditConfigs, m.Tenant.ID, e) && m.Tenant.Status != models.TenantDeleted,
		})
	}
	for _, r := range m.Rows.Items {
		row := views.MatrixRow{Key: r.Key, Type: r.Type, Sensitive: r.Sensitive, Description: r.Description}
		for _, c := range r.Cells {
			row.Cells = append(row.Cells, views.MatrixCell{
				Set: c.Set, Masked: c.Masked, Own: c.Own, Drift: c.Drift, Value: c.Value, Layer: c.Layer,
				Version: c.Version, UpdatedAt: c.UpdatedAt, LockedBy: c.LockedBy, Merged: c.Merged,
			})
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
