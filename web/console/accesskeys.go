package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/views"
)

// keys is the list of API keys: the own ones, and others as far as the actor may see them.
func (d desk) keys(c echo.Context) error {
	actor, _ := models.ActorFrom(c.Request().Context())
	form := views.KeyForm{Owner: views.ForMe}
	if givesAccess(actor) {
		form.Owner, form.Role = views.ForService, string(models.RoleReader)
	}
	return d.showKeys(c, nil, form)
}

// createKey makes a key and shows it, this once: nothing leads here again, and no answer holds it a second time.
func (d desk) createKey(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := views.KeyForm{
		Name: f.text("name"), Owner: f.text("owner"), Role: f.text("role"), Tenant: f.text("tenantId"),
		Environment: f.text("environment"), Expires: f.text("expires"), Secrets: f.text("secrets") != "", Open: true,
	}
	input, err := keyInput(in)
	var k models.APIKey
	var text string
	if err == nil {
		k, text, err = d.Access.CreateKey(c.Request().Context(), input)
	}
	if fields, ok := said(err); ok {
		in.Errors = fields
		return d.showKeys(c, err, in)
	}
	if err != nil {
		return err
	}
	return d.showNewKey(c, k, text)
}

func keyInput(in views.KeyForm) (access.KeyInput, error) {
	end, err := in.ExpiresAt()
	out := access.KeyInput{
		Name: in.Name, Role: models.Role(in.Role), TenantID: in.Tenant, Environment: in.Environment, ExpiresAt: end, Owner: in.Owner,
	}
	if in.Secrets {
		out.Grants = []models.Permission{models.PermReadSecrets}
	}
	return out, err
}

func (d desk) showNewKey(c echo.Context, k models.APIKey, text string) error {
	ctx := c.Request().Context()
	actor, _ := models.ActorFrom(ctx)
	people, err := d.Access.Directory(ctx)
	if err != nil {
		return err
	}
	rows := keyRows(actor, people, []models.APIKey{k}, func(models.APIKey) bool { return true })
	main := views.NewKeyMain(views.NewKey{Key: rows[0], Text: text})
	return d.pages.Render(c, http.StatusCreated, views.Page{Title: "New API key", Main: main})
}

// revokeKey ends a key for good.
func (d desk) revokeKey(c echo.Context) error {
	if err := d.Access.RevokeKey(c.Request().Context(), c.Param("api_keyId")); err != nil {
		return err
	}
	d.SignIn.Flash(c, "Revoked the key. Whoever uses it is refused within 2 seconds.")
	return c.Redirect(http.StatusSeeOther, string(views.AccessKeys))
}

func (d desk) showKeys(c echo.Context, refused error, form views.KeyForm) error {
	ctx := c.Request().Context()
	actor, _ := models.ActorFrom(ctx)
	page, err := models.NewPage(models.DefaultLimit, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	view := views.KeyList{Tenant: c.QueryParam("tenant"), Cursor: page.Cursor, Form: form, All: seesAccess(actor)}
	list, err := d.Access.ListKeys(ctx, access.ListFilter{TenantID: view.Tenant, Page: page})
	if err != nil {
		return err
	}
	people, err := d.Access.Directory(ctx)
	if err != nil {
		return err
	}
	view.Items, view.Next = keyRows(actor, people, list.Items, d.Access.Usable), list.Next
	if view.Reach, err = d.reach(ctx, models.PermViewTenants); err != nil {
		return err
	}
	fillKeyForm(&view.Form, actor)
	return d.answer(c, refused, views.Page{Title: "API keys", Main: views.KeysMain(view)})
}

// fillKeyForm says what the actor may choose: any role to give, or for oneself those that one holds.
func fillKeyForm(form *views.KeyForm, actor models.Actor) {
	form.Services, form.Everywhere = givesAccess(actor), slices.Equal(actor.Scope(), []string{models.ScopeAll})
	form.Roles = givable(actor)
	for _, g := range actor.Grants {
		if !slices.Contains(form.Roles, g.Role) {
			form.Roles = append(form.Roles, g.Role)
		}
	}
}

// keyRows adds names, and what the actor may do.
func keyRows(actor models.Actor, people *access.Directory, keys []models.APIKey, usable func(models.APIKey) bool) []views.KeyRow {
	rows := make([]views.KeyRow, len(keys))
	for i, k := range keys {
		k.CreatedBy = people.Name(k.CreatedBy)
		row := views.KeyRow{APIKey: k, Mine: k.PersonID == actor.ID, Usable: usable(k)}
		owners := k.Responsible
		if k.PersonID != "" {
			owners = []string{k.PersonID}
		}
		row.Owner = namesOf(people, owners)
		row.MayRevoke = k.RevokedAt == nil && (row.Mine || access.MayManage(actor, k.TenantID, k.Environment, k.Role))
		rows[i] = row
	}
	return rows
}

// namesOf are people by their names.
func namesOf(people *access.Directory, ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = people.Name(models.ActorRef{ID: id, Kind: models.ActorPerson}).Name
	}
	return strings.Join(names, ", ")
}
