package e2e_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

// coldStartLimit is how soon a node serves what it kept; the promise is 3 s, others use the machine too.
const coldStartLimit = 10 * time.Second

// readyz is what the node's probe answers.
func (n *node) readyz(t testing.TB) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	n.ops.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	return w.Code, w.Body.String()
}

// TestColdStart ends a node and starts it again where neither Postgres nor Redis is there: it serves what it kept, and
// goes on as ever when they are back.
func TestColdStart(t *testing.T) {
	t.Parallel()
	site, store := webtest.New(t), storetest.NewRedis(t)
	postgres, database := proxied(t, "postgres", site.DB.URL)
	redis, cache := proxied(t, "redis", store.URL)
	state := filepath.Join(t.TempDir(), "state")
	options := nodeOptions{redis: &storetest.Redis{URL: cache}, database: database, state: state}

	site.As("tenant-admin").Post("/definitions?tenantId="+webtest.Acme, webtest.Body{"key": "password", "type": "string", "sensitive": true}).Want(http.StatusCreated)
	for key, value := range map[string]any{"limit": 7, "password": "a very secret canary"} {
		site.As("engineer").Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": key, "value": value}).Want(http.StatusCreated)
	}
	trusted := site.As("admin").Post("/api-keys", webtest.Body{
		"name": "trusted", "role": "reader", "tenantId": webtest.Acme, "grants": []string{"secrets:read"},
	}).Want(http.StatusCreated).Field("key")
	revoked := site.As("admin").Post("/api-keys", webtest.Body{"name": "revoked", "role": "reader", "tenantId": webtest.Acme}).Want(http.StatusCreated)

	first := newNode(t, site, options)
	as := func(n *node, credential string) caller { return caller{t, n.url, credential} }
	before := as(first, trusted).get(wholeOfAcme).want(http.StatusOK)
	if !strings.Contains(string(before.body), "canary") {
		t.Fatalf("the secret is not read: %s", before.body)
	}
	plain := as(first, site.Key("app")).get(wholeOfAcme).want(http.StatusOK)
	as(first, site.Key("admin")).do("DELETE", "/api-keys/"+revoked.Field("id"), nil).want(http.StatusNoContent)
	eventually(t, "the node has kept what it serves", func() bool { return kept(t, state) })
	first.stop()
	between := newNode(t, site, options) // nobody asks this one for secrets: what opens them is kept all the same
	as(between, site.Key("app")).get(wholeOfAcme).want(http.StatusOK)
	between.stop()

	disable(t, postgres, redis)
	began := time.Now()
	second := newNode(t, site, options)
	if again := as(second, trusted).get(wholeOfAcme).want(http.StatusOK); string(again.body) != string(before.body) || again.header.Get("X-HotSwap-Stale") != "true" || again.header.Get("Age") == "" {
		t.Errorf("started again it reads %s with %v", again.body, again.header)
	}
	took := time.Since(began)
	if t.Logf("the first answer came after %s", took.Round(time.Millisecond)); took > coldStartLimit {
		t.Errorf("the first answer came after %s", took)
	}
	app := as(second, site.Key("app"))
	app.get("/configs/tenant/" + webtest.Acme + "/keys/limit?environment=Development").want(http.StatusOK)
	app.get(wholeOfAcme).want(http.StatusOK)
	request := app.request("GET", wholeOfAcme, nil)
	request.Header.Set("If-None-Match", plain.header.Get("ETag"))
	if same, err := app.try(request); err != nil || same.status != http.StatusNotModified {
		t.Errorf("who has it is answered %d (%v)", same.status, err)
	}
	as(second, revoked.Field("key")).get(wholeOfAcme).want(http.StatusUnauthorized)
	as(second, "hs_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789").get(wholeOfAcme).want(http.StatusUnauthorized)
	if write := as(second, site.Key("engineer")).post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": "limit", "value": 8}); write.status != http.StatusServiceUnavailable || write.header.Get("Retry-After") == "" {
		t.Errorf("a write is answered %d with %v", write.status, write.header)
	}
	if status, text := second.readyz(t); status != http.StatusOK || !strings.Contains(text, "degraded") {
		t.Errorf("readyz: %d %s", status, text)
	}

	for _, p := range []interface{ Start() error }{postgres, redis} {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "writes work again", func() bool {
		return as(second, site.Key("engineer")).post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": "limit", "value": 9}).status == http.StatusCreated
	})
	if now := app.get(wholeOfAcme).want(http.StatusOK); now.number("configs.limit") != 9 {
		t.Errorf("afterwards it reads %s with %v", now.body, now.header)
	}
	eventually(t, "answers are of now", func() bool { return app.get(wholeOfAcme).want(http.StatusOK).header.Get("X-HotSwap-Stale") == "" })
	eventually(t, "the node is ready for everything", func() bool { _, text := second.readyz(t); return !strings.Contains(text, "degraded") })
	holdsNothing(t, state, "canary", site.Key("app"), webtest.Acme)
}

