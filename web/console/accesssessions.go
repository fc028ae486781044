package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/views"
)

// sessions is the list of who is signed in: oneself, and others as far as the actor may see them.
func (d desk) sessions(c echo.Context) error {
	ctx := c.Request().Context()
	page, err := models.NewPage(models.DefaultLimit, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	list, err := d.Access.ListSessions(ctx, access.SessionFilter{Page: page})
	if err != nil {
		return err
	}
	people, err := d.Access.Directory(ctx)
	if err != nil {
		return err
	}
	actor, _ := models.ActorFrom(ctx)
	view := views.SessionList{
		Cursor: page.Cursor, Next: list.Next, All: seesAccess(actor), Others: actor.Can(models.PermViewAccess, models.Platform, ""),
	}
	current, _ := d.SignIn.Current(c)
	for _, s := range list.Items {
		view.Items = append(view.Items, sessionRow(actor, people, s, current.ID))
	}
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "Sessions", Main: views.SessionsMain(view)})
}

func sessionRow(actor models.Actor, people *access.Directory, s models.Session, current string) views.SessionRow {
	mine := s.PersonID == actor.ID
	return views.SessionRow{
		Session: s, Person: people.Name(models.ActorRef{ID: s.PersonID, Kind: models.ActorPerson}).Name,
		Mine: mine, Current: s.ID == current, MayEnd: mine || actor.Everywhere(models.PermManageAccess, models.Platform),
	}
}

// revokeSession signs somebody out of one browser.
func (d desk) revokeSession(c echo.Context) error {
	if err := d.Access.RevokeSession(c.Request().Context(), c.Param("sessionId")); err != nil {
		return err
	}
	d.SignIn.Flash(c, "Ended the session.")
	return c.Redirect(http.StatusSeeOther, string(views.AccessSessions))
}
