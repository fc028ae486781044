package e2e_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// masterKey is a new master key file as the operator makes it.
func masterKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.json")
	if out, code := hotswap(t, nil, "secrets", "init", path); code != 0 {
		t.Fatalf("secrets init ends with %d: %s", code, out)
	}
	return path
}

func TestServeRefusesADevelopmentKey(t *testing.T) {
	t.Parallel()
	s := dev(t)
	out, code := hotswap(t, []string{
		"HOTSWAP_OIDC_ISSUER=" + s.Issuer, "HOTSWAP_OIDC_CLIENT_ID=hotswap", "HOTSWAP_PUBLIC_URL=http://127.0.0.1:8080",
		"HOTSWAP_LISTEN=127.0.0.1:0", "HOTSWAP_OPS_LISTEN=127.0.0.1:0", "HOTSWAP_DATABASE_URL=" + s.databaseURL("hotswap_app"),
		"HOTSWAP_MASTER_KEY=" + filepath.Join(s.dir, "master.json"),
	}, "serve")
	if code != 2 || !strings.Contains(out, "HOTSWAP_MASTER_KEY is a key for development") {
		t.Errorf("it ends with %d and says:\n%s", code, out)
	}
}

// Secrets are rotated under an application that reads them, go from one master key to the next, and are destroyed.
func TestSecretsCommands(t *testing.T) {
	t.Parallel()
	s := dev(t)
	old := filepath.Join(s.dir, "master.json")
	run := func(master string, args ...string) (string, int) {
		t.Helper()
		return hotswap(t, []string{"HOTSWAP_OWNER_DATABASE_URL=" + s.databaseURL("hotswap_owner"), "HOTSWAP_MASTER_KEY=" + master},
			append([]string{"secrets"}, args...)...)
	}
	const tenants, keys = 3, 5
	admin := s.as("admin")
	for i := range tenants {
		tenant := "vault-" + strconv.Itoa(i)
		admin.post("/tenants", map[string]any{"tenantId": tenant, "name": tenant, "tier": "Pro"}).want(http.StatusCreated)
		for k := range keys {
			key := "password-" + strconv.Itoa(k)
			admin.post("/definitions", map[string]any{"tenantId": tenant, "key": key, "type": "string", "sensitive": true}).want(http.StatusCreated)
			admin.post("/configs", map[string]any{
				"tenantId": tenant, "environment": "Development", "key": key, "value": "canary-" + tenant + "-" + key,
			}).want(http.StatusCreated)
		}
	}
	made := admin.post("/api-keys", map[string]any{"name": "shop", "role": "reader", "tenantId": "@platform", "grants": []string{"secrets:read"}})
	app := caller{t, s.URL, made.want(http.StatusCreated).text("key")}
	read := func(tenant string) (string, int) {
		r := app.get("/configs/tenant/" + tenant + "?environment=Development")
		if r.status != http.StatusOK {
			return "", r.status
		}
		value, _ := r.field("configs.password-1").(string)
		return value, r.status
	}
	eventually(t, "the key is known", func() bool { v, _ := read("vault-1"); return v == "canary-vault-1-password-1" })

	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	var reads atomic.Int64
	for i := range tenants {
		reading.Go(func() {
			tenant := "vault-" + strconv.Itoa(i)
			for n := 0; ctx.Err() == nil; n++ {
				if n%10 == 0 { // what is composed in memory opens nothing: a new value makes the node compose anew
					admin.post("/configs", map[string]any{"tenantId": tenant, "environment": "Development", "key": "n", "value": n}).want(http.StatusCreated)
				}
				if v, status := read(tenant); v != "canary-"+tenant+"-password-1" {
					t.Errorf("%s reads %q (%d)", tenant, v, status)
					return
				}
				reads.Add(1)
			}
		})
	}
	for i := range 4 {
		if out, code := run(old, "rotate"); code != 0 || !strings.Contains(out, strconv.Itoa(tenants*keys)+" values sealed anew") {
			t.Errorf("rotation %d ends with %d: %s", i, code, out)
		}
	}
	stop()
	reading.Wait()
	t.Logf("%d reads during 4 rotations", reads.Load())
	if reads.Load() == 0 {
		t.Error("nothing was read meanwhile")
	}

	if out, code := run(masterKey(t), "rotate", "--tenant", "vault-0"); code == 0 || strings.Contains(out, "canary") {
		t.Errorf("a stranger's master key rotates: %s", out)
	}
	if out, code := run(old, "shred", "--tenant", "vault-1", "--confirm", "vault-2"); code != 2 {
		t.Errorf("unconfirmed: %d %s", code, out)
	}
	if out, code := run(old, "shred", "--tenant", "vault-1", "--confirm", "vault-1"); code != 0 {
		t.Errorf("shred ends with %d: %s", code, out)
	}
	begun := time.Now()
	eventually(t, "the destroyed secrets are out of reach", func() bool { v, _ := read("vault-1"); return v == "" })
	t.Logf("gone after %v", time.Since(begun))
	if v, _ := read("vault-2"); v != "canary-vault-2-password-1" {
		t.Errorf("the neighbour reads %q", v)
	}

	next := masterKey(t)
	if out, code := run(next, "rewrap", "--from", old); code != 0 || !strings.HasPrefix(out, "3 data keys") { // two tenants and the platform
		t.Errorf("rewrap ends with %d: %s", code, out)
	}
	if out, code := run(next, "rotate", "--tenant", "vault-2"); code != 0 {
		t.Errorf("after it: %d %s", code, out)
	}
	for _, action := range []string{"secret.rotate", "secret.rewrap", "secret.shred"} {
		tenant := map[string]string{"secret.shred": "vault-1"}[action]
		if tenant == "" {
			tenant = "vault-2"
		}
		if n := admin.get("/audit?tenantId=" + tenant + "&action=" + action).want(http.StatusOK); n.field("items.0") == nil {
			t.Errorf("no audit entry %s", action)
		}
	}
	if text, err := os.ReadFile(old); err != nil || strings.Contains(s.out.String(), "canary") || !strings.Contains(string(text), "development") {
		t.Errorf("the log holds a secret, or the key is not marked (%v)", err)
	}
}
