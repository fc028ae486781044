package snapshots

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

const (
	scanEvery = time.Second
	// fullEvery is how many scans read only what moved, between two that read all heads.
	fullEvery = 60
)

// scanSQL reads heads that moved since the cursor, with the cursor for the next time: the oldest transaction
// still running. What commits late has an xid at or above it, so nothing is ever missed. The statement gives
// one row even when nothing moved.
const scanSQL = `
	SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS cursor,
		coalesce(h.tenant_id, '') AS tenant_id, coalesce(h.environment, '') AS environment,
		coalesce(h.revision, 0) AS revision, coalesce(h.token::text, '') AS token
	FROM (SELECT) one LEFT JOIN heads h ON h.xid >= ?::xid8`

// anyTransaction is below every cursor.
const anyTransaction = "0"

// Load reads all heads and environments. The node serves after that.
func (s *Service) Load(ctx context.Context) error {
	all, err := s.scan(ctx, anyTransaction)
	if err != nil {
		return err
	}
	s.Raise(all)
	_, err = s.loadEnvironments(ctx)
	return err
}

// Run looks for moved heads every second until the context ends, and tells of them: what moves on other nodes
// reaches this one by this at the latest. tell raises heads wherever they are kept, here included.
func (s *Service) Run(ctx context.Context, tell func([]models.Head)) {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	// The first scan tells of every head: whoever was loaded before this service may have missed a move.
	failing := s.step(ctx, 0, false, tell)
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			failing = s.step(ctx, n, failing, tell)
		}
	}
}

// step is one scan. It says once that scans fail, and once that they work again.
func (s *Service) step(ctx context.Context, n int, wasFailing bool, tell func([]models.Head)) (failing bool) {
	from := s.cursor
	if n%fullEvery == 0 || from == "" {
		from = anyTransaction
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	moved, err := s.scan(ctx, from)
	if err != nil {
		if !wasFailing && !errors.Is(ctx.Err(), context.Canceled) {
			s.log.WarnContext(ctx, "the scan of heads fails: this node may serve old values", slog.Any("error", err))
		}
		return true
	}
	if wasFailing {
		s.log.InfoContext(ctx, "the scan of heads works again")
	}
	if n > 0 {
		moved = s.heads.newer(moved)
	}
	if len(moved) > 0 {
		tell(moved)
	}
	return false
}

// scan reads heads from the cursor on and moves the cursor.
func (s *Service) scan(ctx context.Context, from string) ([]models.Head, error) {
	var rows []struct {
		Cursor string
		models.Head
	}
	err := s.db.Tx(models.WithActor(ctx, models.System("scan")), func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(scanSQL, from).Scan(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	out := make([]models.Head, 0, len(rows))
	for _, r := range rows {
		s.cursor = r.Cursor
		if r.TenantID != "" {
			out = append(out, r.Head)
		}
	}
	return out, nil
}

// checkEnvironment tells whether there is such an environment; one that is unknown here may be new.
func (s *Service) checkEnvironment(ctx context.Context, name string) error {
	if known := s.environments.Load(); known != nil && slices.Contains(*known, name) {
		return nil
	}
	if models.ValidEnvironmentName(name) {
		known, err := s.environmentsNow(ctx)
		if err != nil {
			return err
		}
		if slices.Contains(known, name) {
			return nil
		}
	}
	return models.Invalid("/environment", "there is no such environment")
}

// environmentsNow is all environments in their order, as Postgres has them.
func (s *Service) environmentsNow(ctx context.Context) ([]string, error) {
	known, err := once(ctx, &s.loads, "environments", s.loadEnvironments)
	if err != nil {
		return nil, err
	}
	return *known, nil
}

func (s *Service) loadEnvironments(ctx context.Context) (*[]string, error) {
	names := new([]string)
	err := s.db.Tx(models.WithActor(ctx, models.System("scan")), func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(`SELECT name FROM environments ORDER BY position, name`).Scan(names).Error
	})
	if err != nil {
		return nil, err
	}
	s.environments.Store(names)
	return names, nil
}
