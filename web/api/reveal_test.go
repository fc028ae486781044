package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestReveal(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	const canary = "canary-9b1d-reveal"
	site.As("admin").Post("/definitions", webtest.Body{
		"tenantId": webtest.Acme, "key": "db.password", "type": "string", "sensitive": true,
	}).Want(201)
	made := site.As("acme-engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "db.password", "value": canary,
	}).Want(201)
	path := "/configs/" + made.Field("id") + "/reveal"

	got := site.As("tenant-admin").Post(path, nil).Want(200)
	if got.Field("value") != canary || got.Field("masked") != "false" || got.Field("sensitive") != "true" ||
		got.Field("key") != "db.password" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("ETag") == "" {
		t.Errorf("revealed: %s %v", got.Text, got.Header)
	}
	site.As("tenant-admin").Get(path).Refused(405, "method_not_allowed")
	site.As("tenant-admin").Do("HEAD", path, nil).Want(405)
	for who, want := range map[string]string{
		"acme-engineer": "forbidden", "viewer": "forbidden", "auditor": "forbidden", "app": "forbidden", "globex-engineer": "not_found",
	} {
		status := map[string]int{"forbidden": 403, "not_found": 404}[want]
		if got := site.As(who).Post(path, nil).Refused(status, want); strings.Contains(got.Text, canary) {
			t.Errorf("%s: %s", who, got.Text)
		}
	}
	site.With("").Post(path, nil).Refused(401, "unauthenticated")
	site.As("tenant-admin").Post("/configs/00000000-0000-4000-8000-000000000000/reveal", nil).Refused(404, "not_found")

	key := site.As("tenant-admin").Post("/api-keys", webtest.Body{
		"name": "billing", "role": "reader", "tenantId": webtest.Acme, "grants": []string{"secrets:read"},
	}).Want(201).Field("key")
	if got := site.With(key).Post(path, nil).Want(200).Field("value"); got != canary {
		t.Errorf("a key that reads secrets gets %q", got)
	}

	entries := site.As("admin").Get("/audit?tenantId=acme&action=secret.reveal").Want(200)
	if entries.Len("items") != 1 || entries.Field("items.0.resource") != "config/"+made.Field("id") ||
		entries.Field("items.0.actor.kind") != "person" {
		t.Errorf("the log: %s", entries.Text)
	}
	for _, where := range []string{
		strings.TrimSuffix(path, "/reveal"), strings.TrimSuffix(path, "/reveal") + "/versions", "/changes?tenantId=acme", "/audit?tenantId=acme",
		"/configs?tenantId=acme&environment=Development", "/configs/tenant/acme?environment=Development&include=metadata",
	} {
		if got := site.As("admin").Get(where).Want(200); strings.Contains(got.Text, canary) {
			t.Errorf("%s shows it: %s", where, got.Text)
		}
	}
}
