package auth

import (
	"context"
	"errors"
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
// What the provider wants to see at its own end of the session is kept for a moment, for Logout.
func (s *SignIn) End(c echo.Context) error {
	r, w := c.Request(), c.Response()
	session, err := s.store.Get(r, SessionCookie)
	if err != nil {
		return err
	}
	hint := text(session.Values, idTokenValue)
	if session.ID == "" {
		session.ID = string(tokenOf(r, SessionCookie)) // idle for too long, but still there
	}
	session.Options.MaxAge = -1
	if err := session.Save(r, w); err != nil {
		return err
	}
	if hint == "" {
		return nil
	}
	parting := s.store.blank(LoginCookie)
	parting.Values[idTokenValue] = hint
	return parting.Save(r, w)
}

// Logout is the address of the provider's end-session page, for the page that follows End; empty when the provider has
// none or does not answer.
func (s *SignIn) Logout(c echo.Context) string {
	ctx := c.Request().Context()
	values, err := s.store.take(ctx, c.Request(), c.Response())
	var known *models.Error
	if err != nil && (!errors.As(err, &known) || known.Code != models.CodeNotFound) {
		s.Log.WarnContext(ctx, "the hint for the provider's end of a session was not found", "error", err)
	}
	return s.Provider.logoutURL(ctx, text(values, idTokenValue))
}

// Flash keeps a text for the next page of this session. Without a session nobody will read it.
func (s *SignIn) Flash(c echo.Context, text string) {
	session, err := s.store.Get(c.Request(), SessionCookie)
	if err == nil && !session.IsNew {
		session.AddFlash(text)
		err = session.Save(c.Request(), c.Response())
	}
	s.tell(c.Request(), err)
}

// TakeFlash returns the texts that were kept for this session, once.
func (s *SignIn) TakeFlash(c echo.Context) []string {
	session, err := s.store.Get(c.Request(), SessionCookie)
	if err != nil {
		s.tell(c.Request(), err)
		return nil
	}
	var texts []string
	for _, flash := range session.Flashes() {
		if t, ok := flash.(string); ok {
			texts = append(texts, t)
		}
	}
	if len(texts) > 0 {
		s.tell(c.Request(), session.Save(c.Request(), c.Response()))
	}
	return texts
}

// tell reports what went wrong with messages: no page fails for that.
func (s *SignIn) tell(r *http.Request, err error) {
	if err != nil {
		s.Log.WarnContext(r.Context(), "a message to a person was lost, or will be shown again", "error", err)
	}
}
