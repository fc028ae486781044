package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestLocks sets, meets and takes away locks by all calls that do.
func TestLocks(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev, app := site.As("engineer"), site.As("app")
	value := func(tenant string, v any, more ...any) webtest.Body {
		b := webtest.Body{"tenantId": tenant, "environment": "QA", "key": "limit", "value": v}
		for i := 0; i < len(more); i += 2 {
			b[more[i].(string)] = more[i+1]
		}
		return b
	}
	reads := func(want string) {
		t.Helper()
		if got := app.Get("/configs/tenant/acme/keys/limit?environment=QA").Want(200).Field("value"); got != want {
			t.Errorf("acme reads %s, want %s", got, want)
		}
	}
	own := dev.Post("/configs", value(webtest.Acme, 1)).Want(201)
	if own.Field("locked") != "false" {
		t.Errorf("it is locked: %s", own.Text)
	}
	above := dev.Post("/configs", value("@platform", 2, "locked", true)).Want(201)
	if above.Field("locked") != "true" || above.Field("version") != "1" {
		t.Errorf("it is not locked: %s", above.Text)
	}
	reads("2")
	path := "/configs/" + own.Field("id")
	dev.Get(path).Want(200)
	for name, refused := range map[string]*webtest.Response{
		"set":    dev.Post("/configs", value(webtest.Acme, 3)),
		"update": dev.Put(path, webtest.Body{"value": 3}),
		"change": dev.Post("/changes", webtest.Body{
			"tenantId": webtest.Acme, "environment": "QA", "items": []webtest.Body{{"key": "limit", "op": "lock"}},
		}),
		"first": dev.Post("/configs", value(webtest.Globex, 3)),
	} {
		if got := refused.Refused(422, "invalid"); !strings.Contains(got.Field("detail"), "@platform") || !strings.HasSuffix(got.Field("errors.0.pointer"), "/key") {
			t.Errorf("%s: %s", name, got.Text)
		}
	}
	kept := dev.Put("/configs/"+above.Field("id"), webtest.Body{"value": 4}).Want(200)
	if kept.Field("locked") != "true" || kept.Header.Get("ETag") != `"2"` {
		t.Errorf("the next value: %s", kept.Text)
	}
	reads("4")
	change := func(op string) *webtest.Response {
		return dev.Post("/changes", webtest.Body{
			"tenantId": "@platform", "environment": "QA", "items": []webtest.Body{{"key": "limit", "op": op}},
		})
	}
	change("lock").Refused(422, "invalid")
	freed := change("unlock").Want(201)
	if freed.Field("status") != "deployed" || freed.Field("items.0.value") != "4" || freed.Field("title") != "Unlock limit in QA" {
		t.Errorf("unlocked: %s", freed.Text)
	}
	reads("1")
	if got := dev.Get("/configs/" + above.Field("id") + "/versions").Want(200); got.Len("items") != 3 {
		t.Errorf("versions: %s", got.Text)
	}
	if got := dev.Post("/configs", value("@platform", 4, "locked", true)).Want(201).Field("version"); got != "4" {
		t.Errorf("version %s", got)
	}
	dev.Delete("/configs/" + above.Field("id")).Want(204)
	reads("1")
	if got := dev.Post("/configs", value("@platform", 5)).Want(201); got.Field("locked") != "false" || got.Field("version") != "5" {
		t.Errorf("the lock outlived its value: %s", got.Text)
	}
	for action, want := range map[string]int{"config.set": 4, "config.unlock": 1, "config.lock": 0, "config.delete": 1} {
		if got := site.As("admin").Get("/audit?tenantId=@platform&action=" + action).Want(200).Len("items"); got != want {
			t.Errorf("%d entries %s, want %d", got, action, want)
		}
	}
	dev.Post("/configs", value("@platform", 5, "locked", "yes")).Refused(422, "invalid")
	site.As("acme-engineer").Post("/configs", value("@platform", 5, "locked", true)).Refused(404, "not_found")
	site.As("viewer").Post("/configs", value("@platform", 5, "locked", true)).Refused(403, "forbidden")
	site.With("").Post("/configs", value("@platform", 5, "locked", true)).Refused(401, "unauthenticated")
}
