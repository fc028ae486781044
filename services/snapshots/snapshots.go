// Package snapshots is the read plane: heads and layer sets in memory, and every tenant's resolved answer made
// of them. It needs Postgres, or Redis, for what is not in memory yet, and for nothing else.
package snapshots

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/statedir"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

const (
	// loadTimeout bounds one load, whoever waits for it.
	loadTimeout = 2 * time.Second
	// tries is how often a load or a composition is repeated that came back older than it must be.
	tries = 4
)

// Options are what the read plane is made of.
type Options struct {
	DB       *store.DB
	Tenants  *tenants.Directory
	Secrets  *secrets.Service // opens sensitive values, and seals what leaves the database
	Redis    *Redis           // nil: nodes share nothing beside Postgres
	MaxBytes int64            // of layer sets and snapshots in memory, roughly
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Now      func() time.Time
	Contact  *store.Contact        // how long what is known is honoured; the scan sets it. nil: for good
	State    *statedir.Dir         // where to keep layer sets; nil: nowhere
	Anew     func(context.Context) // told that another database took the place of the one before; may be nil

	// Overlays are what deployments on their way put over a layer in an environment, by their ids, as they are when
	// the layer set is loaded. A deployment moves the head when it begins and when it ends. Nil: there are none.
	Overlays func(models.HeadKey) []*configs.Overlay
}

// Service answers resolved reads.
type Service struct {
	db       *store.DB
	tenants  *tenants.Directory
	secrets  *secrets.Service
	log      *slog.Logger
	metrics  metrics
	now      func() time.Time
	vitals   vitals
	contact  *store.Contact
	patience store.Patience
	making   atomic.Int64 // snapshots that are being made

	heads        heads
	cursor       string                   // of the scan: transactions below it are all known
	epoch        atomic.Pointer[string]   // tells one database from another that took its place
	turning      sync.RWMutex             // held while one epoch follows another
	environments atomic.Pointer[[]string] // in their order
	progress     progresses
	packers      packers
	deployed     func(models.HeadKey) []*configs.Overlay // nil: nothing is rolled out in steps
	sets         *otter.Cache[models.HeadKey, *configs.LayerSet]
	composed     *otter.Cache[place, *Snapshot]
	loads        singleflight.Group // of layer sets
	makes        singleflight.Group // of snapshots

	redis         *Redis              // nil without one
	wake          chan struct{}       // asks for a scan now
	renewals      chan models.HeadKey // sets that a commit here made old
	announcements chan []models.Head  // commits that the other nodes shall hear of
	blobJobs      chan blobJob
	hub           *hub
	anew          func(context.Context)

	disk       *disk       // nil without a state directory
	keepFails  atomic.Bool // so that it is said once
	fromKept   bool        // of the scan: the node began with what it had kept, and has not heard of its database since
	keptCursor string
	seenCursor atomic.Pointer[string] // the scan's cursor, for who keeps it
}

// Ask is what somebody reads.
type Ask struct {
	TenantID, Environment string
	Unit                  string // who reads, such as an instance or a user; decides on the side of deployments in steps; may be empty
	InClear               bool   // with sensitive values; the caller has checked the right to
}

// place addresses a snapshot.
type place struct {
	tenantID, environment string
	inClear               bool
	sides                 sides
}

// New has nothing in memory yet; Load fills in what every read needs.
func New(o Options) (*Service, error) {
	half := uint64(max(o.MaxBytes, 2)) / 2
	sets, err := otter.New(&otter.Options[models.HeadKey, *configs.LayerSet]{
		MaximumWeight: half,
		Weigher:       func(_ models.HeadKey, s *configs.LayerSet) uint32 { return weight(s.Bytes()) },
	})
	if err != nil {
		return nil, fmt.Errorf("cache of layer sets: %w", err)
	}
	composed, err := otter.New(&otter.Options[place, *Snapshot]{
		MaximumWeight: half,
		Weigher:       func(_ place, s *Snapshot) uint32 { return weight(s.bytes()) },
	})
	if err != nil {
		return nil, fmt.Errorf("cache of snapshots: %w", err)
	}
	if (o.Redis != nil || o.State != nil) && o.Secrets == nil {
		return nil, errors.New("nothing goes to Redis or to a disk that is not sealed")
	}
	s := &Service{db: o.DB, tenants: o.Tenants, secrets: o.Secrets, log: o.Log, now: o.Now, sets: sets, composed: composed, redis: o.Redis, deployed: o.Overlays}
	s.contact, s.anew, s.disk = o.Contact, o.Anew, newDisk(o.State)
	s.wake, s.renewals = make(chan struct{}, 1), make(chan models.HeadKey, renewalQueue)
	s.announcements, s.blobJobs = make(chan []models.Head, noticeQueue), make(chan blobJob, blobQueue)
	s.metrics = newMetrics(o.Metrics, s)
	s.hub = newHub(s)
	return s, nil
}

