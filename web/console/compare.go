package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
	r.Page("/tenants/:tenantId/compare/with", d.compareWith)
	r.Act("change.create", "/tenants/:tenantId/compare", d.promoteKeys)
}

// compareForm is a promotion that comes back with what was ticked and typed.
type compareForm struct {
	keys   []string
	reason string
	said   map[string]string // what was wrong, by pointer
}

// compare lays two environments, tenants or times side by side.
func (d desk) compare(c echo.Context) error {
	return d.showComparison(c, nil, compareQuery(c), compareForm{})
}

// compareQuery is what the address asks for. Times that are none are found out later.
func compareQuery(c echo.Context) views.CompareQuery {
	q := views.CompareQuery{
		From: c.QueryParam("from"), To: c.QueryParam("to"), With: strings.TrimSpace(c.QueryParam("with")),
		Equal: c.QueryParam("equal") != "", All: c.QueryParam("all") != "",
	}
	if q.With == c.Param("tenantId") {
		q.With = ""
	}
	q.FromWhen, _ = momentOf(c.QueryParam("fromAt"), "/fromAt")
	q.ToWhen, _ = momentOf(c.QueryParam("toAt"), "/toAt")
	return q
}

// compareWith finds a tenant for the other side.
func (d desk) compareWith(c echo.Context) error {
	ctx, search := c.Request().Context(), c.QueryParam("with")
	t, err := d.compared(ctx, c.Param("tenantId"))
	if err != nil {
		return err
	}
	page := views.Comparison{Tenant: t}
	if page.Others, err = d.others(ctx, t.ID, search); err != nil {
		return err
	}
	return d.answer(c, nil, views.Page{Title: "Compare · " + t.Name, Main: views.CompareWithMain(page, search)})
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
	ctx := c.Request().Context()
	page, err := d.comparison(ctx, c.Param("tenantId"), q)
	if err != nil {
		return err
	}
	page.Reason = form.reason
	differences, err := d.differences(ctx, page)
	if fault := compareFault(page, err); fault != nil {
		page.Faults, _ = said(fault)
		refused = fault
	} else if err != nil {
		return err
	}
	actor, _ := models.ActorFrom(ctx)
	page.Arrange(compareRows(differences, actor), form.keys)
	page.Complain(form.keys, form.said)
	return d.answer(c, refused, views.Page{Title: "Compare · " + page.Tenant.Name, Main: views.CompareMain(page)})
}

// compared is a tenant or layer of a comparison, for who may view its configs.
func (d desk) compared(ctx context.Context, tenantID string) (models.Tenant, error) {
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermViewConfigs, "tenant", tenantID, ""); err != nil {
		return models.Tenant{}, err
	}
	return d.Tenants.Get(ctx, tenantID)
}

// comparison loads what can be compared, and what may be promoted from one side to the other.
func (d desk) comparison(ctx context.Context, tenantID string, q views.CompareQuery) (out views.Comparison, err error) {
	out.Query, out.Now = q, d.Now()
	if out.Tenant, err = d.compared(ctx, tenantID); err != nil {
		return out, err
	}
	if q.With != "" {
		if out.Other, err = d.compared(ctx, q.With); hidden(err) {
			out.Faults = map[string]string{"/with": "there is no such tenant, or none that you may see"}
		} else if err != nil {
			return out, err
		}
	}
	if out.Others, err = d.others(ctx, tenantID, ""); err != nil {
		return out, err
	}
	all, err := d.environmentNames(ctx)
	if err != nil {
		return out, err
	}
	policies, err := d.Tenants.Policies(ctx, tenants.PolicyFilter{})
	if err != nil {
		return out, err
	}
	actor, _ := models.ActorFrom(ctx)
	out.Environments = viewable(actor, tenantID, all)
	out.ToEnvironments = viewable(actor, cmp.Or(out.Other.ID, tenantID), all)
	out.Settle()
	out.Stages = views.StagesIn(policies, out.Tenant, out.Query.To)
	out.Allow(actor.Can(models.PermEditConfigs, tenantID, out.Query.To) && out.Tenant.Status != models.TenantDeleted)
	return out, nil
}

// hidden tells whether something is not there for who looks.
func hidden(err error) bool {
	known, ok := errors.AsType[*models.Error](err)
	return ok && (known.Code == models.CodeNotFound || known.Code == models.CodeForbidden)
}

// viewable are the environments of a tenant that the actor may view.
func viewable(actor models.Actor, tenantID string, environments []string) []string {
	var out []string
	for _, e := range environments {
		if actor.Can(models.PermViewConfigs, tenantID, e) {
			out = append(out, e)
		}
	}
	return out
}

// maxOthers is how many tenants are offered for the other side.
const maxOthers = 50

// others are tenants and layers for the other side: those that the actor may see, and that fit.
func (d desk) others(ctx context.Context, tenantID, search string) ([]models.Tenant, error) {
	actor, _ := models.ActorFrom(ctx)
	if len(actor.Places(models.PermViewTenants)) == 0 {
		return nil, nil
	}
	list, err := d.Tenants.List(ctx, tenants.Filter{Layers: true, Search: search, Page: models.Page{Limit: maxOthers}})
	return slices.DeleteFunc(list.Items, func(t models.Tenant) bool {
		return t.ID == tenantID || !actor.Can(models.PermViewConfigs, t.ID, "")
	}), err
}

// differences are those of both sides, equal keys included. invalid, at the field: what was chosen cannot be compared.
func (d desk) differences(ctx context.Context, page views.Comparison) ([]snapshots.Difference, error) {
	q := page.Query
	if err := models.InvalidFields(choiceFaults(page)); err != nil {
		return nil, err
	}
	if err := d.pace(ctx, q.FromWhen, q.ToWhen); err != nil {
		return nil, err
	}
	return d.Snapshots.Compare(ctx, snapshots.CompareIn{
		TenantID: page.Tenant.ID, From: q.From, FromAt: q.FromWhen.At, ToTenantID: page.Other.ID, To: q.To, ToAt: q.ToWhen.At, Equal: true,
	})
}

// choiceFaults are what is wrong with what was chosen, as far as it shows before the sides are loaded.
func choiceFaults(page views.Comparison) (bad []models.FieldError) {
	for pointer, text := range page.Faults {
		bad = append(bad, models.FieldError{Pointer: pointer, Message: text})
	}
	for pointer, when := range map[string]views.Moment{"/fromAt": page.Query.FromWhen, "/toAt": page.Query.ToWhen} {
		if when.Text != "" {
			bad = append(bad, models.FieldError{Pointer: pointer, Message: noMoment})
		}
	}
	return bad
}

// compareFault is an error that is to be said at a field of the choice; nil for any other.
func compareFault(page views.Comparison, err error) error {
	fields, ok := said(err)
	for _, pointer := range []string{"/with", "/from", "/to", "/fromAt", "/toAt"} {
		if ok && fields[pointer] != "" {
			return err
		}
	}
	if !page.Query.Timed() || !hidden(err) {
		return nil
	}
	q := page.Query
	if q.FromWhen.Past() && (!q.ToWhen.Past() || q.FromWhen.At.Before(page.Tenant.CreatedAt)) {
		return models.Invalid("/fromAt", notThere)
	}
	return models.Invalid("/toAt", notThere)
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
