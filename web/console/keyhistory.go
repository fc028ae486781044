package console

import (
	"context"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/views"
)

// historyLimit is how many versions a page shows.
const historyLimit = 20

// keyQuery reads which part of the history is asked for.
func keyQuery(c echo.Context) (q views.KeyQuery, err error) {
	q.Environment, q.Cursor = c.QueryParam("environment"), c.QueryParam("cursor")
	for name, into := range map[string]*int64{"from": &q.From, "to": &q.To, "back": &q.Back} {
		if *into, err = versionNumber(name, c.QueryParam(name)); err != nil {
			return q, err
		}
	}
	return q, nil
}

// versionNumber reads the number of a version; empty is 0.
func versionNumber(name, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, models.Invalid("/"+name, "this is no number of a version")
	}
	return n, nil
}

// keyHistory loads the versions in the environment that is asked for, and what is done with them.
func (d desk) keyHistory(
	ctx context.Context, view configs.KeyView, places []views.KeyPlace, q views.KeyQuery, form views.PutBackForm,
) (h views.KeyHistory, err error) {
	i := historyPlace(view.Places, q.Environment)
	if i < 0 {
		return h, models.Invalid("/environment", "there is no such environment")
	}
	actor, _ := models.ActorFrom(ctx)
	h = views.KeyHistory{
		Page: views.KeyURL(view.Tenant.ID, view.Key), Query: q, Place: places[i],
		Changes: actor.Can(models.PermViewChanges, view.Tenant.ID, places[i].Environment),
	}
	h.Query.Environment = places[i].Environment
	for _, p := range places {
		h.Environments = append(h.Environments, p.Environment)
	}
	configID := view.Places[i].ConfigID
	if configID == "" {
		return h, nil
	}
	page, err := models.NewPage(historyLimit, q.Cursor)
	if err != nil {
		return h, err
	}
	versions, err := d.Configs.Versions(ctx, configID, page)
	if err != nil {
		return h, err
	}
	h.Versions, h.Next = versions.Items, versions.Next
	if h.Diff, err = d.versionDiff(ctx, configID, q); err != nil {
		return h, err
	}
	h.Back, err = d.backTo(ctx, configID, h, form)
	return h, err
}

// historyPlace is where the history is shown: the environment of that name, else the last one that has any.
func historyPlace(places []configs.KeyPlace, environment string) int {
	if environment != "" {
		return slices.IndexFunc(places, func(p configs.KeyPlace) bool { return p.Environment == environment })
	}
	for i, p := range slices.Backward(places) {
		if p.ConfigID != "" {
			return i
		}
	}
	return len(places) - 1
}

// versionDiff compares the two versions that are asked for, if any are.
func (d desk) versionDiff(ctx context.Context, configID string, q views.KeyQuery) (*views.VersionDiff, error) {
	if q.From == 0 || q.To == 0 {
		return nil, nil
	}
	diff, err := d.Configs.Diff(ctx, configID, q.From, q.To)
	if err != nil {
		return nil, err
	}
	out := &views.VersionDiff{From: diff.From, To: diff.To, Equal: diff.Equal, Masked: diff.Masked}
	for _, o := range diff.Operations {
		out.Operations = append(out.Operations, views.PatchOperation(o))
	}
	return out, nil
}

// backTo is the version that is about to be put back, if one is and its value may be seen.
func (d desk) backTo(ctx context.Context, configID string, h views.KeyHistory, form views.PutBackForm) (*views.PutBack, error) {
	if h.Query.Back == 0 || !h.Place.MayEdit {
		return nil, nil
	}
	version, err := d.Configs.Version(ctx, configID, h.Query.Back)
	if err != nil {
		return nil, err
	}
	out := &views.PutBack{Version: version, Live: h.LiveVersion(), PutBackForm: form}
	if out.Live != 0 {
		out.Value = h.Place.AsSet
	}
	out.Lane, err = d.Changes.MayRollBack(ctx, configID, version.Number)
	if fields, ok := said(err); ok {
		if len(out.Problems) == 0 {
			out.Problems = views.Problems(fields)
		}
		err = nil
	}
	return out, err
}

// putBack leads the key back to an earlier version.
func (d desk) putBack(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	tenantID, key, q := c.Param("tenantId"), c.Param("key"), views.KeyQuery{Environment: f.text("environment")}
	if q.Back, err = versionNumber("version", f.text("version")); err != nil {
		return err
	}
	out, err := d.rollBack(c.Request().Context(), tenantID, key, q, f)
	if fields, ok := said(err); ok {
		return d.showKey(c, err, q, keyForms{
			back: views.PutBackForm{Reason: f.text("reason"), Problems: views.Problems(fields)},
		})
	}
	if err != nil {
		return err
	}
	did := "Put back version " + f.text("version") + " of " + key + " in " + q.Environment + "."
	return d.sent(c, out, did, views.KeyURL(tenantID, key)+"?environment="+q.Environment)
}

// rollBack submits an earlier version. not_found: the key never had a value of its own there; conflict: another version is
// live than the form showed.
func (d desk) rollBack(ctx context.Context, tenantID, key string, q views.KeyQuery, f form) (out changes.Outcome, err error) {
	live, err := versionNumber("base", f.text("base"))
	if err != nil {
		return out, err
	}
	configID, err := d.ownConfig(ctx, tenantID, key, q.Environment)
	if err != nil {
		return out, err
	}
	return d.Changes.Rollback(ctx, changes.Rollback{ConfigID: configID, ToVersion: q.Back, Reason: f.text("reason"), Live: &live})
}

// ownConfig is the config of a key on the tenant or layer itself. not_found: it never had a value of its own there.
func (d desk) ownConfig(ctx context.Context, tenantID, key, environment string) (string, error) {
	view, err := d.Configs.KeyView(ctx, tenantID, key)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(view.Places, func(p configs.KeyPlace) bool { return p.Environment == environment })
	if i < 0 || view.Places[i].ConfigID == "" {
		return "", models.NotFound("config")
	}
	return view.Places[i].ConfigID, nil
}
