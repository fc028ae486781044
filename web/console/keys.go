package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerKeys(r *web.Console, d desk) {
	r.Page("/tenants/:tenantId/keys/:key", d.key)
	r.Act("change.create", "/tenants/:tenantId/keys/:key/promote", d.promoteKey)
	r.Act("config.rollback", "/tenants/:tenantId/keys/:key/put-back", d.putBack)
	r.Act("config.reveal", "/tenants/:tenantId/keys/:key/reveal", d.reveal)
}

// keyForms are the forms of the page that come back with what was typed, or asked for.
type keyForms struct {
	from    string // the environment whose value was to be promoted
	promote views.PromotionForm
	back    views.PutBackForm

	revealed *models.Config // a value in clear, for who asked to see it
}

// key is all there is to know of one key of a tenant or layer.
func (d desk) key(c echo.Context) error {
	q, err := keyQuery(c)
	if err != nil {
		return err
	}
	return d.showKey(c, nil, q, keyForms{})
}

// promoteKey sends the value of one environment to the next.
func (d desk) promoteKey(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	key, err := lookedAt(c.Param("key"), f.text("seen"))
	if err != nil {
		return err
	}
	in := changes.PromoteKeys{
		TenantID: c.Param("tenantId"), From: f.text("from"), To: f.text("to"), Keys: []changes.PromoteKey{key}, Reason: f.text("reason"),
	}
	out, err := d.Changes.PromoteKeys(c.Request().Context(), in)
	if fields, ok := said(err); ok {
		return d.showKey(c, err, views.KeyQuery{Environment: in.From}, keyForms{
			from: in.From, promote: views.PromotionForm{Reason: in.Reason, Problems: views.Problems(fields), Open: true},
		})
	}
	if err != nil {
		return err
	}
	return d.sent(c, out, "Promoted "+key.Key+" to "+in.To+".", views.KeyURL(in.TenantID, key.Key))
}

// sent leads on after a change was made: to the change if it waits, else back to where its effect shows.
func (d desk) sent(c echo.Context, out changes.Outcome, did, back string) error {
	if out.Live() {
		d.SignIn.Flash(c, did+" It is live.")
		return c.Redirect(http.StatusSeeOther, back)
	}
	d.SignIn.Flash(c, views.SentOn(out.Change))
	return c.Redirect(http.StatusSeeOther, views.ChangeURL(out.Change.ID))
}

func (d desk) showKey(c echo.Context, refused error, q views.KeyQuery, forms keyForms) error {
	ctx := c.Request().Context()
	view, err := d.Configs.KeyView(ctx, c.Param("tenantId"), c.Param("key"))
	if err != nil {
		return err
	}
	policies, err := d.Tenants.Policies(ctx, tenants.PolicyFilter{})
	if err != nil {
		return err
	}
	actor, _ := models.ActorFrom(ctx)
	page := keyOf(view, actor)
	page.Reveal(forms.revealed)
	if page.History, err = d.keyHistory(ctx, view, page.Places, q, forms.back); err != nil {
		return err
	}
	page.Ask(policies, forms.from, forms.promote)
	return d.answer(c, refused, views.Page{Title: view.Key, Main: views.KeyMain(page)})
}

// keyOf shapes what the service found like the screen.
func keyOf(v configs.KeyView, actor models.Actor) views.Key {
	k := views.Key{
		Tenant: v.Tenant, Name: v.Key, Type: v.Type, Sensitive: v.Sensitive, Definition: v.Definition,
		Below: views.KeyOverrides{Count: v.Overrides.Count},
	}
	for _, o := range v.Overrides.First {
		k.Below.First = append(k.Below.First, views.KeyOverride(o))
	}
	for _, p := range v.Places {
		k.Places = append(k.Places, keyPlaceOf(p, v.Tenant, actor))
	}
	k.Arrange()
	return k
}

func keyPlaceOf(p configs.KeyPlace, t models.Tenant, actor models.Actor) views.KeyPlace {
	out := views.KeyPlace{
		Environment: p.Environment, Set: p.Set, Own: p.Own, Value: p.Value, AsSet: p.AsSet, Masked: p.Masked, Layer: p.Layer,
		LockedBy: p.LockedBy, Version: p.Version, Author: p.Author, LiveFrom: p.LiveFrom,
		LayerKey:  p.Set && actor.Can(models.PermViewConfigs, p.Layer, ""),
		MayReveal: p.Own && p.Masked && actor.Can(models.PermReveal, t.ID, p.Environment),
		MayEdit: actor.Can(models.PermEditConfigs, t.ID, p.Environment) && t.Status != models.TenantDeleted &&
			(p.LockedBy == "" || p.Own),
	}
	if p.Set && actor.Can(models.PermViewChanges, p.Layer, p.Environment) {
		out.ChangeID, out.ChangeTitle = p.ChangeID, p.ChangeTitle
		for _, a := range p.Approvals {
			out.Approvals = append(out.Approvals, views.KeyApproval{Who: a.Actor, Stage: a.Stage, At: a.At})
		}
	}
	for _, h := range p.Hides {
		out.Hides = append(out.Hides, views.HiddenValue{Layer: h.Layer, Version: h.Version, Value: h.Value, Masked: h.Masked, Fate: fates[h.Why]})
	}
	return out
}

// fates are what became of values, as the page knows it.
var fates = map[configs.Why]views.Fate{
	configs.WhyCovered: views.Covered, configs.WhyMerged: views.MergedIn, configs.WhyLocked: views.UnderALock,
}

// reveal shows the page with one secret in clear, once: to who may see it, and never at an address of its own.
func (d desk) reveal(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	q := views.KeyQuery{Environment: f.text("environment")}
	configID, err := d.ownConfig(c.Request().Context(), c.Param("tenantId"), c.Param("key"), q.Environment)
	if err != nil {
		return err
	}
	revealed, err := d.Configs.Reveal(c.Request().Context(), configID)
	if err != nil {
		return err
	}
	return d.showKey(c, nil, q, keyForms{revealed: &revealed})
}
