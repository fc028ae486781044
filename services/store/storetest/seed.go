package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
)

// setSQL writes the next version of a config as a change without stages would, head included.
const setSQL = `
WITH now AS (SELECT clock_timestamp() AS at), change AS (
  INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
  SELECT $1, $5::uuid, $2, 'seeded', 'edit', $6, 'deployed', repeat('0', 64), '{}', at, at FROM now
), config AS (
  INSERT INTO configs AS c (tenant_id, id, environment, key, last, live, size, created_at)
  SELECT $1, gen_random_uuid(), $2, $3, 1, 1, length($4), at FROM now
  ON CONFLICT (tenant_id, environment, key) DO UPDATE SET last = c.last + 1, live = c.last + 1, size = EXCLUDED.size
  RETURNING id, last
), ended AS (
  UPDATE config_versions v SET live_to = now.at FROM now, config
  WHERE v.tenant_id = $1 AND v.config_id = config.id AND v.live_to IS NULL
), made AS (
  INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from)
  SELECT $1, config.id, config.last, $4, $5::uuid, $6, now.at FROM now, config
), head AS (` + headSQL + `)
SELECT id::text FROM config`

const headSQL = `
  INSERT INTO heads AS h (tenant_id, environment) VALUES ($1, $2) ON CONFLICT (tenant_id, environment) DO UPDATE
  SET revision = h.revision + 1, token = gen_random_uuid(), xid = pg_current_xact_id(), moved_at = clock_timestamp()`

// SeedAuthor is who wrote what tests seed, in the stored form.
const SeedAuthor = "system:seed"

// Set makes a value live as superuser, past all rules, and returns the config's id. The test's node hears of
// it by its scan, or when the test says so.
func (d *Database) Set(t testing.TB, tenantID, environment, key, value string) (id string) {
	t.Helper()
	v, err := models.ParseValue([]byte(value))
	if err != nil {
		t.Fatalf("seed %s: %v", key, err)
	}
	d.Scan(t, setSQL, []any{tenantID, environment, key, string(v), uuid.NewString(), SeedAuthor}, &id)
	return id
}

// Unset ends a live value as superuser.
func (d *Database) Unset(t testing.TB, tenantID, environment, key string) {
	t.Helper()
	d.Admin(t, `
		WITH config AS (
		  UPDATE configs SET live = NULL, size = 0 WHERE tenant_id = $1 AND environment = $2 AND key = $3 RETURNING id
		), ended AS (
		  UPDATE config_versions v SET live_to = clock_timestamp() FROM config
		  WHERE v.tenant_id = $1 AND v.config_id = config.id AND v.live_to IS NULL
		)`+headSQL, tenantID, environment, key)
}

// Define makes a definition as superuser, without a head.
func (d *Database) Define(t testing.TB, tenantID, key string, valueType models.ValueType, sensitive bool) {
	t.Helper()
	d.Admin(t, `
		WITH made AS (
		  INSERT INTO definitions (tenant_id, key, type, sensitive, created_at, updated_at)
		  VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp()) RETURNING created_at
		)
		INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, live_from)
		SELECT $1, $2, 1, $3, '', '', $4, $5, created_at FROM made`,
		tenantID, key, string(valueType), sensitive, SeedAuthor)
}

// Tenant makes an active tenant as superuser.
func (d *Database) Tenant(t testing.TB, id, tier string) {
	t.Helper()
	d.Admin(t, `
		WITH made AS (
		  INSERT INTO tenants (tenant_id, name, tier) VALUES ($1, $1, $2) RETURNING created_at
		), version AS (
		  INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from)
		  SELECT $1, 1, $1, $2, 'active', created_at FROM made
		)
		INSERT INTO heads (tenant_id, environment) VALUES ($1, '')`, id, tier)
}

// Head reads where a head stands, as superuser.
func (d *Database) Head(t testing.TB, tenantID, environment string) models.Head {
	t.Helper()
	h := models.Head{TenantID: tenantID, Environment: environment}
	d.Scan(t, `SELECT revision, token::text FROM heads WHERE tenant_id = $1 AND environment = $2`,
		[]any{tenantID, environment}, &h.Revision, &h.Token)
	return h
}
