package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/pace"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const publicURL = "http://127.0.0.1:8080"

// site signs people in through a provider, on a database of its own.
type site struct {
	*auth.SignIn
	*storetest.Database

	t        *testing.T
	idp      *idp
	provider *auth.Provider
	access   *access.Service
	operator *access.Service
	clock    atomic.Int64
	denied   atomic.Int32

	mu  sync.Mutex
	log bytes.Buffer
}

// Write takes the log of signing in.
func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// told is what the log of signing in says.
func (s *site) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// newSite starts both. Prepare sets the provider before it is asked anything.
func newSite(t *testing.T, prepare ...func(*idp)) *site {
	t.Helper()
	s := &site{t: t, Database: storetest.New(t)}
	s.clock.Store(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC).UnixNano())
	s.idp = newIDP(t, s.now)
	for _, f := range prepare {
		f(s.idp)
	}
	log := slog.New(slog.DiscardHandler)
	s.access = access.New(access.Options{DB: s.DB, Audit: audit.New(s.DB, s.now, log), Now: s.now, Log: log, Issuer: s.idp.URL})
	s.OnMoved(s.access.Raise)
	owner, err := store.Open(t.Context(), store.Options{URL: s.OwnerURL, MaxConns: 2, Log: log, Owner: true, Moved: s.access.Raise})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	s.operator = access.New(access.Options{DB: owner, Audit: audit.New(owner, s.now, log), Now: s.now, Log: log, Issuer: s.idp.URL})
	s.provider = auth.NewProvider(auth.ProviderOptions{
		Issuer: s.idp.URL, ClientID: clientID, ClientSecret: clientSecret, PublicURL: publicURL + "/",
		Client: &http.Client{Timeout: time.Second}, Now: s.now,
	})
	s.SignIn = auth.NewSignIn(auth.SignInOptions{
		Pace:     auth.Pace(pace.Options{Limit: pace.Standard().SignIns}),
		Provider: s.provider, Access: s.access, Log: slog.New(slog.NewTextHandler(s, nil)),
		Denied: func(ctx context.Context, r models.Refusal) {
			if r.Action != access.ActionLogin || models.RequestFrom(ctx).Address == "" {
				t.Errorf("counted as %+v", r)
			}
			s.denied.Add(1)
		},
	})
	return s
}

func (s *site) now() time.Time        { return time.Unix(0, s.clock.Load()).UTC() }
func (s *site) sleep(d time.Duration) { s.clock.Add(int64(d)) }

// people counts the sessions that somebody has.
func (s *site) people() (n int) {
	s.t.Helper()
	s.Scan(s.t, `SELECT count(*) FROM sessions WHERE person_id IS NOT NULL`, nil, &n)
	return n
}

// browser keeps cookies.
type browser struct {
	*site
	cookies map[string]string
}

func (s *site) browser() *browser { return &browser{site: s, cookies: map[string]string{}} }

// visit calls fn with a request of this browser, and takes the cookies that are set.
func (b *browser) visit(address string, fn func(echo.Context)) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = publicURL + address
	}
	r := httptest.NewRequestWithContext(
		models.WithRequest(b.t.Context(), models.Request{ID: "r", Address: "192.0.2.7"}), http.MethodGet, address, nil)
	r.Header.Set("User-Agent", "Browser/1")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	fn(echo.New().NewContext(r, w))
	answer := w.Result()
	defer answer.Body.Close()
	for _, c := range answer.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-hotswap") || c.Path != "/" || c.Domain != "" || !c.Secure || !c.HttpOnly ||
			c.SameSite != http.SameSiteLaxMode || c.MaxAge == 0 && !c.Expires.IsZero() || c.MaxAge > 0 {
			b.t.Errorf("cookie %s", c.Raw)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
}

// begin starts a login and returns what the provider is asked.
func (b *browser) begin(returnTo string) url.Values {
	b.t.Helper()
	var asked url.Values
	b.visit("/login", func(c echo.Context) {
		address, err := b.Begin(c, returnTo)
		u, parsed := url.Parse(address)
		if err != nil || parsed != nil || !strings.HasPrefix(address, b.idp.URL+"/authorize?") {
			b.t.Fatalf("%s, %v", address, err)
		}
		asked = u.Query()
	})
	b.idp.mu.Lock()
	defer b.idp.mu.Unlock()
	b.idp.nonce, b.idp.challenge = asked.Get("nonce"), asked.Get("code_challenge")
	return asked
}

// finish comes back with an answer.
func (b *browser) finish(answer url.Values) (returnTo string, err error) {
	b.t.Helper()
	b.visit("/login/callback?"+answer.Encode(), func(c echo.Context) { returnTo, err = b.Finish(c) })
	return returnTo, err
}

// answer is what an honest provider answers.
func (b *browser) answer(asked url.Values) url.Values {
	return url.Values{"state": {asked.Get("state")}, "code": {"the code"}, "iss": {b.idp.URL}}
}

// login signs in.
func (b *browser) login() {
	b.t.Helper()
	if _, err := b.finish(b.answer(b.begin("/"))); err != nil {
		b.t.Fatalf("login: %v", err)
	}
}

// enters checks whether this browser is signed in.
func (b *browser) enters(active bool, want models.Code) (actor models.Actor) {
	b.t.Helper()
	b.visit("/tenants", func(c echo.Context) {
		err := b.Enter(c, active)
		if codeOf(err) != want {
			b.t.Errorf("%v, want %q", err, want)
		}
		var known bool
		if actor, known = models.ActorFrom(c.Request().Context()); known != (want == "") {
			b.t.Error("an actor without a session, or the reverse")
		}
		if session, ok := b.Current(c); ok != known || ok && session.PersonID != actor.ID {
			b.t.Errorf("session %+v of %+v", session, actor)
		}
	})
	return actor
}

func codeOf(err error) models.Code {
	var known *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Code
	default:
		return models.CodeInternal
	}
}
