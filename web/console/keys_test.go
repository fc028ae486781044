package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// limits is a site where the key "limit" is set on all three layers, in four versions in Development.
func limits(t *testing.T) *webtest.Site {
	t.Helper()
	site := webtest.New(t)
	admin, engineer := site.As("admin"), site.As("engineer")
	for _, v := range []string{"@platform 10", "@tier.enterprise 20", "acme 30", "acme 31", "acme 32"} {
		layer, value, _ := strings.Cut(v, " ")
		admin.Post("/configs", `{"tenantId": "`+layer+`", "environment": "Development", "key": "limit", "value": `+value+
			`, "reason": "step to `+value+`"}`).Want(201)
	}
	engineer.Post("/configs", webtest.Body{"tenantId": "acme", "environment": "QA", "key": "limit", "value": 7}).Want(201)
	engineer.Post("/configs", webtest.Body{"tenantId": "acme", "environment": "Production", "key": "limit", "value": 8}).Want(202)
	return site
}

func TestKey(t *testing.T) {
	t.Parallel()
	site := limits(t)
	engineer := site.Browse("engineer")

	page := engineer.Get("/tenants/acme/keys/limit").Want(200).
		Shows("h1", "limit").Has(".key-place", 4).
		Shows(".key-place:nth-child(1)", "32").Shows(".key-place:nth-child(1) .path", "Layer acmeVersion 3Change Set limit in Development by admin").
		Shows(".key-place:nth-child(1) .path", "Approved by nobody was asked Live since just now").
		Shows(".key-place:nth-child(1) .why-list", "platform 10 version 1, covered by acme").
		Shows(".key-place:nth-child(1) .why-list", "tier enterprise 20 version 1, covered by acme").
		Shows(".key-place:nth-child(2)", "differs from Development").
		Shows(".key-place:nth-child(4)", "No value").
		Shows("[aria-labelledby=definition]", "number").Shows("[aria-labelledby=definition]", "platform")
	if n := page.Find(".key-place:nth-child(1) a[href='/tenants/acme/edit?environment=Development&key=limit']").Length(); n != 1 {
		t.Errorf("%d links to the editor", n)
	}
	if n := page.Find(".path a[href^='/changes/']").Length(); n != 2 {
		t.Errorf("%d links to changes, want one for each value", n)
	}
	page.Has("[aria-labelledby=below]", 0)

	engineer.Get("/tenants/@platform/keys/limit").Want(200).Shows("[aria-labelledby=below]", "2 layers below Platform").
		Has("[aria-labelledby=below] a[href='/tenants/acme/keys/limit']", 1).
		Has("[aria-labelledby=below] a[href='/tenants/@tier.enterprise/keys/limit']", 1)
	engineer.Get("/tenants/globex/keys/limit").Want(200).Shows(".key-place:nth-child(1)", "10").
		Has(".key-place:nth-child(1) .path a[href='/tenants/@platform/keys/limit']", 1)

	engineer.Get("/tenants/acme/keys/unheard-of").Want(404)
	engineer.Get("/tenants/nobody/keys/limit").Want(404)
	engineer.Get("/tenants/acme/keys/limit?environment=Moon").Want(422)
	engineer.Get("/tenants/acme/keys/limit?from=x").Want(422)
	site.Browse("globex-engineer").Get("/tenants/acme/keys/limit").Want(404)
	site.Stranger().Get("/tenants/acme/keys/limit").Leads("/login")
}

// Who sees one customer only is told what it inherits, but gets no link that leads nowhere.
func TestKeySeenByOneTenant(t *testing.T) {
	t.Parallel()
	site := limits(t)
	page := site.Browse("globex-engineer").Get("/tenants/globex/keys/limit").Want(200).Shows(".key-place:nth-child(1)", "10")
	page.Has(".key-place:nth-child(1) .path a", 0).Shows(".key-place:nth-child(1) .path", "Layer platformVersion 1Written by adminLive since just now")
	viewer := site.Browse("viewer").Get("/tenants/acme/keys/limit?back=1&environment=Development").Want(200)
	viewer.Has("main form[method=post]", 0).Has("main a[href*='/edit']", 0).Has("main a[href*='back=']", 0)
}