// TestColdStartFromNothing makes sure that only what was kept is served.
func TestColdStartFromNothing(t *testing.T) {
	t.Parallel()
	site, store := webtest.New(t), storetest.NewRedis(t)
	site.As("engineer").Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": "limit", "value": 7}).Want(http.StatusCreated)
	postgres, database := proxied(t, "postgres", site.DB.URL)
	state := filepath.Join(t.TempDir(), "state")
	options := nodeOptions{redis: store, database: database, state: state}
	first := newNode(t, site, options)
	caller{t, first.url, site.Key("app")}.get(wholeOfAcme).want(http.StatusOK)
	eventually(t, "the node has kept what it serves", func() bool { return kept(t, state) })
	first.stop()
	disable(t, postgres)
	for name, spoil := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 20) },
		"altered": func(path string) error {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text[len(text)-1] ^= 1
			return os.WriteFile(path, text, 0o600)
		},
		"swapped": func(path string) error { return os.Rename(filepath.Join(state, "access"), path) },
	} {
		whole, err := os.ReadFile(filepath.Join(state, "tenants"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(t.TempDir(), "copy"), os.DirFS(state)); err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(state, "access"))
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(state, "tenants")); err != nil {
			t.Fatal(err)
		}
		if err := loadFails(t, site, options); err == nil {
			t.Errorf("%s control data were taken", name)
		}
		for file, text := range map[string][]byte{"tenants": whole, "access": other} {
			if err := os.WriteFile(filepath.Join(state, file), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := loadFails(t, site, options); err != nil {
		t.Errorf("what is whole again is not taken: %v", err)
	}
	options.state = filepath.Join(t.TempDir(), "empty")
	if err := loadFails(t, site, options); err == nil {
		t.Error("a node begins with nothing")
	}
}

// loadFails is why a node cannot begin with what lies in its state directory.
func loadFails(t testing.TB, site *webtest.Site, o nodeOptions) error {
	t.Helper()
	n := assemble(t, site, o)
	defer n.listener.Close()
	defer n.state.Close()
	return n.Load(t.Context())
}

// kept tells whether all kinds of files are there, and those of acme's chain.
func kept(t testing.TB, state string) bool {
	t.Helper()
	for _, file := range []string{"platform", "keys", "tenants", "access", "clock", "index"} {
		if _, err := os.Stat(filepath.Join(state, file)); err != nil {
			return false
		}
	}
	sets, err := filepath.Glob(filepath.Join(state, "set-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(sets) >= 3
}

func disable(t testing.TB, proxies ...*toxiproxy.Proxy) {
	t.Helper()
	for _, p := range proxies {
		p.Stop()
	}
}

// holdsNothing looks for texts in all files below a directory, which nobody else may read.
func holdsNothing(t testing.TB, dir string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		if entry.IsDir() {
			return nil
		}
		raw, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(raw, []byte(text)) {
				t.Errorf("%s holds %q", path, text)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
