package changes_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// peers makes every change in QA ask for one engineer.
func (h *house) peers() {
	h.t.Helper()
	h.d.Admin(h.t, `UPDATE policies SET stages = '[{"name":"peer","role":"engineer","required":1}]' WHERE environment = 'QA'`)
}

// versions gives a key of acme in QA these values, each approved, and returns its config and the last change.
func (h *house) versions(key string, values ...models.Value) (config string, last models.Change) {
	h.t.Helper()
	for _, v := range values {
		last = h.pass(h.waits("author", "acme", "QA", set(key, v)))
	}
	return last.Items[0].ConfigID, last
}

// was fails the test unless the rollback was, or was not, by the lane without stages.
func (h *house) was(lane bool, out changes.Outcome, original models.Change) {
	h.t.Helper()
	got, err := h.Get(h.as("viewer"), original.ID)
	h.must(err)
	if out.Live() != lane || (out.Change.RollsBack == original.ID) != lane || (got.Status == models.ChangeRolled) != lane {
		h.t.Errorf("live %t, rolls back %q, the original is %s", out.Live(), out.Change.RollsBack, got.Status)
	}
	if out.Change.Origin != models.OriginRollback || (len(out.Change.Stages) == 0) != lane {
		h.t.Errorf("%s asks %v", out.Change.Origin, out.Change.Stages)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	config, last := h.versions("k", `"one"`, `"two"`)
	before := h.actions("acme")
	out, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 1, Reason: "it hurts"})
	h.must(err)
	h.was(true, out, last)
	if out.Change.Title != "Roll back k to version 1 in QA" || out.Config.Version != 3 || out.Config.Value != `"one"` || out.Change.Items[0].BaseVersion != 2 {
		t.Errorf("%+v %+v", out.Change, out.Config)
	}
	h.reads("acme", "QA", "k", `"one"`)
	after := h.actions("acme")
	for _, action := range []string{"change.submit", "config.set", "deployment.step", "change.rollback"} {
		before[action]++
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}

	// Once: what the rollback replaced is had back only as any other change is.
	again, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 2})
	h.must(err)
	h.was(false, again, out.Change)
	h.pass(again.Change)
	h.reads("acme", "QA", "k", `"two"`)
	_, next := h.versions("k", `"three"`)
	out, err = h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 4})
	h.must(err)
	h.was(true, out, next) // the last change replaced it, and it was approved in its own right
	_, next = h.versions("k", `"four"`)
	out, err = h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 6})
	h.must(err)
	h.was(false, out, next) // version 6 is the result of a rollback: nobody approved it as such
	h.sound()
}

func TestRollbackConditions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	for name, tt := range map[string]struct {
		flip func(key, config string) // what happened since
		to   int64
		lane bool
		want models.Code
	}{
		"all-of-them": {lane: true},
		"too-late": {flip: func(_, config string) {
			h.d.Admin(t, `UPDATE config_versions SET live_from = live_from - interval '73 hours', live_to = live_to - interval '73 hours' WHERE config_id = $1`, config)
		}},
		"in-time": {lane: true, flip: func(_, config string) {
			h.d.Admin(t, `UPDATE config_versions SET live_from = live_from - interval '71 hours', live_to = live_to - interval '71 hours' WHERE config_id = $1`, config)
		}},
		"an-older-version": {to: 1},
		"a-later-change":   {flip: func(key, _ string) { h.versions(key, `"four"`) }},
		"never-approved": {flip: func(_, config string) {
			h.d.Admin(t, `UPDATE changes SET stages = '[]' WHERE id = (SELECT change_id FROM config_versions WHERE config_id = $1 AND version = 2)`, config)
		}},
		"approved-by-more": {lane: true, flip: func(_, config string) {
			h.d.Admin(t, `UPDATE changes SET stages = '[{"name":"m","role":"manager","required":1},{"name":"p","role":"engineer","required":2}]'
				WHERE id = (SELECT change_id FROM config_versions WHERE config_id = $1 AND version = 2)`, config)
		}},
		"no-such-version": {to: 9, want: models.CodeInvalid},
		"the-live-one":    {to: 3, want: models.CodeInvalid},
		"version-0":       {to: -1, want: models.CodeInvalid},
		"locked-above": {want: models.CodeInvalid, flip: func(key, _ string) {
			h.pass(h.waits("author", models.Platform, "QA", changes.Edit{Key: key, Op: models.OpSet, Value: `"x"`, Locked: new(true)}))
		}},
		"a-stricter-schema": {want: models.CodeInvalid, flip: func(key, _ string) {
			h.pass(h.waits("author", "acme", "QA", define(key, models.Defines{Schema: `{"minLength":4}`})))
		}},
		"a-schema-that-fits": {lane: true, flip: func(key, _ string) {
			h.pass(h.waits("author", "acme", "QA", define(key, models.Defines{Schema: `{"minLength":1}`})))
		}},
		"became-a-secret": {lane: true, flip: func(key, _ string) {
			h.pass(h.waits("author", "acme", "QA", define(key, models.Defines{Sensitive: true})))
		}},
	} {
		config, last := h.versions(name, `"one"`, `"two"`, `"three"`)
		if tt.flip != nil {
			tt.flip(name, config)
		}
		if tt.to == 0 {
			tt.to = 2
		}
		versions := h.count(`SELECT count(*) FROM config_versions WHERE config_id = $1`, config)
		told, mayErr := h.MayRollBack(h.as("author"), config, tt.to)
		out, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: tt.to})
		h.want(err, tt.want)
		if err == nil && (mayErr != nil || told != tt.lane) {
			t.Errorf("who asks is told %t, %v", told, mayErr)
		}
		if err == nil {
			h.was(tt.lane, out, last)
			versions += map[bool]int{true: 1}[tt.lane]
		}
		if n := h.count(`SELECT count(*) FROM config_versions WHERE config_id = $1`, config); n != versions {
			t.Errorf("%d versions, want %d", n, versions)
		}
		if t.Failed() {
			t.Fatalf("that was %s", name)
		}
	}
	h.sound()
}

