package store_test

import (
	"context"
	"testing"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// person acts with one role in one place.
func person(ctx context.Context, role models.Role, tenant string) context.Context {
	return models.WithActor(ctx, models.Actor{
		ActorRef: models.ActorRef{ID: "7a8f4f0e-1111-4222-8333-444455556666", Kind: models.ActorPerson, Name: "Pat"},
		Grants:   []models.Grant{{Role: role, Tenant: tenant}},
	})
}

// seed gives two tenants one row in every table of a tenant, past row-level security.
func seed(t testing.TB, d *storetest.Database) {
	t.Helper()
	d.Admin(t, `INSERT INTO people (id, issuer, subject) VALUES ('00000000-0000-4000-8000-000000000001', 'i', 's')`)
	for i, tenant := range []string{"acme", "globex"} {
		id := "00000000-0000-4000-8000-0000000000a" + string(rune('0'+i))
		d.Admin(t, `INSERT INTO tenants (tenant_id, name, tier) VALUES ($1, $1, 'Enterprise')`, tenant)
		d.Admin(t, `INSERT INTO tenant_versions VALUES ($1, 1, $1, 'Enterprise', 'active', now())`, tenant)
		d.Admin(t, `INSERT INTO heads (tenant_id, environment) VALUES ($1, '')`, tenant)
		d.Admin(t, `INSERT INTO policies (tenant_id, environment) VALUES ($1, 'QA')`, tenant)
		d.Admin(t, `INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
			VALUES ($1, $2, 'QA', 't', 'edit', 'person:x', 'draft', repeat('a', 64), '{}', now(), now())`, tenant, id)
		d.Admin(t, `INSERT INTO change_items (tenant_id, change_id, position, key, op, base_version, config_id) VALUES ($1, $2, 0, 'k', 'set', 0, $2)`, tenant, id)
		d.Admin(t, `INSERT INTO decisions (tenant_id, id, change_id, stage, person_id, decision, digest, at)
			VALUES ($1, $2, $2, 's', '00000000-0000-4000-8000-000000000001', 'approve', 'd', now())`, tenant, id)
		d.Admin(t, `INSERT INTO deployments (tenant_id, id, change_id, environment, strategy, status, started_at)
			VALUES ($1, $2, $2, 'QA', '{}', 'succeeded', now())`, tenant, id)
		d.Admin(t, `INSERT INTO definitions (tenant_id, key, type, created_at, updated_at) VALUES ($1, 'k', 'string', now(), now())`, tenant)
		d.Admin(t, `INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, live_from)
			VALUES ($1, 'k', 1, 'string', '', '', false, 'person:x', now())`, tenant)
		d.Admin(t, `INSERT INTO configs (tenant_id, id, environment, key, last, live, created_at) VALUES ($1, $2, 'QA', 'k', 1, 1, now())`, tenant, id)
		d.Admin(t, `INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from)
			VALUES ($1, $2, 1, '"v"', $2, 'person:x', now())`, tenant, id)
		d.Admin(t, `INSERT INTO role_bindings (tenant_id, id, role, subject_kind, subject, created_by, created_at)
			VALUES ($1, $2, 'viewer', 'group', 'g', 'person:x', now())`, tenant, id)
		d.Admin(t, `INSERT INTO api_keys (tenant_id, id, name, role, secret_hash, created_by, created_at)
			VALUES ($1, $2, 'k', 'reader', '\x00', 'person:x', now())`, tenant, id)
		d.Admin(t, `INSERT INTO tenant_keys (tenant_id, master, keyset, commitment) VALUES ($1, 'm', 'k', 'c')`, tenant)
		d.Admin(t, `INSERT INTO sealed_values (tenant_id, id, key, ciphertext) VALUES ($1, $2, 'k', 'c')`, tenant, id)
		d.Admin(t, `INSERT INTO instances (tenant_id, environment, unit, revision, first_seen_at, last_seen_at) VALUES ($1, 'QA', 'u', 'r', now(), now())`, tenant)
		d.Admin(t, `INSERT INTO audit_heads VALUES ($1, 1)`, tenant)
		d.Admin(t, `INSERT INTO audit_subjects VALUES ($1, $2, 'person', 'x', 'X', '', '\x00')`, tenant, id)
		d.Admin(t, `INSERT INTO audit_entries (tenant_id, number, id, at, subject, commitment, action, resource, leaf_hash)
			VALUES ($1, 0, $2, now(), $2, '', 'a.b', 'a/b', '\x00')`, tenant, id)
	}
}

// tenantTables are all tables with a tenant, as the catalogue has them.
func tenantTables(t testing.TB, d *storetest.Database) []string {
	t.Helper()
	rows, err := d.Connect(t, d.AdminURL).Query(t.Context(), `
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND c.relkind = 'r'
		  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	return out
}

// tenantsSeen counts the rows of acme, globex and of all others that the transaction sees.
func tenantsSeen(tx *gorm.DB, table string) (seen map[string]int, err error) {
	var rows []struct {
		TenantID string
		N        int
	}
	err = tx.Raw(`SELECT tenant_id, count(*) AS n FROM ` + table + ` GROUP BY tenant_id`).Scan(&rows).Error
	seen = map[string]int{}
	for _, r := range rows {
		seen[r.TenantID] = r.N
	}
	return seen, err
}
