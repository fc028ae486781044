package tenants_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
)

func (s site) loads() (n int) {
	for _, statement := range s.db.Recorder.Statements() {
		if strings.HasSuffix(statement.SQL, "WHERE t.tenant_id = $1") {
			n++
		}
	}
	return n
}

func TestDirectoryFollowsCommits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	known, err := s.directory.Get(t.Context(), "acme")
	if err != nil || known.Name != "The acme" || known.Tier != "Enterprise" {
		t.Fatalf("got %+v, %v", known, err)
	}
	before := s.loads()
	for range 100 {
		if _, err := s.directory.Get(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.loads() - before; n != 0 {
		t.Errorf("%d loads of a known tenant", n)
	}
	name := "Renamed"
	if _, err := s.Update(admin(t), "acme", tenants.Patch{Name: &name}, ""); err != nil {
		t.Fatal(err)
	}
	if known, err = s.directory.Get(t.Context(), "acme"); err != nil || known.Name != name {
		t.Errorf("after the commit: %+v, %v", known, err)
	}
	if _, err := s.directory.Get(t.Context(), "never"); code(err) != models.CodeNotFound {
		t.Errorf("unknown: %v", err)
	}
	if err := s.directory.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if known, err = s.directory.Get(t.Context(), "@tier.pro"); err != nil || known.Name != "Pro" {
		t.Errorf("a layer: %+v, %v", known, err)
	}
}

// Another node's directory learns of a tenant by asking, once however many ask.
func TestDirectoryLoadsOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	other := tenants.NewDirectory(s.db.DB)
	before := s.loads()
	var wait sync.WaitGroup
	release := make(chan struct{})
	for range 100 {
		wait.Go(func() {
			<-release
			if got, err := other.Get(t.Context(), "acme"); err != nil || got.ID != "acme" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	close(release)
	wait.Wait()
	if n := s.loads() - before; n < 1 || n > 3 { // a caller may come after the first load and before it is kept
		t.Errorf("%d loads", n)
	}
}

// A reader never sees a tenant older than a head that was raised before it asked.
func TestDirectoryIsNeverOlder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.directory.Get(ctx, "acme"); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 50 {
		name := fmt.Sprintf("Name %d", i)
		if _, err := s.Update(admin(t), "acme", tenants.Patch{Name: &name}, ""); err != nil {
			t.Fatal(err)
		}
		if got, err := s.directory.Get(t.Context(), "acme"); err != nil || got.Name != name {
			t.Fatalf("got %q, %v; want %q", got.Name, err, name)
		}
	}
	stop()
	wait.Wait()
}

func TestDirectoryWithoutPostgres(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	if _, err := s.directory.Get(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	s.directory.Raise([]models.Head{{TenantID: "acme", Environment: models.HeadTenant, Revision: 99}})
	hang := s.db.Connect(t, s.db.AdminURL)
	if _, err := hang.Exec(t.Context(), `BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	if got, err := s.directory.Get(t.Context(), "acme"); err != nil || got.ID != "acme" {
		t.Errorf("what was last known: %+v, %v", got, err)
	}
	if _, err := s.directory.Get(t.Context(), "unknown"); code(err) != models.CodeUnavailable {
		t.Errorf("unknown: %v", err)
	}
	if _, err := hang.Exec(t.Context(), `ROLLBACK; ALTER TABLE tenants RENAME TO tenants_away`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.directory.Get(t.Context(), "acme"); err == nil || code(err) == models.CodeUnavailable {
		t.Errorf("a fault of ours is no outage: %v", err)
	}
}

func BenchmarkDirectoryGet(b *testing.B) {
	s := newSite(b)
	s.seed(b, "acme")
	if _, err := s.directory.Get(b.Context(), "acme"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.directory.Get(b.Context(), "acme"); err != nil {
			b.Fatal(err)
		}
	}
}
