package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/webtest"
)

func TestMe(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.SecondKey("admin-viewing", "admin", models.RoleViewer)
	tests := map[string]struct{ kind, email, role, tenant string }{
		"engineer":      {"person", "engineer@example.com", "engineer", "@platform"},
		"tenant-admin":  {"person", "tenant-admin@example.com", "tenant-admin", "acme"},
		"admin-viewing": {"person", "admin@example.com", "viewer", "@platform"}, // no more than the key's own
		"app":           {"service", "", "reader", "@platform"},
	}
	for name, want := range tests {
		got := site.As(name).Get("/me").Want(200)
		if got.Field("kind") != want.kind || got.Field("email") != want.email || got.Len("roles") != 1 ||
			got.Field("roles.0.role") != want.role || got.Field("roles.0.tenantId") != want.tenant ||
			got.Field("roles.0.environment") != "null" || !strings.Contains(site.Key(name), got.Field("keyId")) {
			t.Errorf("%s: %s", name, got.Text)
		}
	}
}

// TestKeys makes, shows, uses and revokes keys; the secret is shown once.
func TestKeys(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("tenant-admin")
	made := admin.Post("/api-keys", webtest.Body{
		"name": "billing", "role": "reader", "tenantId": webtest.Acme, "environment": "Production", "denies": []string{"signals:write"},
	}).Want(201)
	key := made.Field("key")
	if made.Field("owner") != "service" || made.Field("responsible.0") != site.Person("tenant-admin").ID ||
		made.Field("environment") != "Production" || made.Field("createdBy.name") != "tenant-admin" || made.Field("expiresAt") != "null" {
		t.Errorf("made: %s", made.Text)
	}
	site.With(key).Get("/configs/tenant/acme?environment=Production").Want(200)
	site.With(key).Get("/configs/tenant/acme?environment=Staging").Refused(403, "forbidden")
	site.With(key).Get("/configs/tenant/globex?environment=Production").Refused(404, "not_found")

	list := admin.Get("/api-keys?tenantId=acme").Want(200)
	if list.Len("items") == 0 || strings.Contains(list.Text, key) || list.Has("items.0.key") {
		t.Errorf("list: %s", list.Text)
	}
	log := site.As("auditor").Get("/audit?tenantId=acme&action=api_key.create").Want(200)
	if secret := key[len("hs_"+made.Field("id")+"_"):]; strings.Contains(log.Text, secret) || !strings.Contains(log.Text, "billing") {
		t.Errorf("log: %s", log.Text)
	}
	admin.Delete("/api-keys/" + made.Field("id")).Want(204)
	site.With(key).Get("/configs/tenant/acme?environment=Production").Refused(401, "unauthenticated")

	for pointer, body := range map[string]webtest.Body{
		"/role":      {"name": "k", "tenantId": webtest.Acme, "role": "king"},
		"/name":      {"name": "", "tenantId": webtest.Acme, "role": "reader"},
		"/expiresAt": {"name": "k", "tenantId": webtest.Acme, "role": "reader", "expiresAt": "2001-01-01T00:00:00Z"},
		"/grants/0":  {"name": "k", "tenantId": webtest.Acme, "role": "reader", "grants": []string{"configs:edit"}},
	} {
		if got := admin.Post("/api-keys", body).Refused(422, "invalid"); got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s", pointer, got.Text)
		}
	}
	admin.Post("/api-keys", webtest.Body{"name": "k", "role": "reader"}).Refused(403, "forbidden")
	admin.Post("/api-keys", webtest.Body{"name": "k", "tenantId": webtest.Acme, "role": "platform-admin"}).Refused(403, "forbidden")
	site.As("engineer").Post("/api-keys", webtest.Body{"name": "k", "tenantId": webtest.Acme, "role": "reader"}).Refused(403, "forbidden")
	mine := site.As("engineer").Post("/api-keys", webtest.Body{"name": "mine", "role": "engineer", "owner": "me"}).Want(201)
	if mine.Field("personId") != site.Person("engineer").ID || mine.Field("owner") != "me" {
		t.Errorf("mine: %s", mine.Text)
	}
}

func TestBindings(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("tenant-admin")
	made := admin.Post("/role-bindings", webtest.Body{
		"role": "engineer", "tenantId": webtest.Acme, "environment": "Staging", "email": "New@Example.com",
	}).Want(201)
	if made.Field("subject.kind") != "person" || made.Field("subject.name") != "new@example.com" ||
		made.Field("createdBy.id") != site.Person("tenant-admin").ID || made.Field("environment") != "Staging" {
		t.Errorf("made: %s", made.Text)
	}
	again := webtest.Body{"role": "engineer", "tenantId": webtest.Acme, "environment": "Staging", "email": "new@example.com"}
	admin.Post("/role-bindings", again).Refused(409, "conflict")
	admin.Post("/role-bindings", webtest.Body{"role": "viewer", "tenantId": webtest.Acme}).Refused(422, "invalid")
	admin.Post("/role-bindings", webtest.Body{"role": "viewer", "tenantId": webtest.Acme, "group": "g", "email": "a@b.c"}).Refused(422, "invalid")
	admin.Post("/role-bindings", webtest.Body{"role": "viewer", "group": "g"}).Refused(403, "forbidden")
	admin.Post("/role-bindings", webtest.Body{"role": "viewer", "tenantId": webtest.Globex, "group": "g"}).Refused(404, "not_found")
	site.As("engineer").Post("/role-bindings", again).Refused(403, "forbidden")
	if list := admin.Get("/role-bindings").Want(200); strings.Contains(list.Text, `"globex"`) || !strings.Contains(list.Text, made.Field("id")) {
		t.Errorf("list: %s", list.Text)
	}
	admin.Delete("/role-bindings/" + made.Field("id")).Want(204)
	admin.Delete("/role-bindings/"+made.Field("id")).Refused(404, "not_found")
}
