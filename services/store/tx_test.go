package store_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func code(err error) models.Code {
	if known, ok := errors.AsType[*models.Error](err); ok {
		return known.Code
	}
	return ""
}

var acme = []string{models.Platform, "@tier.enterprise", "acme"}

// Writers of one layer never overlap; writers of its heirs and of it exclude each other in the database.
func TestLocks(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	ctx := person(t.Context(), models.RolePlatformAdmin, models.Platform)
	overlap := func(a, b []string) bool {
		inside, release := make(chan struct{}), make(chan struct{})
		var first sync.WaitGroup
		first.Go(func() {
			_ = d.Write(ctx, a, func(context.Context, *gorm.DB) error {
				close(inside)
				<-release
				return nil
			})
		})
		<-inside
		var entered atomic.Bool
		limited, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
		defer cancel()
		_ = d.Write(limited, b, func(context.Context, *gorm.DB) error { entered.Store(true); return nil })
		close(release)
		first.Wait()
		return entered.Load()
	}
	globex := []string{models.Platform, "@tier.enterprise", "globex"}
	if overlap(acme, acme) {
		t.Error("two writers of one tenant")
	}
	if !overlap(acme, globex) {
		t.Error("neighbours wait for each other")
	}
	if overlap(acme, acme[:1]) || overlap(acme[:1], acme) {
		t.Error("the platform and an heir write at once")
	}
	if overlap(acme[:2], acme) {
		t.Error("a tier and its tenant write at once")
	}
}

// A busy layer sheds after half a second and lets nobody pass out of turn.
func TestTurns(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	ctx := person(t.Context(), models.RoleEngineer, "acme")
	inside, release := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		_ = d.Write(ctx, acme, func(context.Context, *gorm.DB) error { close(inside); <-release; return nil })
	})
	<-inside
	err := d.Write(ctx, acme, func(context.Context, *gorm.DB) error { t.Error("did not wait"); return nil })
	var busy *models.Error
	if !errors.As(err, &busy) || busy.Code != models.CodeUnavailable || busy.RetryAfter == 0 {
		t.Errorf("waited and got %v", err)
	}
	close(release)
	first.Wait()
	if err := d.Write(ctx, acme, func(context.Context, *gorm.DB) error { return nil }); err != nil {
		t.Errorf("the turn did not come back: %v", err)
	}
}

func TestMovedHeadsAreTold(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	var told []models.Head
	d.OnMoved(func(heads []models.Head) { told = append(told, heads...) })
	ctx := person(t.Context(), models.RoleEngineer, "acme")
	move := func(fail error) {
		_ = d.Write(ctx, acme, func(ctx context.Context, tx *gorm.DB) error {
			if err := store.MoveHead(ctx, tx, "acme", "QA"); err != nil {
				return err
			}
			return fail
		})
	}
	move(errors.New("on purpose"))
	if len(told) != 0 {
		t.Fatalf("told of what never happened: %v", told)
	}
	move(nil)
	move(nil)
	if len(told) != 2 || told[0].Revision != 1 || told[1].Revision != 2 || told[0].Token == told[1].Token {
		t.Errorf("told %v", told)
	}
	// Control data of the platform moves for who may not write the platform's rows.
	err := d.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error { return store.ControlMoved(ctx, tx, models.HeadKeys) })
	if err != nil || len(told) != 3 || told[2].Key() != (models.HeadKey{TenantID: models.Platform, Environment: models.HeadKeys}) {
		t.Errorf("told %v, %v", told, err)
	}
	if err := d.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error { return store.ControlMoved(ctx, tx, "Production") }); err == nil {
		t.Error("any head of the platform moves")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	ctx := person(t.Context(), models.RoleViewer, models.Platform)
	run := func(ctx context.Context, sql string) error {
		return d.Tx(ctx, func(_ context.Context, tx *gorm.DB) error { return tx.Exec(sql).Error })
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := run(short, `SELECT pg_sleep(5)`); code(err) != models.CodeUnavailable {
		t.Errorf("a deadline is %v", err)
	}
	if err := run(ctx, `SELECT pg_sleep(5)`); code(err) != models.CodeUnavailable {
		t.Errorf("a statement over its time is %v", err)
	}
	if err := run(ctx, `INSERT INTO environments (name, position) VALUES ('QA', 9)`); code(err) != models.CodeConflict {
		t.Errorf("a duplicate is %v", err)
	}
	if err := run(ctx, `SELECT pg_terminate_backend(pg_backend_pid())`); code(err) != models.CodeUnavailable {
		t.Errorf("a cut connection is %v", err)
	}
	if err := run(ctx, `SELECT 1/0`); err == nil || code(err) != "" {
		t.Errorf("a mistake of ours is %v", err)
	}
	if err := run(ctx, `SELECT 1`); err != nil {
		t.Errorf("nothing works afterwards: %v", err)
	}
}
