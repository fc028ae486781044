package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

const revealToken = "/tenants/acme/keys/token/reveal"

// guarded is a site with a secret of acme in QA and one of the platform in Staging.
func guarded(t *testing.T) *webtest.Site {
	t.Helper()
	site := webtest.New(t)
	admin := site.As("admin")
	admin.Post("/definitions", webtest.Body{"tenantId": "@platform", "key": "token", "type": "string", "sensitive": true}).Want(201)
	setLive(site, "acme", "QA", "token", "kanarienvogel")
	setLive(site, "@platform", "Staging", "token", "wellensittich")
	return site
}

func TestReveal(t *testing.T) {
	t.Parallel()
	site := guarded(t)
	owner := site.Browse("tenant-admin") // of acme
	page := owner.Get("/tenants/acme/keys/token").Want(200).Lacks("html", "kanarienvogel")
	page.Has("form[action$=reveal]", 1).Has("#value-QA form[action$=reveal][method=post] [name=environment][value=QA]", 1)

	whole := owner.Post(revealToken, "environment", "QA").Want(200).Shows("#value-QA [data-revealed]", `"kanarienvogel"`).
		Has("a[data-hide][href='/tenants/acme/keys/token?environment=QA']", 1).Has("[data-hidden][hidden]", 1).
		Lacks("title", "kanarienvogel").Lacks("#notice", "kanarienvogel")
	if got := whole.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the answer may be kept: %q", got)
	}
	part := owner.Htmx("div#value-QA").Post(revealToken, "environment", "QA").Want(200)
	part.Has("h1, nav, html title", 0).Shows("[data-revealed]", "kanarienvogel")
	if got := part.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the part may be kept: %q", got)
	}
	owner.Get("/tenants/acme/keys/token").Lacks("html", "kanarienvogel")

	admin := site.As("admin")
	log := admin.Get("/audit?action=secret.reveal&tenantId=acme").Want(200)
	if got := log.Field("items.0.action"); got != "secret.reveal" || strings.Contains(log.Text, "kanarienvogel") {
		t.Errorf("the audit log says %s", log.Text)
	}
	site.Browse("admin").Get("/tenants/@platform/keys/token").Has("#value-Staging form[action$=reveal]", 1).Lacks("html", "wellensittich")
}

func TestRevealRights(t *testing.T) {
	t.Parallel()
	site := guarded(t)
	for who, status := range map[string]int{
		"engineer": 403, "viewer": 403, "acme-engineer": 403, "auditor": 403, "globex-engineer": 404,
	} {
		v := site.Browse(who)
		v.Post(revealToken, "environment", "QA").Want(status).Lacks("html", "kanarienvogel")
		if status == 403 {
			v.Get("/tenants/acme/keys/token").Want(200).Has("form[action$=reveal]", 0).Lacks("html", "kanarienvogel")
		}
	}
	site.Stranger().Post(revealToken, "environment", "QA").Want(401)
	owner := site.Browse("tenant-admin")
	owner.Post(revealToken, "environment", "Staging").Want(404).Lacks("html", "wellensittich") // it is the platform's
	owner.Post(revealToken, "environment", "Nowhere").Want(404)
	owner.Post("/tenants/globex/keys/token/reveal", "environment", "Staging").Want(404)
	owner.From("https://evil.example.com").Post(revealToken, "environment", "QA").Want(403).Lacks("html", "kanarienvogel")
}
