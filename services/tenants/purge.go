package tenants

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// purgeTimeout bounds one purge, which deletes all values that a tenant ever had.
const purgeTimeout = 2 * time.Minute

// Purge is the job that ends what a deleted tenant held. It names the deletion, so that a tenant which came back and
// was deleted again is not purged early.
type Purge struct {
	TenantID  string    `json:"tenantId"`
	DeletedAt time.Time `json:"deletedAt"`
}

// Kind names the job.
func (Purge) Kind() string { return "tenant_purge" }

// Purger works on Purge jobs.
type Purger struct {
	river.WorkerDefaults[Purge]
	Tenants *Service
}

// Work purges the tenant if that deletion still stands. Where the database's clock is behind, it comes back later.
func (p *Purger) Work(ctx context.Context, job *river.Job[Purge]) error {
	left, err := p.Tenants.Purge(ctx, job.Args)
	if err == nil && left > 0 {
		return river.JobSnooze(left)
	}
	return err
}

// Timeout bounds one try.
func (*Purger) Timeout(*river.Job[Purge]) time.Duration { return purgeTimeout }

// OnPurged sets who is told that a tenant was purged, after the commit: whoever holds something of it in memory. Call
// it before the first job.
func (s *Service) OnPurged(tell func(tenantID string)) { s.purged = tell }

// Purge does the job's work as the system actor job:<tenant>, and answers how long it is still too early. It does
// nothing when that deletion was undone, or is purged already.
func (s *Service) Purge(ctx context.Context, job Purge) (left time.Duration, err error) {
	ctx = models.WithActor(ctx, models.System("job:"+job.TenantID))
	known, err := s.directory.Get(ctx, job.TenantID)
	if err != nil {
		return 0, err
	}
	done := false
	err = s.db.Write(ctx, known.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		var due bool
		if left, due, err = dueToPurge(tx, job); err != nil || !due {
			return err
		}
		done = true
		return s.purge(ctx, tx, job.TenantID)
	})
	if err == nil && done && s.purged != nil {
		s.purged(job.TenantID)
	}
	return left, err
}

// dueToPurge tells whether that deletion stands and can no longer be undone, or how long it still can.
func dueToPurge(tx *gorm.DB, job Purge) (left time.Duration, due bool, err error) {
	var deletedAt time.Time
	var seconds float64
	err = tx.Raw(`
		SELECT deleted_at, extract(epoch FROM deleted_at + interval '30 days' - clock_timestamp())::float8
		FROM tenants WHERE tenant_id = ? AND status = 'deleted' AND purged_at IS NULL`, job.TenantID).Row().
		Scan(&deletedAt, &seconds)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !deletedAt.Equal(job.DeletedAt):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case seconds > 0:
		return time.Duration(seconds*float64(time.Second)) + time.Second, false, nil
	default:
		return 0, true, nil
	}
}

// gone counts what a purge took away.
type gone struct {
	ConfigsGone, VersionsGone, KeysGone, BindingsGone int64
}

func (s *Service) purge(ctx context.Context, tx *gorm.DB, id string) error {
	err := tx.Exec(`SELECT set_config('statement_timeout', ?, true)`, strconv.FormatInt(purgeTimeout.Milliseconds(), 10)).Error
	if err != nil {
		return err
	}
	var n gone
	if err := tx.Raw(`SELECT * FROM purge_tenant(?)`, id).Scan(&n).Error; err != nil {
		return fmt.Errorf("purge the tenant: %w", err)
	}
	at, err := store.Instant(tx)
	if err != nil {
		return err
	}
	if err := moveAllHeads(ctx, tx, id); err != nil {
		return err
	}
	return s.log.Record(ctx, tx, id, at, models.Act{
		Action: ActionPurge, Resource: "tenant/" + id,
		After: models.Object(map[string]models.Value{
			"apiKeys": models.Int(n.KeysGone), "configs": models.Int(n.ConfigsGone),
			"roleBindings": models.Int(n.BindingsGone), "versions": models.Int(n.VersionsGone),
		}),
	})
}

// moveAllHeads makes worthless what any node holds of the tenant.
func moveAllHeads(ctx context.Context, tx *gorm.DB, id string) error {
	var environments []string
	err := tx.Raw(`SELECT environment FROM heads WHERE tenant_id = ? AND environment <> '' ORDER BY environment`, id).
		Scan(&environments).Error
	if err != nil {
		return err
	}
	for _, environment := range environments {
		if err := store.MoveHead(ctx, tx, id, environment); err != nil {
			return err
		}
	}
	return moveHeads(ctx, tx, id, true)
}
