package tenants

import (
	"context"
	"errors"
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
	db    *store.DB
	slots sync.Map // tenant id → *slot
	loads singleflight.Group
}

// slot is the place of one tenant. It stays for good: ids are never issued again.
type slot struct {
	wanted atomic.Int64 // the revision of the tenant's head that a reader must at least see
	held   atomic.Pointer[held]
}

// held is a tenant as it was at a revision of its head.
type held struct {
	models.Tenant
	Revision int64
}

// keep takes what was read unless something newer is there already.
func (s *slot) keep(read *held) {
	for {
		old := s.held.Load()
		if old != nil && old.Revision >= read.Revision || s.held.CompareAndSwap(old, read) {
			return
		}
	}
}

// NewDirectory is empty; Load fills it.
func NewDirectory(db *store.DB) *Directory { return &Directory{db: db} }

const directorySQL = `
	SELECT t.tenant_id, t.name, t.tier, t.status, t.version, t.created_at, t.updated_at, coalesce(h.revision, 0) AS revision
	FROM tenants t LEFT JOIN heads h ON h.tenant_id = t.tenant_id AND h.environment = ''`

// Load reads all tenants and layers.
func (d *Directory) Load(ctx context.Context) error {
	var rows []held
	err := d.read(ctx, func(tx *gorm.DB) error { return tx.Raw(directorySQL).Scan(&rows).Error })
	if err != nil {
		return err
	}
	for i := range rows {
		d.slot(rows[i].ID).keep(&rows[i])
	}
	return nil
}

// Raise notes that tenants moved: the next Get reads them anew. Other heads are none of its business.
func (d *Directory) Raise(heads []models.Head) {
	for _, h := range heads {
		if h.Environment != models.HeadTenant {
			continue
		}
		wanted := &d.slot(h.TenantID).wanted
		for old := wanted.Load(); old < h.Revision && !wanted.CompareAndSwap(old, h.Revision); old = wanted.Load() {
		}
	}
}

// Get is the tenant or layer without its metadata; a deleted one has that status, an unknown id is not_found.
// It opens a transaction when it must read, so call it before one, never inside. While Postgres does not
// answer, what was last known of a tenant still holds.
func (d *Directory) Get(ctx context.Context, id string) (models.Tenant, error) {
	want := d.wanted(id) // heads raised from now on are later callers' business
	for range loadTries {
		if t, ok := d.held(id, want); ok {
			return t, nil
		}
		if err := d.load(ctx, id); err != nil {
			return d.lastKnown(id, err)
		}
	}
	return models.Tenant{}, models.Unavailable("the tenant is changing too fast", time.Second)
}

// wanted is the revision that a caller of this moment must at least see.
func (d *Directory) wanted(id string) int64 {
	if s, ok := d.slots.Load(id); ok {
		return s.(*slot).wanted.Load()
	}
	return 0
}

// held is the tenant if it is known, and as new as that.
func (d *Directory) held(id string, revision int64) (models.Tenant, bool) {
	if s, ok := d.slots.Load(id); ok {
		if h := s.(*slot).held.Load(); h != nil && h.Revision >= revision {
			return h.Tenant, true
		}
	}
	return models.Tenant{}, false
}

func (d *Directory) lastKnown(id string, err error) (models.Tenant, error) {
	var known *models.Error
	if s, ok := d.slots.Load(id); ok && errors.As(err, &known) && known.Code == models.CodeUnavailable {
		if h := s.(*slot).held.Load(); h != nil {
			return h.Tenant, nil
		}
	}
	return models.Tenant{}, err
}

// load reads one tenant, once however many wait. The load outlives the caller who happened to begin it.
func (d *Directory) load(ctx context.Context, id string) error {
	done := d.loads.DoChan(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		var rows []held
		err := d.read(ctx, func(tx *gorm.DB) error {
			return tx.Raw(directorySQL+` WHERE t.tenant_id = ?`, id).Scan(&rows).Error
		})
		switch {
		case err != nil:
			return nil, err
		case len(rows) == 0:
			return nil, models.NotFound("tenant")
		}
		d.slot(id).keep(&rows[0])
		return nil, nil
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
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
