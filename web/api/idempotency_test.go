package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// takesNoKey are the operations that write nothing a second call could write again, with the reason.
var takesNoKey = map[string]string{
	"definition.validate": "it looks and writes nothing",
	"config.reveal":       "every reveal is one, and is recorded",
	"instance.put":        "what is said twice is so once",
}

// keyed is one call with an Idempotency-Key.
type keyed struct {
	op, who, method, path string
	body                  any
	status                int
}

// everyWrite is a call of each operation that takes a key, in an order in which each can succeed.
func everyWrite(t *testing.T, site *webtest.Site) []keyed {
	t.Helper()
	dev := site.As("engineer")
	config := func(key string) string {
		return "/configs/" + dev.Post("/configs", webtest.Body{
			"tenantId": webtest.Acme, "environment": "Development", "key": key, "value": 1,
		}).Want(201).Field("id")
	}
	change := func(key string, draft bool) (path, digest string) {
		c := dev.Post("/changes", webtest.Body{
			"tenantId": webtest.Acme, "environment": "Production", "draft": draft,
			"items": []webtest.Body{{"key": key, "op": "set", "value": 1}},
		}).Want(201)
		return c.Field("id"), c.Field("digest")
	}
	approved, approvedDigest := change("approved", false)
	rejected, rejectedDigest := change("rejected", false)
	draft, _ := change("draft", true)
	edited, _ := change("edited", false)
	key := site.As("admin").Post("/api-keys", webtest.Body{"name": "old", "role": "reader"}).Want(201).Field("id")
	binding := site.As("admin").Post("/role-bindings", webtest.Body{"role": "viewer", "group": "old"}).Want(201).Field("id")
	site.As("admin").Post("/tenants", webtest.Body{"tenantId": "held", "name": "Held", "tier": "Free"}).Want(201)
	site.DB.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	site.Session("viewer")
	session := site.As("viewer").Get("/sessions").Want(200).Field("items.0.id")
	updated, deleted, promoted, back := config("updated"), config("deleted"), config("promoted"), config("back")
	dev.Put(back, webtest.Body{"value": 2}).Want(200)
	return []keyed{
		{"config.set", "engineer", "POST", "/configs", webtest.Body{"tenantId": "acme", "environment": "QA", "key": "new", "value": "x"}, 201},
		{"config.set", "engineer", "POST", "/configs", webtest.Body{"tenantId": "acme", "environment": "Production", "key": "new", "value": "x"}, 202},
		{"config.update", "engineer", "PUT", updated, webtest.Body{"value": 2}, 200},
		{"config.delete", "engineer", "DELETE", deleted, nil, 204},
		{"config.promote", "engineer", "POST", promoted + "/promote", webtest.Body{"targetEnvironment": "QA"}, 201},
		{"config.rollback", "engineer", "POST", back + "/rollback", webtest.Body{"toVersion": 1, "reason": "it hurts"}, 200},
		{"change.create", "engineer", "POST", "/changes", webtest.Body{
			"tenantId": "acme", "environment": "Staging", "items": []webtest.Body{{"key": "many", "op": "set", "value": true}},
		}, 201},
		{"change.edit", "engineer", "PATCH", "/changes/" + edited, webtest.Body{"title": "Another"}, 200},
		{"change.rebase", "engineer", "POST", "/changes/" + edited + "/rebase", nil, 200},
		{"change.cancel", "engineer", "POST", "/changes/" + edited + "/cancel", nil, 200},
		{"change.submit", "engineer", "POST", "/changes/" + draft + "/submit", nil, 200},
		{"change.approve", "engineer2", "POST", "/approvals/" + approved + "/approve", webtest.Body{"digest": approvedDigest}, 200},
		{"change.reject", "engineer2", "POST", "/approvals/" + rejected + "/reject", webtest.Body{"digest": rejectedDigest, "comment": "no"}, 200},
		{"tenant.create", "admin", "POST", "/tenants", webtest.Body{"tenantId": "initech", "name": "Initech", "tier": "Pro"}, 201},
		{"tenant.update", "admin", "PATCH", "/tenants/initech", webtest.Body{"name": "Initech 2"}, 200},
		{"tenant.suspend", "admin", "POST", "/tenants/initech/suspend", nil, 202},
		{"tenant.delete", "admin", "DELETE", "/tenants/held?confirm=held", nil, 204},
		{"tenant.activate", "admin", "POST", "/tenants/held/activate", nil, 200},
		{"tier.create", "admin", "POST", "/tiers", webtest.Body{"name": "Gold"}, 201},
		{"environment.put", "admin", "PUT", "/environments/Canary", nil, 201},
		{"policy.put", "admin", "PUT", "/policies/QA?tier=gold", webtest.Body{"minSoak": "1h"}, 200},
		{"definition.create", "admin", "POST", "/definitions?tenantId=acme", webtest.Body{"key": "defined", "type": "json"}, 201},
		{"definition.update", "admin", "PATCH", "/definitions/defined?tenantId=acme", webtest.Body{"description": "What it is"}, 200},
		{"api_key.create", "admin", "POST", "/api-keys", webtest.Body{"name": "new", "role": "reader"}, 201},
		{"api_key.revoke", "admin", "DELETE", "/api-keys/" + key, nil, 204},
		{"role_binding.create", "admin", "POST", "/role-bindings", webtest.Body{"role": "viewer", "group": "new"}, 201},
		{"role_binding.delete", "admin", "DELETE", "/role-bindings/" + binding, nil, 204},
		{"session.revoke", "admin", "DELETE", "/sessions/" + session, nil, 204},
	}
}

