package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerDefinitions(r *web.Console, d desk) {
	r.Page("/definitions", d.definitions)
	r.Page("/definitions/edit", d.definition)
	r.Act("definition.update", "/definitions/edit", d.saveDefinition)
}

// definitions is the list for a layer, narrowed as the filters say.
func (d desk) definitions(c echo.Context) error {
	actor, _ := models.ActorFrom(c.Request().Context())
	q := views.DefinitionQuery{
		TenantID: strings.TrimSpace(c.QueryParam("tenantId")), Search: c.QueryParam("search"), Cursor: c.QueryParam("cursor"),
		Overdue: c.QueryParam("overdue") != "",
	}
	if q.TenantID == "" {
		q.TenantID = homeLayer(actor)
	}
	list, err := d.definitionList(c.Request().Context(), q, actor)
	if err != nil {
		return err
	}
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "Definitions", Main: views.DefinitionsMain(list)})
}

// homeLayer is the layer whose definitions are shown first: the platform, or the first that the actor may view.
func homeLayer(actor models.Actor) string {
	if places := actor.Where(models.PermViewConfigs); len(places) > 0 && places[0] != models.ScopeAll {
		return places[0]
	}
	return models.Platform
}

// definitionList loads what the page shows.
func (d desk) definitionList(ctx context.Context, q views.DefinitionQuery, actor models.Actor) (out views.Definitions, err error) {
	page, err := models.NewPage(models.DefaultLimit, q.Cursor)
	if err != nil {
		return out, err
	}
	now := d.Now()
	filter := definitions.Filter{TenantID: q.TenantID, Search: q.Search, Page: page}
	if q.Overdue {
		filter.Overdue = &now
	}
	list, err := d.Definitions.Find(ctx, filter)
	if err != nil {
		return out, err
	}
	out = views.Definitions{Query: q, Next: list.Next, MayAdd: actor.Everywhere(models.PermEditConfigs, q.TenantID)}
	if out.Layer, err = d.Tenants.Get(ctx, q.TenantID); err != nil {
		return out, err
	}
	sees := func(id string) bool { return actor.Can(models.PermViewConfigs, id, "") }
	if out.Choices, err = d.tenantChoices(ctx, true, sees); err != nil {
		return out, err
	}
	out.Rows, err = d.definitionRows(ctx, q.TenantID, list.Items, actor, now)
	return out, err
}

func (d desk) definitionRows(ctx context.Context, tenantID string, list []models.Definition, actor models.Actor, now time.Time) ([]views.DefinitionRow, error) {
	keys := make([]string, len(list))
	for i, found := range list {
		keys[i] = found.Key
	}
	uses, err := d.Definitions.Uses(ctx, tenantID, keys)
	if err != nil {
		return nil, err
	}
	rows := make([]views.DefinitionRow, len(list))
	for i, found := range list {
		rows[i] = views.DefinitionRow{
			Definition: found, Layers: uses[found.Key].Layers, More: uses[found.Key].More, Late: found.Overdue(now),
			MayEdit: actor.Everywhere(models.PermEditConfigs, found.TenantID),
		}
	}
	return rows, nil
}

// definition is the form with a definition as it is, or that of a new one.
func (d desk) definition(c echo.Context) error {
	f, err := d.definitionForm(c.Request().Context(), c.QueryParam("tenantId"), c.QueryParam("key"))
	if err != nil {
		return err
	}
	if f.Existing != nil {
		f = f.Fill(*f.Existing)
	}
	return d.showDefinition(c, nil, f)
}