// Today's policy is what counts, not that of the day when the content was approved.
func TestRollbackByTodaysPolicy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	config := h.did("acme", "QA", set("k", "1")).Items[0].ConfigID
	last := h.did("acme", "QA", set("k", "2"))
	h.peers()
	out, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 1})
	h.must(err)
	h.was(false, out, last)
	_, err = h.Cancel(h.as("author"), out.Change.ID, "")
	h.must(err)
	h.d.Admin(t, `UPDATE policies SET stages = '[]', require_previous = true WHERE environment = 'QA'`)
	out, err = h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 1})
	h.must(err)
	h.was(true, out, last) // it was promoted before: the lane back does not ask again
}

func TestRollbackWho(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	h.person("owner", models.RoleTenantAdmin, "acme")
	h.told()
	config, last := h.versions("k", "1", "2")
	for _, tt := range []struct {
		name string
		by   context.Context
		want models.Code
	}{
		{"viewer", h.as("viewer"), models.CodeForbidden},
		{"manager", h.as("manager"), models.CodeForbidden},
		{"other tenant", h.as("outsider"), models.CodeNotFound},
		{"nobody", t.Context(), models.CodeUnauthenticated},
		{"tenant-admin", h.as("owner"), ""},
	} {
		out, err := h.Rollback(tt.by, changes.Rollback{ConfigID: config, ToVersion: 1})
		if codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err == nil {
			h.was(true, out, last)
		}
	}
	for _, id := range []string{"", "no id", "00000000-0000-4000-8000-000000000000"} {
		_, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: id, ToVersion: 1})
		h.want(err, models.CodeNotFound)
	}
}

// What a change deleted, locked or unlocked is had back as well.
func TestRollbackOfOtherActs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	config, _ := h.versions("gone", "1", "2")
	gone := h.pass(h.waits("author", "acme", "QA", op("gone", models.OpDelete)))
	older, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 1})
	h.must(err)
	h.was(false, older, gone)
	out, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 2})
	h.must(err)
	h.was(true, out, gone)
	if out.Config.ID != config || out.Config.Version != 3 {
		t.Errorf("%+v", out.Config)
	}
	h.reads("acme", "QA", "gone", "2")
	h.refusedLast(older.Change, models.CodeConflict)

	for i, o := range []models.Op{models.OpLock, models.OpUnlock} {
		config, _ := h.versions("locked-"+string(o), "1")
		if o == models.OpUnlock {
			h.pass(h.waits("author", "acme", "QA", op("locked-"+string(o), models.OpLock)))
		}
		last := h.pass(h.waits("author", "acme", "QA", op("locked-"+string(o), o)))
		out, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: int64(i + 1)})
		h.must(err)
		h.was(true, out, last)
		if out.Config.Locked != (o == models.OpUnlock) {
			t.Errorf("after the rollback of %s it is locked: %t", o, out.Config.Locked)
		}
	}
	h.sound()
}

// A change of several keys is rolled back key by key, and is so when the last of them is.
func TestRollbackOfManyKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	h.pass(h.waits("author", "acme", "QA", set("a", "1"), set("b", "1")))
	both := h.pass(h.waits("author", "acme", "QA", set("a", "2"), set("b", "2")))
	for i, item := range both.Items {
		out, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: item.ConfigID, ToVersion: 1})
		h.must(err)
		got, err := h.Get(h.as("viewer"), both.ID)
		h.must(err)
		if !out.Live() || out.Change.RollsBack != both.ID || (got.Status == models.ChangeRolled) != (i == 1) {
			t.Errorf("after key %d the change is %s", i, got.Status)
		}
		told := h.count(`SELECT count(*) FROM audit_entries WHERE action = 'change.rollback' AND resource = 'change/' || $1::text
			AND before::json->>'status' = 'deployed' AND after::json->>'status' = 'rolled_back' AND after::json->>'by' = $2`, both.ID, out.Change.ID)
		if told != i {
			t.Errorf("after key %d the log tells of its end %d times", i, told)
		}
		again, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: item.ConfigID, ToVersion: 2})
		h.must(err)
		if again.Live() {
			t.Error("it goes back and forth")
		}
	}
}
