package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// The names of our cookies. The prefix makes browsers accept them only from this very host, over a trustworthy
// connection and for all paths (RFC 6265bis 4.1.3).
const (
	SessionCookie = "__Host-hotswap"
	LoginCookie   = "__Host-hotswap-login"
)

// Store keeps gorilla sessions in the house's own: SessionCookie names the session of a person, LoginCookie what has
// to outlast a trip to the identity provider. A browser holds a random token and nothing else.
type Store struct{ access *access.Service }

// enteredKey is where the session that was found lies in a request's context.
type enteredKey struct{}

// Get returns the session of the request, the same one each time.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session behind the cookie, or a new one. What LoginCookie stands for is only ever taken out, by
// Finish.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	session := s.blank(name)
	if name != SessionCookie {
		return session, nil
	}
	entered, err := s.enter(r, false)
	var known *models.Error
	if errors.As(err, &known) && known.Code == models.CodeUnauthenticated {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = string(tokenOf(r, name)), false
	session.Values, err = decodeValues(entered.Data)
	return session, err
}

func (s *Store) blank(name string) *sessions.Session {
	session := sessions.NewSession(s, name)
	session.IsNew = true
	session.Options = &sessions.Options{Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	return session
}

// enter finds the session of the request, unless it is found already.
func (s *Store) enter(r *http.Request, active bool) (access.Entered, error) {
	if entered, ok := r.Context().Value(enteredKey{}).(access.Entered); ok {
		return entered, nil
	}
	return s.access.EnterSession(r.Context(), tokenOf(r, SessionCookie), active)
}

// Save keeps the values. A negative MaxAge ends the session. Sessions of people begin by Finish only.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return s.access.EndSession(r.Context(), access.Token(session.ID))
	}
	data, err := encodeValues(session.Values)
	if err != nil {
		return err
	}
	if session.Name() != SessionCookie {
		return s.begin(r.Context(), w, session, data)
	}
	return s.access.KeepSession(r.Context(), access.Token(session.ID), data)
}

// begin keeps what has to outlast a trip to the provider.
func (s *Store) begin(ctx context.Context, w http.ResponseWriter, session *sessions.Session, data string) error {
	token, err := s.access.BeginLogin(ctx, data)
	if err != nil {
		return err
	}
	session.ID = string(token)
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	return nil
}

// take returns what LoginCookie stands for, once, and removes the cookie.
func (s *Store) take(ctx context.Context, r *http.Request, w http.ResponseWriter) (map[any]any, error) {
	token := tokenOf(r, LoginCookie)
	if token == "" {
		return nil, models.NotFound("login")
	}
	s.forget(w, LoginCookie)
	data, err := s.access.TakeLogin(ctx, token)
	if err != nil {
		return nil, err
	}
	return decodeValues(data)
}

// forget removes a cookie.
func (s *Store) forget(w http.ResponseWriter, name string) {
	o := *s.blank(name).Options
	o.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(name, "", &o))
}

// hand gives the browser the token of its new session.
func (s *Store) hand(w http.ResponseWriter, token access.Token) {
	http.SetCookie(w, sessions.NewCookie(SessionCookie, string(token), s.blank(SessionCookie).Options))
}

func tokenOf(r *http.Request, name string) access.Token {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return access.Token(cookie.Value)
}

// encodeValues writes values as JSON; their names are texts.
func encodeValues(values map[any]any) (string, error) {
	named := map[string]any{}
	for name, value := range values {
		text, ok := name.(string)
		if !ok {
			return "", fmt.Errorf("auth: a session value is named by a %T", name)
		}
		named[text] = value
	}
	data, err := json.Marshal(named)
	return string(data), err
}

func decodeValues(data string) (map[any]any, error) {
	var named map[string]any
	if err := json.Unmarshal([]byte(data), &named); err != nil {
		return map[any]any{}, fmt.Errorf("auth: read a session: %w", err)
	}
	values := map[any]any{}
	for name, value := range named {
		values[name] = value
	}
	return values, nil
}
