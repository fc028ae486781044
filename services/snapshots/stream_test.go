package snapshots_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// ear hears a stream and keeps what its events come to.
type ear struct {
	mu      sync.Mutex
	id      string
	values  map[string]string
	wholes  int
	changes int
	notices []string
	ids     []string
	ended   *snapshots.End
	failed  error
}

func (e *ear) Tell(frame []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for event := range strings.SplitSeq(strings.TrimSuffix(string(frame), "\n\n"), "\n\n") {
		if err := e.hear(event); err != nil {
			e.failed = err
		}
	}
}

func (e *ear) hear(event string) error {
	fields := map[string]string{}
	for line := range strings.SplitSeq(event, "\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return fmt.Errorf("a line is %q", line)
		}
		fields[name] = value
	}
	e.id = fields["id"]
	e.ids = append(e.ids, e.id)
	var data struct {
		Configs, Set map[string]json.RawMessage
		Unset        []string
		TenantID     string `json:"tenantId"`
		Type, ETag   string
	}
	if err := json.Unmarshal([]byte(fields["data"]), &data); err != nil {
		return fmt.Errorf("%w in %s", err, event)
	}
	switch fields["event"] {
	case "snapshot":
		e.wholes++
		e.values = map[string]string{}
		data.Set = data.Configs
	case "change":
		e.changes++
		e.notices = append(e.notices, data.TenantID)
	}
	for key, value := range data.Set {
		e.values[key] = string(value)
	}
	for _, key := range data.Unset {
		if _, ok := e.values[key]; !ok {
			return fmt.Errorf("%s was never set", key)
		}
		delete(e.values, key)
	}
	return nil
}

func (e *ear) End(why snapshots.End) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = &why
}

// at is what the ear knows, and as of which event.
func (e *ear) at() (string, map[string]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.id, maps.Clone(e.values)
}

func (n node) watch(t testing.TB, topic snapshots.Topic, after string, e *ear) *snapshots.Watch {
	t.Helper()
	w, err := n.Watch(t.Context(), topic, after, e)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// listening tells watchers what moves, until the test ends.
func listening(t testing.TB, n node) node {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Run(ctx, func(moved []models.Head) { n.directory.Raise(moved); n.Raise(moved) })
	}()
	t.Cleanup(func() { stop(); <-ended })
	return n
}

func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

// shows is what a bulk read answers, as an ear knows it.
func shows(snap *snapshots.Snapshot) map[string]string {
	out := map[string]string{}
	for _, r := range snap.Entries() {
		out[r.Key] = string(r.Value)
	}
	return out
}

// TestWatchersKnowWhatReadersAreAnswered takes a random way through values of all layers, and after each step holds what
// watchers make of their events against the bulk read. Some of them come again with any id they have seen.
func TestWatchersKnowWhatReadersAreAnswered(t *testing.T) {
	t.Parallel()
	n := listening(t, newNode(t))
	topic := snapshots.Topic{TenantID: "acme", Environment: production}
	rapid.Check(t, func(r *rapid.T) {
		steady, coming := &ear{}, &ear{}
		defer n.watch(t, topic, "", steady).Stop()
		again := n.watch(t, topic, "", coming)
		defer func() { again.Stop() }()
		seen, known := map[string]map[string]string{}, []string(nil)
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			layer := rapid.SampledFrom([]string{models.Platform, models.TierLayer("Enterprise"), "acme", "globex"}).Draw(r, "layer")
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "key")
			if rapid.Bool().Draw(r, "unset") {
				n.db.Unset(t, layer, production, key)
				n.Raise([]models.Head{n.db.Head(t, layer, production)})
			} else {
				n.set(t, layer, production, key, strconv.Itoa(rapid.IntRange(0, 3).Draw(r, "value")))
			}
			snap := n.read(t, "acme", production, false)
			want, id := shows(snap), snap.Revision
			seen[id], known = want, append(known, id)
			for _, e := range []*ear{steady, coming} {
				soon(t, "the event", func() bool { got, _ := e.at(); return got == id })
				if _, got := e.at(); !cmp.Equal(got, want) || e.failed != nil {
					r.Fatalf("%v: %s", e.failed, cmp.Diff(want, got))
				}
			}
			if rapid.Bool().Draw(r, "resume") {
				again.Stop()
				id := rapid.SampledFrom(append(known, "never")).Draw(r, "id")
				coming = &ear{id: id, values: maps.Clone(seen[id])}
				again = n.watch(t, topic, id, coming)
				if _, held := seen[id]; held != (coming.wholes == 0) {
					r.Fatalf("kept %t, got %d whole snapshots", held, coming.wholes)
				}
				if _, got := coming.at(); !cmp.Equal(got, want) {
					r.Fatal(cmp.Diff(want, got))
				}
			}
		}
		if steady.wholes != 1 {
			r.Fatalf("%d whole snapshots", steady.wholes)
		}
	})
}

