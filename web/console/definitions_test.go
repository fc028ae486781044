package console_test

import (
	"testing"
	"time"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestDefinitions(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	past := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	define := func(body webtest.Body) { site.As("admin").Post("/definitions", body).Want(201) }
	define(webtest.Body{
		"tenantId": "@platform", "key": "checkout.limit", "type": "number", "owner": "Team Cash", "tags": []string{"pay", "core"},
		"schema": webtest.Body{"minimum": 1}, "description": "How many at once",
	})
	define(webtest.Body{"tenantId": "@platform", "key": "old.flag", "type": "boolean", "expiresAt": past})
	define(webtest.Body{"tenantId": "acme", "key": "own.token", "type": "string", "sensitive": true})
	setLive(site, "acme", "QA", "checkout.limit", 3)
	setLive(site, "acme", "Development", "checkout.limit", 3)
	setLive(site, "globex", "QA", "checkout.limit", 4)
	engineer := site.Browse("engineer")

	page := engineer.Get("/definitions").Want(200).Shows("nav a[aria-current=page]", "Definitions").Has("#definitions tbody tr", 2)
	row := "tr:has(a[href='/tenants/@platform/keys/checkout.limit'])"
	page.Shows(row, "number").Shows(row, "Team Cash").Shows(row, "schema").Shows(row, "#core").Shows(row, "on 2 layers").Shows(row, "never").
		Has(row+" a[href='/definitions/edit?key=checkout.limit&tenantId=%40platform']", 1)
	page.Shows("tr:has(a[href$='/old.flag'])", "overdue").Shows("tr:has(a[href$='/old.flag'])", "nowhere")
	engineer.Get("/definitions?overdue=1").Want(200).Has("#definitions tbody tr", 1).Shows("#definitions", "old.flag")
	engineer.Get("/definitions?tenantId=acme").Want(200).Has("#definitions tbody tr", 3).Shows("tr:has(a[href$='/own.token'])", "secret").
		Shows("tr:has(a[href$='/checkout.limit'])", "on 1 layer").Shows("tr:has(a[href$='/checkout.limit'])", "platform")
	engineer.Get("/definitions?search=nothing-like").Want(200).Shows("#definitions", "No key fits")
	engineer.Get("/definitions?tenantId=globex&overdue=1&search=own").Want(200).Shows("#definitions", "Nothing is overdue")
	engineer.Htmx("section#definitions").Get("/definitions?search=limit").Want(200).Has("#definitions tbody tr", 1).Has("form, h1, nav", 0)

	site.Browse("viewer").Get("/definitions").Want(200).Has("main a[href^='/definitions/edit']", 0)
	own := site.Browse("acme-engineer").Get("/definitions").Want(200).Shows(".lead", "Acme").Has("main a[href^='/definitions/edit']", 2)
	own.Has("#definitions tbody tr", 3)
	foreign := site.Browse("globex-engineer")
	foreign.Get("/definitions?tenantId=acme").Want(404)
	foreign.Get("/definitions?tenantId=@platform").Want(404)
	foreign.Get("/definitions").Want(200).Lacks("#definitions", "own.token").Shows("tr:has(a[href$='/checkout.limit'])", "on 1 layer")
	site.Stranger().Get("/definitions").Leads("/login")
}

func TestSaveDefinition(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	const form = "/definitions/edit"

	engineer.Get(form+"?tenantId=@platform").Want(200).Shows("h1", "New definition").Has("#field-type", 1)
	bad := engineer.Post(form, "tenantId", "@platform", "key", "cart", "type", "json", "schema", `{"type":`, "owner", "Team").Want(422)
	bad.Shows("#field-schema-error", "This is no JSON").Has("[aria-invalid]", 1)
	if bad.Input("owner") != "Team" || bad.Input("schema") != `{"type":` {
		t.Errorf("what was typed is lost: %q %q", bad.Input("owner"), bad.Input("schema"))
	}
	engineer.Post(form, "tenantId", "@platform", "key", "cart", "type", "json", "schema", `{"type":"nonsense"}`).Want(422).Has("#field-schema-error", 1)
	engineer.Post(form, "tenantId", "@platform", "key", "No Key", "type", "json", "merge", "deep", "sensitive", "1", "expires", "soon").Want(422).
		Has("#field-expires-error", 1)
	engineer.Post(form, "tenantId", "@platform", "key", "No Key", "type", "json").Want(422).Has("#field-key-error", 1)
	engineer.Post(form, "tenantId", "@platform", "key", "cart", "type", "json", "schema", `{"type":"object"}`, "owner", "Team", "tags", "a, b,", "merge", "replace",
		"expires", "2031-02-03T04:05").Leads("/definitions?tenantId=%40platform")
	engineer.Post(form, "tenantId", "@platform", "key", "cart", "type", "json").Want(409).Shows(".alert", "defines this key already")

	page := engineer.Get(form+"?tenantId=@platform&key=cart").Want(200).Shows("form", "no live values").Has("#field-key", 0)
	for name, want := range map[string]string{"owner": "Team", "tags": "a, b", "expires": "2031-02-03T04:05:00"} {
		if got := page.Input(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	setLive(site, "acme", "QA", "cart", webtest.Body{"a": 1})
	edit := engineer.Get(form+"?tenantId=@platform&key=cart").Want(200).Shows("form", "live values in QA")
	same := []string{"tenantId", "@platform", "existing", "cart", "match", edit.Input("match"), "merge", "replace"}
	engineer.Post(form, append(same, "owner", "Others")...).Leads("/definitions")
	stale := engineer.Post(form, append(same, "owner", "Late")...).Want(412).Shows(".alert", "changed since you opened it")
	if stale.Input("owner") != "Late" || stale.Input("match") == edit.Input("match") {
		t.Errorf("owner %q, match %q", stale.Input("owner"), stale.Input("match"))
	}
	engineer.Post(form, "tenantId", "@platform", "existing", "cart", "match", stale.Input("match"), "merge", "deep").Leads("/definitions") // QA asks nobody
	engineer.Get("/definitions?search=cart").Want(200).Has("#definitions tbody tr", 1)

	site.Browse("viewer").Get(form + "?tenantId=@platform&key=cart").Want(403)
	site.Browse("viewer").Post(form, same...).Want(403)
	site.Browse("globex-engineer").Get(form + "?tenantId=@platform&key=cart").Want(404)
	site.Browse("globex-engineer").Post(form, "tenantId", "acme", "key", "x", "type", "json").Want(404)
	engineer.Get(form + "?tenantId=acme&key=cart").Want(404)
	engineer.Get(form + "?tenantId=@platform&key=never").Want(404)
	site.Stranger().Post(form, same...).Want(401)
}

// A definition that moves live values where somebody must approve leads to the change that waits.
func TestDefinitionThatMoves(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Start()
	id := site.As("admin").Post("/changes", webtest.Body{"tenantId": "acme", "environment": "Production", "items": []webtest.Body{
		{"key": "cart", "op": "set", "value": webtest.Body{"a": 1}},
	}}).Want(201).Field("id")
	approve(t, site, id)
	admin := site.Browse("admin")
	edit := admin.Get("/definitions/edit?tenantId=acme&key=cart").Want(200).Shows("form", "live values in Production").Shows("form", "becomes a change")
	at := admin.Post("/definitions/edit", "tenantId", "acme", "existing", "cart", "match", edit.Input("match"), "merge", "deep").Leads("/changes/")
	at.Follow().Want(200).Shows("#notice", "waits for approval in Production by engineer, manager and compliance").Shows("main", "cart")
	admin.Get("/definitions?tenantId=acme").Want(200).Lacks("#definitions tr", "merged")
}
