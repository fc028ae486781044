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
	"github.com/hotswap/hotswap/web/auth"
)

// contentSecurityPolicy lets the browser load what we serve ourselves, and nothing else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pageTimeout bounds all work behind one page, maxFormBytes what a form may send.
const (
	pageTimeout  = 2 * time.Second
	maxFormBytes = models.MaxBodyBytes
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

// Poll serves a part of a page that asks for itself again and again: it is no activity and keeps no session alive.
func (s *Console) Poll(path string, h echo.HandlerFunc) {
	s.echo.GET(path, s.around(s.signedIn(h, false)))
}

// Act serves a form. The action is how the audit log calls it when it is refused: "change.approve".
func (s *Console) Act(action, path string, h echo.HandlerFunc) {
	s.echo.POST(path, s.around(s.signedIn(h, true)), named(action))
}

// Open serves a page to everybody.
func (s *Console) Open(path string, h echo.HandlerFunc) { s.echo.GET(path, s.around(h)) }

// OpenAct serves a form to everybody.
func (s *Console) OpenAct(path string, h echo.HandlerFunc) { s.echo.POST(path, s.around(h)) }

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
		if err := s.foreign.Check(c.Request()); err != nil {
			return models.Forbidden("the form came from another site")
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

// signInURL is where to sign in, to come back to the page of the request.
func signInURL(r *http.Request) string {
	back := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		back = "/"
	}
	if partial(r) != "" {
		if page, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil {
			back = page.RequestURI()
		}
	}
	return auth.LoginPath + "?" + url.Values{auth.ReturnParam: {back}}.Encode()
}

// secure sets what keeps a page of ours from being used against who looks at it. The API answers no browser.
func secure(h http.Header, r *http.Request) {
	if !forPeople(r) {
		return
	}
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// forPeople tells whether a path belongs to the console.
func forPeople(r *http.Request) bool {
	path := r.URL.Path
	return !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/ofrep/")
}

// wantsHTML tells whether an error is to be a page: a browser asked for something that is not the API's.
func wantsHTML(r *http.Request) bool {
	return forPeople(r) && strings.Contains(r.Header.Get(echo.HeaderAccept), "text/html")
}