// entries counts what the audit log tells of all tenants.
func entries(t *testing.T, site *webtest.Site) (n int) {
	t.Helper()
	site.DB.Scan(t, `SELECT count(*) FROM audit_entries WHERE action <> 'access.denied'`, nil, &n)
	return n
}

// TestEveryWriteIsDoneOnce makes a call of every operation three times: as it is, again, and with another body.
func TestEveryWriteIsDoneOnce(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	tried := map[string]bool{}
	for n, call := range everyWrite(t, site) {
		tried[call.op] = true
		key := call.op + strings.Repeat("!", n)
		who := site.As(call.who).Header("Idempotency-Key", key)
		first := who.Do(call.method, call.path, call.body).Want(call.status)
		if first.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: the first call is said to be a repetition", call.op)
		}
		done := entries(t, site)
		again := who.Do(call.method, call.path, call.body).Want(call.status)
		if again.Header.Get("Idempotency-Replayed") != "true" || entries(t, site) != done {
			t.Errorf("%s was carried out twice: %v", call.op, again.Header)
		}
		if want := withoutSecret(t, first.Text); again.Text != want {
			t.Errorf("%s answers\n%s\nthe second time, first\n%s", call.op, again.Text, want)
		}
		for _, name := range []string{"Location", "ETag", "Content-Type", "Cache-Control"} {
			if a, b := first.Header.Get(name), again.Header.Get(name); a != b && first.Text != "" {
				t.Errorf("%s: %s %q, first %q", call.op, name, b, a)
			}
		}
	}
	for op, takes := range writes(t, site) {
		if takes != tried[op] || takes == (takesNoKey[op] != "") {
			t.Errorf("%s takes a key: %t, was called with one here: %t, and is known to take none: %q", op, takes, tried[op], takesNoKey[op])
		}
	}
	wantNoSecrets(t, site)
}

// withoutSecret is the answer without what is shown once.
func withoutSecret(t *testing.T, text string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, `{"key":"hs_`)
	if !found {
		return text
	}
	_, rest, _ = strings.Cut(rest, `",`)
	return before + "{" + rest
}

// writes are the operations that write, and whether each takes a key, as the document has them.
func writes(t *testing.T, site *webtest.Site) map[string]bool {
	t.Helper()
	var document struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal([]byte(site.With("").Get("/api/openapi.json").Want(200).Text), &document); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, operations := range document.Paths {
		for method, o := range operations {
			if method != "get" {
				out[o.OperationID] = o.takes("header", "Idempotency-Key")
			}
		}
	}
	return out
}

// wantNoSecrets looks at what is kept of the calls: no text of a key, and no body.
func wantNoSecrets(t *testing.T, site *webtest.Site) {
	t.Helper()
	var kept string
	site.DB.Scan(t, `SELECT string_agg(k::text, ' ') FROM idempotency_keys k`, nil, &kept)
	if kept == "" || strings.Contains(kept, "Initech") {
		t.Errorf("kept: %s", kept)
	}
	for _, name := range []string{"engineer", "admin"} {
		if id, secret, _ := strings.Cut(strings.TrimPrefix(site.Key(name), "hs_"), "_"); strings.Contains(kept, secret) || !strings.Contains(kept, id) {
			t.Errorf("the credential of %s is kept as %s", name, kept)
		}
	}
}

