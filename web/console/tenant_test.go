package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// setLive gives a key a value that is live at once.
func setLive(site *webtest.Site, tenant, environment, key string, value any) {
	site.As("engineer").Post("/configs", webtest.Body{"tenantId": tenant, "environment": environment, "key": key, "value": value}).Want(201)
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	engineer.Get("/tenants/acme").Want(200).Shows("#matrix", "No keys yet").Has("a[href='/tenants/acme/edit']", 2)

	setLive(site, "@platform", "Development", "checkout.timeout", 30)
	setLive(site, "@platform", "QA", "checkout.timeout", 30)
	setLive(site, "acme", "QA", "checkout.timeout", 45)
	setLive(site, "acme", "Development", "banner", "Hello")
	setLive(site, "acme", "Staging", "exact", "0")
	page := engineer.Get("/tenants/acme").Want(200)
	page.Shows("h1", "Acme").Shows(".page-head", "Enterprise tier").Shows("#matrix", "3 keys, 3 differ")
	page.Shows("thead", "Production needs engineer, manager and compliance").Shows("thead", "QA live at once")
	page.Has("tbody tr", 3).Has("tbody th[scope=row]", 3).Has("a[href='/tenants/acme/keys/checkout.timeout']", 1)
	row := "tbody tr:nth-child(2)"
	page.Shows(row+" td:nth-child(2)", "30platform").Lacks(row+" td:nth-child(2)", "differs")
	page.Shows(row+" td:nth-child(3)", "45acme differs from Development").Shows(row+" td:nth-child(4)", "not setdiffers from QA")
	page.Lacks(row+" td:nth-child(5)", "differs")
	page.Has(`a[aria-label="Edit checkout.timeout in QA"][href="/tenants/acme/edit?environment=QA&key=checkout.timeout"]`, 1)
	page.Has("[style], script:not([src]), [onclick]", 0)

	engineer.Get("/tenants/acme?search=hello").Want(200).Shows("#matrix", "1 of 3 keys fits").Shows("#matrix", "banner").Lacks("#matrix", "checkout.timeout").
		Has(`a[href*="return=%2Ftenants%2Facme%3Fsearch%3Dhello"]`, 4+1)
	engineer.Get("/tenants/acme?search=nothing-like-it").Want(200).Shows("#matrix", "No key fits")
	engineer.Get("/tenants/@platform?different=1").Want(200).Shows("h1", "Platform defaults").Shows("#matrix", "checkout.timeout").
		Has("input[name=different][checked]", 1).Shows(".page-head", "2 tenants inherit from here")
	engineer.Get("/tenants/@tier.free?different=1").Want(200).Shows(".page-head", "1 tenant inherits from here")
	part := engineer.Htmx("section#matrix").Get("/tenants/acme?search=hello").Want(200).Has("#matrix", 1).Has("form, h1, nav", 0)
	if part.Find("title").Length() > 0 {
		t.Error("the part is a page")
	}
	engineer.Htmx("section#editor").Get("/tenants/acme").Want(200).Has("#editor", 1).Has("#matrix, form", 0)
}

func TestMatrixRights(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	setLive(site, "acme", "QA", "limit", 1)
	site.Browse("viewer").Get("/tenants/acme").Want(200).Shows("#matrix", "limit").Has("a[href*='/edit']", 0).Has(".acts a[href^='/audit']", 0)
	site.Browse("auditor").Get("/tenants/acme").Want(200).Has(".acts a[href^='/audit']", 1)
	own := site.Browse("acme-engineer").Get("/tenants/acme").Want(200).Has(".cell-edit", 4)
	own.Has("a[href^='/tenants/@']", 0)
	foreign := site.Browse("globex-engineer").Get("/tenants/acme").Want(404)
	unknown := site.Browse("globex-engineer").Get("/tenants/never").Want(404)
	cut := func(s *webtest.Screen) string { words, _, _ := strings.Cut(s.Words("main"), "Request "); return words }
	if cut(foreign) != cut(unknown) {
		t.Errorf("a foreign tenant answers %q, an unknown one %q", cut(foreign), cut(unknown))
	}
	site.Browse("acme-engineer").Get("/tenants/@platform").Want(404)
	site.Stranger().Get("/tenants/acme").Leads("/login?return=%2Ftenants%2Facme")
}

func TestMatrixPages(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	items := make([]webtest.Body, 60)
	for i := range items {
		items[i] = webtest.Body{"key": fmt.Sprintf("k%02d", i), "op": "set", "value": i}
	}
	site.As("engineer").Post("/changes", webtest.Body{"tenantId": "acme", "environment": "QA", "items": items}).Want(201)
	viewer := site.Browse("viewer")
	first := viewer.Get("/tenants/acme").Want(200).Shows("#matrix", "60 keys").Has("tbody tr", 50)
	next := first.Find("a[rel=next]").AttrOr("href", "")
	viewer.Get(next).Want(200).Has("tbody tr", 10).Shows("#matrix", "k59").Has("a[rel=next]", 0).Has("a[href='/tenants/acme']", 1)
	viewer.Get("/tenants/acme?cursor=nonsense").Want(422)
	u, _ := url.Parse(next)
	viewer.Get("/tenants/globex?cursor=" + u.Query().Get("cursor")).Want(422)
}

func TestMatrixSecrets(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{"tenantId": "acme", "key": "token", "type": "string", "sensitive": true}).Want(201)
	setLive(site, "acme", "QA", "token", "hunter2")
	engineer := site.Browse("engineer")
	engineer.Get("/tenants/acme").Want(200).Shows("tbody", "secret").Shows("tbody", "hidden").Lacks("html", "hunter2").Lacks("html", "********")
	engineer.Get("/tenants/acme?search=hunter").Want(200).Shows("#matrix", "No key fits")
}
