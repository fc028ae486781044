package tenants

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

const (
	// loadTimeout bounds one load, whoever waits for it.
	loadTimeout = 2 * time.Second
	// loadTries is how often a load is repeated that came back older than a head already raised.
	loadTries = 3
)

// Directory holds tier, status and name of every tenant and layer in memory, for the read plane and for
// chains. A known tenant is read without a lock.
type Directory struct {
	db       *store.DB
	slots    sync.Map // tenant id → *slot
	loads    singleflight.Group
	patience store.Patience

	contact *store.Contact // how long what is known here is honoured
	epoch   atomic.Int64   // counts the databases that took the place of another
	moves   atomic.Int64   // counts what was taken in
}

// slot is the place of one tenant. It stays for good: ids are never issued again.
type slot struct {
	wanted   atomic.Int64 // the revision of the tenant's head that a reader should see
	demanded atomic.Int64 // the one that a reader must see
	held     atomic.Pointer[held]
}

// held is a tenant as it was at a revision of its head.
type held struct {
	models.Tenant
	Revision int64
	Epoch    int64 `gorm:"-"` // of the database that it was read from
}

// covers tells whether the tenant is that of this database, and as new.
func (h *held) covers(epoch, revision int64) bool {
	return h != nil && h.Epoch >= epoch && h.Revision >= revision
}

// keep takes what was read unless something newer is there already.
func (s *slot) keep(read *held) {
	for {
		old := s.held.Load()
		if old.covers(read.Epoch, read.Revision) || old != nil && old.Epoch > read.Epoch || s.held.CompareAndSwap(old, read) {
			return
		}
	}
}

// NewDirectory is empty; Load fills it. It honours what it knows as long as the contact lasts; nil: for good.
func NewDirectory(db *store.DB, contact *store.Contact) *Directory {
	return &Directory{db: db, contact: contact}
}

const directorySQL = `
	SELECT t.tenant_id, t.name, t.tier, t.status, t.version, t.created_at, t.updated_at, coalesce(h.revision, 0) AS revision
	FROM tenants t LEFT JOIN heads h ON h.tenant_id = t.tenant_id AND h.environment = ''`

// Load reads all tenants and layers. Those that a database before this one had are forgotten.
func (d *Directory) Load(ctx context.Context) error {
	var rows []held
	epoch := d.epoch.Load()
	err := d.read(ctx, func(tx *gorm.DB) error { return tx.Raw(directorySQL).Scan(&rows).Error })
	if err != nil {
		return err
	}
	for i := range rows {
		d.take(&rows[i], epoch)
	}
	d.slots.Range(func(id, s any) bool {
		if h := s.(*slot).held.Load(); h != nil && h.Epoch < epoch {
			d.slots.Delete(id)
		}
		return true
	})
	return nil
}

func (d *Directory) take(read *held, epoch int64) {
	read.Epoch = epoch
	d.slot(read.ID).keep(read)
	d.moves.Add(1)
}

// Raise notes that tenants moved by a commit of this node: no Get is older than that. Other heads are none of its
// business.
func (d *Directory) Raise(heads []models.Head) {
	for _, h := range heads {
		if h.Environment == models.HeadTenant {
			s := d.slot(h.TenantID)
			raise(&s.demanded, h.Revision)
			raise(&s.wanted, h.Revision)
		}
	}
}

// Hear notes that tenants moved elsewhere: the next Get reads them anew, and serves what was known before when that
// takes long.
func (d *Directory) Hear(heads []models.Head) {
	for _, h := range heads {
		if h.Environment == models.HeadTenant {
			raise(&d.slot(h.TenantID).wanted, h.Revision)
		}
	}
}

// raise never lowers.
func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to && !v.CompareAndSwap(old, to); old = v.Load() {
	}
}

// Anew says that another database took the place of the one before: nothing that is known holds for certain.
func (d *Directory) Anew(ctx context.Context) error {
	d.epoch.Add(1)
	d.slots.Range(func(_, s any) bool {
		s.(*slot).wanted.Store(0)
		s.(*slot).demanded.Store(0)
		return true
	})
	return d.Load(ctx)
}

// Get is the tenant or layer without its metadata; a deleted one has that status, an unknown id is not_found.
// It opens a transaction when it must read, so call it before one, never inside. While Postgres does not
// answer, or not soon, what was last known of a tenant still holds, unless this node itself wrote something newer.
func (d *Directory) Get(ctx context.Context, id string) (models.Tenant, error) {
	if err := d.contact.Err(); err != nil {
		return models.Tenant{}, err
	}
	epoch, want := d.epoch.Load(), int64(0) // heads raised from now on are later callers' business
	var known *held
	if s, ok := d.slots.Load(id); ok {
		want, known = s.(*slot).wanted.Load(), s.(*slot).held.Load()
		if known.covers(epoch, want) {
			return known.Tenant, nil
		}
		if known != nil && known.Revision < s.(*slot).demanded.Load() {
			known = nil
		}
	}
	return d.renewed(ctx, id, known, epoch, want)
}

// Known is the tenant or layer as it is known here, which may be old.
func (d *Directory) Known(id string) (models.Tenant, bool) {
	if s, ok := d.slots.Load(id); ok {
		if h := s.(*slot).held.Load(); h != nil {
			return h.Tenant, true
		}
	}
	return models.Tenant{}, false
}

// renewed reads a tenant that is not known well enough. What is known serves while that fails or takes long.
func (d *Directory) renewed(ctx context.Context, id string, known *held, epoch, want int64) (models.Tenant, error) {
	soon, cancel := ctx, context.CancelFunc(func() {})
	if known != nil {
		soon, cancel = d.patience.Soon(ctx)
	}
	defer cancel()
	for range loadTries {
		err := d.load(soon, id)
		switch {
		case err == nil:
		case known != nil && ctx.Err() == nil && store.Unavailable(err):
			d.patience.Late()
			return known.Tenant, nil
		default:
			return models.Tenant{}, err
		}
		if s, ok := d.slots.Load(id); ok {
			if h := s.(*slot).held.Load(); h.covers(epoch, want) {
				return h.Tenant, nil
			}
		}
	}
	return models.Tenant{}, models.Unavailable("the tenant is changing too fast", time.Second)
}

// load reads one tenant, once however many wait. The load outlives the caller who happened to begin it.
func (d *Directory) load(ctx context.Context, id string) error {
	done := d.loads.DoChan(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		ended := d.patience.Begin()
		err := d.loadNow(ctx, id)
		ended(err)
		return nil, err
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Directory) loadNow(ctx context.Context, id string) error {
	var rows []held
	epoch := d.epoch.Load()
	err := d.read(ctx, func(tx *gorm.DB) error {
		return tx.Raw(directorySQL+` WHERE t.tenant_id = ?`, id).Scan(&rows).Error
	})
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return models.NotFound("tenant")
	}
	d.take(&rows[0], epoch)
	return nil
}

func (d *Directory) read(ctx context.Context, fn func(*gorm.DB) error) error {
	ctx = models.WithActor(ctx, models.System("scan"))
	return d.db.Snapshot(ctx, func(_ context.Context, tx *gorm.DB) error { return fn(tx) })
}

func (d *Directory) slot(id string) *slot {
	if s, ok := d.slots.Load(id); ok {
		return s.(*slot)
	}
	s, _ := d.slots.LoadOrStore(id, &slot{})
	return s.(*slot)
}
