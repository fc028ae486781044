package console

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/views"
)

// roles is the list of roles that are bound; a person's e-mail in the address opens the form for that person.
func (d desk) roles(c echo.Context) error {
	email := c.QueryParam("email")
	return d.showRoles(c, nil, views.RoleForm{By: views.ByEmail, Whom: email, Role: string(models.RoleViewer), Open: email != ""})
}

// bind gives a role; a refused form comes back with what was typed.
func (d desk) bind(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	in := views.RoleForm{
		By: f.text("by"), Whom: f.text("whom"), Role: f.text("role"), Tenant: f.text("tenantId"),
		Environment: f.text("environment"), Open: true,
	}
	_, err = d.Access.Bind(c.Request().Context(), bindingInput(in))
	if fields, ok := said(err); ok {
		in.Errors = fields
		return d.showRoles(c, err, in)
	}
	if err != nil {
		return err
	}
	d.SignIn.Flash(c, "Gave the role "+in.Role+" to "+in.Whom+".")
	return c.Redirect(http.StatusSeeOther, string(views.AccessRoles))
}

func bindingInput(in views.RoleForm) access.BindingInput {
	out := access.BindingInput{TenantID: in.Tenant, Environment: in.Environment, Role: models.Role(in.Role)}
	switch in.By {
	case views.ByEmail:
		out.Email = in.Whom
	case views.ByGroup:
		out.Group = in.Whom
	case views.ByKey:
		out.KeyID = in.Whom
	}
	return out
}

// unbind takes a role back.
func (d desk) unbind(c echo.Context) error {
	if err := d.Access.Unbind(c.Request().Context(), c.Param("role_bindingId")); err != nil {
		return err
	}
	d.SignIn.Flash(c, "Took the role back. It ends within 2 seconds.")
	return c.Redirect(http.StatusSeeOther, string(views.AccessRoles))
}

func (d desk) showRoles(c echo.Context, refused error, form views.RoleForm) error {
	ctx := c.Request().Context()
	actor, _ := models.ActorFrom(ctx)
	page, err := models.NewPage(models.DefaultLimit, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	view := views.RoleList{Tenant: c.QueryParam("tenant"), Cursor: page.Cursor, Form: form, MayBind: givesAccess(actor)}
	list, err := d.Access.ListBindings(ctx, access.ListFilter{TenantID: view.Tenant, Page: page})
	if err != nil {
		return err
	}
	people, err := d.Access.Directory(ctx)
	if err != nil {
		return err
	}
	view.Items, view.Next = roleRows(actor, people, list.Items), list.Next
	if view.Reach, err = d.reach(ctx, models.PermViewAccess); err != nil {
		return err
	}
	view.Form.Roles, view.Form.Everywhere = givable(actor), actor.Can(models.PermManageAccess, models.Platform, "")
	return d.answer(c, refused, views.Page{Title: "Roles", Main: views.RolesMain(view)})
}

// roleRows adds names, and what the actor may do.
func roleRows(actor models.Actor, people *access.Directory, bindings []models.Binding) []views.RoleRow {
	rows := make([]views.RoleRow, len(bindings))
	for i, b := range bindings {
		b.CreatedBy = people.Name(b.CreatedBy)
		row := views.RoleRow{Binding: b, Subject: b.Subject, MayTake: access.MayManage(actor, b.TenantID, b.Environment, b.Role)}
		switch b.SubjectKind {
		case models.SubjectPerson:
			person, _ := people.Person(b.Subject)
			row.Subject, row.Email, row.Mine = person.Ref().Name, person.Email, b.Subject == actor.ID
		case models.SubjectKey:
			row.Subject = people.Name(models.ActorRef{ID: b.Subject, Kind: models.ActorService}).Name
		}
		if row.Subject == "" {
			row.Subject = b.Subject
		}
		rows[i] = row
	}
	return rows
}

// givable are the roles that the actor may give somewhere.
func givable(actor models.Actor) []models.Role {
	return slices.DeleteFunc(models.Roles(), func(r models.Role) bool {
		return !slices.ContainsFunc(actor.Places(models.PermManageAccess), func(p models.Place) bool {
			return access.MayManage(actor, tenantOf(p), p.Environment, r)
		})
	})
}

// tenantOf is the tenant or layer of a place.
func tenantOf(p models.Place) string {
	if p.Tenant == "" {
		return models.Platform
	}
	return p.Tenant
}
