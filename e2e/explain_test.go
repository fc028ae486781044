package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web/webtest"
)

// wholeTables are the statements that may read a table from one end to the other, or up to a LIMIT past rows that
// a filter drops. They belong to actors of all tenants, or load what every node keeps in memory.
var wholeTables = []struct{ table, contains, reason string }{
	{"api_keys", "FROM api_keys ORDER BY tenant_id, id", "every node knows all keys"},
	{"role_bindings", "FROM role_bindings ORDER BY tenant_id, id", "every node knows all bindings"},
	{"policies", "FROM policies p JOIN environments e", "the platform's and the tiers' only: a few rows for each environment"},
	{"tenants", "WHERE tenant_id NOT LIKE $1 AND status <> 'deleted' ORDER BY tenant_id LIMIT", "a page of the list of all tenants; layers and deleted ones are few"},
	{"tenants", "AND status <> 'deleted' ORDER BY updated_at DESC, tenant_id DESC LIMIT", "the same page, by when they were moved"},
	{"tenants", "FROM \"tenants\" WHERE status <> 'deleted' ORDER BY tenant_id LIMIT", "tenants to compare with; few are deleted"},
	{"tenants", "SELECT count(*) FROM \"tenants\"", "how many there are, on the overview of who may see them all"},
	{"sessions", "WHERE person_id IS NOT NULL AND expires_at", "a page of everybody's sessions, which end within 12 hours"},
	{"change_items", "SELECT i.tenant_id, i.previous AS value FROM change_items", "a key of a layer becomes a secret, or is none any more: a rare act, and all that was ever written of it is sealed"},
	{"change_items", "SET value = m.after, sensitive = true", "the same"},
	{"change_items", "SET previous = m.after, sensitive = true", "the same"},
	{"deployments", "WHERE environment = $1 ORDER BY started_at DESC, id DESC LIMIT", "a page of all tenants' deployments; there are few environments"},
}

// smallIndexes hold few rows however many their tables have: they may be read from end to end.
var smallIndexes = map[string]string{
	"changes_waiting": "only changes that wait for a decision",
	"changes_open":    "only changes that are not over",
	"tenants_deleted": "only tenants that were deleted",
}

// TestNoStatementScansATenantsTable runs the API through, and asks Postgres how it would carry out each statement
// among many tenants. Row-level security narrows nothing that an index could use: a statement must name its tenants.
func TestNoStatementScansATenantsTable(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	before := len(site.DB.Recorder.Statements())
	journey(site)
	depths(t, site)
	lives(t, site)
	db := crowded(t, site)
	tables := tenantTables(t, db)
	seen := map[string]bool{}
	for _, s := range site.DB.Recorder.Statements()[before:] {
		if seen[s.SQL] || !explainable(s.SQL) {
			continue
		}
		seen[s.SQL] = true
		for _, table := range scanned(t, db, s.SQL, s.Args) {
			if tables[table] && !mayScan(s.SQL, table) {
				t.Errorf("scans %s:\n%s", table, s.SQL)
			}
		}
	}
	t.Logf("%d different statements", len(seen))
	if len(seen) < 30 {
		t.Error("that is not the whole product")
	}
}

// TestScansAreSeen makes sure that the test above can fail.
func TestScansAreSeen(t *testing.T) {
	t.Parallel()
	db := crowded(t, webtest.New(t))
	for sql, want := range map[string]string{
		"SELECT * FROM configs WHERE key LIKE '%a'":                          "configs",
		"SELECT * FROM changes WHERE status = 'deployed' AND tenant_id > ''": "",
		"UPDATE changes SET title = title WHERE reason = 'me'":               "changes",
		"SELECT * FROM tenants WHERE tenant_id = 'acme'":                     "",
	} {
		if got := strings.Join(scanned(t, db, sql, nil), " "); got != want {
			t.Errorf("%s scans %q, want %q", sql, got, want)
		}
	}
}

