package auth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/web/auth"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root, err := s.operator.AddAdmin(t.Context(), s.idp.URL, "root@example.com")
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.access.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	admin, _ := d.Actor(root.ID, s.now())
	if _, err := s.access.Bind(models.WithActor(t.Context(), admin), access.BindingInput{Role: models.RoleEngineer, Group: "ops"}); err != nil {
		t.Fatal(err)
	}

	b := s.browser()
	b.enters(true, models.CodeUnauthenticated)
	asked := b.begin("/tenants?search=a%20b")
	want := url.Values{
		"client_id": {clientID}, "response_type": {"code"}, "redirect_uri": {publicURL + "/login/callback"},
		"scope": {"openid profile email groups"}, "code_challenge_method": {"S256"},
		"state": asked["state"], "nonce": asked["nonce"], "code_challenge": asked["code_challenge"],
	}
	if diff := cmp.Diff(want, asked); diff != "" || len(asked.Get("state")) < 43 || len(asked.Get("nonce")) < 43 || len(asked.Get("code_challenge")) != 43 {
		t.Error(asked, diff)
	}
	before := b.cookies[auth.LoginCookie]
	returnTo, err := b.finish(b.answer(asked))
	if err != nil || returnTo != "/tenants?search=a%20b" {
		t.Fatalf("%q, %v", returnTo, err)
	}
	if _, left := b.cookies[auth.LoginCookie]; left || len(b.cookies) != 1 || b.cookies[auth.SessionCookie] == before {
		t.Errorf("cookies %v", b.cookies)
	}
	a := b.enters(true, "")
	if a.Kind != models.ActorPerson || a.Name != "Ann" || a.Email != "ann@example.com" || !a.Can(models.PermEditConfigs, "any", "QA") {
		t.Errorf("%+v", a)
	}
	if s.people() != 1 || s.denied.Load() != 0 {
		t.Errorf("%d sessions, %d denied", s.people(), s.denied.Load())
	}
	// What a browser held before is worth nothing.
	forger := s.browser()
	forger.cookies[auth.SessionCookie] = before
	forger.enters(true, models.CodeUnauthenticated)
}

func TestNewLoginEndsTheEarlierSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.login()
	old := s.browser()
	old.cookies[auth.SessionCookie] = b.cookies[auth.SessionCookie]
	old.enters(true, "")
	s.idp.change(func(p *idp) { p.claims = map[string]any{"sub": "bob", "name": "Bob"} })
	b.login()
	if b.enters(true, "").Name != "Bob" || s.people() != 1 {
		t.Error("the new session is not the only one")
	}
	old.enters(true, models.CodeUnauthenticated)
}

func TestCallbackCountsOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, twin := s.browser(), s.browser()
	answer := b.answer(b.begin("/"))
	twin.cookies[auth.LoginCookie] = b.cookies[auth.LoginCookie]
	if _, err := b.finish(answer); err != nil {
		t.Fatal(err)
	}
	for _, again := range []*browser{twin, b} {
		if _, err := again.finish(answer); codeOf(err) != models.CodeForbidden {
			t.Errorf("a second time: %v", err)
		}
	}
	if redeemed, _ := s.idp.counts(); s.people() != 1 || redeemed != 1 {
		t.Errorf("%d sessions, %d codes redeemed", s.people(), redeemed)
	}
	b.enters(true, "") // the first one stands
}