func weight(bytes int) uint32 { return uint32(min(bytes, 1<<31)) } //nolint:gosec // bounded by what a layer may hold

// Raise notes heads that this node moved: no later Get is older. Older heads change nothing.
func (s *Service) Raise(moved []models.Head) {
	for _, h := range moved {
		s.heads.at(h.Key()).demand(h.Revision)
	}
	s.Hear(moved)
}

// Hear notes heads that moved elsewhere: what was known before them is served where the load takes long.
func (s *Service) Hear(moved []models.Head) {
	now := s.now()
	for _, h := range moved {
		if s.heads.at(h.Key()).raise(h, now) {
			s.hub.note(h.Key())
		}
	}
}

// Get is a tenant's resolved values in an environment, not older than the heads known when it is called;
// with sensitive values in clear, or without them. forbidden: the tenant is suspended; not_found: it is
// unknown or deleted; invalid: no such environment; unavailable: nothing is known that could be served. While a load
// fails or takes more than a moment, the previous snapshot is served and says that it is stale, unless this node itself
// wrote something newer. The caller has checked the actor's rights.
func (s *Service) Get(ctx context.Context, ask Ask) (*Snapshot, error) {
	if err := s.contact.Err(); err != nil {
		s.metrics.reads.failed.Inc()
		return nil, err
	}
	tenant, err := s.tenants.Get(ctx, ask.TenantID)
	if err != nil {
		return nil, err
	}
	switch tenant.Status {
	case models.TenantSuspended:
		return nil, models.Forbidden("the tenant is suspended")
	case models.TenantDeleted:
		return nil, models.NotFound("tenant")
	case models.TenantActive:
	}
	return s.onSide(ctx, tenant, ask)
}

// onSide is the snapshot for those on the reader's side of each overlay. Where there are any, the one of the stable
// sides tells of them.
func (s *Service) onSide(ctx context.Context, tenant models.Tenant, ask Ask) (*Snapshot, error) {
	at := place{tenantID: ask.TenantID, environment: ask.Environment, inClear: ask.InClear}
	for range tries {
		got, err := s.get(ctx, tenant, at)
		if err != nil || len(got.overlays) == 0 {
			return got, err
		}
		if at.sides = sidesOf(got.overlays, ask.TenantID, ask.Unit); at.sides == got.place.sides {
			return got, nil
		}
	}
	return nil, models.Unavailable("the values are changing too fast", time.Second)
}

// get is the snapshot of a place, made anew if it is older than its heads.
func (s *Service) get(ctx context.Context, tenant models.Tenant, at place) (*Snapshot, error) {
	held, ok := s.composed.GetIfPresent(at)
	if ok && held.current(tenant) {
		s.metrics.reads.hit.Inc()
		return s.dated(held), nil
	}
	return s.renewed(ctx, tenant, at, held)
}

// renew makes the snapshot, once however many wait. One that was begun before this call may be older than
// the heads known now: then it is made again.
func (s *Service) renew(ctx context.Context, tenant models.Tenant, at place) (*Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	if err := s.CheckEnvironment(ctx, at.environment); err != nil {
		return nil, err
	}
	chain := s.chain(tenant, at.environment)
	wanted := revisions(chain)
	for range tries {
		key := fmt.Sprint(s.epochName(), " ", at.tenantID, " ", tenant.Tier, " ", at.environment, " ", at.inClear, " ", at.sides)
		made, err := once(ctx, &s.makes, key, func(ctx context.Context) (*Snapshot, error) {
			s.making.Add(1)
			defer s.making.Add(-1)
			return s.compose(ctx, tenant, at)
		})
		if err != nil {
			return nil, err
		}
		if made.covers(wanted) {
			return made, nil
		}
	}
	return nil, models.Unavailable("the values are changing too fast", time.Second)
}

// epochName keeps what is loaded of one database from those who ask for another's.
func (s *Service) epochName() string {
	if name := s.epoch.Load(); name != nil {
		return *name
	}
	return ""
}

// link is one layer of a chain with the cell of its head.
type link struct {
	key  models.HeadKey
	cell *cell
}

func (s *Service) chain(t models.Tenant, environment string) []link {
	layers := t.Chain()
	out := make([]link, len(layers))
	for i, layer := range layers {
		key := models.HeadKey{TenantID: layer, Environment: environment}
		out[i] = link{key, s.heads.at(key)}
	}
	return out
}

func revisions(chain []link) []int64 {
	out := make([]int64, len(chain))
	for i, l := range chain {
		out[i] = l.cell.get().Revision
	}
	return out
}

