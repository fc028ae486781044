package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

const stagingTimeout = "/tenants/acme/edit?environment=Staging&key=checkout.timeout"

func TestEditor(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	setLive(site, "@platform", "Staging", "checkout.timeout", 30)
	engineer := site.Browse("engineer")
	page := engineer.Get(stagingTimeout).Want(200)
	page.Shows("#editor", "Inherited from the platform. Saving sets it for Acme only.").Has("input[name=value][inputmode=decimal]", 1).Has("details.editor-remove", 0)
	if page.Input("value") != "30" || page.Input("base") != "0" {
		t.Errorf("the form begins with %s on version %s", page.Input("value"), page.Input("base"))
	}
	engineer.Htmx("section#editor").Get(stagingTimeout).Want(200).Has("#editor form", 1).Has("h1, nav", 0)

	save := func(value, base string) *webtest.Screen {
		return engineer.Post("/tenants/acme/edit", "environment", "Staging", "key", "checkout.timeout", "value", value, "base", base, "reason", "slow cards",
			"return", "/tenants/acme?search=checkout")
	}
	save("45.50", "0").Leads("/tenants/acme?search=checkout")
	after := engineer.Get("/tenants/acme").Want(200).Shows("#notice", "Saved checkout.timeout in Staging: live as version 1.")
	after.Shows("tbody", "45.5acme")
	engineer.Get(stagingTimeout).Shows("#editor", "Set here, version 1.").Shows(".editor-remove", "the platform shows through: 30")

	bad := save("fast", "1").Want(422).Shows("#editor-check", "A number is expected").Has("[name=value][aria-invalid=true]", 1)
	if bad.Input("value") != "fast" || bad.Input("reason") != "slow cards" || bad.Find("#editor [name=return]").AttrOr("value", "") != "/tenants/acme?search=checkout" {
		t.Error("the form lost what was typed")
	}
	moved := save("60", "0").Want(409).Shows(".alert", "moved while you were editing").Shows(".diff .removed", "45.5").Shows(".diff .added", "60")
	if moved.Input("value") != "60" || moved.Input("base") != "1" {
		t.Errorf("after a conflict the form has %s on version %s", moved.Input("value"), moved.Input("base"))
	}
	save("60", moved.Input("base")).Leads("/tenants/acme")
	save("60.0", "2").Want(422).Shows("#editor-check", "This value is live already")
	save("61", "nonsense").Want(400)
	engineer.Post("/tenants/acme/edit", "environment", "Staging", "key", "checkout.timeout", "value", "61", "return", "//evil.example.com/").Leads("/tenants/acme")
}

func TestEditorKeepsSchemas(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{
		"tenantId": "@platform", "key": "limit", "type": "number", "description": "How many", "schema": webtest.Body{"type": "integer", "minimum": 1, "maximum": 500},
	}).Want(201)
	site.As("admin").Post("/definitions", webtest.Body{
		"tenantId": "@platform", "key": "mode", "type": "string", "schema": webtest.Body{"enum": []string{"fast", "safe"}},
	}).Want(201)
	engineer := site.Browse("engineer")
	engineer.Get("/tenants/acme/edit?environment=QA&key=limit").Want(200).Shows("#editor", "How many").Shows("#value-hint", "A whole number, at least 1, at most 500")
	post := func(path, key, value string) *webtest.Screen {
		return engineer.Post(path, "environment", "QA", "key", key, "value", value, "as", map[string]string{"mode": "json"}[key])
	}
	const check = "/tenants/acme/edit?check=1"
	part := engineer.Htmx("div#editor-check")
	part.Post(check, "environment", "QA", "key", "limit", "value", "501").Want(200).Shows("#editor-check", "It must be at most 500").Has("form", 0)
	part.Post(check, "environment", "QA", "key", "limit", "value", "500").Want(200).Shows("#editor-check", "This value fits")
	part.Post(check, "environment", "QA", "key", "limit", "value", "").Want(200).Lacks("#editor-check", "required")
	engineer.Get("/tenants/acme").Shows("#matrix", "No keys yet") // checking writes nothing
	post("/tenants/acme/edit", "limit", "501").Want(422).Shows("#editor-check", "It must be at most 500")

	engineer.Get("/tenants/acme/edit?environment=QA&key=mode").Want(200).Has("select[name=value] option", 3)
	again := post("/tenants/acme/edit", "mode", `"slow"`).Want(422)
	if again.Find("#editor-check p").Length() == 0 {
		t.Error("nothing says what is wrong")
	}
	post("/tenants/acme/edit", "mode", `"safe"`).Leads("/tenants/acme")
	engineer.Get("/tenants/acme/edit?environment=QA&key=mode").Shows("option[selected]", "safe")
}

