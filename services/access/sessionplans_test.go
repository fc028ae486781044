package access_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// TestSessionsAreFoundByIndexes asks for the plans of what was sent: every index has a use, and nothing scans.
func TestSessionsAreFoundByIndexes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	token := h.begin(t, "ann")
	person := h.enters(t, token, true, "").PersonID
	h.Admin(t, `INSERT INTO people (id, issuer) SELECT gen_random_uuid(), 'i' FROM generate_series(1, 300)`)
	h.Admin(t, `
		INSERT INTO sessions (hash, id, person_id, data, created_at, seen_at, expires_at)
		SELECT sha256(n::text::bytea), gen_random_uuid(), CASE WHEN n % 2 = 0 THEN p.id END, '{}', $1::timestamptz - n * interval '1 s', $1, $1::timestamptz + interval '1 h'
		FROM (SELECT id, row_number() OVER () AS r FROM people) p, generate_series(1, 20000) n WHERE p.r = 1 + n % 300`, h.now())
	h.Admin(t, `ANALYZE sessions`)

	before := len(h.Recorder.Statements())
	for _, f := range []access.SessionFilter{{Page: models.Page{Limit: 50}}, {PersonID: person, Page: models.Page{Limit: 50}}} {
		if _, err := h.ListSessions(root, f); err != nil {
			t.Fatal(err)
		}
	}
	h.enters(t, token, true, "")
	id := h.enters(t, h.begin(t, "bob"), true, "").ID
	if err := h.RevokeSession(root, id); err != nil {
		t.Fatal(err)
	}
	unused := []string{"sessions_created", "sessions_person", "sessions_expires", "sessions_pkey", "sessions_id_key"}
	conn := h.Connect(t, h.AdminURL)
	if _, err := conn.Exec(t.Context(), `SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1`); err != nil {
		t.Fatal(err)
	}
	for _, s := range h.Recorder.Statements()[before:] {
		if !strings.Contains(s.SQL, "sessions") || strings.Contains(s.SQL, "INSERT") {
			continue
		}
		var plan string
		if err := conn.QueryRow(t.Context(), `EXPLAIN (FORMAT JSON) `+s.SQL, s.Args...).Scan(&plan); err != nil {
			t.Fatalf("%s: %v", s.SQL, err)
		}
		if strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s scans:\n%s", s.SQL, plan)
		}
		unused = slices.DeleteFunc(unused, func(index string) bool { return strings.Contains(plan, `"`+index+`"`) })
	}
	if len(unused) > 0 {
		t.Errorf("nothing uses %v", unused)
	}
}