// crowd are rows of many other tenants, without which the planner may as well read all there is. Foreign keys are
// not looked at.
const crowd = `
SET session_replication_role = replica;
CREATE TEMP TABLE n AS SELECT 't' || i AS tenant, j, gen_random_uuid() AS id, gen_random_uuid() AS change,
	now() - make_interval(secs => i * 30 + j) AS at FROM generate_series(1, 400) i, generate_series(1, 10) j;
INSERT INTO tenants (tenant_id, name, tier) SELECT DISTINCT tenant, 'Crowd', 'Pro' FROM n;
INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from) SELECT tenant_id, 1, name, tier, status, created_at FROM tenants WHERE name = 'Crowd';
INSERT INTO heads (tenant_id, environment) SELECT DISTINCT tenant, 'Staging' FROM n;
INSERT INTO audit_heads (tenant_id, size) SELECT DISTINCT tenant, 10 FROM n;
INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
	SELECT tenant, change, 'Staging', 'crowd', 'edit', 'person:x', 'deployed', repeat('0', 64), 'direct', at, at FROM n;
INSERT INTO change_items (tenant_id, change_id, position, key, op, base_version, config_id) SELECT tenant, change, 0, 'k' || j, 'set', 0, id FROM n;
INSERT INTO decisions (tenant_id, id, change_id, stage, person_id, decision, digest, at)
	SELECT tenant, gen_random_uuid(), change, 'engineer', gen_random_uuid(), 'approve', repeat('0', 64), at FROM n;
INSERT INTO deployments (tenant_id, id, change_id, environment, strategy, status, started_at)
	SELECT tenant, gen_random_uuid(), change, 'Staging', '{}', 'succeeded', at FROM n;
INSERT INTO definitions (tenant_id, key, type, created_at, updated_at) SELECT tenant, 'k' || j, 'number', at, at FROM n;
INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, live_from)
	SELECT tenant, 'k' || j, 1, 'number', '', '', false, 'person:x', at FROM n;
INSERT INTO configs (tenant_id, id, environment, key, last, live, created_at) SELECT tenant, id, 'Staging', 'k' || j, 1, 1, at FROM n;
INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from) SELECT tenant, id, 1, '1', change, 'person:x', at FROM n;
INSERT INTO role_bindings (tenant_id, id, role, subject_kind, subject, created_by, created_at) SELECT tenant, id, 'viewer', 'group', 'g' || j, 'person:x', at FROM n;
INSERT INTO api_keys (tenant_id, id, name, role, secret_hash, created_by, created_at) SELECT tenant, id::text, 'k', 'reader', '', 'person:x', at FROM n;
INSERT INTO tenant_keys (tenant_id, master, keyset, commitment) SELECT DISTINCT tenant, 'm', '\x01'::bytea, '\x01'::bytea FROM n;
INSERT INTO sealed_values (tenant_id, id, key, ciphertext) SELECT tenant, id, 'k' || j, '\x01' FROM n;
INSERT INTO audit_subjects (tenant_id, ref, kind, actor_id, name, address, salt) SELECT tenant, id, 'person', 'x', 'x', '', '' FROM n;
INSERT INTO audit_entries (tenant_id, number, id, at, subject, commitment, action, resource, leaf_hash)
	SELECT tenant, j - 1, gen_random_uuid(), at, id, '', 'config.set', 'config/' || id, '' FROM n;
ANALYZE;
SET enable_seqscan = off`

// crowded adds the crowd and returns a connection of the superuser, for whom row-level security is no help either.
func crowded(t *testing.T, site *webtest.Site) *pgx.Conn {
	t.Helper()
	db := site.DB.Connect(t, site.DB.AdminURL)
	if _, err := db.Exec(t.Context(), crowd); err != nil {
		t.Fatal(err)
	}
	return db
}

