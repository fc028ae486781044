package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

// How much is rotated under readers: in `make test`, and with HOTSWAP_TORTURE=full.
const (
	rotatedTenants = 50
	rotatedKeys    = 4
	rotations      = 2

	tortureTenants   = 1000
	tortureKeys      = 20
	tortureRotations = 15

	rotationReaders = 8 // on each node
)

// vault is a site with two nodes whose tenants have secrets, and those of the layers above them.
type vault struct {
	site    *webtest.Site
	nodes   [2]*node
	app     string // a key with secrets:read
	tenants []string
	keys    int

	reads, composed atomic.Int64
}

// TestTortureRotation rotates all data keys, again and again, while applications read secrets through two nodes that share
// a database and a Redis, and while values that have nothing to do with it move: no read fails, none lacks a key.
func TestTortureRotation(t *testing.T) {
	t.Parallel()
	tenants, keys, times := rotatedTenants, rotatedKeys, rotations
	if os.Getenv("HOTSWAP_TORTURE") == "full" {
		tenants, keys, times = tortureTenants, tortureKeys, tortureRotations
	}
	v := newVault(t, tenants, keys)
	before := v.stored(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var working sync.WaitGroup
	for reader := range 2 * rotationReaders {
		working.Go(func() { v.read(ctx, t, reader) })
	}
	working.Go(func() { v.move(ctx, t) })
	for n := range times {
		done, err := v.nodes[0].Secrets.RotateAll(operator(t))
		want := secrets.Rotated{Keys: tenants + 2, Values: tenants*keys + 2} // the platform and the tier have a key and a value each
		if n > 0 {
			want.Dropped = want.Keys // those that the rotation before replaced
		}
		if err != nil || done != want {
			t.Errorf("rotation %d: %+v, want %+v, %v", n, done, want, err)
		}
		v.wantRotated(t, before)
		before = v.stored(t)
		// A day passes, after which the next rotation drops what was replaced.
		v.site.DB.Admin(t, `UPDATE tenant_keys SET rotated_at = rotated_at - interval '25 hours'`)
	}
	stop()
	working.Wait()
	t.Logf("%d reads during %d rotations of %d data keys, %d values moved meanwhile", v.reads.Load(), times, tenants+2, v.composed.Load())
	if v.reads.Load() < int64(tenants) || v.composed.Load() == 0 {
		t.Error("hardly anything was read meanwhile")
	}
}

// newVault sets one value of each key everywhere, all different.
func newVault(t *testing.T, tenants, keys int) *vault {
	t.Helper()
	v := &vault{site: webtest.New(t), keys: keys}
	redis := storetest.NewRedis(t)
	admin := v.site.As("admin")
	for n := range tenants {
		v.tenants = append(v.tenants, fmt.Sprintf("vault-%04d", n))
		admin.Post("/tenants", webtest.Body{"tenantId": v.tenants[n], "name": "Vault", "tier": "Pro"}).Want(http.StatusCreated)
	}
	for _, layer := range []string{"@platform", "@tier.pro"} {
		key := "layer." + strings.TrimPrefix(layer, "@")
		admin.Post("/definitions", webtest.Body{"tenantId": layer, "key": key, "type": "string", "sensitive": true}).Want(http.StatusCreated)
		v.set(layer, webtest.Body{"key": key, "op": "set", "value": secretOf(layer, key)})
	}
	for k := range keys {
		admin.Post("/definitions", webtest.Body{"key": keyNumber(k), "type": "string", "sensitive": true}).Want(http.StatusCreated)
	}
	var setting sync.WaitGroup
	for part := range 4 {
		setting.Go(func() {
			for n := part; n < tenants; n += 4 {
				items := make([]webtest.Body, keys)
				for k := range items {
					items[k] = webtest.Body{"key": keyNumber(k), "op": "set", "value": secretOf(v.tenants[n], keyNumber(k))}
				}
				v.set(v.tenants[n], items...)
			}
		})
	}
	setting.Wait()
	v.app = admin.Post("/api-keys", webtest.Body{
		"name": "shop", "role": "reader", "tenantId": "@platform", "grants": []string{"secrets:read"},
	}).Want(http.StatusCreated).Field("key")
	for i := range v.nodes {
		v.nodes[i] = newNode(t, v.site, nodeOptions{redis: redis})
	}
	return v
}

func keyNumber(k int) string { return fmt.Sprintf("password-%02d", k) }

func secretOf(tenant, key string) string { return "secret of " + tenant + " " + key }

func (v *vault) set(layer string, items ...webtest.Body) {
	v.site.As("engineer").Post("/changes", webtest.Body{
		"tenantId": layer, "environment": "Development", "title": "secrets", "items": items,
	}).Want(http.StatusCreated)
}

// read asks one of the nodes for one tenant after the other, until the context ends.
func (v *vault) read(ctx context.Context, t *testing.T, reader int) {
	t.Helper()
	app := caller{t, v.nodes[reader%2].url, v.app}
	for n := reader; ctx.Err() == nil; n++ {
		tenant := v.tenants[n%len(v.tenants)]
		got, err := app.try(app.request(http.MethodGet, "/configs/tenant/"+tenant+"?environment=Development", nil))
		if err != nil || got.status != http.StatusOK {
			t.Errorf("%s: %d %s, %v", tenant, got.status, got.body, err)
			return
		}
		var read struct{ Configs map[string]any }
		got.into(&read)
		want := map[string]string{"layer.platform": "@platform", "layer.tier.pro": "@tier.pro"}
		for k := range v.keys {
			want[keyNumber(k)] = tenant
		}
		for key, layer := range want {
			if read.Configs[key] != secretOf(layer, key) {
				t.Errorf("%s reads %s as %v", tenant, key, read.Configs[key])
				return
			}
		}
		v.reads.Add(1)
	}
}

// move sets values that are no secrets: what is composed in memory is opened once, and a new value makes the nodes load
// and open anew. Once in a while that is a value of all.
func (v *vault) move(ctx context.Context, t *testing.T) {
	t.Helper()
	writer := caller{t, v.nodes[1].url, v.site.Key("engineer")}
	for n := 0; ctx.Err() == nil; n++ {
		layer := v.tenants[n%len(v.tenants)]
		if n%20 == 0 {
			layer = "@platform"
		}
		body := map[string]any{"tenantId": layer, "environment": "Development", "key": "n", "value": n}
		got, err := writer.try(writer.request(http.MethodPost, "/configs", body))
		if err != nil || got.status != http.StatusCreated && got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s, %v", layer, got.status, got.body, err)
			return
		}
		v.composed.Add(1)
	}
}

