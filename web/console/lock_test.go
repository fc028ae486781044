package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// lockedSite is a site where the platform locks "limit" in QA over a value that acme has there.
func lockedSite(t *testing.T) *webtest.Site {
	t.Helper()
	site := webtest.New(t)
	setLive(site, "@platform", "QA", "limit", 10)
	setLive(site, "acme", "QA", "limit", 30)
	site.Browse("engineer").Post("/tenants/@platform/edit", "environment", "QA", "key", "limit", "value", "10", "base", "1",
		"locks", "1", "locked", "1", "reason", "for all").Leads("/tenants/@platform")
	return site
}

func TestLock(t *testing.T) {
	t.Parallel()
	site := lockedSite(t)
	engineer := site.Browse("engineer")
	const own = "/tenants/@platform/edit?environment=QA&key=limit"
	engineer.Get(own).Want(200).Has("input[name=locked][checked]", 1).Shows("#editor", "locked by platform").
		Shows("#lock-hint", "1 of them sets the key itself in some environment: the lock hides that.")
	engineer.Get("/tenants/@platform/keys/limit").Shows(".key-place:nth-child(2)", "locked by platform").
		Shows(".versions tbody tr:nth-child(1)", "Lock limit in QA")

	engineer.Get("/tenants/acme").Shows("tbody td:nth-child(3) .lock-mark", "locked by @platform").Has("tbody td:nth-child(2) .lock-mark", 0).
		Has("a[aria-label='Why limit cannot be edited in QA']", 1)
	engineer.Get("/tenants/acme/keys/limit").Shows(".key-place:nth-child(2) .line", "locked by platform").
		Shows(".key-place:nth-child(2) .why-list", "acme 30 version 1, hidden by the lock of platform").
		Has(".key-place:nth-child(2) a[href*='/edit']", 0).Has(".key-place:nth-child(1) a[href*='/edit']", 1)

	form := func(value, locked string) []string {
		return []string{"environment", "QA", "key", "limit", "value", value, "base", "2", "locks", "1", "locked", locked}
	}
	engineer.Post("/tenants/@platform/edit", form("10", "1")...).Want(422).Shows("#editor-check", "This value is live already").
		Has("input[name=locked][checked]", 1)
	engineer.Post("/tenants/@platform/edit", form("11", "")...).Leads("/tenants/@platform") // a value, and the lock off with it
	engineer.Get(own).Has("input[name=locked]", 1).Has("input[name=locked][checked]", 0)
	engineer.Get("/tenants/acme/keys/limit").Shows(".key-place:nth-child(2) .value-box", "30").Lacks(".key-place:nth-child(2)", "locked")
}

func TestEditorUnderALock(t *testing.T) {
	t.Parallel()
	site := lockedSite(t)
	const path = "/tenants/acme/edit?environment=QA&key=limit"
	site.Browse("engineer").Get(path).Want(200).Shows(".alert", "Locked by platform").Shows("#editor", "10").
		Has("#editor form", 0).Has("#editor button", 0).Has("a[href='/tenants/@platform/keys/limit']", 1)
	site.Browse("acme-engineer").Get(path).Want(200).Shows(".alert", "Locked by platform").Has("a[href='/tenants/@platform/keys/limit']", 0)
	site.Browse("engineer").Post("/tenants/acme/edit", "environment", "QA", "key", "limit", "value", "31").Want(422)
	site.Browse("engineer").Get("/tenants/acme/edit?environment=QA&key=other").Want(200).Has("[name=locked]", 0) // nothing is below a tenant
	site.Browse("viewer").Get(path).Want(403)
	site.Browse("globex-engineer").Get(path).Want(404)
}

// A lock on a secret moves without the secret being typed, and a secret that was typed is never shown again.
func TestLockASecret(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{"tenantId": "@platform", "key": "token", "type": "string", "sensitive": true}).Want(201)
	setLive(site, "@platform", "QA", "token", "first-secret")
	engineer := site.Browse("engineer")
	form := func(value, locked string) []string {
		return []string{"environment", "QA", "key", "token", "value", value, "base", "1", "locks", "1", "locked", locked}
	}
	engineer.Post("/tenants/@platform/edit", form("typed-secret", "")...).Leads("/tenants/@platform")
	engineer.Post("/tenants/@platform/edit", form("other-secret", "1")...).Want(409).Lacks("html", "other-secret").Lacks("html", "typed-secret")
	engineer.Post("/tenants/@platform/edit", "environment", "QA", "key", "token", "value", "", "base", "2", "locks", "1", "locked", "1").Leads("/tenants/@platform")
	engineer.Get("/tenants/@platform").Shows("#notice", "Locked token in QA").Has("tbody td:nth-child(3) .lock-mark", 1)
	config := site.As("admin").Get("/configs?tenantId=@platform&environment=QA").Field("items.0.id")
	if got := site.As("admin").Post("/configs/"+config+"/reveal", webtest.Body{}).Want(200).Field("value"); got != "typed-secret" {
		t.Errorf("after the lock the secret is %q", got)
	}
}

// What an editor of a merged key holds is what the layer contributes, not what everything comes to.
func TestMergedKey(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{"tenantId": "@platform", "key": "labels", "type": "json", "merge": "deep"}).Want(201)
	setLive(site, "@platform", "QA", "labels", webtest.Body{"a": "1", "b": "1"})
	engineer := site.Browse("engineer")
	const path = "/tenants/acme/edit?environment=QA&key=labels"
	form := engineer.Get(path).Want(200).Shows("#editor", "What is saved for Acme is merged into it.").Shows("#editor", "Only the members that differ")
	if form.Input("value") != "{}" {
		t.Errorf("an own value begins as %s", form.Input("value"))
	}
	engineer.Post("/tenants/acme/edit", "environment", "QA", "key", "labels", "value", `{"b":"2"}`, "as", "json", "base", "0").Leads("/tenants/acme")
	engineer.Get("/tenants/acme").Shows("tbody td:nth-child(3)", `{"a":"1","b":"2"}`).Shows("tbody td:nth-child(3)", "merged")
	engineer.Get("/tenants/acme/keys/labels").Shows(".key-place:nth-child(2) .value-box", `"a": "1"`).
		Shows(".key-place:nth-child(2) .why-list", `platform {"a":"1","b":"1"} version 1, merged into the value`).
		Shows(".key-place:nth-child(2) .why-list", `acme {"b":"2"} version 1, its members win`)
	if own := engineer.Get(path).Input("value"); own != "{\n  \"b\": \"2\"\n}" {
		t.Errorf("the editor holds %s", own)
	}
	engineer.Get(path).Shows(".editor-remove", "what comes from above stays")
	engineer.Post("/tenants/acme/edit", "environment", "QA", "key", "labels", "value", `{"b":"2"}`, "as", "json", "base", "1").Want(422).
		Shows("#editor-check", "This value is live already")
}