// journey calls what the API has, as people of one tenant and of all.
func journey(s *webtest.Site) {
	author, admin := s.As("acme-engineer"), s.As("admin")
	set := func(key, environment string) *webtest.Response {
		return author.Post("/configs", webtest.Body{"tenantId": webtest.Acme, "key": key, "value": 1, "environment": environment})
	}
	config := set("limits.rate", "Staging").Want(201).Field("id")
	set("limits.rate", "Staging").Want(201)
	author.Put("/configs/"+config, webtest.Body{"value": 3}).Want(200)
	change := author.Post("/configs/"+config+"/promote", webtest.Body{"targetEnvironment": "Production"}).Want(202).Field("change.id")
	admin.Get("/approvals").Want(200)
	for _, name := range []string{"engineer2", "manager", "compliance"} {
		s.As(name).Get("/approvals").Want(200)
		digest := s.As(name).Get("/changes/" + change).Want(200).Field("digest")
		s.As(name).Post("/approvals/"+change+"/approve", webtest.Body{"digest": digest}).Want(200)
	}
	s.As("viewer").Post("/approvals/"+change+"/approve", webtest.Body{"digest": strings.Repeat("0", 64)}).Want(409)
	other := author.Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "title": "two",
		"items": []webtest.Body{{"key": "limits.rate", "op": "set", "value": 2}, {"key": "limits.burst", "op": "set", "value": 5}},
	}).Want(201).Field("id")
	author.Patch("/changes/"+other, webtest.Body{"title": "two values"}).Want(200)
	author.Post("/changes/"+other+"/rebase", nil).Want(200)
	author.Post("/changes/"+other+"/cancel", nil).Want(200)
	admin.Post("/definitions", webtest.Body{"tenantId": webtest.Acme, "key": "schema.key", "type": "number", "schema": webtest.Body{"minimum": 1}}).Want(201)
	admin.Post("/definitions", webtest.Body{"key": "platform.key", "type": "number"}).Want(201)
	admin.Post("/role-bindings", webtest.Body{"role": "viewer", "tenantId": webtest.Acme, "group": "staff"}).Want(201)
	key := admin.Post("/api-keys", webtest.Body{"name": "k", "role": "reader", "tenantId": webtest.Acme}).Want(201).Field("id")
	for _, caller := range []*webtest.Caller{author, admin, s.As("tenant-admin"), s.As("auditor")} {
		for _, path := range []string{
			"/me", "/tenants", "/tenants?search=ac&tier=enterprise&status=active", "/tenants/acme", "/tiers", "/environments", "/policies",
			"/configs?tenantId=acme&environment=Staging", "/configs?tenantId=acme&environment=Staging&search=rate",
			"/configs/" + config, "/configs/" + config + "/versions", "/configs/" + config + "/versions/1",
			"/configs/" + config + "/diff?from=1&to=2", "/configs/compare?tenantId=acme&from=Staging&to=Production",
			"/changes", "/changes?status=pending&tenantId=acme&environment=Production", "/changes?limit=1", "/changes/" + change, "/approvals",
			"/deployments", "/deployments?tenantId=acme&changeId=" + change, "/deployments?environment=Production",
			"/definitions?tenantId=acme", "/definitions/limits.rate?tenantId=acme", "/definitions",
			"/audit", "/audit?tenantId=acme&limit=1", "/audit?tenantId=acme&action=config.set", "/audit?tenantId=acme&resource=config/" + config,
			"/audit?tenantId=acme&from=2020-01-01T00:00:00Z", "/api-keys", "/api-keys?tenantId=acme", "/role-bindings", "/role-bindings?tenantId=acme",
			"/configs/tenant/acme?environment=Production", "/configs/tenant/acme/keys/limits.rate?environment=Production",
		} {
			if got := caller.Get(path); got.Status() >= 500 {
				got.Want(200)
			}
		}
	}
	admin.Delete("/api-keys/" + key).Want(204)
	author.Delete("/configs/" + config).Want(204)
}

