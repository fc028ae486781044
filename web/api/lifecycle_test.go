package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// unstaged takes the stages of Production away, so that what moves a tenant is done at once.
func unstaged(site *webtest.Site) {
	for _, tier := range []string{"", "?tier=enterprise"} {
		site.As("admin").Put("/policies/Production"+tier, webtest.Body{"stages": []webtest.Body{}}).Want(200)
	}
}

// decideAll gives a change every approval that it asks for.
func decideAll(site *webtest.Site, change, digest string, who ...string) {
	for _, name := range who {
		approve(site, name, change, digest).Want(200)
	}
}

func TestSuspendAndRetierWait(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin, app := site.As("admin"), site.As("app")
	read := "/configs/tenant/globex?environment=Production"

	waits := admin.Post("/tenants/globex/suspend", webtest.Body{"reason": "unpaid"}).Want(202)
	if waits.Field("change.status") != "pending" || waits.Field("change.items.0.op") != "suspend" || waits.Field("change.reason") != "unpaid" {
		t.Errorf("suspend: %s", waits.Text)
	}
	app.Get(read).Want(200)
	decideAll(site, waits.Field("change.id"), waits.Field("change.digest"), "engineer", "manager")
	if got := admin.Get("/tenants/globex").Want(200).Field("status"); got != "suspended" {
		t.Errorf("after the last approval: %s", got)
	}
	app.Get(read).Refused(403, "forbidden")
	admin.Post("/tenants/globex/activate", nil).Want(200)
	app.Get(read).Want(200)

	moves := admin.Patch("/tenants/globex", webtest.Body{"tier": "enterprise", "reason": "signed"}).Want(202)
	if moves.Field("change.items.0.op") != "retier" || moves.Len("change.stages") != 3 { // the stricter of the two
		t.Errorf("retier: %s", moves.Text)
	}
	decideAll(site, moves.Field("change.id"), moves.Field("change.digest"), "engineer", "manager", "compliance")
	if got := admin.Get("/tenants/globex").Want(200).Field("tier"); got != "Enterprise" {
		t.Errorf("after the last approval: %s", got)
	}
}

func TestSuspendAndRetierAtOnce(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	unstaged(site)
	admin := site.As("admin")
	tag := admin.Get("/tenants/globex").Want(200).Header.Get("ETag")
	for pointer, body := range map[string]webtest.Body{
		"/tier": {"tier": "pro", "name": "G"}, "/reason": {"name": "G", "reason": "why"},
	} {
		if got := admin.Patch("/tenants/globex", body).Refused(422, "invalid"); got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s: %s", pointer, got.Text)
		}
	}
	admin.Patch("/tenants/globex", webtest.Body{"tier": "gold"}).Refused(422, "invalid")
	admin.Header("If-Match", `"77"`).Patch("/tenants/globex", webtest.Body{"tier": "pro"}).Refused(412, "precondition_failed")
	moved := admin.Header("If-Match", tag).Patch("/tenants/globex", webtest.Body{"tier": "pro"}).Want(200)
	if moved.Field("tier") != "Pro" || moved.Header.Get("ETag") == tag {
		t.Errorf("retier: %s", moved.Text)
	}
	for name, want := range map[string]int{"tenant-admin": 404, "globex-engineer": 403, "engineer": 403} {
		site.As(name).Post("/tenants/globex/suspend", nil).Want(want)
		site.As(name).Patch("/tenants/globex", webtest.Body{"tier": "free"}).Want(want)
	}
	admin.Header("If-Match", tag).Post("/tenants/globex/suspend", nil).Refused(412, "precondition_failed")
	if got := admin.Post("/tenants/globex/suspend", nil).Want(200).Field("status"); got != "suspended" {
		t.Errorf("suspend: %s", got)
	}
	admin.Post("/tenants/globex/suspend", nil).Refused(409, "conflict")
}