// saveDefinition makes a definition or replaces it. One that moves live values is a change.
func (d desk) saveDefinition(c echo.Context) error {
	sent, err := read(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	f, err := d.definitionForm(ctx, sent.text("tenantId"), sent.text("existing"))
	if err != nil {
		return err
	}
	f = typed(f, sent)
	done, err := d.define(ctx, f, sent.text("match"))
	if fields, ok := saidOrStale(err); ok {
		f.Errors = fields
		return d.showDefinition(c, err, f)
	}
	if err != nil {
		return err
	}
	return d.defined(c, done)
}

// defined leads on: to the change that waits, or back to the list.
func (d desk) defined(c echo.Context, done changes.Defined) error {
	if done.Change != nil {
		d.SignIn.Flash(c, views.SentOn(*done.Change))
		return c.Redirect(http.StatusSeeOther, views.ChangeURL(done.Change.ID))
	}
	d.SignIn.Flash(c, "Saved the definition of "+done.Definition.Key+".")
	return c.Redirect(http.StatusSeeOther, views.DefinitionQuery{TenantID: done.Definition.TenantID}.URL(""))
}

func (d desk) showDefinition(c echo.Context, refused error, f views.DefinitionForm) error {
	return d.answer(c, refused, views.Page{Title: "Definition · " + f.Layer.Name, Main: views.DefinitionMain(f)})
}

// definitionForm loads what the form is about, for who may define on the layer. not_found: the layer itself defines no
// such key.
func (d desk) definitionForm(ctx context.Context, tenantID, key string) (f views.DefinitionForm, err error) {
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermEditConfigs, "tenant", tenantID, ""); err != nil {
		return f, err
	}
	if f.Layer, err = d.Tenants.Get(ctx, tenantID); err != nil || key == "" {
		return f, err
	}
	known, err := d.Definitions.Get(ctx, tenantID, key)
	if err != nil {
		return f, err
	}
	if known.TenantID != tenantID {
		return f, models.NotFound("definition")
	}
	f.Existing, f.Match = &known, known.Tag()
	f.Environments, err = d.Definitions.LiveIn(ctx, tenantID, key)
	return f, err
}

// typed puts what was typed into the form.
func typed(f views.DefinitionForm, sent form) views.DefinitionForm {
	if f.Existing != nil {
		f.Key, f.Type = f.Existing.Key, string(f.Existing.Type)
	} else {
		f.Key, f.Type = sent.text("key"), sent.text("type")
	}
	f.Description, f.Owner, f.Tags = sent.text("description"), sent.text("owner"), sent.text("tags")
	f.Schema, f.Sensitive, f.Merge, f.Expires = sent.area("schema"), sent.text("sensitive") != "", sent.text("merge"), sent.text("expires")
	return f
}

// define sends the form on its way.
func (d desk) define(ctx context.Context, f views.DefinitionForm, match string) (changes.Defined, error) {
	schema, err := schemaOf(f.Schema)
	if err != nil {
		return changes.Defined{}, err
	}
	expires, err := momentOf(f.Expires, "/expiresAt")
	if err != nil {
		return changes.Defined{}, err
	}
	tags, merge := tagsOf(f.Tags), models.Merge(f.Merge)
	if f.Existing == nil {
		return d.Changes.Define(ctx, definitions.In{
			TenantID: f.Layer.ID, Key: f.Key, Type: models.ValueType(f.Type), Description: f.Description, Schema: schema, Owner: f.Owner,
			Tags: tags, Sensitive: f.Sensitive, Merge: merge, ExpiresAt: expires.At,
		})
	}
	at := expires.At
	if at == nil {
		at = &time.Time{}
	}
	return d.Changes.Redefine(ctx, f.Layer.ID, f.Key, definitions.Patch{
		Description: &f.Description, Schema: &schema, Owner: &f.Owner, Tags: &tags, Sensitive: &f.Sensitive, Merge: &merge, ExpiresAt: at,
	}, match)
}

// schemaOf reads a JSON Schema; empty for none.
func schemaOf(text string) (models.Value, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	schema, err := models.ParseValue([]byte(text))
	if known, ok := errors.AsType[*models.Error](err); ok && known.Code == models.CodeMalformed {
		return "", models.Invalid("/schema", "this is no JSON: "+known.Message)
	}
	return schema, models.Under("/schema", err)
}

// tagsOf are words between commas.
func tagsOf(text string) []string {
	tags := []string{}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			tags = append(tags, word)
		}
	}
	return tags
}

// saidOrStale is said, and says of a definition that was changed meanwhile what to do.
func saidOrStale(err error) (map[string]string, bool) {
	if known, ok := errors.AsType[*models.Error](err); ok && known.Code == models.CodePreconditionFailed {
		return map[string]string{"": "it was changed since you opened it. What you typed is kept: compare, then save again to replace it"}, true
	}
	return said(err)
}
