package snapshots

import (
	"context"
	"slices"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/store"
)

const (
	// knownTimeout bounds making an answer of what is at hand: a disk is read, data keys are unwrapped.
	knownTimeout = time.Second
	// lastTimeout bounds the same where all time is up: whatever could be fetched for it has been.
	lastTimeout = 250 * time.Millisecond
)

// maxBehind is how many snapshots may be made at a time that nobody waits for.
const maxBehind = 64

// dated is a snapshot that is current as far as this node knows. It says so when the node was long without contact to
// the database.
func (s *Service) dated(snap *Snapshot) *Snapshot {
	if !s.contact.Silent() {
		return snap
	}
	return snap.asStale(s.contact.Silence())
}

// renewed makes the snapshot anew. The one before, or what else is known, is served where that fails or takes more than
// a moment; the making goes on behind. All waiting together takes loadTimeout, and lastTimeout more where it was in vain.
// held may be nil.
func (s *Service) renewed(ctx context.Context, tenant models.Tenant, at place, held *Snapshot) (*Snapshot, error) {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	made, err := s.renewSoon(ctx, tenant, at)
	if err == nil {
		s.metrics.reads.composed.Inc()
		return s.dated(made), nil
	}
	if !store.Fault(err) || caller.Err() != nil {
		return nil, err
	}
	if old := s.known(ctx, tenant, at, held, (*cell).demanded); old != nil {
		return s.late(old, tenant), nil
	}
	if made, err = s.renew(ctx, tenant, at); err == nil {
		s.metrics.reads.composed.Inc()
		return s.dated(made), nil
	}
	if !store.Fault(err) || caller.Err() != nil {
		return nil, err // a wrong question is no failure, and nobody waits any more
	}
	last, stop := context.WithTimeout(caller, lastTimeout)
	defer stop()
	if old := s.known(last, tenant, at, held, (*cell).served); old != nil {
		return s.late(old, tenant), nil // the database took a write of this node and does not give it back
	}
	s.metrics.reads.failed.Inc()
	return nil, err
}

// late is the answer before, marked unless it is the one of now: it may have come meanwhile.
func (s *Service) late(old *Snapshot, tenant models.Tenant) *Snapshot {
	if old.current(tenant) {
		s.metrics.reads.hit.Inc()
		return s.dated(old)
	}
	s.patience.Late()
	s.metrics.reads.stale.Inc()
	return old.asStale(s.age(old))
}

// renewSoon makes the snapshot, and waits for it for a moment only; while loads are late not at all, and then no more
// than maxBehind are made at a time.
func (s *Service) renewSoon(ctx context.Context, tenant models.Tenant, at place) (*Snapshot, error) {
	if s.making.Load() >= maxBehind && s.patience.IsLate() {
		return nil, context.DeadlineExceeded
	}
	ctx, cancel := s.patience.Soon(ctx)
	defer cancel()
	return s.renew(ctx, tenant, at)
}

// age is for how long there may have been something newer than the snapshot.
func (s *Service) age(snap *Snapshot) time.Duration {
	oldest := s.contact.Silence()
	now := s.now()
	for _, l := range snap.chain {
		oldest = max(oldest, l.cell.age(now))
	}
	return oldest
}

// known is the newest answer that can be made without the database; nil when there is none that is as new as the floors.
func (s *Service) known(ctx context.Context, tenant models.Tenant, at place, held *Snapshot, floor func(*cell) int64) *Snapshot {
	if now, ok := s.composed.GetIfPresent(at); ok {
		held = now // it may have come meanwhile
	}
	chain := s.chain(tenant, at.environment)
	floors := make([]int64, len(chain))
	for i, l := range chain {
		floors[i] = floor(l.cell)
	}
	if held != nil && held.tier == tenant.Tier && held.covers(floors) {
		return held
	}
	if names := s.environments.Load(); names == nil || !slices.Contains(*names, at.environment) {
		return nil // whoever makes names up leaves no trace
	}
	ctx, cancel := context.WithTimeout(ctx, knownTimeout)
	defer cancel()
	epoch := s.epoch.Load()
	sets := make([]*configs.LayerSet, len(chain))
	for i, l := range chain {
		if sets[i] = s.knownSet(ctx, l, floors[i]); sets[i] == nil {
			return nil
		}
	}
	made, _, err := s.lay(ctx, epoch, tenant, at, chain, sets)
	if err != nil {
		return nil
	}
	return made
}

// knownSet is the newest layer set that is at hand; nil when there is none as new as the floor.
func (s *Service) knownSet(ctx context.Context, l link, floor int64) *configs.LayerSet {
	if held, ok := s.sets.GetIfPresent(l.key); ok && held.Head.Revision >= floor {
		return held
	}
	return s.fromDisk(ctx, l, floor)
}
