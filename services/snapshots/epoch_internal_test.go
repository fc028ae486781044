package snapshots

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

// A database takes the place of another and lacks its last commits: heads fall to where they stand there, and nothing
// of what is gone is served any more.
func TestAnotherDatabase(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Free")
	db.Set(t, "acme", "Production", "limit", `1`)
	directory := tenants.NewDirectory(db.DB, nil)
	s, err := New(Options{
		DB: db.DB, Tenants: directory, MaxBytes: 1 << 20, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(directory.Load(t.Context()), s.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	epoch := *s.epoch.Load()
	if parts := strings.Split(epoch, "/"); len(parts) != 3 || len(parts[0]) < 10 || parts[1] != "00000001" || parts[2] < "1" {
		t.Errorf("the epoch is %q", epoch)
	}
	read := func() string {
		t.Helper()
		snap, err := s.Get(t.Context(), Ask{TenantID: "acme", Environment: "Production"})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := snap.Key("limit")
		return string(r.Value)
	}
	var told []models.Head
	scan := func() {
		t.Helper()
		told = nil
		if s.step(t.Context(), lookMoved, false, func(moved []models.Head) { told = moved; s.Raise(moved) }) {
			t.Fatal("the scan failed")
		}
	}
	db.Set(t, "acme", "Production", "limit", `2`)
	scan()
	if got := read(); got != "2" || len(told) != 1 {
		t.Errorf("read %s, told of %v", got, told)
	}

	// The head goes back, as in a copy that never saw the last commit.
	db.Admin(t, `UPDATE configs SET live = 1 WHERE tenant_id = 'acme'`)
	db.Admin(t, `UPDATE heads SET revision = 1, token = gen_random_uuid(), xid = '3' WHERE tenant_id = 'acme' AND environment = 'Production'`)
	db.Admin(t, `DELETE FROM heads WHERE tenant_id = '@platform' AND environment = 'keys'`)
	scan()
	if got := read(); got != "2" || len(told) != 0 {
		t.Errorf("in one database heads only rise: read %s, told of %v", got, told)
	}
	before := "another/00000001"
	s.epoch.Store(&before)
	scan()
	if got := read(); got != "1" || len(told) < 2 {
		t.Errorf("in another database: read %s, told of %v", got, told)
	}
	var counted dto.Metric
	if err := s.metrics.epochs.Write(&counted); err != nil || counted.GetCounter().GetValue() != 1 || *s.epoch.Load() != epoch {
		t.Errorf("the epoch is %s, counted %v %v", *s.epoch.Load(), &counted, err)
	}
	db.Set(t, "acme", "Production", "limit", `3`)
	scan()
	if got := read(); got != "3" {
		t.Errorf("it goes on: read %s", got)
	}
}