func TestKeyHistory(t *testing.T) {
	t.Parallel()
	site := limits(t)
	engineer := site.Browse("engineer")

	engineer.Get("/tenants/acme/keys/limit").Shows("#history-title", "History in QA") // the last one that has any
	page := engineer.Get("/tenants/acme/keys/limit?environment=Development").Want(200).Has(".versions tbody tr", 3).
		Shows(".versions tbody tr:nth-child(1)", "live").Shows(".versions tbody tr:nth-child(1)", "step to 32").
		Shows(".versions tbody tr:nth-child(3)", "30").Shows(".tabs a[aria-current]", "Development")
	page.Has("input[name=from]:checked[value='2']", 1).Has("input[name=to]:checked[value='3']", 1)
	page.Has("a[href*='back=']", 2)
	engineer.Get("/tenants/acme/keys/limit?environment=Staging").Want(200).Shows("#history", "Never set here")

	diff := engineer.Get("/tenants/acme/keys/limit?environment=Development&from=1&to=3").Want(200)
	diff.Shows("#diff-title", "Version 1 compared with version 3").Shows(".diff .removed", "30").Shows(".diff .added", "32").
		Shows("#history details", `{"op": "replace", "path": "", "value": 32}`).Has("input[name=from]:checked[value='1']", 1)
	engineer.Get("/tenants/acme/keys/limit?environment=Development&from=1&to=1").Shows("#history", "Both have the same value")
	engineer.Get("/tenants/acme/keys/limit?environment=Development&from=1&to=9").Want(404)

	part := engineer.Htmx("section#history").Get("/tenants/acme/keys/limit?environment=Development&back=1").Want(200)
	part.Has("section#history", 1).Has("nav.side", 0).Has("h1", 0).Shows("#back-title", "Put back version 1 in Development").
		Shows("#history", "live at once").Shows("#history button", "Put back version 1: live at once").Shows(".diff .removed", "32").Shows(".diff .added", "30")
}

func TestPutBack(t *testing.T) {
	t.Parallel()
	site := limits(t)
	engineer := site.Browse("engineer")
	form := []string{"environment", "Development", "version", "1", "base", "3", "reason", "30 was enough"}

	site.Browse("viewer").Post("/tenants/acme/keys/limit/put-back", form...).Want(403)
	site.Browse("globex-engineer").Post("/tenants/acme/keys/limit/put-back", form...).Want(404)
	site.Stranger().Post("/tenants/acme/keys/limit/put-back", form...).Want(401)

	engineer.Post("/tenants/acme/keys/limit/put-back", form...).Leads("/tenants/acme/keys/limit?environment=Development")
	page := engineer.Get("/tenants/acme/keys/limit?environment=Development").Want(200).
		Shows("#notice", "Put back version 1 of limit in Development. It is live.").
		Shows(".key-place:nth-child(1) .path", "Version 4").
		Shows(".versions tbody tr:nth-child(1)", "Roll back limit to version 1 in Development").
		Shows(".versions tbody tr:nth-child(1)", "30 was enough")
	page.Has(".versions tbody tr:nth-child(4) a[href*='back=']", 0) // the same value is live

	stale := engineer.Post("/tenants/acme/keys/limit/put-back", form...).Want(409)
	stale.Shows("#history .alert", "version 3 was live, now it is version 4").Shows("#back-title", "Put back version 1")
	if got := stale.Find("#history [name=reason]").AttrOr("value", ""); got != "30 was enough" {
		t.Errorf("the reason is lost: %q", got)
	}
	engineer.Post("/tenants/acme/keys/limit/put-back", "environment", "Development", "version", "x").Want(422)
	engineer.Post("/tenants/acme/keys/limit/put-back", "environment", "Development", "version", "77", "base", "4").Want(404)
	engineer.Post("/tenants/acme/keys/limit/put-back", "environment", "Staging", "version", "1", "base", "0").Want(404)
}

func TestPromoteKey(t *testing.T) {
	t.Parallel()
	site := limits(t)
	engineer := site.Browse("engineer")
	page := engineer.Get("/tenants/acme/keys/limit").Want(200)
	if seen := page.Find(".key-place:nth-child(1) details [name=seen]").AttrOr("value", ""); seen != "3.1" {
		t.Errorf("the form holds the versions %q", seen)
	}
	engineer.Post("/tenants/acme/keys/limit/promote", "from", "Development", "to", "QA", "seen", "2.1").Want(409).
		Shows("details[open] .alert", "changed since it was looked at")
	engineer.Post("/tenants/acme/keys/limit/promote", "from", "Development", "to", "QA", "seen", "2").Want(400)
	page.Shows(".key-place:nth-child(1) details", "Promote to QA").Shows(".key-place:nth-child(1) details", "It is live at once").
		Shows(".key-place:nth-child(1) .diff .removed", "7").Shows(".key-place:nth-child(1) .diff .added", "32").
		Has(".key-place:nth-child(3) details", 0) // nothing is set in Staging, nor in Production yet

	form := []string{"from", "QA", "to", "Staging", "reason", "held for a week"}
	site.Browse("viewer").Post("/tenants/acme/keys/limit/promote", form...).Want(403)
	site.Browse("globex-engineer").Post("/tenants/acme/keys/limit/promote", form...).Want(404)
	engineer.Post("/tenants/acme/keys/limit/promote", form...).Leads("/tenants/acme/keys/limit")
	engineer.Get("/tenants/acme/keys/limit").Shows("#notice", "Promoted limit to Staging. It is live.").
		Shows(".key-place:nth-child(3)", "7").Has(".key-place:nth-child(2) details", 0).
		Shows(".key-place:nth-child(3) details", "waits for approval in Production by engineer, manager and compliance")

	engineer.Post("/tenants/acme/keys/limit/promote", "from", "Staging", "to", "Production").Leads("/changes/")
	back := engineer.Post("/tenants/acme/keys/limit/promote", "from", "Staging", "to", "QA", "reason", "no way").Want(422)
	back.Shows("details[open] .alert", "later environment")
	if got := back.Find("details[open] [name=reason]").AttrOr("value", ""); got != "no way" {
		t.Errorf("the reason is lost: %q", got)
	}
}