// TestBodiesAreKeptUnderAKey: who has the database cannot find a short secret by digesting bodies that may have been sent.
func TestBodiesAreKeptUnderAKey(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	body := `{"tenantId":"acme","environment":"Development","key":"pin","value":"1234"}`
	call := site.As("engineer").Header("Idempotency-Key", "k")
	call.Post("/configs", json.RawMessage(body)).Want(201)
	if again := call.Post("/configs", json.RawMessage(body)).Want(201); again.Header.Get("Idempotency-Replayed") != "true" {
		t.Fatalf("not the same call: %s", again.Text)
	}
	var kept []byte
	site.DB.Scan(t, `SELECT digest FROM idempotency_keys WHERE key = 'k'`, nil, &kept)
	tried := sha256.Sum256([]byte("\n" + body)) // no query
	if len(kept) != len(tried) || bytes.Equal(kept, tried[:]) {
		t.Errorf("%x is kept, of the body itself it is %x", kept, tried)
	}
}

// TestKeysOfCalls is what else a key does and does not.
func TestKeysOfCalls(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.SecondKey("second", "engineer", "engineer")
	body := func(value any) webtest.Body {
		return webtest.Body{"tenantId": "acme", "environment": "Development", "key": "k", "value": value}
	}
	with := func(who, key string) *webtest.Caller { return site.As(who).Header("Idempotency-Key", key) }

	first := with("engineer", "one").Post("/configs", body(1)).Want(201)
	if got := with("engineer", "one").Post("/configs", body(2)).Refused(422, "invalid"); got.Field("errors.0.pointer") != "/Idempotency-Key" {
		t.Errorf("another body: %s", got.Text)
	}
	// The key is the credential's: others, also another key of the same person, make calls of their own.
	for n, who := range []string{"engineer2", "second", "acme-engineer"} {
		if got := with(who, "one").Post("/configs", body(10+n)).Want(201); got.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s is answered what the engineer did: %s", who, got.Text)
		}
	}
	with("globex-engineer", "one").Post("/configs", body(1)).Refused(404, "not_found")
	site.With("").Header("Idempotency-Key", "one").Post("/configs", body(1)).Refused(401, "unauthenticated")
	// A repetition shows the config as it is now.
	if got := with("engineer", "one").Post("/configs", body(1)).Want(201); got.Field("version") != "4" || got.Field("id") != first.Field("id") {
		t.Errorf("shown again: %s", got.Text)
	}
	// What failed may be tried again, with the same key and another body.
	with("engineer", "two").Post("/configs", body(strings.Repeat("x", 70000))).Refused(422, "invalid")
	with("viewer", "two").Post("/configs", body(2)).Refused(403, "forbidden")
	if got := with("engineer", "two").Post("/configs", body(2)).Want(201); got.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("a failed call is remembered: %s", got.Text)
	}
	// A call that was carried out is answered even where it could not be made now.
	tag := site.As("engineer").Get("/configs/" + first.Field("id")).Want(200).Header.Get("ETag")
	update := with("engineer", "three").Header("If-Match", tag)
	update.Put("/configs/"+first.Field("id"), webtest.Body{"value": 3}).Want(200)
	update.Put("/configs/"+first.Field("id"), webtest.Body{"value": 3}).Want(200)
	// What is gone is gone, and a dry run is no deed.
	site.As("engineer").Delete("/configs/" + first.Field("id")).Want(204)
	with("engineer", "one").Post("/configs", body(1)).Refused(404, "not_found")
	dry := webtest.Body{"tenantId": "acme", "environment": "QA", "items": []webtest.Body{{"key": "dry", "op": "set", "value": 1}}}
	for range 2 {
		if got := with("engineer", "dry").Post("/changes?dryRun=true", dry).Want(200); got.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("a dry run is remembered: %s", got.Text)
		}
	}
	for _, wrong := range []string{"", "two words", strings.Repeat("k", 256), "schlüssel"} {
		if got := with("engineer", wrong).Post("/configs", body(1)).Refused(422, "invalid"); got.Field("errors.0.pointer") != "/Idempotency-Key" {
			t.Errorf("the key %q: %s", wrong, got.Text)
		}
	}
	with("engineer", strings.Repeat("~", 255)).Post("/configs", body(1)).Want(201)
	with("engineer", "one").Get("/configs?tenantId=acme").Want(200) // reads have none
}