// depths calls what looks above, below and back: layers, locks, secrets, the past, and tenants' lives.
func depths(t *testing.T, s *webtest.Site) {
	t.Helper()
	author, admin := s.As("engineer"), s.As("admin")
	admin.Post("/definitions", webtest.Body{"key": "merged", "type": "json", "merge": "deep"}).Want(201)
	admin.Post("/definitions", webtest.Body{"key": "secret", "type": "string", "sensitive": true}).Want(201)
	set := func(tenant, environment, key string, value any) *webtest.Response {
		return author.Post("/configs", webtest.Body{"tenantId": tenant, "environment": environment, "key": key, "value": value})
	}
	act := func(tenant string, item webtest.Body) {
		admin.Post("/changes", webtest.Body{"tenantId": tenant, "environment": "Staging", "title": "an act", "items": []webtest.Body{item}}).Want(201)
	}
	ids := map[string]string{}
	for _, tenant := range []string{webtest.Acme, "@tier.enterprise", models.Platform} {
		set(tenant, "Staging", "merged", webtest.Body{tenant: 1}).Want(201)
		ids[tenant] = set(tenant, "Staging", "secret", "of "+tenant).Want(201).Field("id")
	}
	id := ids[webtest.Acme]
	early := time.Now().UTC().Format(time.RFC3339Nano)
	act(models.Platform, webtest.Body{"key": "secret", "op": "lock"})
	act(models.Platform, webtest.Body{"key": "secret", "op": "unlock"})
	set(webtest.Acme, "Staging", "plain", "x").Want(201)
	act(webtest.Acme, webtest.Body{"key": "plain", "op": "define", "definition": webtest.Body{"sensitive": true, "owner": "team", "tags": []string{"a"}}})
	admin.Patch("/definitions/plain?tenantId=acme", webtest.Body{"description": "d"}).Want(200)
	admin.Patch("/definitions/merged", webtest.Body{"schema": webtest.Body{"type": "object"}}).Want(200)
	author.Header("Idempotency-Key", "k").Put("/configs/"+id, webtest.Body{"value": "next"}).Want(200)
	author.Header("Idempotency-Key", "k").Put("/configs/"+id, webtest.Body{"value": "next"}).Want(200)
	author.Post("/configs/"+id+"/rollback", webtest.Body{"toVersion": 1, "reason": "back"}).Want(200)
	author.Post("/configs/"+id+"/promote", webtest.Body{"targetEnvironment": "Production"}).Want(202)
	admin.Post("/configs/"+id+"/reveal", nil).Want(200)
	key := admin.Post("/api-keys", webtest.Body{"name": "v", "role": "reader", "tenantId": webtest.Acme, "grants": []string{"secrets:read"}}).Want(201)
	reader := s.With(key.Field("key"))
	for _, path := range []string{"", "&include=metadata", "&at=" + early} {
		reader.Get("/configs/tenant/acme?environment=Staging" + path).Want(200)
	}
	for _, path := range []string{
		"/configs/tenant/acme/explain?environment=Staging&key=secret", "/configs/tenant/acme/explain?environment=Staging&key=merged&at=" + early,
		"/configs/" + id + "/diff?from=1&to=2", "/configs/compare?tenantId=acme&toTenantId=globex&from=Staging&to=Staging",
		"/configs/compare?tenantId=acme&from=Staging&to=Staging&fromAt=" + early, "/audit?tenantId=acme&action=secret.reveal",
	} {
		admin.Get(path).Want(200)
	}
	pages := s.Browse("admin")
	for _, path := range []string{
		"/", "/tenants", "/tenants?search=ac&sort=updated", "/tenants/acme", "/tenants/@platform", "/tenants/acme/keys/secret", "/tenants/@platform/keys/merged",
		"/tenants/acme/keys/secret?environment=Staging&back=1", "/tenants/acme/edit?environment=Staging&key=secret", "/tenants/@platform/edit?environment=Staging&key=merged",
		"/tenants/acme/compare?from=Staging&to=Production&equal=1", "/tenants/acme/compare?from=Staging&to=Staging&with=globex&fromAt=" + early,
		"/changes", "/approvals", "/approvals?tab=others", "/approvals?tab=decided", "/audit", "/audit?tenant=acme", "/access/people", "/access/roles",
		"/access/keys", "/access/sessions", "/access/you",
	} {
		pages.Get(path).Want(200)
	}
	if _, err := s.Secrets.RotateAll(operator(t)); err != nil {
		t.Error(err)
	}
	if err := s.Secrets.Look(t.Context()); err != nil {
		t.Error(err)
	}
}

