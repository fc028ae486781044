package auth

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// Enter puts the actor of the session into the request's context; unauthenticated without a living session. Active says
// that a person did something; polls and streams are no activity, and do not keep a session alive.
func (s *SignIn) Enter(c echo.Context, active bool) error {
	r := c.Request()
	entered, err := s.Access.EnterSession(r.Context(), tokenOf(r, SessionCookie), active)
	if err != nil {
		return err
	}
	ctx := context.WithValue(r.Context(), enteredKey{}, entered)
	c.SetRequest(r.WithContext(models.WithActor(ctx, entered.Actor)))
	return nil
}

// Current is the session that Enter found.
func (s *SignIn) Current(c echo.Context) (models.Session, bool) {
	entered, ok := c.Request().Context().Value(enteredKey{}).(access.Entered)
	return entered.Session, ok
}

// End signs out: the session is over when it returns, and its cookie is removed. Without a session it does nothing.
func (s *SignIn) End(c echo.Context) error {
	r := c.Request()
	session, err := s.store.Get(r, SessionCookie)
	if err != nil {
		return err
	}
	if session.ID == "" {
		session.ID = string(tokenOf(r, SessionCookie)) // idle for too long, but still there
	}
	session.Options.MaxAge = -1
	return session.Save(r, c.Response())
}

// Logout is the address of the provider's end-session page, for the page that follows End; empty when the provider has
// none or does not answer.
func (s *SignIn) Logout(c echo.Context) string { return s.Provider.logoutURL(c.Request().Context()) }

// Flash keeps a text for the next page of this session. Without a session, or when it has just ended, nobody will read
// it.
func (s *SignIn) Flash(c echo.Context, text string) {
	r := c.Request()
	s.tell(r, s.Access.AddFlash(r.Context(), tokenOf(r, SessionCookie), text))
}

// TakeFlash returns the texts that were kept for the session that Enter found, once. Where Enter saw none, nothing is
// asked.
func (s *SignIn) TakeFlash(c echo.Context) []string {
	r := c.Request()
	if entered, ok := r.Context().Value(enteredKey{}).(access.Entered); !ok || !entered.Flashed {
		return nil
	}
	texts, err := s.Access.TakeFlashes(r.Context(), tokenOf(r, SessionCookie))
	s.tell(r, err)
	return texts
}

// tell reports what went wrong with messages: no page fails for that.
func (s *SignIn) tell(r *http.Request, err error) {
	if err != nil {
		s.Log.WarnContext(r.Context(), "a message to a person was lost, or will be shown again", "error", err)
	}
}
