package tenants_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
)

// afterPurge says what is left of a tenant in each table. A table that is not here is one that purge_tenant does not
// know of.
var afterPurge = map[string]string{
	"api_keys": "", "change_items": "", "config_versions": "", "configs": "", "definition_versions": "", "definitions": "",
	"instances": "", "role_bindings": "", "sealed_values": "",
	"changes":         "ids, numbers and times",
	"decisions":       "ids and times",
	"deployments":     "ids and times",
	"heads":           "revisions and tokens",
	"policies":        "of layers only",
	"tenant_keys":     "that there is no key any more",
	"tenant_versions": "statuses, tiers and times",
	"tenants":         "the id, which is never issued again",
	"audit_entries":   "retention of its own, six years by default",
	"audit_heads":     "belongs to the audit log",
	"audit_subjects":  "belongs to the audit log",
}

// fill writes a canary of the tenant wherever a table of a tenant takes text that people wrote, or what is sealed.
const fill = `
	WITH change AS (
		INSERT INTO changes (tenant_id, id, environment, title, reason, origin, author, status, digest, strategy, created_at, updated_at)
		VALUES ($1, gen_random_uuid(), 'QA', $2, $2, 'edit', 'person:x', 'deployed', repeat('0', 64), '{}', now(), now()) RETURNING id
	), item AS (
		INSERT INTO change_items (tenant_id, change_id, position, key, op, value, previous, base_version, config_id, defines)
		SELECT $1, id, 0, lower($2), 'set', $2, $2, 0, gen_random_uuid(), $2 FROM change
	), person AS (
		INSERT INTO people (id, issuer) VALUES (gen_random_uuid(), 'x') RETURNING id
	), decision AS (
		INSERT INTO decisions (tenant_id, id, change_id, stage, person_id, decision, digest, comment, at)
		SELECT $1, gen_random_uuid(), change.id, 'engineer', person.id, 'approve', '', $2, now() FROM change, person
	), instance AS (
		INSERT INTO instances (tenant_id, environment, unit, revision, client, first_seen_at, last_seen_at) VALUES ($1, 'QA', $2, 'r', $2, now(), now())
	), deployment AS (
		INSERT INTO deployments (tenant_id, id, change_id, environment, strategy, status, reason, started_at)
		SELECT $1, gen_random_uuid(), id, 'QA', '{}', 'succeeded', $2, now() FROM change
	), definition AS (
		INSERT INTO definitions (tenant_id, key, type, schema, description, owner, tags, created_at, updated_at)
		VALUES ($1, lower($2), 'string', $2, $2, $2, $2, now(), now())
	), defined AS (
		INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, owner, tags, sensitive, author, live_from)
		VALUES ($1, lower($2), 1, 'string', $2, $2, $2, $2, false, 'person:x', now())
	), config AS (
		INSERT INTO configs (tenant_id, id, environment, key, last, live, created_at)
		VALUES ($1, gen_random_uuid(), 'QA', lower($2), 1, 1, now()) RETURNING id
	), version AS (
		INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from)
		SELECT $1, config.id, 1, $2, change.id, 'person:x', now() FROM config, change
	), sealed AS (
		INSERT INTO sealed_values (tenant_id, id, key, ciphertext) VALUES ($1, gen_random_uuid(), lower($2), convert_to($2, 'UTF8'))
	), wrapped AS (
		INSERT INTO tenant_keys (tenant_id, master, keyset, commitment) VALUES ($1, 'm', convert_to($2, 'UTF8'), convert_to($2, 'UTF8'))
	), key AS (
		INSERT INTO api_keys (tenant_id, id, name, role, secret_hash, created_by, created_at)
		VALUES ($1, $1 || 'key', $2, 'reader', convert_to($2, 'UTF8'), 'person:x', now())
	), head AS (
		INSERT INTO heads (tenant_id, environment) VALUES ($1, 'QA')
	)
	INSERT INTO role_bindings (tenant_id, id, role, subject_kind, subject, created_by, created_at)
	VALUES ($1, gen_random_uuid(), 'viewer', 'group', $2, 'person:x', now())`

// canary is what people of the tenant wrote.
func canary(id string) string { return "Canary-" + id }

