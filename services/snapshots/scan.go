package snapshots

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

const (
	scanEvery = time.Second
	// fullEvery is how many scans by the clock read only what moved, between two that read all heads.
	fullEvery = 60
	// scanGap is the least time between two scans, however many notices come.
	scanGap = 20 * time.Millisecond
)

// scanSQL reads heads that moved since the cursor, with the cursor for the next time: the oldest transaction
// still running. What commits late has an xid at or above it, so nothing is ever missed. The epoch tells one
// database from another that took its place: a copy restored from a backup, or a replica that was promoted. The
// statement gives one row even when nothing moved.
const scanSQL = `
	WITH it AS MATERIALIZED (
	  SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' ||
	    (SELECT oid FROM pg_database WHERE datname = current_database()) AS epoch FROM pg_control_system()
	)
	SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS cursor, it.epoch,
		coalesce(h.tenant_id, '') AS tenant_id, coalesce(h.environment, '') AS environment,
		coalesce(h.revision, 0) AS revision, coalesce(h.token::text, '') AS token
	FROM it LEFT JOIN heads h ON h.xid >= ?::xid8`

// anyTransaction is below every cursor.
const anyTransaction = "0"

// Load reads all heads and environments. The node serves after that.
func (s *Service) Load(ctx context.Context) error {
	all, _, err := s.scan(ctx, anyTransaction)
	if err != nil {
		return err
	}
	s.Hear(all)
	s.contact.Heard()
	s.adopt(ctx)
	_, err = s.loadEnvironments(ctx)
	return err
}

// Run looks for moved heads every second, and at once when another node says that it committed, until the context
// ends; and it does what is done beside the reads. What moves on other nodes reaches this one by the next look at the
// latest. tell raises heads wherever they are kept, here included.
func (s *Service) Run(ctx context.Context, tell func([]models.Head)) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { s.renewSets(ctx) })
	beside.Go(func() { s.hub.run(ctx) })
	if s.disk != nil {
		beside.Go(func() { s.keepOn(ctx) })
	}
	if s.redis != nil {
		beside.Go(func() { s.writeBlobs(ctx) })
		beside.Go(func() { s.announce(ctx) })
		beside.Go(func() { s.listen(ctx) })
	}
	s.scanOn(ctx, tell)
}

func (s *Service) scanOn(ctx context.Context, tell func([]models.Head)) {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	// The first scan tells of every head: whoever was loaded before this service may have missed a move.
	failing := s.step(ctx, lookFirst, false, tell)
	for n, first := 1, failing; ; first = first && failing {
		kind := lookMoved
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if n++; n%fullEvery == 0 {
				kind = lookAll
			}
		case <-s.wake:
		}
		if first { // it was never told
			kind = lookFirst
		}
		failing = s.step(ctx, kind, failing, tell)
		select {
		case <-ctx.Done():
			return
		case <-time.After(scanGap):
		}
	}
}

// look is what a scan looks at.
type look int

const (
	lookMoved look = iota // what moved since the last one
	lookAll               // all heads
	lookFirst             // all heads, and tells of all of them
)

// step is one scan. It says once that scans fail, and once that they work again.
func (s *Service) step(ctx context.Context, kind look, wasFailing bool, tell func([]models.Head)) (failing bool) {
	from := s.cursor
	if kind != lookMoved || from == "" {
		from = anyTransaction
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	moved, anew, err := s.scan(ctx, from)
	if err != nil {
		s.contact.Look()
		if !wasFailing && !errors.Is(ctx.Err(), context.Canceled) {
			s.log.WarnContext(ctx, "the scan of heads fails: this node may serve old values", slog.Any("error", err))
		}
		return true
	}
	if wasFailing {
		s.log.InfoContext(ctx, "the scan of heads works again")
	}
	if kind != lookFirst && !anew {
		moved = s.heads.newer(moved)
	}
	if anew && s.anew != nil {
		s.anew(ctx)
	}
	if len(moved) > 0 {
		tell(moved)
	}
	s.contact.Heard()
	if s.fromKept {
		s.fromKept = false
		s.log.InfoContext(ctx, "the database is there: this node goes on with it")
		_, _ = s.loadEnvironments(ctx) // who asks for one that is new loads them again
		s.clearAway(ctx)
	}
	return false
}

// scan reads heads from the cursor on and moves the cursor. When the database is another one than before, it
// begins anew with all heads of that one.
func (s *Service) scan(ctx context.Context, from string) (moved []models.Head, anew bool, err error) {
	before := s.cursor
	if s.fromKept {
		before = s.keptCursor
	}
	moved, epoch, err := s.read(ctx, from)
	if err != nil {
		return nil, false, err
	}
	switch known := s.epoch.Load(); {
	case known == nil:
		s.epoch.Store(&epoch)
	case *known != epoch, wentBack(before, s.cursor):
		moved, err = s.beginEpoch(ctx, before)
		return moved, true, err
	}
	return moved, false, nil
}

// wentBack tells whether the transactions of the database are counted from an earlier point than before: its files were
// replaced by older ones.
func wentBack(before, after string) bool {
	a, errA := strconv.ParseUint(before, 10, 64)
	b, errB := strconv.ParseUint(after, 10, 64)
	return errA == nil && errB == nil && b < a
}

// read is one reading of heads from the cursor on, which it moves, and the database's epoch.
func (s *Service) read(ctx context.Context, from string) (out []models.Head, epoch string, err error) {
	var rows []struct {
		Cursor, Epoch string
		models.Head
	}
	err = s.db.Tx(models.WithActor(ctx, models.System("scan")), func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(scanSQL, from).Scan(&rows).Error
	})
	for _, r := range rows {
		s.cursor, epoch = r.Cursor, r.Epoch
		s.seenCursor.Store(&r.Cursor)
		if r.TenantID != "" {
			out = append(out, r.Head)
		}
	}
	return out, epoch, err
}

// beginEpoch takes the heads of another database as they are, lower ones too, and forgets all layer sets: what
// was committed last in the one before may be lost. The cursor of that one tells a database that went back.
func (s *Service) beginEpoch(ctx context.Context, before string) ([]models.Head, error) {
	all, epoch, err := s.read(ctx, anyTransaction)
	if err != nil {
		s.cursor = before // the next scan finds out again
		return nil, err
	}
	s.log.ErrorContext(ctx, "the database is another one than before: it was restored or failed over, and its last changes may be lost")
	s.metrics.epochs.Inc()
	s.turning.Lock()
	defer s.turning.Unlock()
	s.epoch.Store(&epoch)
	s.heads.replace(all)
	s.sets.InvalidateAll()
	s.composed.InvalidateAll()
	s.hub.noteAll()
	s.disk.empty()
	return all, nil
}

// CheckEnvironment is invalid at /environment where there is no such environment; one that is unknown here may be new.
func (s *Service) CheckEnvironment(ctx context.Context, name string) error {
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
