package snapshots_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

// crowd makes tenants with keys in one environment, and acme with that many versions of each key, a second apart.
func crowd(t testing.TB, n node, tenants, keys, versions int) {
	t.Helper()
	change := "22222222-2222-4222-8222-222222222222"
	n.db.Admin(t, `UPDATE tenant_versions SET live_from = now() - interval '1 day'`)
	n.db.Admin(t, `INSERT INTO tenants (tenant_id, name, tier) SELECT 'crowd-' || i, 'Crowd', 'Free' FROM generate_series(1, $1::int) i`, tenants)
	n.db.Admin(t, `INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from, live_to)
		SELECT tenant_id, v, name, tier, status, now() - make_interval(hours => 40 - v), CASE WHEN v < 20 THEN now() - make_interval(hours => 39 - v) END
		FROM tenants, generate_series(1, 20) v WHERE tenant_id LIKE 'crowd-%'`)
	n.db.Admin(t, `INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
		SELECT tenant_id, $1, 'QA', 't', 'edit', 'system:seed', 'deployed', repeat('0', 64), '{}', now(), now() FROM tenants`, change)
	n.db.Admin(t, `INSERT INTO sealed_values (tenant_id, id, key, ciphertext)
		SELECT tenant_id, gen_random_uuid(), 'key.' || k, '' FROM generate_series(1, $1::int) k, tenants`, keys)
	n.db.Admin(t, `INSERT INTO definitions (tenant_id, key, type, created_at, updated_at)
		SELECT tenant_id, 'key.' || k, 'string', now(), now() FROM generate_series(1, $1::int) k, tenants`, keys)
	n.db.Admin(t, `INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, live_from)
		SELECT tenant_id, key, 1, 'string', '', '', false, 'system:seed', now() - interval '1 day' FROM definitions`)
	n.db.Admin(t, `INSERT INTO configs (tenant_id, id, environment, key, last, live, created_at)
		SELECT tenant_id, gen_random_uuid(), $2, 'key.' || k, 1, 1, now() FROM generate_series(1, $1::int) k, tenants`, keys, production)
	n.db.Admin(t, `UPDATE configs SET last = $1, live = $1 WHERE tenant_id = 'acme'`, versions)
	n.db.Admin(t, `INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from, live_to)
		SELECT c.tenant_id, c.id, v, '"the value of a key"', $1, 'system:seed', now() - make_interval(secs => c.last - v + 1),
		  CASE WHEN v < c.last THEN now() - make_interval(secs => c.last - v) END
		FROM configs c, LATERAL generate_series(1, c.last) v`, change)
	n.db.Admin(t, `ANALYZE`)
	n.db.Admin(t, `ANALYZE`)
	n.set(t, "acme", production, "last", `1`)
}

// The past is found by index, however many tenants and versions there are, and versions by that of their primary key.
func TestPastIsFoundByIndex(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	crowd(t, n, 60, 100, 50)
	viewer := as(t, models.RoleViewer, "acme", "")
	at := time.Now().Add(-25 * time.Second)
	snap, err := n.Past(viewer, "acme", production, at, false)
	if err != nil || len(snap.Entries()) != 100 {
		t.Fatalf("%+v, %v", snap, err)
	}
	if v := snap.Entries()[0].Version; v < 1 || v > 40 { // how long the seeding took is part of it
		t.Errorf("version %d", v)
	}
	n.read(t, "acme", production, false)
	plans := n.db.Plans(t, "acme", "live_from")
	if len(plans) < 4 {
		t.Errorf("%d statements", len(plans))
	}
	for sql, plan := range plans {
		for _, table := range []string{"configs", "config_versions", "definitions", "definition_versions", "tenant_versions", "sealed_values"} {
			if strings.Contains(plan, "Seq Scan on "+table) {
				t.Errorf("%s\nreads all of %s:\n%s", sql, table, plan)
			}
		}
		if strings.Contains(sql, "config_versions w") && !strings.Contains(plan, "Index Scan Backward using config_versions_pkey") {
			t.Errorf("%s\ndoes not read the last version first:\n%s", sql, plan)
		}
	}
}

func BenchmarkPast(b *testing.B) {
	n := newNode(b)
	crowd(b, n, 20, 100, 50)
	viewer := as(b, models.RoleViewer, "acme", "")
	at := time.Now().Add(-25 * time.Second)
	for b.Loop() {
		if _, err := n.Past(viewer, "acme", production, at, false); err != nil {
			b.Fatal(err)
		}
	}
}
