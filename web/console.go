package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web/auth"
)

// contentSecurityPolicy lets the browser load what we serve ourselves, and nothing else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pageTimeout bounds all work behind one page, maxFormBytes what a form may send.
const (
	pageTimeout  = 2 * time.Second
	maxFormBytes = models.MaxBodyBytes
	// maxQueryValue is how long one filter may be, in bytes; a cursor is the longest.
	maxQueryValue = 2048
)

// Console is where the routes of pages are put. Whoever asks for one must be signed in, unless it is open.
type Console struct {
	Pages *Pages

	echo       *echo.Echo
	failures   failures
	signIn     *auth.SignIn
	foreign    *http.CrossOriginProtection
	compressed echo.MiddlewareFunc
}

func newConsole(e *echo.Echo, f failures, signIn *auth.SignIn) *Console {
	return &Console{
		Pages: f.pages, echo: e, failures: f, signIn: signIn,
		foreign: http.NewCrossOriginProtection(), compressed: middleware.Gzip(),
	}
}

// Page serves a page.
func (s *Console) Page(path string, h echo.HandlerFunc) {
	s.echo.GET(path, s.around(s.signedIn(h, true)))
}

// Poll serves a part of a page that asks for itself again and again: it is no activity and keeps no session alive. When
// the session is over the part says so instead, and asks no more.
func (s *Console) Poll(path string, h echo.HandlerFunc) {
	s.echo.GET(path, s.around(s.stops(s.signedIn(h, false))))
}

// Act serves a form. The action is how the audit log calls it when it is refused: "change.approve".
func (s *Console) Act(action, path string, h echo.HandlerFunc) {
	s.echo.POST(path, s.around(s.signedIn(h, true)), named(action))
}

// Open serves a page to everybody.
func (s *Console) Open(path string, h echo.HandlerFunc) { s.echo.GET(path, s.around(h)) }

// OpenAct serves a form to everybody.
func (s *Console) OpenAct(path string, h echo.HandlerFunc) { s.echo.POST(path, s.around(h)) }

// checkQuery refuses what no filter can hold, and the database would choke on.
func checkQuery(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return models.Malformed("the query is malformed")
	}
	for _, values := range query {
		for _, v := range values {
			if !storable(v) || len(v) > maxQueryValue {
				return models.Malformed("the query holds what is no text, or too much of it")
			}
		}
	}
	return nil
}

// bounded limits what a form may send and how long the work behind a page may take. Errors are answered within: their
// context is still alive.
func (s *Console) bounded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), pageTimeout)
		defer cancel()
		r := c.Request().WithContext(ctx)
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxFormBytes)
		c.SetRequest(r)
		if err := guard(next, c); err != nil {
			s.failures.handle(err, c)
		}
		return nil
	}
}

func named(action string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set(actionKey, action)
			return next(c)
		}
	}
}

// around is what all console routes share: no form of another site, bounded work, compressed pages.
func (s *Console) around(next echo.HandlerFunc) echo.HandlerFunc {
	return s.compressed(s.bounded(func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store") // every answer is somebody's own
		if err := s.foreign.Check(c.Request()); err != nil {
			return models.Forbidden("the form came from another site")
		}
		if err := checkQuery(c.Request()); err != nil {
			return err
		}
		return next(c)
	}))
}

// signedIn lets in who has a session. Who has none and opens a page goes to sign in and comes back to it.
func (s *Console) signedIn(next echo.HandlerFunc, active bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := s.signIn.Enter(c, active)
		if is(err, models.CodeUnauthenticated) && c.Request().Method == http.MethodGet && partial(c.Request()) == "" {
			return c.Redirect(http.StatusSeeOther, signInURL(c.Request()))
		}
		if err != nil {
			return err
		}
		return next(c)
	}
}

// stops answers a poll without a session by a part that does not poll, in place of the one that did. Nobody was refused
// anything: pages are left open.
func (s *Console) stops(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		target := partial(c.Request())
		if target == "" || !is(err, models.CodeUnauthenticated) {
			return err
		}
		c.Response().Header().Set("HX-Reswap", "outerHTML")
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
		part := views.SignedOutPart(target, signInURL(c.Request()))
		return s.Pages.Render(c, http.StatusUnauthorized, views.Page{Title: "Signed out", Main: part, Alone: true})
	}
}

// signInURL is where to sign in, to come back to the page that the browser shows.
func signInURL(r *http.Request) string {
	return auth.LoginPath + "?" + url.Values{auth.ReturnParam: {shownPage(r)}}.Encode()
}

// shownPage is the page of ours that the browser shows when the answer has come: the one it asked for, or the one whose
// form or part it is.
func shownPage(r *http.Request) string {
	from := r.Header.Get("Referer")
	switch {
	case partial(r) != "":
		from = r.Header.Get("HX-Current-URL")
	case r.Method == http.MethodGet:
		return r.URL.RequestURI()
	}
	page, err := url.Parse(from)
	if err != nil || page.Host != r.Host {
		return "/"
	}
	return auth.Local(page.RequestURI())
}

// secure sets what keeps a page of ours from being used against who looks at it. The API answers no browser.
func (s *server) secure(h http.Header, r *http.Request) {
	if !forPeople(r) {
		return
	}
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if s.https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// forPeople tells whether a path belongs to the console, or is the page of the API.
func forPeople(r *http.Request) bool {
	path := r.URL.Path
	return path == DocsPath || !strings.HasPrefix(path, "/api/") && !speaksOFREP(path)
}

// wantsHTML tells whether an error is to be a page: a browser asked for something that is not the API's.
func wantsHTML(r *http.Request) bool {
	return forPeople(r) && strings.Contains(r.Header.Get(echo.HeaderAccept), "text/html")
}