func TestLoginTakesTooLong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	answer := b.answer(b.begin("/"))
	s.sleep(models.LoginLife)
	if _, err := b.finish(answer); codeOf(err) != models.CodeForbidden || s.people() != 0 {
		t.Errorf("%v", err)
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.login()
	twin := s.browser()
	twin.cookies[auth.SessionCookie] = b.cookies[auth.SessionCookie]
	b.visit("/logout", func(c echo.Context) {
		if err := b.End(c); err != nil {
			t.Error(err)
		}
	})
	twin.enters(true, models.CodeUnauthenticated)
	b.enters(true, models.CodeUnauthenticated)
	if s.people() != 0 || b.cookies[auth.SessionCookie] != "" {
		t.Errorf("%d sessions, cookies %v", s.people(), b.cookies)
	}
	asked := b.begin("/") // in another tab
	for range 2 {
		b.visit("/signed-out", func(c echo.Context) {
			u, err := url.Parse(b.Logout(c))
			want := url.Values{"x": {"1"}, "client_id": {clientID}, "post_logout_redirect_uri": {publicURL + "/signed-out"}}
			if err != nil || u.Path != "/end" || cmp.Diff(want, u.Query()) != "" {
				t.Errorf("%s, %v", u, err)
			}
		})
	}
	if _, err := b.finish(b.answer(asked)); err != nil {
		t.Errorf("the page after a sign-out took the login of another tab: %v", err)
	}
	stranger := s.browser()
	stranger.visit("/logout", func(c echo.Context) {
		if err := stranger.End(c); err != nil {
			t.Errorf("without a session: %v", err)
		}
	})
}

// TestNothingOfTheProvidersIsKept looks for what a token or a code would leave behind.
func TestNothingOfTheProvidersIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.login()
	var data string
	s.Scan(t, `SELECT string_agg(data, '') FROM sessions`, nil, &data)
	if data != "{}" {
		t.Errorf("a session keeps %s", data)
	}
	b.visit("/logout", func(c echo.Context) {
		if err := b.End(c); err != nil {
			t.Error(err)
		}
	})
	var rows int
	if s.Scan(t, `SELECT count(*) FROM sessions`, nil, &rows); rows != 0 || len(b.cookies) != 0 {
		t.Errorf("a sign-out leaves %d rows and the cookies %v", rows, b.cookies)
	}
}

func TestSessionLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	worker, watcher := s.browser(), s.browser()
	worker.login()
	watcher.login()
	for range 2 {
		s.sleep(29 * time.Minute)
		worker.enters(true, "")
	}
	watcher.enters(false, models.CodeUnauthenticated) // nobody saw it; it was idle for too long

	watcher.login()
	s.sleep(20 * time.Minute)
	watcher.enters(false, "") // a poll
	s.sleep(10 * time.Minute)
	watcher.enters(false, models.CodeUnauthenticated)
	worker.enters(true, models.CodeUnauthenticated) // idle by now as well

	worker.login()
	for range 36 {
		worker.enters(true, "")
		s.sleep(20 * time.Minute)
	}
	worker.enters(true, models.CodeUnauthenticated)
}

func TestFlash(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	flash := func(texts ...string) {
		b.visit("/", func(c echo.Context) {
			_ = b.Enter(c, true) // also without a session
			for _, text := range texts {
				b.Flash(c, text)
			}
		})
	}
	taken := func(want ...string) {
		t.Helper()
		b.visit("/", func(c echo.Context) {
			_ = b.Enter(c, true)
			if diff := cmp.Diff(want, b.TakeFlash(c)); diff != "" {
				t.Error(diff)
			}
			if again := b.TakeFlash(c); again != nil {
				t.Errorf("taken twice in one call: %v", again)
			}
		})
	}
	flash("lost")
	b.login()
	taken()
	flash("Approved.", `<b>"ä`)
	flash("More.")
	taken("Approved.", `<b>"ä`, "More.")
	taken()
}

// TestFlashOfASessionThatEnded is about a form whose session is ended while it is at work.
func TestFlashOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.login()
	b.visit("/", func(c echo.Context) {
		if err := b.Enter(c, true); err != nil {
			t.Fatal(err)
		}
		s.Admin(t, `DELETE FROM sessions`)
		b.Flash(c, "Approved.")
		if texts := b.TakeFlash(c); texts != nil {
			t.Error(texts)
		}
	})
	if told := s.told(); told != "" {
		t.Errorf("told the log: %s", told)
	}
}

