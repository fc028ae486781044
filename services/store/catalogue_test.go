package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/services/store/storetest"
)

// withoutTenant are the tables that belong to no tenant, each with the reason.
var withoutTenant = map[string]string{
	"environments":     "the steps to Production are the same for all tenants",
	"idempotency_keys": "a call belongs to a credential; a row holds its digest and the id of what it made, no tenant's data",
	"people":           "one person may act for many tenants; a row holds no tenant's data",
	"sessions":         "a person is signed in, not a tenant; only the system actor auth sees a row",
	"goose_db_version": "the migration tool's own",
}

// policies are all row-level policies there are: who may see (and write) which rows.
var policies = map[string][]string{
	"api_keys":            {"auth_reads", "own"},
	"audit_entries":       {"auth_reads", "auth_writes", "own"},
	"audit_heads":         {"auth_counts", "auth_inserts", "auth_reads", "own"},
	"audit_subjects":      {"auth_reads", "auth_writes", "own"},
	"change_items":        {"own"},
	"changes":             {"own", "scan_counts"},
	"config_versions":     {"above", "own", "scan_reads"},
	"configs":             {"above", "own", "scan_reads"},
	"decisions":           {"own"},
	"definition_versions": {"above", "own", "scan_reads"},
	"definitions":         {"above", "own", "scan_reads"},
	"deployments":         {"own"},
	"heads":               {"above", "auth_reads", "own", "scan_reads"},
	"instances":           {"instances_all", "own"},
	"policies":            {"above", "own"},
	"role_bindings":       {"auth_reads", "own"},
	"sealed_values":       {"own", "scan_reads", "secrets_all"},
	"sessions":            {"auth_only"},
	"tenant_keys":         {"own", "secrets_all"},
	"tenant_versions":     {"own", "scan_reads"},
	"tenants":             {"auth_reads", "own", "scan_reads"},
}

// complaints reads the catalogue and says what is wrong with the isolation of tenants.
func complaints(t testing.TB, d *storetest.Database) (out []string) {
	t.Helper()
	conn := d.Connect(t, d.AdminURL)
	query := func(format, sql string) {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf(format, values...))
		}
	}
	const tables = `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped WHERE c.relkind = 'r' `
	query("%v: row-level security is not enabled and forced", `SELECT c.relname `+tables+`AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`)
	query("%v: no policy with USING and WITH CHECK for everything", `SELECT c.relname `+tables+`
		AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)`)
	query("%v: the key %v does not start with tenant_id", `
		SELECT c.relname, i.indexrelid::regclass::text `+strings.Replace(tables, "WHERE", "JOIN pg_index i ON i.indrelid = c.oid WHERE", 1)+`
		AND (i.indisunique OR i.indisexclusion) AND i.indkey[0] <> a.attnum`)
	query("%v: the foreign key %v to a tenant's table does not start with tenant_id", `
		SELECT c.relname, k.conname `+strings.Replace(tables, "WHERE", "JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' WHERE", 1)+`
		AND k.conkey[1] <> a.attnum
		AND EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = k.confrelid AND b.attname = 'tenant_id')`)
	query("%v: hotswap_app may truncate or owns it", `SELECT c.relname `+tables+`
		AND (has_table_privilege('hotswap_app', c.oid, 'TRUNCATE') OR pg_get_userbyid(c.relowner) = 'hotswap_app')`)
	query("%v: hotswap_app may rewrite the audit log", `SELECT c.relname `+tables+`
		AND c.relname IN ('audit_entries', 'audit_subjects') AND has_table_privilege('hotswap_app', c.oid, 'UPDATE, DELETE')`)
	return append(out, unexpected(t, d)...)
}

// unexpected compares the policies there are with the list above.
func unexpected(t testing.TB, d *storetest.Database) (out []string) {
	t.Helper()
	rows, err := d.Connect(t, d.AdminURL).Query(t.Context(),
		`SELECT tablename::text, array_agg(policyname::text ORDER BY policyname) FROM pg_policies WHERE schemaname = 'public' GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string][]string{}
	for rows.Next() {
		var table string
		var names []string
		if err := rows.Scan(&table, &names); err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		found[table] = names
	}
	if diff := cmp.Diff(policies, found); diff != "" {
		out = append(out, "policies are not those expected:\n"+diff)
	}
	return out
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	for _, complaint := range complaints(t, d) {
		t.Error(complaint)
	}
	rows, err := d.Connect(t, d.AdminURL).Query(t.Context(), `
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'river\_%'
		  AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if withoutTenant[name] == "" {
			t.Errorf("%s has no tenant_id and no reason for that", name)
		}
	}
}

// A guard nobody has seen fire does not count: each is broken in turn and must be named.
func TestCatalogueFires(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"no security":     `ALTER TABLE changes DISABLE ROW LEVEL SECURITY`,
		"not forced":      `ALTER TABLE changes NO FORCE ROW LEVEL SECURITY`,
		"no check":        `DROP POLICY own ON changes; CREATE POLICY own ON changes USING (true)`,
		"foreign key":     `CREATE UNIQUE INDEX loose ON changes (id)`,
		"loose reference": `ALTER TABLE changes ADD CONSTRAINT loose UNIQUE (id); ALTER TABLE comments_probe ADD FOREIGN KEY (change_id) REFERENCES changes (id)`,
		"new table":       `CREATE TABLE extra (tenant_id text PRIMARY KEY)`,
		"truncate":        `GRANT TRUNCATE ON changes TO hotswap_app`,
		"rewritten log":   `GRANT UPDATE ON audit_entries TO hotswap_app`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := storetest.New(t)
			if name == "loose reference" {
				d.Admin(t, `CREATE TABLE comments_probe (tenant_id text, change_id uuid)`)
			}
			d.Admin(t, sql)
			if len(complaints(t, d)) == 0 {
				t.Error("the catalogue test does not see it")
			}
		})
	}
}

// Dropping any one policy is seen.
func TestEveryPolicyIsMissed(t *testing.T) {
	t.Parallel()
	for table, names := range policies {
		for _, name := range names {
			t.Run(table+"/"+name, func(t *testing.T) {
				t.Parallel()
				d := storetest.New(t)
				d.Admin(t, `DROP POLICY `+name+` ON `+table)
				if len(complaints(t, d)) == 0 {
					t.Error("nobody misses it")
				}
			})
		}
	}
}