// TestAWaitingChangeShownAgain follows a change: its author sends the call again before and after it is live.
func TestAWaitingChangeShownAgain(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	call := func() *webtest.Response {
		return site.As("engineer").Header("Idempotency-Key", "k").Post("/configs", webtest.Body{
			"tenantId": "acme", "environment": "Production", "key": "k", "value": 1,
		})
	}
	first := call().Want(202)
	id, digest := first.Field("change.id"), first.Field("change.digest")
	if again := call().Want(202); again.Text != first.Text {
		t.Errorf("while it waits: %s", again.Text)
	}
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		approve(site, who, id, digest).Want(200)
	}
	if live := call().Want(201); live.Field("key") != "k" || live.Field("environment") != "Production" || live.Header.Get("Location") == "" {
		t.Errorf("once it is live: %s", live.Text)
	}
}

// TestWhatWasLedBackShownAgain: a value that was live at once and led back since is answered as it is now, not as a change
// that waits.
func TestWhatWasLedBackShownAgain(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	set := func(value int) *webtest.Response {
		return site.As("engineer").Header("Idempotency-Key", strings.Repeat("k", value)).Post("/configs", webtest.Body{
			"tenantId": "acme", "environment": "Development", "key": "k", "value": value,
		})
	}
	set(1).Want(201)
	config := "/configs/" + set(2).Want(201).Field("id")
	site.As("engineer").Post(config+"/rollback", webtest.Body{"toVersion": 1, "reason": "it hurts"}).Want(200)
	if again := set(2).Want(201); again.Field("value") != "1" || again.Field("version") != "3" || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("shown again: %s", again.Text)
	}
}

// TestTheSameCallAtOnce sends one call from many goroutines, of operations with and without locks of their own.
func TestTheSameCallAtOnce(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	calls := []keyed{
		{"config.set", "engineer", "POST", "/configs", webtest.Body{"tenantId": "acme", "environment": "Development", "key": "once", "value": 1}, 201},
		{"api_key.create", "admin", "POST", "/api-keys", webtest.Body{"name": "once", "role": "reader"}, 201},
		{"tenant.create", "admin", "POST", "/tenants", webtest.Body{"tenantId": "once", "name": "Once", "tier": "Free"}, 201},
	}
	deeds := []int{4, 1, 1} // a first value: the change, the definition, the value, the deployment
	for n, call := range calls {
		var fresh, replayed, turned atomic.Int64
		var wait sync.WaitGroup
		before := entries(t, site)
		for range 24 {
			wait.Go(func() {
				got := site.As(call.who).Header("Idempotency-Key", "once-"+call.op).Do(call.method, call.path, call.body)
				switch {
				case got.Status() == call.status && got.Header.Get("Idempotency-Replayed") == "":
					fresh.Add(1)
				case got.Status() == call.status:
					replayed.Add(1)
				case got.Status() == http.StatusConflict && got.Header.Get("Retry-After") == "1":
					turned.Add(1)
				case got.Status() == http.StatusServiceUnavailable: // its turn did not come
				default:
					t.Errorf("%s: %d %s", call.op, got.Status(), got.Text)
				}
			})
		}
		wait.Wait()
		if fresh.Load() != 1 {
			t.Errorf("%s: %d carried out, %d replayed, %d turned away", call.op, fresh.Load(), replayed.Load(), turned.Load())
		}
		site.As(call.who).Header("Idempotency-Key", "once-"+call.op).Do(call.method, call.path, call.body).Want(call.status)
		var made int
		site.DB.Scan(t, `SELECT (SELECT count(*) FROM config_versions) + (SELECT count(*) FROM api_keys WHERE name = 'once')
			+ (SELECT count(*) FROM tenants WHERE tenant_id = 'once')`, nil, &made)
		if got := entries(t, site) - before; got != deeds[n] || made != n+1 {
			t.Errorf("%s: %d entries in the log, %d things after %d calls", call.op, got, made, n+1)
		}
	}
}
