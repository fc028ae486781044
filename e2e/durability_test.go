package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	writers      = 200
	writesBefore = 100 // acknowledged writes after which hotswap is killed, with 200 under way
	writesInAll  = 400
)

// acknowledged is a write whose answer arrived.
type acknowledged struct {
	config  string
	version int64
	value   string
}

// TestTortureKill kills hotswap while it writes. What it acknowledged must be there, once, and all that is there
// must be in the audit log.
func TestTortureKill(t *testing.T) {
	t.Parallel()
	s := dev(t)
	for n := range 4 {
		makeTenant(s, fmt.Sprintf("tenant-%d", n), "Enterprise")
	}
	acks := writeUntilKilled(s)
	again := start(t, s.dir, "--empty")
	t.Logf("%d writes were acknowledged before the kill", len(acks))
	if len(acks) < writesBefore || len(acks) >= writesInAll {
		t.Errorf("%d of %d writes were acknowledged: the kill came too early or too late", len(acks), writesInAll)
	}

	db := again.superuser()
	for _, a := range acks {
		row := `SELECT count(*) FROM config_versions WHERE config_id = $1 AND version = $2 AND value = $3`
		if n := count(t, db, row, a.config, a.version, a.value); n != 1 {
			t.Errorf("version %d of config %s, acknowledged, is there %d times", a.version, a.config, n)
		}
	}
	wantWhole(t, db)
	// The API shows the same, and goes on where it stopped.
	last := acks[len(acks)-1]
	history := again.as("viewer").get("/configs/" + last.config + "/versions?limit=200").want(http.StatusOK)
	if history.field("items.0.version") == nil {
		t.Errorf("the history is %s", history.body)
	}
	again.as("engineer").put("/configs/"+last.config, `{"value":"after the kill"}`).want(http.StatusOK)
	wantWhole(t, db)
}

// writeUntilKilled sends writes to four tenants from many goroutines, a waiting change among ten, and kills hotswap
// in the middle.
func writeUntilKilled(s *stack) (acks []acknowledged) {
	s.t.Helper()
	var (
		next   atomic.Int64
		wait   sync.WaitGroup
		author = s.as("engineer")
		live   = make(chan acknowledged, writesInAll)
	)
	for range writers {
		wait.Go(func() {
			for n := next.Add(1); n <= writesInAll; n = next.Add(1) {
				write(author, n, live)
			}
		})
	}
	go func() {
		wait.Wait()
		close(live)
	}()
	for a := range live {
		if acks = append(acks, a); len(acks) == writesBefore {
			s.kill()
		}
	}
	return acks
}

// write sends the n-th write and says so if it was acknowledged and is live. A busy layer (503) and a killed
// server acknowledge nothing.
func write(author caller, n int64, live chan<- acknowledged) {
	value := fmt.Sprintf(`"value %d"`, n)
	r, err := author.try(author.request("POST", "/configs", nthWrite(n, value)))
	switch {
	case err != nil, r.status == http.StatusServiceUnavailable, r.status == http.StatusAccepted && n%10 == 0:
	case r.status != http.StatusCreated:
		author.t.Errorf("write %d: %d: %s", n, r.status, r.body)
	default:
		var config struct {
			ID      string
			Version int64
		}
		r.into(&config)
		live <- acknowledged{config.ID, config.Version, value}
	}
}

func nthWrite(n int64, value string) string {
	environment := "Development"
	if n%10 == 0 {
		environment = "Production" // waits for approval
	}
	return fmt.Sprintf(`{"tenantId":"tenant-%d","key":"key-%d","value":%s,"environment":%q}`, n%4, n%7, value, environment)
}

func count(t testing.TB, db *pgx.Conn, sql string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// wantWhole counts what must not exist after any crash.
func wantWhole(t testing.TB, db *pgx.Conn) {
	t.Helper()
	for broken, sql := range map[string]string{
		"versions without their config.set": `SELECT count(*) FROM config_versions v WHERE 1 <> (
			SELECT count(*) FROM audit_entries e WHERE e.tenant_id = v.tenant_id AND e.action = 'config.set'
			AND e.resource = 'config/' || v.config_id AND (e.after::json->>'version')::bigint = v.version
			AND coalesce(e.after::json->'value' #>> '{}', 'null') IN (CASE WHEN v.value LIKE 'sealed:%' THEN '********' ELSE coalesce(v.value::json #>> '{}', 'null') END, '********') AND e.after::json->>'changeId' = v.change_id::text)`,
		"config.set without their version": `SELECT count(*) FROM audit_entries e WHERE e.action = 'config.set' AND NOT EXISTS (
			SELECT FROM config_versions v WHERE v.tenant_id = e.tenant_id AND e.resource = 'config/' || v.config_id
			AND (e.after::json->>'version')::bigint = v.version)`,
		"changes without their change.submit": `SELECT count(*) FROM changes c WHERE c.status NOT IN ('draft', 'cancelled') AND 1 <> (
			SELECT count(*) FROM audit_entries e WHERE e.tenant_id = c.tenant_id AND e.action = 'change.submit'
			AND e.resource = 'change/' || c.id)`,
		"change.submit without their change": `SELECT count(*) FROM audit_entries e WHERE e.action = 'change.submit' AND NOT EXISTS (
			SELECT FROM changes c WHERE c.tenant_id = e.tenant_id AND e.resource = 'change/' || c.id)`,
		"deployed changes without deployment": `SELECT count(*) FROM changes c WHERE c.status = 'deployed' AND 1 <> (
			SELECT count(*) FROM deployments d WHERE d.tenant_id = c.tenant_id AND d.change_id = c.id AND d.status = 'succeeded')`,
		"logs with gaps": `SELECT count(*) FROM audit_heads h WHERE h.size <> (
			SELECT count(*) FROM audit_entries e WHERE e.tenant_id = h.tenant_id) OR h.size <> coalesce((
			SELECT max(number) + 1 FROM audit_entries e WHERE e.tenant_id = h.tenant_id), 0)`,
		"entries without subject": `SELECT count(*) FROM audit_entries e WHERE NOT EXISTS (
			SELECT FROM audit_subjects s WHERE s.tenant_id = e.tenant_id AND s.ref = e.subject)`,
		"configs whose live version is not the open one": `SELECT count(*) FROM configs c WHERE c.live IS DISTINCT FROM (
			SELECT max(version) FROM config_versions v WHERE v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.live_to IS NULL)`,
		"histories with holes": `SELECT count(*) FROM configs c WHERE c.last <> (
			SELECT count(*) FROM config_versions v WHERE v.tenant_id = c.tenant_id AND v.config_id = c.id)`,
		"versions that were live at the same time": `SELECT count(*) FROM config_versions v JOIN config_versions w ON w.tenant_id = v.tenant_id
			AND w.config_id = v.config_id AND w.version = v.version + 1 WHERE v.live_to IS NULL OR w.live_from < v.live_to`,
		"keys without definition": `SELECT count(*) FROM configs c WHERE NOT EXISTS (
			SELECT FROM definitions d WHERE d.key = c.key AND (d.tenant_id = c.tenant_id OR d.tenant_id LIKE '@%'))`,
	} {
		if n := count(t, db, sql); n != 0 {
			t.Errorf("%d %s", n, broken)
		}
	}
}