// Where a value was deleted, promoting carries that on.
func TestPromoteTheEndOfAValue(t *testing.T) {
	t.Parallel()
	site := limits(t)
	engineer, key := site.Browse("engineer"), site.As("engineer")
	key.Delete("/configs/" + key.Get("/configs?tenantId=acme&environment=Development").Field("items.0.id")).Want(204)
	key.Delete("/configs/" + key.Get("/configs?tenantId=acme&environment=QA").Field("items.0.id")).Want(204)
	engineer.Post("/tenants/acme/keys/limit/put-back", "environment", "QA", "version", "1", "base", "0").Leads("/tenants/acme/keys/limit")
	page := engineer.Get("/tenants/acme/keys/limit").Want(200)
	page.Shows(".key-place:nth-child(1)", "20").Has(".key-place:nth-child(1) details", 0) // inherited now: nothing of its own
	engineer.Post("/tenants/acme/keys/limit/promote", "from", "QA", "to", "Staging").Leads("/tenants/acme/keys/limit")
	key.Delete("/configs/" + key.Get("/configs?tenantId=acme&environment=QA").Field("items.0.id")).Want(204)
	engineer.Get("/tenants/acme/keys/limit").Shows(".key-place:nth-child(2) details",
		"QA has no value. This takes the value of Acme in Staging away. Nothing is live there afterwards.")
	engineer.Post("/tenants/acme/keys/limit/promote", "from", "QA", "to", "Staging").Want(422).Shows("details[open] .alert", "which nobody asked for")
	seen := engineer.Get("/tenants/acme/keys/limit").Find(".key-place:nth-child(2) details [name=seen]").AttrOr("value", "")
	engineer.Post("/tenants/acme/keys/limit/promote", "from", "QA", "to", "Staging", "seen", seen).Leads("/tenants/acme/keys/limit")
	engineer.Get("/tenants/acme/keys/limit").Shows(".key-place:nth-child(3)", "No value")
}

// A secret is promoted without being seen, and is not put back by who may not see it.
func TestKeySecret(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin, engineer := site.As("admin"), site.Browse("engineer")
	admin.Post("/definitions", webtest.Body{"tenantId": "@platform", "key": "token", "type": "string", "sensitive": true}).Want(201)
	for _, v := range []string{"first-secret", "second-secret"} {
		admin.Post("/configs", webtest.Body{"tenantId": "acme", "environment": "QA", "key": "token", "value": v}).Want(201)
	}
	page := engineer.Get("/tenants/acme/keys/token?environment=QA&from=1&to=2").Want(200).Shows("h1 + p", "sensitive").
		Has("a[href*='back=']", 1).Shows(".key-place:nth-child(2)", "hidden").Lacks("body", "-secret").
		Shows("#history", "The value is hidden")
	if html, err := page.Html(); err != nil || strings.Contains(html, "-secret") {
		t.Errorf("the page holds the secret (%v)", err)
	}
	engineer.Get("/tenants/acme/keys/token?environment=QA&back=1").Want(200).Shows("#history", "The value is hidden. It changes.").Lacks("body", "-secret")
	engineer.Post("/tenants/acme/keys/token/put-back", "environment", "QA", "version", "1", "base", "2").Leads("/tenants/acme/keys/token")
	if got := admin.Post("/configs/"+admin.Get("/configs?tenantId=acme&environment=QA").Field("items.0.id")+"/reveal", webtest.Body{}).Want(200); got.Field("value") != "first-secret" {
		t.Errorf("what was put back is %s", got.Field("value"))
	}
	engineer.Post("/tenants/acme/keys/token/promote", "from", "QA", "to", "Staging").Leads("/tenants/acme/keys/token")
	app := engineer.Get("/tenants/acme/compare?from=QA&to=Staging").Want(200)
	app.Shows("#differences", "Nothing differs")
}