// sealedRow is a stored secret.
type sealedRow struct{ keyID, ciphertext string }

// stored is what lies in the database, by tenant and id.
func (v *vault) stored(t *testing.T) map[string]sealedRow {
	t.Helper()
	var names, keyIDs, ciphertexts []string
	v.site.DB.Scan(t, `SELECT array_agg(tenant_id || ' ' || id), array_agg(encode(substring(ciphertext FROM 1 FOR 5), 'hex')),
		array_agg(encode(ciphertext, 'hex')) FROM sealed_values`, nil, &names, &keyIDs, &ciphertexts)
	out := map[string]sealedRow{}
	for i, name := range names {
		out[name] = sealedRow{keyIDs[i], ciphertexts[i]}
	}
	return out
}

// wantRotated wants that every value is sealed by the newest key of its tenant, and that nothing of what was stored
// before is there any more.
func (v *vault) wantRotated(t *testing.T, before map[string]sealedRow) {
	t.Helper()
	now, newest, old := v.stored(t), map[string]string{}, map[string]bool{}
	for _, row := range before {
		old[row.keyID], old[row.ciphertext] = true, true
	}
	for name, row := range now {
		tenant, _, _ := strings.Cut(name, " ")
		if newest[tenant] == "" {
			newest[tenant] = row.keyID
		}
		if row.keyID != newest[tenant] {
			t.Errorf("%s has values under two keys", tenant)
		}
		if old[row.keyID] || old[row.ciphertext] {
			t.Errorf("%s is sealed as it was", name)
		}
		if _, known := before[name]; !known {
			t.Errorf("%s is new", name)
		}
	}
	if len(now) != len(before) {
		t.Errorf("%d values, %d before", len(now), len(before))
	}
}