func TestWatchersEndWithTheTenant(t *testing.T) {
	t.Parallel()
	n := listening(t, newNode(t))
	e := &ear{}
	n.watch(t, snapshots.Topic{TenantID: "acme", Environment: production}, "", e)
	n.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'acme'`)
	n.db.Admin(t, `UPDATE heads SET revision = revision + 1000, token = gen_random_uuid(), xid = pg_current_xact_id() WHERE tenant_id = 'acme' AND environment = ''`)
	soon(t, "the end", func() bool { e.mu.Lock(); defer e.mu.Unlock(); return e.ended != nil })
	if e.ended.Reason != snapshots.EndSuspended || e.ended.Code != models.CodeForbidden {
		t.Errorf("ended %+v", e.ended)
	}
	if _, err := n.Watch(t.Context(), snapshots.Topic{TenantID: "acme", Environment: production}, "", &ear{}); code(err) != models.CodeForbidden {
		t.Errorf("watched again: %v", err)
	}
	if _, err := n.Watch(t.Context(), snapshots.Topic{TenantID: "nobody", Environment: production}, "", &ear{}); code(err) != models.CodeNotFound {
		t.Errorf("nobody is watched: %v", err)
	}
}

func TestNoticesNameWhatMoved(t *testing.T) {
	t.Parallel()
	n := listening(t, newNode(t))
	topic := snapshots.Topic{Environment: production, Telling: snapshots.TellLayers}
	e := &ear{}
	w := n.watch(t, topic, "", e)
	heard := func(want ...string) func() bool {
		return func() bool { e.mu.Lock(); defer e.mu.Unlock(); return cmp.Equal(e.notices, want) }
	}
	n.set(t, "acme", production, "a", `1`)
	soon(t, "the tenant", heard("acme"))
	n.set(t, "acme", "QA", "a", `1`)
	n.set(t, models.Platform, production, "a", `1`)
	soon(t, "the platform", heard("acme", models.Platform))
	w.Stop()
	n.set(t, "globex", production, "a", `1`)
	back := &ear{}
	soon(t, "what was missed", func() bool {
		*back = ear{}
		defer n.watch(t, topic, e.id, back).Stop()
		return cmp.Equal(back.notices, []string{"globex"})
	})
}

// TestOneLoadHoweverManyWatch moves the platform under many watched tenants.
func TestOneLoadHoweverManyWatch(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	const many = 50
	for i := range many {
		n.db.Tenant(t, fmt.Sprint("t", i), "Free")
	}
	if err := n.directory.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	listening(t, n)
	ears := make([]*ear, many)
	for i := range ears {
		ears[i] = &ear{}
		n.watch(t, snapshots.Topic{TenantID: fmt.Sprint("t", i), Environment: production}, "", ears[i])
	}
	loads := n.loads(t)
	n.set(t, models.Platform, production, "a", `1`)
	for _, e := range ears {
		soon(t, "the event", func() bool { _, got := e.at(); return got["a"] == "1" })
	}
	if got := n.loads(t) - loads; got != 1 {
		t.Errorf("%d loads for one layer that moved", got)
	}
}

func TestUnitsAreToldOfTheirSide(t *testing.T) {
	t.Parallel()
	n := listening(t, newRollouts(t))
	on, off := &ear{}, &ear{}
	n.watch(t, snapshots.Topic{TenantID: "acme", Environment: production, Unit: "unit"}, "", on)
	n.watch(t, snapshots.Topic{TenantID: "acme", Environment: production}, "", off)
	n.Advance(canary, models.Progress{Threshold: models.Buckets})
	soon(t, "the other side", func() bool { _, got := on.at(); return got["color"] == `"new"` && got["old"] == "" })
	n.Advance(canary, models.Progress{})
	soon(t, "the way back", func() bool { _, got := on.at(); return got["color"] == `"old"` && got["old"] == "true" })
	if off.changes != 0 || on.changes != 2 {
		t.Errorf("%d changes for who is on no side, %d for the other", off.changes, on.changes)
	}
}

func TestRefetchNamesTheTag(t *testing.T) {
	t.Parallel()
	n := listening(t, newNode(t))
	topic := snapshots.Topic{TenantID: "acme", Environment: production, Telling: snapshots.TellRefetch}
	e := &ear{}
	n.watch(t, topic, "", e)
	n.set(t, "acme", production, "a", `1`)
	want := n.read(t, "acme", production, false).Revision
	soon(t, "the event", func() bool { got, _ := e.at(); return got == want })
	if e.failed != nil || len(e.ids) != 2 {
		t.Errorf("%v, events %v", e.failed, e.ids)
	}
}
