package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestDefinitionsInDepth writes definitions that hold at once, and ones that wait, by their own calls.
func TestDefinitionsInDepth(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	made := dev.Post("/definitions", webtest.Body{
		"tenantId": webtest.Acme, "key": "shape", "type": "json", "merge": "deep", "owner": "team a", "tags": []string{"b", "a"},
		"expiresAt": "2031-02-03T04:05:06+01:00",
	}).Want(201)
	for path, want := range map[string]string{
		"merge": "deep", "owner": "team a", "tags": `["a","b"]`, "expiresAt": "2031-02-03T03:05:06Z", "schema": "null", "sensitive": "false", "version": "1",
	} {
		if got := made.Field(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := dev.Get(made.Header.Get("Location")).Want(200); got.Text != made.Text {
		t.Errorf("read: %s", got.Text)
	}
	patched := dev.Patch("/definitions/shape?tenantId=acme", webtest.Body{"expiresAt": nil, "tags": []string{}, "owner": ""}).Want(200)
	if patched.Field("expiresAt") != "null" || patched.Field("tags") != "[]" || patched.Field("merge") != "deep" || patched.Field("version") != "2" {
		t.Errorf("patched: %s", patched.Text)
	}

	// Values are live in Production: what hides them waits there.
	id, digest := pending(t, site, "token", "x")
	decideAll(site, id, digest, "engineer2", "manager", "compliance")
	waits := dev.Patch("/definitions/token?tenantId=acme", webtest.Body{"sensitive": true, "description": "A token"}).Want(202)
	for path, want := range map[string]string{
		"change.status": "pending", "change.environment": "Production", "change.items.0.op": "define", "change.items.0.key": "token",
		"change.items.0.baseVersion": "1", "change.items.0.definition.sensitive": "true", "change.items.0.definition.type": "string",
		"change.items.0.definition.description": "A token", "change.items.0.value": "null", "change.items.0.masked": "false", "change.currentStage": "engineer",
	} {
		if got := waits.Field(path); got != want {
			t.Errorf("%s is %s, want %s: %s", path, got, want, waits.Text)
		}
	}
	read := "/configs/tenant/acme?environment=Production&include=metadata"
	if got := site.As("app").Get(read).Want(200); got.Field("configs.token") != "x" {
		t.Errorf("while it waits: %s", got.Text)
	}
	decideAll(site, waits.Field("change.id"), waits.Field("change.digest"), "engineer2", "manager", "compliance")
	if got := site.As("app").Get(read).Want(200); got.Has("configs.token") || !strings.Contains(got.Field("withheld"), "token") {
		t.Errorf("after the last approval: %s", got.Text)
	}
	if got := dev.Get("/definitions/token?tenantId=acme").Want(200); got.Field("sensitive") != "true" || got.Field("version") != "2" {
		t.Errorf("the definition: %s", got.Text)
	}
	dev.Patch("/definitions/token?tenantId=acme", webtest.Body{"sensitive": false}).Refused(403, "forbidden")
	site.As("tenant-admin").Patch("/definitions/token?tenantId=acme", webtest.Body{"sensitive": false}).Want(202)
}

func TestDefinitionsAreRefused(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	dev.Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "QA", "key": "limit", "value": 5}).Want(201)
	for pointer, body := range map[string]webtest.Body{
		"/tags":      {"tags": []string{"a,b"}},
		"/merge":     {"merge": "deep"},
		"/schema":    {"schema": webtest.Body{"maximum": 4}},
		"/expiresAt": {"expiresAt": "tomorrow"},
	} {
		got := dev.Patch("/definitions/limit?tenantId=acme", body).Refused(422, "invalid")
		if got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s: %s", pointer, got.Field("errors.0.pointer"), got.Text)
		}
	}
	// The same, where a change is to make it: the pointers are those of the document that was sent.
	got := dev.Patch("/definitions/limit?tenantId=acme", webtest.Body{"sensitive": true, "schema": webtest.Body{"maximum": 4}}).Refused(422, "invalid")
	if got.Field("errors.0.pointer") != "/schema" {
		t.Errorf("it points at %s: %s", got.Field("errors.0.pointer"), got.Text)
	}
	for name, want := range map[string]int{"acme-engineer": 200, "globex-engineer": 404, "viewer": 403, "auditor": 403} {
		site.As(name).Patch("/definitions/limit?tenantId=acme", webtest.Body{"owner": name}).Want(want)
	}
	site.With("").Patch("/definitions/limit?tenantId=acme", webtest.Body{"owner": "x"}).Refused(401, "unauthenticated")
	site.As("acme-engineer").Patch("/definitions/limit", webtest.Body{"owner": "x"}).Refused(404, "not_found")
}

// TestDefineItems writes definitions as items of changes.
func TestDefineItems(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	submit := func(environment string, items ...webtest.Body) *webtest.Response {
		return dev.Post("/changes", webtest.Body{"tenantId": webtest.Acme, "environment": environment, "items": items})
	}
	made := submit("QA",
		webtest.Body{"op": "define", "key": "limit", "definition": webtest.Body{"type": "number", "schema": webtest.Body{"maximum": 9}, "tags": []string{"a"}}},
		webtest.Body{"op": "set", "key": "name", "value": "x", "definition": webtest.Body{"owner": "us", "sensitive": true}},
	).Want(201)
	for path, want := range map[string]string{
		"status": "deployed", "items.0.definition.tags": `["a"]`, "items.0.definition.schema.maximum": "9", "items.0.locked": "null",
		"items.1.value": "********", "items.1.masked": "true", "items.1.definition.owner": "us",
	} {
		if got := made.Field(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for pointer, item := range map[string]webtest.Body{
		"/items/0/value":                {"op": "set", "key": "limit", "value": 10},
		"/items/0/definition":           {"op": "define", "key": "limit"},
		"/items/0/definition/type":      {"op": "define", "key": "limit", "definition": webtest.Body{"type": "string"}},
		"/items/0/definition/tags":      {"op": "define", "key": "new", "definition": webtest.Body{"type": "string", "tags": []string{""}}},
		"/items/0/definition/merge":     {"op": "define", "key": "limit", "definition": webtest.Body{"merge": "deep"}},
		"/items/0/definition/schema/if": {"op": "define", "key": "limit", "definition": webtest.Body{"schema": webtest.Body{"if": 5}}},
		"/items/0/key":                  {"op": "suspend", "key": "limit"},
		"/items/0/locked":               {"op": "delete", "key": "limit", "locked": true},
		"/environment":                  {"op": "suspend"},
	} {
		who := dev
		if item["op"] == "suspend" {
			who = site.As("admin")
		}
		got := who.Post("/changes", webtest.Body{"tenantId": webtest.Acme, "environment": "QA", "items": []webtest.Body{item}}).Refused(422, "invalid")
		if got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s: %s", pointer, got.Field("errors.0.pointer"), got.Text)
		}
	}
	submit("QA", webtest.Body{"op": "define", "key": "limit", "baseVersion": 0, "definition": webtest.Body{"type": "number"}}).Refused(409, "conflict")
	submit("Production", webtest.Body{"op": "suspend"}).Refused(403, "forbidden")
}
