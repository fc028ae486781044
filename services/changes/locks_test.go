package changes_test

import (
	"context"
	"slices"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

func TestLocks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.did(models.Platform, "QA", changes.Edit{Key: "a", Op: models.OpSet, Value: "1", Locked: new(true)})
	h.did(enterprise, "QA", changes.Edit{Key: "b", Op: models.OpSet, Value: "1", Locked: new(true)})
	h.belowALock(t)
	h.lockWins(t)
	h.deleteBelowALock(t)
	h.lockVersions(t)
	h.lockEntries(t)
	h.sound()
}

// belowALock: below a lock nothing is set, elsewhere it is.
func (h *house) belowALock(t *testing.T) {
	t.Helper()
	for key, layer := range map[string]string{"a": models.Platform, "b": enterprise} {
		for _, e := range []changes.Edit{set(key, "2"), {Key: key, Op: models.OpSet, Value: "2", Locked: new(true)}} {
			_, err := h.submit("author", "acme", "QA", e)
			h.want(err, models.CodeInvalid)
			says(t, err, "locked by "+layer)
		}
	}
	h.did("initech", "QA", set("b", "2")) // of another tier
	h.did("acme", "Development", set("a", "2"))
	_, err := h.submit("author", "initech", "QA", set("fine", "1"), set("a", "2"))
	h.want(err, models.CodeInvalid)
	h.reads("initech", "QA", "fine", "")
}

// lockWins: a lock wins over what is there, and gives it back.
func (h *house) lockWins(t *testing.T) {
	t.Helper()
	h.did(models.Platform, "QA", set("c", "1"))
	h.did("acme", "QA", set("c", "2"))
	h.reads("acme", "QA", "c", "2")
	h.did(models.Platform, "QA", op("c", models.OpLock))
	h.reads("acme", "QA", "c", "1")
	by, hidden := h.hides("acme", "QA", "c")
	if by != models.Platform || !slices.Equal(hidden, []string{"acme 2 locked"}) {
		t.Errorf("locked by %s, hides %q", by, hidden)
	}
	_, err := h.submit("author", "acme", "QA", set("c", "3"))
	h.want(err, models.CodeInvalid)
	h.did(models.Platform, "QA", op("c", models.OpUnlock))
	h.reads("acme", "QA", "c", "2")
	h.did("acme", "QA", set("c", "3"))
	h.reads("acme", "QA", "c", "3")
}

// deleteBelowALock: an override may be deleted below a lock.
func (h *house) deleteBelowALock(t *testing.T) {
	t.Helper()
	h.did("acme", "QA", set("d", "2"))
	h.did(models.Platform, "QA", changes.Edit{Key: "d", Op: models.OpSet, Value: "1", Locked: new(true)})
	h.did("acme", "QA", op("d", models.OpDelete))
	if _, hidden := h.hides("acme", "QA", "d"); len(hidden) != 0 {
		t.Errorf("it still hides %q", hidden)
	}
	_, err := h.submit("author", "acme", "QA", set("d", "2"))
	h.want(err, models.CodeInvalid)
}

// lockVersions: a lock makes a version.
func (h *house) lockVersions(t *testing.T) {
	t.Helper()
	h.did("acme", "QA", set("e", "1"))
	for _, o := range []models.Op{models.OpLock, models.OpUnlock, models.OpLock} {
		h.did("acme", "QA", op("e", o))
	}
	h.did("acme", "QA", set("e", "2"))
	h.did("acme", "QA", op("e", models.OpDelete))
	h.did("acme", "QA", set("e", "3"))
	h.did("acme", "QA", changes.Edit{Key: "e", Op: models.OpSet, Value: "4", Locked: new(true)})
	h.did("acme", "QA", changes.Edit{Key: "e", Op: models.OpSet, Value: "4", Locked: new(false)})
	var got string
	h.d.Scan(t, `SELECT string_agg(v.version || ':' || v.value || CASE WHEN v.locked THEN ' locked' ELSE '' END, ', ' ORDER BY v.version)
		FROM config_versions v JOIN configs c ON c.id = v.config_id WHERE c.tenant_id = 'acme' AND c.key = 'e' AND c.environment = 'QA'`, nil, &got)
	const want = "1:1, 2:1 locked, 3:1, 4:1 locked, 5:2 locked, 6:3, 7:4 locked, 8:4"
	if got != want {
		t.Errorf("versions %s, want %s", got, want)
	}
	if n := h.count(`SELECT count(*) FROM config_versions v JOIN configs c ON c.id = v.config_id
		LEFT JOIN config_versions n ON n.config_id = v.config_id AND n.live_from = v.live_to
		WHERE c.tenant_id = 'acme' AND c.key = 'e' AND n.version IS NULL`); n != 2 { // the deleted one and the live one
		t.Errorf("%d versions are followed by none", n)
	}
	_, err := h.submit("author", "acme", "QA", op("e", models.OpUnlock))
	h.want(err, models.CodeInvalid)
	_, err = h.submit("author", "acme", "QA", op("none", models.OpLock))
	h.want(err, models.CodeInvalid)
	if got := h.actions("acme"); got["config.lock"] != 2 || got["config.unlock"] != 1 {
		t.Errorf("entries %v", got)
	}
}

