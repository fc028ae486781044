package snapshots_test

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

// lock makes all loads of values wait until the function returned is called.
func lock(t testing.TB, db *storetest.Database) (release func()) {
	t.Helper()
	conn := db.Connect(t, db.AdminURL)
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE configs IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if _, err := conn.Exec(t.Context(), `ROLLBACK`); err != nil {
			t.Fatal(err)
		}
	}
}

func (n node) hear(t testing.TB, tenant, environment string) {
	t.Helper()
	n.Hear([]models.Head{n.db.Head(t, tenant, environment)})
}

func (n node) value(t testing.TB, tenant, key string) (value string, stale bool) {
	t.Helper()
	snap := n.read(t, tenant, production, false)
	r, _ := snap.Key(key)
	return string(r.Value), snap.Stale
}

// A load that takes long serves what was known before, and what it loaded as soon as it is there.
func TestASlowLoadServesWhatWasKnown(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, "acme", production, "limit", `1`)
	n.set(t, "globex", production, "limit", `1`)
	n.value(t, "acme", "limit")
	n.value(t, "globex", "limit")
	n.db.Set(t, "acme", production, "limit", `2`)
	release := lock(t, n.db)
	n.hear(t, "acme", production)
	for range 100 {
		if got, stale := n.value(t, "acme", "limit"); got != "1" || !stale {
			t.Fatalf("read %s, stale %v", got, stale)
		}
	}
	if got, stale := n.value(t, "globex", "limit"); got != "1" || stale {
		t.Errorf("what did not move: %s, stale %v", got, stale)
	}
	release()
	eventually(t, 10*time.Second, "what was loaded behind", func() bool {
		got, stale := n.value(t, "acme", "limit")
		return got == "2" && !stale
	})
	if n.counted(t, "hotswap_snapshot_reads_total", "stale") < 100 {
		t.Error("stale answers are not counted")
	}
}

// What this node wrote itself is waited for. Only where Postgres took it and does not give it back, the answer before
// leaves, and says so: reads do not fail.
func TestOwnCommitsAreWaitedFor(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, "acme", production, "limit", `1`)
	n.value(t, "acme", "limit")
	n.db.Set(t, "acme", production, "limit", `2`)
	release := lock(t, n.db)
	n.Raise([]models.Head{n.db.Head(t, "acme", production)})
	began := time.Now()
	if got, stale := n.value(t, "acme", "limit"); got != "1" || !stale || time.Since(began) < 200*time.Millisecond {
		t.Errorf("read %s, stale %v, after %s", got, stale, time.Since(began))
	}
	n.Raise([]models.Head{n.db.Head(t, "acme", production)})
	var released sync.WaitGroup
	defer released.Wait()
	released.Go(func() {
		time.Sleep(300 * time.Millisecond)
		release()
	})
	if got, stale := n.value(t, "acme", "limit"); got != "2" || stale {
		t.Errorf("when it can be waited for: read %s, stale %v", got, stale)
	}
}

// A layer that one tenant was served at a revision is at no older one for another.
func TestNobodyIsServedAnOlderLayer(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, models.Platform, production, "limit", `1`)
	n.value(t, "acme", "limit")
	n.value(t, "globex", "limit")
	n.set(t, models.Platform, production, "limit", `2`)
	n.value(t, "globex", "limit")
	n.db.Set(t, "acme", production, "other", `1`)
	defer lock(t, n.db)()
	n.hear(t, "acme", production)
	if got, stale := n.value(t, "acme", "limit"); got != "2" || !stale {
		t.Errorf("read %s, stale %v: globex was served 2", got, stale)
	}
}

// What is served says how old it may be, and is not served for ever.
func TestSilence(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Free")
	now := time.Now()
	contact := store.NewContact(func() time.Time { return now }, time.Hour)
	n := node{db: db, directory: tenants.NewDirectory(db.DB, contact), registry: prometheus.NewRegistry()}
	var err error
	n.Service, err = snapshots.New(snapshots.Options{
		DB: db.DB, Tenants: n.directory, MaxBytes: 64 << 20, Log: slog.New(slog.DiscardHandler), Metrics: n.registry,
		Now: func() time.Time { return now }, Contact: contact,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.Load(t.Context()), n.directory.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	if snap := n.read(t, "acme", production, false); snap.Stale {
		t.Error("it is stale at once")
	}
	for silence, stale := range map[time.Duration]bool{3 * time.Second: false, 10 * time.Second: true, 59 * time.Minute: true} {
		contact.HeardAt(now.Add(-silence))
		if snap := n.read(t, "acme", production, false); snap.Stale != stale || stale && snap.Age != silence {
			t.Errorf("after %s: stale %v, age %s", silence, snap.Stale, snap.Age)
		}
	}
	contact.HeardAt(now.Add(-61 * time.Minute))
	if _, err := n.Get(t.Context(), snapshots.Ask{TenantID: "acme", Environment: production}); code(err) != models.CodeUnavailable {
		t.Errorf("after more than an hour: %v", err)
	}
	if _, err := n.directory.Get(t.Context(), "acme"); code(err) != models.CodeUnavailable {
		t.Errorf("the tenant, after more than an hour: %v", err)
	}
	contact.Heard()
	if snap := n.read(t, "acme", production, false); snap.Stale {
		t.Error("it is stale though the database is there again")
	}
}
