package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestEditChange(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id := propose(site, webtest.Acme, "Raise the limit", set("limit", 5), set("text", "a\nb"))
	decide(site.Browse("engineer2"), id, "approve", "").Leads("/")
	engineer := site.Browse("engineer")
	path := "/changes/" + id + "/edit"

	form := engineer.Get(path).Want(200).Shows(".lead", "The decision made so far no longer counts")
	if form.Input("title") != "Raise the limit" || form.Input("value.limit") != "5" || form.Input("value.text") != "a\nb" {
		t.Errorf("the form holds %q, %q", form.Input("value.limit"), form.Input("value.text"))
	}
	tag := form.Input("tag")
	same := []string{"tag", tag, "title", "Raise the limit", "reason", "The customer asked for it.", "value.limit", "5", "value.text", "a\r\nb"}
	engineer.Post(path, same...).Follow().Shows("#notice", "Nothing was different").Shows(".stages", "engineer approved")

	bad := engineer.Post(path, "tag", tag, "title", "Other", "value.limit", "five", "value.text", "x").Want(422)
	bad.Shows(".invalid-feedback", "a number is expected").Has("[aria-invalid]", 1)
	if bad.Input("title") != "Other" || bad.Input("value.limit") != "five" || bad.Input("value.text") != "x" {
		t.Errorf("what was typed is lost: %q %q", bad.Input("title"), bad.Input("value.limit"))
	}
	engineer.Post(path, "tag", tag, "title", "Raise it more", "reason", "", "value.limit", "5.50", "value.text", "x").
		Follow().Shows("#notice", "Saved. It now waits for engineer.").Shows("h1", "Raise it more").Shows(".diff", "5.5").
		Shows(".stages s", "engineer2 approved").Shows(".stages", "no longer counts")

	stale := engineer.Post(path, "tag", tag, "title", "Mine", "value.limit", "7", "value.text", "x").Want(412)
	stale.Shows(".alert", "Somebody edited the change meanwhile").Shows(".form-hint", "By now the change says: 5.5")
	if stale.Input("value.limit") != "7" || stale.Input("tag") == tag {
		t.Errorf("what was typed is lost: %q", stale.Input("value.limit"))
	}
	engineer.Post(path, "tag", stale.Input("tag"), "title", "Mine", "value.limit", "7", "value.text", "x").Follow().Shows(".diff", "7")

	site.Browse("manager").Get(path).Want(403)
	engineer.Post("/changes/" + id + "/cancel").Leads("/")
	engineer.Get(path).Want(409)
}

func TestEditChangeWithSecrets(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("engineer").Post("/definitions", webtest.Body{
		"tenantId": webtest.Acme, "key": "token", "type": "string", "sensitive": true,
	}).Want(201)
	id := propose(site, webtest.Acme, "Rotate", set("token", "geheim"), set("label", "a"))
	engineer := site.Browse("engineer")
	page := engineer.Get("/changes/"+id).Want(200).Shows(".item", "The value is hidden. It changes.").Lacks("body", "geheim")
	page.Has(".item:nth-of-type(1) .diff", 0)
	form := engineer.Get("/changes/"+id+"/edit").Want(200).Lacks("body", "geheim").Shows(".form-hint", "Leave the field empty to keep it")
	if form.Input("value.token") != "" || form.Input("value.label") != "a" {
		t.Errorf("the form holds %q and %q", form.Input("value.token"), form.Input("value.label"))
	}
	path := "/changes/" + id + "/edit"
	refused := engineer.Post(path, "tag", `"old"`, "title", "Rotate", "value.token", "getippt", "value.label", "b").Want(412).Lacks("body", "getippt")
	if refused.Input("value.token") != "" || refused.Input("value.label") != "b" {
		t.Errorf("the form that comes back holds %q and %q", refused.Input("value.token"), refused.Input("value.label"))
	}
	engineer.Post(path, "tag", form.Input("tag"), "title", "Rotate the token", "value.token", "", "value.label", "b").
		Follow().Shows("h1", "Rotate the token").Shows(".diff", `"b"`)
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		decide(site.Browse(who), id, "approve", "").Leads("/")
	}
	key := site.As("admin").Post("/api-keys", webtest.Body{
		"name": "secretive", "role": "reader", "tenantId": webtest.Acme, "grants": []string{"secrets:read"},
	}).Want(201).Field("key")
	if got := site.With(key).Get("/configs/tenant/acme?environment=Production").Want(200).Field("configs.token"); got != "geheim" {
		t.Errorf("the value became %q", got)
	}
}

// A key that became a secret while the change waited is hidden on all pages that show the change.
func TestChangeWithSecretsOfToday(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id := propose(site, webtest.Acme, "Rotate", set("token", "geheim"), set("label", "seen"))
	site.As("admin").Post("/definitions", webtest.Body{
		"tenantId": "@tier.enterprise", "key": "token", "type": "string", "sensitive": true,
	}).Want(201)
	for _, who := range []string{"acme-engineer", "engineer", "viewer", "manager"} {
		for _, path := range []string{"/changes/" + id, "/changes/" + id + "/edit", "/changes", "/approvals", "/approvals?tab=others", "/"} {
			page := site.Browse(who).Get(path)
			if html, err := page.Html(); err != nil || strings.Contains(html, "geheim") {
				t.Errorf("%s holds the secret for %s (%v)", path, who, err)
			}
		}
		site.Browse(who).Get("/changes/"+id).Want(200).Shows(".review-main", "The value is hidden").Shows(".review-main", "seen")
	}
	edit := site.Browse("acme-engineer").Get("/changes/" + id + "/edit").Want(200)
	edit.Shows("main", "Leave the field empty to keep it").Has("textarea[name='value.token']:empty", 1)
	if text := site.As("acme-engineer").Get("/changes/" + id).Want(200).Text; strings.Contains(text, "geheim") {
		t.Errorf("the API shows the secret: %s", text)
	}
}