// lockEntries: locks are in the log.
func (h *house) lockEntries(t *testing.T) {
	t.Helper()
	var before, after string
	h.d.Scan(t, `SELECT e.before, e.after FROM audit_entries e JOIN configs c ON e.resource = 'config/' || c.id
		WHERE e.tenant_id = '@platform' AND c.key = 'c' AND e.action = 'config.lock'`, nil, &before, &after)
	was, _ := models.Value(before).Members()
	is, _ := models.Value(after).Members()
	if was["locked"] != "" || is["locked"] != "true" || is["value"] != "1" || was["version"] != "1" || is["version"] != "2" {
		t.Errorf("from %s to %s", before, after)
	}
}

func TestLockWho(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("insider", models.RoleEngineer, "acme")
	h.told()
	h.did("acme", "QA", set("k", "1"))
	h.did(models.Platform, "QA", set("p", "1"))
	for name, tt := range map[string]struct {
		by     context.Context
		tenant string
		want   models.Code
	}{
		"viewer":                {h.as("viewer"), "acme", models.CodeForbidden},
		"other tenant":          {h.as("outsider"), "acme", models.CodeNotFound},
		"nobody":                {t.Context(), "acme", models.CodeUnauthenticated},
		"insider, of the layer": {h.as("insider"), models.Platform, models.CodeNotFound},
		"insider":               {h.as("insider"), "acme", ""},
	} {
		key := map[string]string{"acme": "k", models.Platform: "p"}[tt.tenant]
		_, err := h.Submit(tt.by, changes.Draft{
			TenantID: tt.tenant, Environment: "QA", Items: []changes.Edit{op(key, models.OpLock)}, Pointer: changes.ItemPointer,
		})
		if codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if n := h.count(`SELECT count(*) FROM configs WHERE locked`); n != 1 {
		t.Errorf("%d locks", n)
	}
}

// What waits, is promoted or rolled back meets a lock that came meanwhile, and changes nothing.
func TestOntoALock(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	lock := func(environment, key string) {
		t.Helper()
		c, err := h.submit("author", models.Platform, environment, changes.Edit{Key: key, Op: models.OpSet, Value: "9", Locked: new(true)})
		h.must(err)
		if c.Status == models.ChangePending {
			h.pass(c)
		}
	}
	h.did("acme", "QA", set("waits", "1"))
	waits := h.waits("author", "acme", "Production", set("waits", "1"))
	lock("Production", "waits")
	h.refusedLast(waits, models.CodeConflict)
	stands, err := h.Standing(h.as("author"), waits.ID)
	h.must(err)
	says(t, stands.Problem, "locked by @platform")
	for name, act := range map[string]func() error{
		"rebase": func() error { _, err := h.Rebase(h.as("author"), waits.ID, ""); return err },
		"edit": func() error {
			_, err := h.Revise(h.as("author"), changes.Revise{ChangeID: waits.ID, Items: []changes.Edit{set("waits", "2")}})
			return err
		},
	} {
		if err := act(); codeOf(err) != models.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}

	config := h.set("author", "acme", "QA", "promoted", "1").Config
	lock("Staging", "promoted")
	_, err = h.Promote(h.as("author"), changes.Promote{ConfigID: config.ID, Target: "Staging"})
	h.want(err, models.CodeInvalid)
	_, err = h.promote("author", "acme", "QA", "Staging", "promoted")
	h.want(err, models.CodeInvalid)

	h.did("acme", "QA", set("back", "1"))
	config = h.set("author", "acme", "QA", "back", "2").Config
	lock("QA", "back")
	_, err = h.Rollback(h.as("author"), changes.Rollback{ConfigID: config.ID, ToVersion: 1})
	h.want(err, models.CodeInvalid)
	says(t, err, "locked by @platform")
	if n := h.count(`SELECT count(*) FROM changes WHERE rolls_back IS NOT NULL OR status = 'rolled_back'`); n != 0 {
		t.Errorf("%d changes were rolled back", n)
	}
	h.sound()
}

// A lock in Production waits as any change does, and is approved as what it is.
func TestLockWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.pass(h.waits("author", models.Platform, "Production", set("k", "1")))
	c := h.waits("author", models.Platform, "Production", op("k", models.OpLock))
	if i := c.Items[0]; c.Title != "Lock k in Production" || i.Value != "1" || i.Previous != "1" || i.BaseVersion != 1 {
		t.Errorf("%q, %+v", c.Title, i)
	}
	h.did("acme", "QA", set("k", "2"))
	over := h.waits("author", "acme", "Production", set("k", "2"))
	h.pass(c)
	h.refusedLast(over, models.CodeConflict)
	h.reads("acme", "Production", "k", "1")
	again := h.waits("author", models.Platform, "Production", op("k", models.OpUnlock))
	h.pass(h.waits("author", models.Platform, "Production", set("k", "3")))
	h.refusedLast(again, models.CodeConflict) // what it unlocks moved
	by, _ := h.hides("acme", "Production", "k")
	if by != models.Platform {
		t.Errorf("the next value lost its lock: %q", by)
	}
}