// filled makes a tenant with its canary everywhere.
func (s site) filled(t *testing.T, id string) {
	t.Helper()
	_, err := s.Create(admin(t), tenants.In{
		TenantID: id, Name: canary(id), Tier: "Pro", Metadata: models.Value(`{"crm":"` + canary(id) + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.db.Admin(t, fill, id, canary(id))
}

// deleted deletes a tenant and answers the job that purges it.
func (s site) deleted(t *testing.T, id string) tenants.Purge {
	t.Helper()
	s.suspend(t, id)
	if err := s.Delete(admin(t), id, id, ""); err != nil {
		t.Fatal(err)
	}
	return s.job(t, id)
}

func (s site) job(t *testing.T, id string) tenants.Purge {
	t.Helper()
	job := tenants.Purge{TenantID: id}
	s.db.Scan(t, `SELECT deleted_at FROM tenants WHERE tenant_id = $1`, []any{id}, &job.DeletedAt)
	return job
}

// age makes a deletion older, and answers the job as it would have been enqueued then.
func (s site) age(t *testing.T, id string, by time.Duration) tenants.Purge {
	t.Helper()
	s.db.Admin(t, `UPDATE tenants SET deleted_at = deleted_at - make_interval(secs => $2) WHERE tenant_id = $1`, id, by.Seconds())
	return s.job(t, id)
}

// dump is every table as a backup has it.
func (s site) dump(t *testing.T) map[string]string {
	t.Helper()
	conn := s.db.Connect(t, s.db.AdminURL)
	rows, err := conn.Query(t.Context(), `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, table := range tables {
		var text bytes.Buffer
		columns := ""
		if table == "tenants" {
			columns = " (tenant_id, name, tier, metadata)" // COPY leaves generated columns out, as pg_dump does
		}
		if _, err := conn.PgConn().CopyTo(t.Context(), &text, "COPY "+table+columns+" TO STDOUT"); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		out[table] = text.String()
	}
	return out
}

// holding are the tables of a dump in which the canary stands, as text or as bytes.
func holding(dump map[string]string, canary string) (tables []string) {
	for table, text := range dump {
		lower := strings.ToLower(text)
		if strings.Contains(lower, strings.ToLower(canary)) || strings.Contains(lower, hex.EncodeToString([]byte(canary))) {
			tables = append(tables, table)
		}
	}
	slices.Sort(tables)
	return tables
}

func TestPurge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.filled(t, "acme")
	s.filled(t, "globex")
	doors := s.doors(t, "acme")
	var told []string
	s.OnPurged(func(id string) { told = append(told, id) })
	s.deleted(t, "acme")
	neighbour := holding(s.dump(t), canary("globex"))
	want := []string{
		"api_keys", "audit_entries", "change_items", "changes", "config_versions", "configs", "decisions", "definition_versions",
		"definitions", "deployments", "instances", "role_bindings", "sealed_values", "tenant_keys", "tenant_versions", "tenants",
	}
	if got := holding(s.dump(t), canary("acme")); !slices.Equal(got, want) || !slices.Equal(neighbour, want) {
		t.Fatalf("before the purge the canary stands in %v, the neighbour's in %v", got, neighbour)
	}
	others := s.rowsOf(t, "globex")
	numbers := s.numbers(t, "acme")

	job := s.age(t, "acme", models.DeletionUndo)
	before := s.db.Head(t, "acme", "QA")
	if left, err := s.Purge(t.Context(), job); err != nil || left != 0 {
		t.Fatalf("%v, %v left", err, left)
	}
	dump := s.dump(t)
	if got := holding(dump, canary("acme")); !slices.Equal(got, []string{"audit_entries"}) {
		t.Errorf("after the purge the canary stands in %v", got)
	}
	s.wantInEntries(t, "acme", "tenant.create", "tenant.delete")
	if got := holding(dump, canary("globex")); !slices.Equal(got, want) {
		t.Errorf("the neighbour's canary stands in %v", got)
	}
	if diff := cmp.Diff(others, s.rowsOf(t, "globex")); diff != "" {
		t.Errorf("the neighbour's rows:\n%s", diff)
	}
	if diff := cmp.Diff(numbers, s.numbers(t, "acme")); diff != "" {
		t.Errorf("ids, numbers and times:\n%s", diff)
	}
	s.wantPurged(t, doors, before)
	if !slices.Equal(told, []string{"acme"}) {
		t.Errorf("told of %v", told)
	}
	if _, err := s.Purge(t.Context(), job); err != nil || s.entries(t, "acme", tenants.ActionPurge) != 1 || len(told) != 1 {
		t.Errorf("a second time: %v, %d entries", err, s.entries(t, "acme", tenants.ActionPurge))
	}
}

// wantPurged looks at what is left of acme.
func (s site) wantPurged(t *testing.T, doors doors, before models.Head) {
	t.Helper()
	if key, person := doors.open(t, "acme"); key || person {
		t.Errorf("the key opens %v, the person sees it %v", key, person)
	}
	if after := s.db.Head(t, "acme", "QA"); after.Revision <= before.Revision || after.Token == before.Token {
		t.Errorf("the head stood at %v and stands at %v", before, after)
	}
	if _, err := s.Activate(admin(t), "acme"); code(err) != models.CodeNotFound {
		t.Errorf("activate: %v", err)
	}
	if _, err := s.Create(admin(t), tenants.In{TenantID: "acme", Name: "Again", Tier: "Pro"}); code(err) != models.CodeConflict {
		t.Errorf("the id was issued again: %v", err)
	}
	if list, err := s.List(admin(t), tenants.Filter{Status: models.TenantDeleted, Page: page(10, "")}); err != nil || len(list.Items) != 0 {
		t.Errorf("listed: %+v, %v", list.Items, err)
	}
	var shredded bool
	s.db.Scan(t, `SELECT keyset IS NULL AND commitment IS NULL AND destroyed_at IS NOT NULL AND version = 2
		FROM tenant_keys WHERE tenant_id = 'acme'`, nil, &shredded)
	if !shredded {
		t.Error("the data key is not shredded")
	}
	var actor, after string
	s.db.Scan(t, `SELECT s.kind || ':' || s.actor_id, e.after FROM audit_entries e JOIN audit_subjects s ON s.tenant_id = e.tenant_id AND s.ref = e.subject
		WHERE e.tenant_id = 'acme' AND e.action = 'tenant.purge'`, nil, &actor, &after)
	if actor != "system:job:acme" || after != `{"apiKeys":2,"configs":1,"roleBindings":2,"versions":1}` {
		t.Errorf("the entry is by %s and says %s", actor, after)
	}
}

// wantInEntries makes sure that these entries, and no others, still hold the canary.
func (s site) wantInEntries(t *testing.T, id string, actions ...string) {
	t.Helper()
	var got string
	s.db.Scan(t, `SELECT coalesce(string_agg(DISTINCT action, ' ' ORDER BY action), '') FROM audit_entries
		WHERE tenant_id = $1 AND (before LIKE '%' || $2 || '%' OR after LIKE '%' || $2 || '%')`, []any{id, canary(id)}, &got)
	if got != strings.Join(actions, " ") {
		t.Errorf("the canary stands in the entries %s", got)
	}
}

// rowsOf is every row of a tenant, by table.
func (s site) rowsOf(t *testing.T, id string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for table := range afterPurge {
		var rows string
		s.db.Scan(t, `SELECT coalesce(string_agg(x::text, E'\n' ORDER BY x::text), '') FROM `+table+` x WHERE tenant_id = $1`, []any{id}, &rows)
		out[table] = rows
	}
	return out
}

// numbers are the ids, numbers and times that a purge leaves.
func (s site) numbers(t *testing.T, id string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for table, columns := range map[string]string{
		"changes": "id, status, digest, version, created_at", "decisions": "id, change_id, person_id, decision, at",
		"deployments": "id, change_id, status, started_at", "tenant_versions": "version, tier, status, live_from, live_to",
	} {
		var rows string
		s.db.Scan(t, `SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM (SELECT `+columns+` FROM `+table+` WHERE tenant_id = $1) x`, []any{id}, &rows)
		out[table] = rows
	}
	return out
}

// TestPurgeKnowsEveryTable fails when a table of tenants was added that nobody thought through.
func TestPurgeKnowsEveryTable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var found string
	s.db.Scan(t, `SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		AND a.attname = 'tenant_id' WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace`, nil, &found)
	if want := strings.Join(slices.Sorted(maps.Keys(afterPurge)), " "); found != want {
		t.Fatalf("tables of tenants are\n%s\nthe purge knows\n%s", found, want)
	}
	s.filled(t, "acme")
	s.deleted(t, "acme")
	if _, err := s.Purge(t.Context(), s.age(t, "acme", models.DeletionUndo)); err != nil {
		t.Fatal(err)
	}
	for table, rows := range s.rowsOf(t, "acme") {
		if afterPurge[table] == "" && rows != "" {
			t.Errorf("%s still has %s", table, rows)
		}
	}
}

// A deletion that was undone is not purged, nor is the next one before its own time.
func TestUndoBeforePurge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.filled(t, "acme")
	first := s.deleted(t, "acme")
	if left, err := s.Purge(t.Context(), first); err != nil || left < 29*24*time.Hour || left > 31*24*time.Hour {
		t.Errorf("a fresh deletion: %v, %v left", err, left)
	}
	var snooze *river.JobSnoozeError
	worker := &tenants.Purger{Tenants: s.Service}
	if err := worker.Work(t.Context(), &river.Job[tenants.Purge]{JobRow: &rivertype.JobRow{}, Args: first}); !errors.As(err, &snooze) {
		t.Errorf("the worker that comes early: %v", err)
	}
	if _, err := s.Activate(admin(t), "acme"); err != nil {
		t.Fatal(err)
	}
	held := holding(s.dump(t), canary("acme"))
	if left, err := s.Purge(t.Context(), first); err != nil || left != 0 {
		t.Errorf("an undone deletion: %v, %v left", err, left)
	}
	second := s.deleted(t, "acme")
	if second.DeletedAt.Equal(first.DeletedAt) {
		t.Fatal("two deletions at one instant")
	}
	s.age(t, "acme", models.DeletionUndo)
	for name, job := range map[string]tenants.Purge{"first": first, "second, as it was before it aged": second} {
		if left, err := s.Purge(t.Context(), job); err != nil || left != 0 {
			t.Errorf("%s: %v, %v left", name, err, left)
		}
	}
	if got := holding(s.dump(t), canary("acme")); !slices.Equal(got, held) || s.entries(t, "acme", tenants.ActionPurge) != 0 {
		t.Errorf("of %v is left %v", held, got)
	}
	if err := worker.Work(t.Context(), &river.Job[tenants.Purge]{JobRow: &rivertype.JobRow{}, Args: s.job(t, "acme")}); err != nil {
		t.Error(err)
	}
	if s.entries(t, "acme", tenants.ActionPurge) != 1 {
		t.Error("the deletion that stands was not purged")
	}
}

// call runs the function in a transaction of the application that has that scope.
func (s site) call(t *testing.T, scope, id string) error {
	t.Helper()
	tx, err := s.db.Connect(t, s.db.URL).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Commit(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `SELECT set_config('app.tenants', $1, true)`, scope); err != nil {
		t.Fatal(err)
	}
	if _, err = tx.Exec(t.Context(), `SELECT purge_tenant($1)`, id); err != nil {
		return err
	}
	var after string
	if err := tx.QueryRow(t.Context(), `SELECT current_setting('app.tenants')`).Scan(&after); err != nil || after != scope {
		t.Errorf("the scope was %s and is %s, %v", scope, after, err)
	}
	return nil
}

// TestPurgeFunctionRefuses calls the function as the application could, past all our code.
func TestPurgeFunctionRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, id := range []string{"active", "held", "fresh", "due", "purged"} {
		s.filled(t, id)
	}
	s.suspend(t, "held")
	s.become(t, "fresh", models.TenantDeleted, models.DeletionUndo-time.Minute, false)
	s.become(t, "due", models.TenantDeleted, models.DeletionUndo+time.Minute, false)
	s.become(t, "purged", models.TenantDeleted, models.DeletionUndo+time.Minute, true)
	before := s.dump(t)
	for _, test := range []struct{ scope, id, want string }{
		{"*", "active", "55000"},
		{"active", "active", "55000"},
		{"held", "held", "55000"},
		{"fresh", "fresh", "55000"},
		{"*", "purged", "55000"},
		{"*", "never", "55000"},
		{"*", models.Platform, "55000"},
		{"*", "*", "55000"},
		{"active,held", "active,held", "42501"},
		{"active", "due", "42501"},
		{"", "due", "42501"},
		{"", "", "42501"},
	} {
		var refused *pgconn.PgError
		if err := s.call(t, test.scope, test.id); !errors.As(err, &refused) || refused.Code != test.want {
			t.Errorf("%s in the scope %q: %v, want %s", test.id, test.scope, err, test.want)
		}
	}
	if diff := cmp.Diff(before, s.dump(t)); diff != "" {
		t.Errorf("a refused purge left a trace:\n%s", diff)
	}
	if err := s.call(t, "due", "due"); err != nil {
		t.Errorf("one that is due: %v", err)
	}
	stranger := s.db.Connect(t, s.db.AdminURL)
	if _, err := stranger.Exec(t.Context(), `CREATE ROLE `+s.db.Name+`_stranger; SET ROLE `+s.db.Name+`_stranger`); err != nil {
		t.Fatal(err)
	}
	var refused *pgconn.PgError
	if _, err := stranger.Exec(t.Context(), `SELECT purge_tenant('due')`); !errors.As(err, &refused) || refused.Code != "42501" {
		t.Errorf("another role: %v", err)
	}
}