// lives moves tenants: to another tier, out of service and back, and away for good.
func lives(t *testing.T, s *webtest.Site) {
	t.Helper()
	admin := s.As("admin")
	admin.Patch("/tenants/acme", webtest.Body{"tier": "Pro"}).Want(202)
	for _, tier := range []string{"", "?tier=enterprise"} {
		admin.Put("/policies/Production"+tier, webtest.Body{"stages": []webtest.Body{}}).Want(200)
	}
	admin.Post("/tenants/globex/suspend", nil).Want(200)
	admin.Delete("/tenants/globex?confirm=globex").Want(204)
	admin.Post("/tenants/globex/activate", nil).Want(200)
	admin.Post("/tenants/globex/suspend", nil).Want(200)
	admin.Delete("/tenants/globex?confirm=globex").Want(204)
	s.DB.Admin(t, `UPDATE tenants SET deleted_at = deleted_at - interval '30 days' WHERE tenant_id = 'globex'`)
	purge := tenants.Purge{TenantID: webtest.Globex}
	s.DB.Scan(t, `SELECT deleted_at FROM tenants WHERE tenant_id = 'globex'`, nil, &purge.DeletedAt)
	if left, err := s.Tenants.Purge(t.Context(), purge); err != nil || left > 0 {
		t.Errorf("purge: %v, %v", left, err)
	}
	if err := s.Secrets.Shred(operator(t), webtest.Acme); err != nil {
		t.Error(err)
	}
}

// tenantTables are those under row-level security.
func tenantTables(t testing.TB, db *pgx.Conn) map[string]bool {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 15 {
		t.Fatalf("tables %v: %v", names, err)
	}
	tables := map[string]bool{}
	for _, name := range names {
		tables[name] = true
	}
	return tables
}

func explainable(sql string) bool {
	verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(sql)), " ")
	return slices.Contains([]string{"SELECT", "UPDATE", "DELETE", "INSERT", "WITH"}, strings.TrimSpace(verb[:min(len(verb), 6)])) &&
		!strings.Contains(sql, "river_")
}

// planNode is as much of a plan as tells how tables are read.
type planNode struct {
	Kind      string     `json:"Node Type"`
	Table     string     `json:"Relation Name"`
	Index     string     `json:"Index Name"`
	IndexCond string     `json:"Index Cond"`
	Filter    string     `json:"Filter"`
	Plans     []planNode `json:"Plans"`
}

// index is the table of an index and its first column; a GiST index narrows by any of its columns.
type index struct {
	table, lead string
	gist        bool
}

func indexes(t testing.TB, db *pgx.Conn) map[string]index {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT x.indexrelid::regclass::text, x.indrelid::regclass::text, a.attname, m.amname = 'gist'
		FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
		JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am m ON m.oid = c.relam`)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]index{}
	var name string
	var i index
	if _, err := pgx.ForEachRow(rows, []any{&name, &i.table, &i.lead, &i.gist}, func() error {
		all[name] = i
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// scanned names the tables that the plan reads from end to end: by a sequential scan, or by an index without a
// condition on its first column. An index that a LIMIT stops early is no scan unless a filter makes it read on,
// nor is a small one.
func scanned(t testing.TB, db *pgx.Conn, sql string, args []any) []string {
	t.Helper()
	var text string
	if err := db.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
		t.Errorf("explain: %v\n%s", err, sql)
		return nil
	}
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	plans[0].Plan.scans(indexes(t, db), false, found)
	return slices.Sorted(maps.Keys(found))
}

func (n planNode) scans(all map[string]index, limited bool, found map[string]bool) {
	limited = limited || n.Kind == "Limit"
	switch n.Kind {
	case "Seq Scan":
		found[n.Table] = true
	case "Index Scan", "Index Only Scan", "Bitmap Index Scan":
		i := all[n.Index]
		early := i.gist && n.IndexCond != "" || smallIndexes[n.Index] != "" || limited && n.IndexCond == "" && n.Filter == ""
		if !early && !strings.Contains(n.IndexCond, i.lead+" ") && !strings.Contains(n.IndexCond, i.lead+")") && !between(n.IndexCond, i.lead) {
			found[i.table] = true
		}
	case "Sort", "Aggregate", "Hash":
		limited = false // it reads all before it gives anything
	}
	for _, below := range n.Plans {
		below.scans(all, limited, found)
	}
}

// between tells whether a condition compares rows that begin with the column from both sides.
func between(condition, lead string) bool {
	return strings.Contains(condition, "(ROW("+lead+", ") && strings.Contains(condition, " >= ROW(") && strings.Contains(condition, " <= ROW(")
}

func mayScan(sql, table string) bool {
	for _, w := range wholeTables {
		if w.table == table && strings.Contains(sql, w.contains) {
			return true
		}
	}
	return false
}
