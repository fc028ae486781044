package console

import (
	"context"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerCompare(r *web.Console, d desk) {
	r.Page("/tenants/:tenantId/compare", d.compare)
	r.Act("change.create", "/tenants/:tenantId/compare", d.promoteKeys)
}

// compareForm is a promotion that comes back with what was ticked and typed.
type compareForm struct {
	keys   []string
	reason string
	said   map[string]string // what was wrong, by pointer
}

// compare lays two environments side by side.
func (d desk) compare(c echo.Context) error {
	q := views.CompareQuery{
		From: c.QueryParam("from"), To: c.QueryParam("to"), Equal: c.QueryParam("equal") != "", All: c.QueryParam("all") != "",
	}
	return d.showComparison(c, nil, q, compareForm{})
}

// promoteKeys makes one change of the ticked keys.
func (d desk) promoteKeys(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := changes.PromoteKeys{TenantID: c.Param("tenantId"), From: f.text("from"), To: f.text("to"), Reason: f.text("reason")}
	form := compareForm{reason: in.Reason}
	if in.Keys, form.keys, err = ticked(f.all("keys")); err != nil {
		return err
	}
	q := views.CompareQuery{From: in.From, To: in.To, Equal: f.text("equal") != ""}
	out, err := d.Changes.PromoteKeys(c.Request().Context(), in)
	if fields, ok := said(err); ok {
		form.said = fields
		return d.showComparison(c, err, q, form)
	}
	if err != nil {
		return err
	}
	return d.sent(c, out, views.Promoted(len(in.Keys), in.To), views.CompareURL(in.TenantID, in.From, in.To))
}

// ticked are the keys of boxes such as "app.name@3.0", to promote and by name.
func ticked(boxes []string) (keys []changes.PromoteKey, names []string, err error) {
	for _, box := range boxes {
		name, seen, _ := strings.Cut(box, "@")
		key, err := lookedAt(name, seen)
		if err != nil {
			return nil, nil, err
		}
		keys, names = append(keys, key), append(names, name)
	}
	return keys, names, nil
}

// lookedAt is a key to promote with the two versions that a page showed of it, as in "3.0"; without them nobody looked.
func lookedAt(key, seen string) (changes.PromoteKey, error) {
	out := changes.PromoteKey{Key: key}
	if seen == "" {
		return out, nil
	}
	first, second, _ := strings.Cut(seen, ".")
	from, err := strconv.ParseInt(first, 10, 64)
	to, failed := strconv.ParseInt(second, 10, 64)
	if err != nil || failed != nil {
		return out, models.Malformed("the form is malformed")
	}
	out.From, out.To = &from, &to
	return out, nil
}

func (d desk) showComparison(c echo.Context, refused error, q views.CompareQuery, form compareForm) error {
	page, err := d.comparison(c.Request().Context(), c.Param("tenantId"), q, form)
	if err != nil {
		return err
	}
	return d.answer(c, refused, views.Page{Title: "Compare · " + page.Tenant.Name, Main: views.CompareMain(page)})
}

// comparison loads both sides, and what may be promoted from one to the other.
func (d desk) comparison(ctx context.Context, tenantID string, q views.CompareQuery, form compareForm) (out views.Comparison, err error) {
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermViewConfigs, "tenant", tenantID, ""); err != nil {
		return out, err
	}
	if out.Tenant, err = d.Tenants.Get(ctx, tenantID); err != nil {
		return out, err
	}
	all, err := d.Tenants.Environments(ctx)
	if err != nil {
		return out, err
	}
	for _, e := range all {
		if actor.Can(models.PermViewConfigs, tenantID, e.Name) {
			out.Environments = append(out.Environments, e.Name)
		}
	}
	policies, err := d.Tenants.Policies(ctx, tenants.PolicyFilter{})
	if err != nil {
		return out, err
	}
	out.Query, out.Reason = q, form.reason
	out.Settle()
	out.Stages = views.StagesIn(policies, out.Tenant, out.Query.To)
	out.Allow(actor.Can(models.PermEditConfigs, tenantID, out.Query.To) && out.Tenant.Status != models.TenantDeleted)
	differences, err := d.Snapshots.Compare(ctx, snapshots.CompareIn{
		TenantID: tenantID, From: out.Query.From, To: out.Query.To, Equal: true,
	})
	if err != nil {
		return out, err
	}
	out.Arrange(compareRows(differences, actor), form.keys)
	out.Complain(form.keys, form.said)
	return out, nil
}

// compareRows shapes what the service found like the table.
func compareRows(differences []snapshots.Difference, actor models.Actor) []views.CompareRow {
	rows := make([]views.CompareRow, len(differences))
	for i, d := range differences {
		rows[i] = views.CompareRow{
			Key: d.Key, Type: d.Type, Sensitive: d.Sensitive, Status: views.CompareStatus(d.Status),
			From: views.CompareSide{
				Value: d.From, Masked: d.Masked, Layer: d.FromLayer, Own: d.ConfigID != "", Version: d.FromVersion,
				LayerSeen: actor.Can(models.PermViewConfigs, d.FromLayer, ""),
			},
			To: views.CompareSide{Value: d.To, Masked: d.Masked, Layer: d.ToLayer, Own: d.ToConfigID != "", Version: d.ToVersion},
		}
	}
	return rows
}