// compose gets the layer sets of the chain and makes the snapshot of them.
func (s *Service) compose(ctx context.Context, tenant models.Tenant, at place) (*Snapshot, error) {
	epoch := s.epoch.Load()
	chain := s.chain(tenant, at.environment)
	sets, err := s.setsOf(ctx, chain)
	if err != nil {
		return nil, err
	}
	made, unopened, err := s.lay(ctx, epoch, tenant, at, chain, sets)
	s.metrics.unopened.Add(float64(unopened))
	return made, err
}

// lay makes the snapshot of the sets, which belong to the links of the chain, and keeps it. It counts what did not open.
func (s *Service) lay(ctx context.Context, epoch *string, tenant models.Tenant, at place, chain []link, sets []*configs.LayerSet) (made *Snapshot, unopened int, err error) {
	got, err := s.readable(ctx, configs.Resolve(at.sides.seen(sets)), at.inClear)
	if err != nil {
		return nil, 0, err
	}
	made = s.newSnapshot(tenant, at, chain, sets, got)
	s.metrics.composes.Inc()
	s.keep(epoch, at, made)
	return made, got.unopened, nil
}

// setsOf are the layer sets of the links, each at least as new as its head that is known now.
func (s *Service) setsOf(ctx context.Context, chain []link) ([]*configs.LayerSet, error) {
	sets := make([]*configs.LayerSet, len(chain))
	for i, l := range chain {
		set, err := s.set(ctx, l)
		if err != nil {
			return nil, err
		}
		sets[i] = set
	}
	return sets, nil
}

// keep holds the snapshot for later, unless a newer one is there already or it is of a database that is gone.
func (s *Service) keep(epoch *string, at place, made *Snapshot) {
	s.turning.RLock()
	defer s.turning.RUnlock()
	if s.epoch.Load() != epoch {
		return
	}
	s.composed.Compute(at, func(old *Snapshot, found bool) (*Snapshot, otter.ComputeOp) {
		if found && old.tier == made.tier && !made.covers(old.revisions) {
			return old, otter.CancelOp
		}
		return made, otter.WriteOp
	})
}

// set is a layer set at least as new as the head that is known now.
func (s *Service) set(ctx context.Context, l link) (*configs.LayerSet, error) {
	wanted := l.cell.get().Revision
	for range tries {
		if held, ok := s.sets.GetIfPresent(l.key); ok && held.Head.Revision >= wanted {
			s.metrics.hits.Inc()
			return held, nil
		}
		loaded, err := once(ctx, &s.loads, s.epochName()+" "+l.key.TenantID+" "+l.key.Environment, func(ctx context.Context) (*configs.LayerSet, error) {
			return s.load(ctx, l)
		})
		if err != nil {
			return nil, err
		}
		if loaded.Head.Revision >= wanted {
			return loaded, nil
		}
	}
	return nil, models.Unavailable("the values are changing too fast", time.Second)
}

// load gets a layer set: that of the head known here from Redis, else the one of now from Postgres, which bears the
// head that was read with it and may be newer.
func (s *Service) load(ctx context.Context, l link) (*configs.LayerSet, error) {
	epoch := s.epoch.Load()
	if set := s.shared(ctx, epoch, l.cell.get()); set != nil {
		s.install(epoch, l, set)
		return set, nil
	}
	ended := s.patience.Begin()
	loaded, err := configs.LoadLayerSet(ctx, s.db, l.key.TenantID, l.key.Environment)
	ended(err)
	if err != nil {
		s.metrics.loads.failed.Inc()
		return nil, err
	}
	s.metrics.loads.ok.Inc()
	if s.deployed != nil {
		loaded.Overlays = s.deployed(l.key)
	}
	s.install(epoch, l, loaded)
	s.share(epoch, loaded)
	return loaded, nil
}

// install holds the set for later, unless a newer one is there already or it is of a database that is gone.
func (s *Service) install(epoch *string, l link, set *configs.LayerSet) {
	s.turning.RLock()
	defer s.turning.RUnlock()
	if s.epoch.Load() != epoch {
		return
	}
	s.sets.Compute(l.key, func(old *configs.LayerSet, found bool) (*configs.LayerSet, otter.ComputeOp) {
		if found && old.Head.Revision > set.Head.Revision {
			return old, otter.CancelOp
		}
		return set, otter.WriteOp
	})
	if l.cell.raise(set.Head, s.now()) {
		s.hub.note(l.key) // it is no news any more when the scan finds it
	}
	l.cell.came(set.Head.Revision)
	s.disk.note(l.key)
}

// once does the work for all who ask at the same time. It outlives the caller who happened to begin it, and
// a caller who leaves does not wait.
func once[T any](ctx context.Context, group *singleflight.Group, key string, work func(context.Context) (*T, error)) (*T, error) {
	done := group.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return work(ctx)
	})
	select {
	case result := <-done:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*T), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func isUnavailable(err error) bool { return store.Unavailable(err) }
