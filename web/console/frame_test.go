package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin, stranger := site.Browse("admin"), site.Stranger()
	signedIn, open := routes(t)
	for _, r := range append(signedIn, open...) {
		for who, v := range map[string]*webtest.Visitor{"admin": admin, "nobody": stranger} {
			var s *webtest.Screen
			if r.method == "GET" {
				s = v.Get(r.at())
			} else {
				s = v.Post(r.at())
			}
			if got := s.Header.Get("Content-Security-Policy"); got != policy {
				t.Errorf("%s %s for %s: policy %q", r.method, r.path, who, got)
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			} {
				if got := s.Header.Get(name); got != want {
					t.Errorf("%s %s for %s: %s is %q", r.method, r.path, who, name, got)
				}
			}
			if s.Status() >= 500 && r.path != "/login" && r.path != "/login/callback" { // the provider of this site is down
				t.Errorf("%s %s for %s answered %d", r.method, r.path, who, s.Status())
			}
		}
	}
	for _, r := range signedIn {
		if r.method == "GET" {
			stranger.Get(r.at()).Leads("/login?return=")
		} else {
			stranger.Post(r.at()).Want(401)
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	signedIn, open := routes(t)
	for _, r := range append(signedIn, open...) {
		if r.method != "POST" {
			continue
		}
		site.Browse("admin").From("https://evil.example.com").Post(r.at()).Want(403).Shows("main", "another site")
	}
	site.Browse("admin").From("https://evil.example.com").Post("/tenants", "tenantId", "evil", "name", "Evil", "tier", "pro").Want(403)
	site.As("admin").Get("/tenants/evil").Want(404)
}

func TestErrorsArePages(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")
	admin.Get("/nothing/here").Want(404).Shows("h1", "Not found").Shows("main", "Request ")
	admin.Post("/tenants", "name", "a\x00b").Want(400).Shows("h1", "Malformed")
	admin.Post("/tenants", "name", strings.Repeat("a", 2<<20)).Want(413).Shows("h1", "Too large")
	for _, path := range []string{"/tenants?status=%00", "/changes?environment=%ff", "/audit?tenant=%00", "/tenants?search=%zz"} {
		admin.Get(path).Want(400).Shows("h1", "Malformed")
	}
	part := admin.Htmx("section#tenant-list").Get("/tenants?cursor=nonsense").Want(422)
	if part.Header.Get("HX-Retarget") != "#notice" || part.Find("html head title").Length() > 0 {
		t.Errorf("the error is no notice: %v", part.Header)
	}
	if got := site.With("").Get("/api/v1/nothing").Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the API answers %s", got)
	}
	stranger := site.Stranger().Get("/nothing")
	stranger.Want(404).Has(".side-nav", 0)
}

func TestFrame(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	navs := map[string]string{
		"admin":           "Overview Approvals Changes Tenants Definitions Instances Audit Access",
		"engineer":        "Overview Approvals Changes Tenants Definitions Instances Access",
		"auditor":         "Overview Approvals Changes Tenants Definitions Instances Audit Access",
		"tenant-admin":    "Overview Approvals Changes Tenants Definitions Instances Audit Access",
		"globex-engineer": "Overview Approvals Changes Tenants Definitions Instances Access",
	}
	for name, want := range navs {
		page := site.Browse(name).Get("/tenants").Want(200)
		var got []string
		for _, link := range page.Find(".side-nav a").EachIter() {
			got = append(got, strings.TrimSpace(link.Text()))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s sees %v, want %s", name, got, want)
		}
		page.Shows(".who", name+"@example.com")
	}
}

func TestTheme(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	v := site.Browse("engineer")
	theme := func() string { return v.Get("/tenants").Find("html").AttrOr("data-bs-theme", "system") }
	if got := theme(); got != "system" {
		t.Errorf("at first it is %s", got)
	}
	v.Post("/theme", "theme", "dark", "return", "/tenants?search=x").Leads("/tenants?search=x")
	if got := theme(); got != "dark" {
		t.Errorf("after a choice it is %s", got)
	}
	v.Post("/theme", "theme", "system", "return", "//evil.example.com").Leads("/")
	if got := theme(); got != "system" {
		t.Errorf("after taking it back it is %s", got)
	}
}

func TestTheWayBack(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	page := site.Browse("engineer").On("/tenants?search=x").Post("/tenants", "name", "no id").Want(403)
	if got := page.Find("form[action='/theme'] input[name=return]").AttrOr("value", ""); got != "/tenants?search=x" {
		t.Errorf("the switch of colours leads back to %s", got)
	}
	late := site.Stranger().On("/tenants?search=x").Post("/tenants", "name", "no id").Want(401)
	if got := late.Find("main a").AttrOr("href", ""); got != "/login?return=%2Ftenants%3Fsearch%3Dx" {
		t.Errorf("signing in again leads to %s", got)
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	v := site.Browse("engineer")
	old := *v
	v.Get("/tenants").Want(200)
	v.Post("/logout").Leads("/signed-out")
	old.Get("/tenants").Leads("/login")
	v.Get("/signed-out").Want(200).Shows("h1", "You are signed out").Has("a[href='/login']", 1)
}

func TestRefusedFormsAreAudited(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Browse("engineer").Post("/tenants", "tenantId", "other", "name", "Other", "tier", "pro").Want(403)
	entries := site.As("auditor").Get("/audit?action=access.denied").Want(200)
	if n := entries.Len("items"); n != 1 {
		t.Fatalf("%d entries tell of it: %s", n, entries.Text)
	}
	for path, want := range map[string]string{
		"items.0.resource": "tenant", "items.0.actor.name": "engineer", "items.0.after.action": "tenant.create", "items.0.after.code": "forbidden",
	} {
		if got := entries.Field(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
