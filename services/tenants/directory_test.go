package tenants_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

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
	other := tenants.NewDirectory(s.db.DB, nil)
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
	s.directory.Hear([]models.Head{{TenantID: "acme", Environment: models.HeadTenant, Revision: 99}})
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
	err := error(nil)
	for end := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, err = s.directory.Get(t.Context(), "acme") // as long as loads are late, nobody waits to hear of it
	}
	if err == nil || code(err) == models.CodeUnavailable {
		t.Errorf("a fault of ours is no outage: %v", err)
	}
}

// What this node itself wrote is never answered with something older, whatever Postgres does.
func TestDirectoryKnowsItsOwnCommits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	s.seed(t, "globex")
	if err := s.directory.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	hang := s.db.Connect(t, s.db.AdminURL)
	if _, err := hang.Exec(t.Context(), `BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	s.directory.Raise([]models.Head{{TenantID: "acme", Environment: models.HeadTenant, Revision: 99}})
	if _, err := s.directory.Get(t.Context(), "acme"); code(err) != models.CodeUnavailable {
		t.Errorf("moved by this node: %v", err)
	}
	s.directory.Hear([]models.Head{{TenantID: "globex", Environment: models.HeadTenant, Revision: 99}})
	if got, err := s.directory.Get(t.Context(), "globex"); err != nil || got.ID != "globex" {
		t.Errorf("moved by another one: %+v, %v", got, err)
	}
}

// Another database took the place of this one: what it lacks is gone, and revisions that are lower there are the truth.
func TestDirectoryBeginsAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	s.seed(t, "lost")
	for _, status := range []string{"suspended", "active"} {
		s.db.Admin(t, `UPDATE tenants SET status = $1 WHERE tenant_id = 'acme'`, status)
	}
	s.directory.Raise([]models.Head{{TenantID: "acme", Environment: models.HeadTenant, Revision: 1}})
	s.db.Admin(t, `UPDATE heads SET revision = 7 WHERE tenant_id = 'acme' AND environment = ''`)
	if err := s.directory.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.db.Admin(t, `UPDATE tenants SET status = 'suspended', name = 'Older' WHERE tenant_id = 'acme'`)
	s.db.Admin(t, `UPDATE heads SET revision = 2 WHERE tenant_id = 'acme' AND environment = ''`)
	for _, table := range []string{"audit_entries", "audit_heads", "audit_subjects", "tenant_versions", "heads", "tenants"} {
		s.db.Admin(t, `DELETE FROM `+table+` WHERE tenant_id = 'lost'`)
	}
	if got, err := s.directory.Get(t.Context(), "acme"); err != nil || got.Status != models.TenantActive {
		t.Fatalf("in one database revisions only rise: %+v, %v", got, err)
	}
	if err := s.directory.Anew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.directory.Get(t.Context(), "acme"); err != nil || got.Status != models.TenantSuspended || got.Name != "Older" {
		t.Errorf("in the other database: %+v, %v", got, err)
	}
	if got, err := s.directory.Get(t.Context(), "lost"); code(err) != models.CodeNotFound {
		t.Errorf("what it lacks: %+v, %v", got, err)
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