func TestEditorWaits(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	setLive(site, "acme", "Staging", "banner", "Hello")
	engineer := site.Browse("engineer")
	const path = "/tenants/acme/edit?environment=Production&key=banner"
	engineer.Get(path).Want(200).Shows("#editor", "Production needs engineer, manager and compliance to approve").Shows("#editor button", "Send for approval").
		Has("textarea[name=reason][required]", 1)
	answer := engineer.Post("/tenants/acme/edit", "environment", "Production", "key", "banner", "value", "Hi\r\nthere", "reason", "Spring")
	answer.Leads("/changes/")
	engineer.Get("/tenants/acme").Shows("#notice", "until it is approved by engineer, manager and compliance").Shows(".page-head", "Changes (1 waiting)").
		Shows("tbody td:nth-child(5)", "not set")
	change := strings.TrimPrefix(answer.Header.Get("Location"), "/changes/")
	if got := site.As("engineer").Get("/changes/" + change).Want(200); got.Field("items.0.value") != "Hi\nthere" || got.Field("reason") != "Spring" {
		t.Errorf("the change is %s", got.Text)
	}
}

func TestNewKey(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	engineer.Get("/tenants/acme/edit").Want(200).Has("select[name=environment] option", 4).Has("select[name=type] option", 4).
		Shows("#editor", "Production needs engineer, manager and compliance; live at once in Development, QA and Staging.")
	site.Browse("acme-engineer").Get("/tenants/acme/edit?key=ui.flag").Want(200).Has("input[name=key][value='ui.flag']", 1)
	number := engineer.Htmx("div#editor-value").Post("/tenants/acme/edit?check=1", "key", "a", "environment", "QA", "type", "boolean", "value", "")
	number.Want(200).Has("#editor-value input[type=radio]", 2).Has("[autofocus]", 0)

	form := func(key, kind, value string) []string {
		return []string{"key", key, "environment", "QA", "type", kind, "value", value, "description", "Shows the banner", "base", "0"}
	}
	bad := engineer.Post("/tenants/acme/edit", form("No Key", "boolean", "true")...).Want(422).Has("#field-key[aria-invalid]", 1).Has("#editor-check p", 0)
	if bad.Input("description") != "Shows the banner" || bad.Input("key") != "No Key" || bad.Find("input[name=value][checked]").AttrOr("value", "") != "true" {
		t.Error("the form lost what was typed")
	}
	engineer.Post("/tenants/acme/edit", form("ui.banner", "number", "yes")...).Want(422).Shows("#editor-check", "A number is expected")
	engineer.Post("/tenants/acme/edit", form("ui.banner", "json", `{"on": tru}`)...).Want(422).Shows("#editor-check", "a value is expected")
	engineer.Post("/tenants/acme/edit", form("ui.banner", "json", `{"on": true}`)...).Leads("/tenants/acme")
	engineer.Get("/tenants/acme").Shows("tbody", "Shows the banner").Shows("tbody td:nth-child(3)", `{"on":true}`)
	engineer.Get("/tenants/acme/edit?environment=Staging&key=ui.banner").Want(200).Shows("h1", "Set ui.banner").Has("select[name=type]", 0)
	engineer.Post("/tenants/acme/edit", "key", "a", "environment", "Nowhere", "value", "x").Want(404)
}

