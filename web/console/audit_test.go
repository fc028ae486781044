package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// busy is a site in whose tenants something happened.
func busy(t *testing.T) *webtest.Site {
	t.Helper()
	site := webtest.New(t)
	body := func(tenant, value string) webtest.Body {
		return webtest.Body{"tenantId": tenant, "environment": "Development", "key": "app.greeting", "value": value}
	}
	site.As("engineer").Post("/configs", body(webtest.Acme, "hello")).Want(201)
	site.As("engineer2").Post("/configs", body(webtest.Acme, "good\u202e day")).Want(201)
	site.As("globex-engineer").Post("/configs", body(webtest.Globex, "globex-only")).Want(201)
	return site
}

func TestAudit(t *testing.T) {
	t.Parallel()
	site := busy(t)
	auditor := site.Browse("auditor")

	page := auditor.Get("/audit").Want(200)
	page.Shows("nav a[aria-current=page]", "Audit").Shows("#audit-list", "engineer2 set app.greeting in Development")
	page.Has(`#audit-list .sentence a[href="/tenants/acme/keys/app.greeting"]`, 3)
	page.Shows("#audit-list .removed", "hello").Shows("#audit-list .added", "goodU+202E day")
	page.Shows("#audit-list .sentence", "(system) gave the role viewer to viewer").Shows("select#tenant", "Globex (globex)")

	tests := map[string]struct{ query, shows, lacks string }{
		"tenant":          {"tenant=globex", "globex-engineer set", "engineer2 set"},
		"the platform's":  {"tenant=@platform", "signed in", "app.greeting"},
		"actor":           {"actor=" + site.Person("engineer2").ID, "engineer2 set", "globex-engineer"},
		"action":          {"action=definition.create", "defined app.greeting", "set"},
		"noun":            {"action=config.", "set app.greeting", "defined"},
		"resource":        {"resource=tenant/globex", "created the tenant Globex", "Acme"},
		"before it began": {"to=2020-01-01", "No entry fits", "set"},
		"after it ended":  {"from=2200-01-01T10:00", "No entry fits", "set"},
		"a long time":     {"from=2020-01-01T10:00&to=2200-01-01", "engineer2 set", "No entry fits"},
	}
	for name, tt := range tests {
		screen := auditor.Get("/audit?" + tt.query).Want(200)
		screen.Shows("#audit-list", tt.shows)
		if strings.Contains(screen.Words("#audit-list .sentence"), tt.lacks) {
			t.Errorf("%s: %q is listed", name, tt.lacks)
		}
	}
	bad := auditor.Get("/audit?from=yesterday&action=config.set").Want(422).Shows("#audit-list .alert", "the beginning is no time")
	if bad.Input("from") != "yesterday" || bad.Find("select#action option[selected]").AttrOr("value", "") != "config.set" {
		t.Error("the filters are lost")
	}
	part := auditor.Htmx("section#audit-list").Get("/audit?tenant=globex").Want(200)
	part.Shows("#audit-list", "globex-engineer set").Has("nav", 0).Has("form", 0)
}

func TestAuditPages(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	for range 60 {
		site.Session("viewer")
	}
	auditor := site.Browse("auditor")
	first := auditor.Get("/audit?action=session.login").Want(200).Has("#audit-list li", 50)
	next := first.Find(`.pager a[rel=next]`).AttrOr("href", "")
	second := auditor.Get(next).Want(200).Has("#audit-list li", 11).Has(`.pager a[rel=next]`, 0)
	if back := second.Find(".pager a").AttrOr("href", ""); back != "/audit?action=session.login" {
		t.Errorf("the first page is at %q", back)
	}
}

func TestAuditEntry(t *testing.T) {
	t.Parallel()
	site := busy(t)
	at := func(v *webtest.Visitor, query string) string {
		return v.Get("/audit?"+query).Want(200).Find("#audit-list .line > a").AttrOr("href", "")
	}
	auditor := site.Browse("auditor")
	entry := at(auditor, "tenant=acme&action=config.set")
	page := auditor.Get(entry).Want(200).Shows("h1", "Entry").Shows("main", "engineer2 set app.greeting in Development")
	page.Shows(".removed", "hello").Shows(".facts", "127.0.0.1").Has(`.facts a[href^="/audit?resource=config"]`, 1)
	if leaf := page.Words(".facts dd:last-child code"); len(leaf) != 64 {
		t.Errorf("the leaf hash is %q", leaf)
	}
	site.Browse("tenant-admin").Get(entry).Want(200)
	site.Browse("tenant-admin").Get(at(auditor, "tenant=globex")).Want(404)
	site.Browse("tenant-admin").Get("/audit/not-there").Want(404)
	site.Browse("acme-engineer").Get(entry).Want(403)
	site.Stranger().Get(entry).Leads("/login?return=%2Faudit%2F")
}

func TestAuditRights(t *testing.T) {
	t.Parallel()
	site := busy(t)
	site.Browse("engineer").Get("/audit").Want(403)
	site.Browse("globex-engineer").Get("/audit?tenant=globex").Want(403)
	site.Stranger().Get("/audit?actor=x").Leads("/login?return=%2Faudit%3Factor%3Dx")

	own := site.Browse("tenant-admin")
	own.Get("/audit").Want(200).Shows("#audit-list", "engineer2 set").Lacks("main", "lobex")
	own.Get("/audit?tenant=acme").Want(200)
	unknown, foreign := own.Get("/audit?tenant=nobodys").Want(404), own.Get("/audit?tenant=globex").Want(404)
	if a, b := unknown.Words("h1"), foreign.Words("h1"); a != b {
		t.Errorf("another's tenant answers %q, an unknown one %q", b, a)
	}
}