func TestDeleteTenant(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	unstaged(site)
	admin, app := site.As("admin"), site.As("app")
	config := site.As("engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "key": "a", "value": 1, "strategy": "direct",
	}).Want(201).Field("id")
	site.As("engineer").Post("/configs/"+config+"/promote", webtest.Body{"targetEnvironment": "Nowhere"}).Refused(422, "invalid")
	open := site.As("engineer").Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Staging", "title": "A draft", "draft": true,
		"items": []webtest.Body{{"key": "b", "op": "set", "value": 1}},
	}).Want(201).Field("id")
	key := site.As("tenant-admin").Post("/api-keys", webtest.Body{"name": "k", "role": "reader", "tenantId": webtest.Acme}).Want(201).Field("key")
	read := "/configs/tenant/acme?environment=Production"
	site.With(key).Get(read).Want(200)

	admin.Delete("/tenants/acme?confirm=acme").Refused(409, "conflict")
	admin.Post("/tenants/acme/suspend", nil).Want(200)
	app.Get(read).Refused(403, "forbidden")
	for _, query := range []string{"", "?confirm=", "?confirm=ACME", "?confirm=globex"} {
		if got := admin.Delete("/tenants/acme"+query).Refused(422, "invalid"); got.Field("errors.0.pointer") != "/confirm" {
			t.Errorf("%s: %s", query, got.Text)
		}
	}
	for name, want := range map[string]int{"tenant-admin": 403, "engineer": 403, "globex-engineer": 404} {
		site.As(name).Delete("/tenants/acme?confirm=acme").Want(want)
	}
	admin.Header("If-Match", `"1"`).Delete("/tenants/acme?confirm=acme").Refused(412, "precondition_failed")
	if got := admin.Delete("/tenants/acme?confirm=acme").Want(204); got.Text != "" {
		t.Errorf("the answer has a body: %s", got.Text)
	}

	app.Get(read).Refused(404, "not_found")
	for _, path := range []string{
		"/tenants/acme", "/configs?tenantId=acme&environment=Production", "/configs/" + config,
		"/configs/tenant/acme/keys/a?environment=Production", "/definitions?tenantId=acme",
	} {
		admin.Get(path).Refused(404, "not_found")
	}
	admin.Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "QA", "key": "c", "value": 1}).Refused(404, "not_found")
	admin.Patch("/tenants/acme", webtest.Body{"name": "x"}).Refused(404, "not_found")
	admin.Post("/tenants/acme/suspend", nil).Refused(404, "not_found")
	admin.Delete("/tenants/acme?confirm=acme").Refused(404, "not_found")
	admin.Post("/tenants", webtest.Body{"tenantId": webtest.Acme, "name": "Again", "tier": "pro"}).Refused(409, "conflict")
	if got := admin.Get("/changes/" + open).Want(200).Field("status"); got != "cancelled" {
		t.Errorf("the draft is %s", got)
	}
	site.With(key).Get(read).Refused(401, "unauthenticated")
	site.As("tenant-admin").Get("/tenants").Refused(401, "unauthenticated") // a personal key of that tenant
	if got := admin.Get("/tenants").Want(200); strings.Contains(got.Text, `"acme"`) {
		t.Errorf("the list: %s", got.Text)
	}
	if got := admin.Get("/tenants?status=deleted").Want(200); got.Len("items") != 1 || got.Field("items.0.deletedAt") == "" {
		t.Errorf("the list of deleted ones: %s", got.Text)
	}
	if got := site.As("auditor").Get("/tenants?status=deleted").Want(200); got.Len("items") != 0 {
		t.Errorf("who does not manage tenants sees %s", got.Text)
	}
	if got := site.As("auditor").Get("/audit?tenantId=acme&action=tenant.delete").Want(200); got.Len("items") != 1 {
		t.Errorf("the log of a deleted tenant: %s", got.Text)
	}

	back := admin.Post("/tenants/acme/activate", nil).Want(200)
	if back.Field("status") != "active" || back.Has("deletedAt") || back.Header.Get("ETag") == "" {
		t.Errorf("undone: %s", back.Text)
	}
	admin.Post("/tenants/acme/activate", nil).Refused(409, "conflict")
	for _, who := range []*webtest.Caller{app, site.With(key)} {
		if got := who.Get(read).Want(200).Field("configs.a"); got != "1" {
			t.Errorf("after the undoing a is %s", got)
		}
	}
	site.As("tenant-admin").Get("/tenants").Want(200)
}