func TestRemoveValue(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	setLive(site, "@tier.enterprise", "QA", "limit", 10)
	setLive(site, "acme", "QA", "limit", 20)
	setLive(site, "acme", "Staging", "only", "x")
	engineer := site.Browse("engineer")
	engineer.Get("/tenants/acme/edit?environment=Staging&key=only").Want(200).Shows(".editor-remove", "applications find no value for this key in Staging")
	engineer.Get("/tenants/@tier.enterprise/edit?environment=QA&key=limit").Want(200).Shows(".editor-remove", "1 tenant below; 1 layer or tenant among them sets this key itself.")
	form := func(base string) []string {
		return []string{"environment", "QA", "key", "limit", "base", base, "reason", "too many"}
	}
	engineer.Post("/tenants/acme/remove", form("7")...).Want(409).Shows("#editor", "moved while you were editing").Has("details.editor-remove[open]", 1)
	engineer.Post("/tenants/acme/remove", form("1")...).Leads("/tenants/acme")
	engineer.Get("/tenants/acme").Shows("#notice", "Removed limit from QA: the value of the tier enterprise is live now.").Shows("tbody", "10tier enterprise")
	engineer.Post("/tenants/acme/remove", form("")...).Want(422).Shows("#editor", "The key limit has no value here")
}

func TestEditorRights(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	setLive(site, "acme", "QA", "limit", 1)
	form := []string{"environment", "QA", "key", "limit", "value", "2"}
	for who, status := range map[string]int{"viewer": 403, "manager": 403, "globex-engineer": 404} {
		v := site.Browse(who)
		v.Get("/tenants/acme/edit?environment=QA&key=limit").Want(status)
		v.Post("/tenants/acme/edit", form...).Want(status)
		v.Post("/tenants/acme/edit?check=1", form...).Want(status)
		v.Post("/tenants/acme/remove", form...).Want(status)
	}
	site.Stranger().Get("/tenants/acme/edit").Leads("/login")
	site.Stranger().Post("/tenants/acme/edit", form...).Want(401)
	own := site.Browse("acme-engineer")
	own.Get("/tenants/@platform/edit").Want(404)
	own.Post("/tenants/acme/edit", form...).Leads("/tenants/acme")
	own.Get("/tenants/acme/edit?environment=Nowhere&key=limit").Want(404)
	own.Get("/tenants/acme/edit?environment=QA&key=No+Key").Want(200).Has("#field-key", 1) // no key can be called that: it is asked for
}

func TestEditorNeverShowsSecrets(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{"tenantId": "acme", "key": "token", "type": "string", "sensitive": true}).Want(201)
	setLive(site, "acme", "QA", "token", "hunter2")
	engineer := site.Browse("engineer")
	const path = "/tenants/acme/edit?environment=QA&key=token"
	page := engineer.Get(path).Want(200).Lacks("html", "hunter2").Lacks("html", "********")
	if page.Input("value") != "" {
		t.Errorf("the field shows %q", page.Input("value"))
	}
	form := func(value, base string) []string {
		return []string{"environment", "QA", "key", "token", "value", value, "base", base}
	}
	engineer.Post("/tenants/acme/edit", form("", "1")...).Want(422).Shows("#editor-check", "an empty field leaves it as it is")
	engineer.Post("/tenants/acme/edit", form("new-secret", "7")...).Want(409).Shows(".alert", "The value is hidden").Lacks(".alert", "hunter2").Lacks(".alert", "new-secret")
	engineer.Post("/tenants/acme/edit", form("new-secret", "1")...).Leads("/tenants/acme")
	engineer.Get("/tenants/acme").Shows("#notice", "version 2").Lacks("html", "new-secret")
}