// TestPagesWithoutMessagesWriteNothing counts the statements behind a page.
func TestPagesWithoutMessagesWriteNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.login()
	b.visit("/", func(c echo.Context) {
		if err := b.Enter(c, true); err != nil {
			t.Fatal(err)
		}
		before := len(s.Recorder.Statements())
		b.TakeFlash(c)
		if asked := s.Recorder.Statements()[before:]; len(asked) > 0 {
			t.Errorf("%+v", asked)
		}
	})
}

func TestBeginOnAnotherHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.visit("http://localhost:8080/login", func(c echo.Context) {
		address, err := b.Begin(c, "/tenants?a=b")
		if err != nil || address != publicURL+"/login?moved=1&return=%2Ftenants%3Fa%3Db" {
			t.Errorf("%s, %v", address, err)
		}
	})
	if len(b.cookies) != 0 {
		t.Error("a login was begun where it cannot end")
	}
	b.visit("http://behind.proxy/login?moved=1", func(c echo.Context) { // a proxy changed the host: no circles
		if address, err := b.Begin(c, "/"); err != nil || !strings.HasPrefix(address, s.idp.URL) {
			t.Errorf("%s, %v", address, err)
		}
	})
}

func TestDisabledPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.login()
	s.Admin(t, `UPDATE people SET disabled_at = now()`)
	s.Admin(t, `UPDATE heads SET revision = revision + 1 WHERE environment = 'roles'`)
	var revision int64
	s.Scan(t, `SELECT revision FROM heads WHERE tenant_id = '@platform' AND environment = 'roles'`, nil, &revision)
	s.access.Raise([]models.Head{{TenantID: models.Platform, Environment: models.HeadRoles, Revision: revision}})
	b.enters(true, models.CodeUnauthenticated)
	b = s.browser()
	if _, err := b.finish(b.answer(b.begin("/"))); codeOf(err) != models.CodeForbidden || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("%v", err)
	}
	if s.people() != 1 {
		t.Error("a disabled person got a session")
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "/",
		"/":                               "/",
		"/tenants":                        "/tenants",
		"/tenants/":                       "/tenants/",
		"/tenants/acme?environment=QA&q=": "/tenants/acme?environment=QA&q=",
		"/tenants?q=%2F%2Fevil":           "/tenants?q=%2F%2Fevil",
		"/a%20b?q=a%20b#c":                "/a%20b?q=a%20b#c",
		"/tenants?q=//evil":               "/tenants?q=//evil",
		"https://evil":                    "/",
		"//evil":                          "/",
		"///evil":                         "/",
		`/\evil`:                          "/",
		`\\evil`:                          "/",
		"/%2f/evil":                       "/",
		"/%2fevil":                        "/",
		"/%5cevil":                        "/",
		"/..//evil":                       "/",
		"/%2e%2e//evil":                   "/",
		"/a/../b":                         "/",
		"javascript:alert(1)":             "/",
		"tenants":                         "/",
		"/\t/evil":                        "/",
		"/\n/evil":                        "/",
		"\x20/tenants":                    "/",
		"/%0a/evil":                       "/",
		"/a\x00":                          "/",
		"/%zz":                            "/",
		"/ä":                              "/",
		"/" + strings.Repeat("a", 2048):   "/",
	} {
		if got := auth.Local(text); got != want {
			t.Errorf("%q leads to %q, want %q", text, got, want)
		}
	}
}

func TestReturnPath(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for text, want := range map[string]string{
		"/changes/1": "/changes/1", "https://evil": "/", "//evil": "/", "/login": "/", "/login?return=%2Fa": "/", "/login/callback?code=1": "/",
		"/logout": "/", "/signed-out/": "/",
	} {
		b := s.browser()
		if got, err := b.finish(b.answer(b.begin(text))); err != nil || got != want {
			t.Errorf("%q leads to %q (%v), want %q", text, got, err, want)
		}
	}
}
