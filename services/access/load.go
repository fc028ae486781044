package access

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

const (
	loadTimeout = 3 * time.Second // statements have a shorter bound of their own
	retryAfter  = time.Second     // between loads while Postgres does not answer
	maxLoads    = 3               // a load that began after the head was raised is never too old
)

// bounds are the revisions of both heads.
type bounds struct{ keys, roles atomic.Int64 }

func (b *bounds) raise(heads []models.Head) {
	for _, h := range heads {
		switch h.Key() {
		case models.HeadKey{TenantID: models.Platform, Environment: models.HeadKeys}:
			raise(&b.keys, h.Revision)
		case models.HeadKey{TenantID: models.Platform, Environment: models.HeadRoles}:
			raise(&b.roles, h.Revision)
		}
	}
}

// raise never lowers.
func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to; old = v.Load() {
		if v.CompareAndSwap(old, to) {
			return
		}
	}
}

// Raise notes heads that this node moved: who asks afterwards waits for a directory that is not older, as long as
// Postgres answers.
func (s *Service) Raise(heads []models.Head) {
	s.demanded.raise(heads)
	s.wanted.raise(heads)
}

// Hear notes heads that moved elsewhere: the directory is loaded anew, and the one before serves where that takes long.
func (s *Service) Hear(heads []models.Head) { s.wanted.raise(heads) }

// Anew says that another database took the place of the one before: what was known holds until that one was read.
func (s *Service) Anew() {
	s.epoch.Add(1)
	s.revoked.Store(nil)
	for _, b := range []*bounds{&s.wanted, &s.demanded} {
		b.keys.Store(0)
		b.roles.Store(0)
	}
}

// Refused tells whether this node revoked the key, whatever the directory says yet.
func (s *Service) Refused(keyID string) bool {
	gone := s.revoked.Load()
	return gone != nil && (*gone)[keyID]
}

// refuse makes a key that this node revoked open nothing, though Postgres may not answer any more.
func (s *Service) refuse(keyID string) {
	for {
		old := s.revoked.Load()
		refused := map[string]bool{keyID: true}
		if old != nil {
			maps.Copy(refused, *old)
		}
		if s.revoked.CompareAndSwap(old, &refused) {
			return
		}
	}
}

// Directory is the current picture, not older than any head raised before the call. While Postgres does not answer, or
// not soon, it is the last one known; unavailable without one, or when Postgres was not heard of for too long.
func (s *Service) Directory(ctx context.Context) (*Directory, error) {
	if err := s.contact.Err(); err != nil {
		return nil, err
	}
	epoch, keys, roles := s.epoch.Load(), s.wanted.keys.Load(), s.wanted.roles.Load()
	d := s.current.Load()
	if d.covers(epoch, keys, roles) {
		return d, nil
	}
	if retry := s.failing.Load(); retry != nil && d != nil {
		return s.old(ctx, d, retry), nil
	}
	soon, cancel := ctx, context.CancelFunc(func() {})
	if d.covers(0, s.demanded.keys.Load(), s.demanded.roles.Load()) {
		soon, cancel = s.patience.Soon(ctx)
	}
	defer cancel()
	for range maxLoads {
		loaded, err := s.load(soon)
		switch {
		case err != nil && d != nil && ctx.Err() == nil && store.Unavailable(err):
			s.patience.Late()
			return d, nil
		case err != nil:
			return nil, err
		case loaded.covers(epoch, keys, roles):
			return loaded, nil
		}
	}
	return nil, models.Unavailable("the rights of callers are being loaded", time.Second)
}

// covers tells whether the directory is that of this database, and as new.
func (d *Directory) covers(epoch, keys, roles int64) bool {
	return d != nil && d.epoch >= epoch && d.keysHead.Revision >= keys && d.rolesHead.Revision >= roles
}

// old serves the last known directory while Postgres does not answer, and lets one load at a time look whether
// it does again. Nobody waits for that.
func (s *Service) old(ctx context.Context, d *Directory, retry *time.Time) *Directory {
	now := s.now()
	next := now.Add(retryAfter)
	if !now.Before(*retry) && s.failing.CompareAndSwap(retry, &next) {
		s.begin(ctx)
	}
	return d
}

// load waits for a directory that began to load at or after the call, or the one that is being loaded.
func (s *Service) load(ctx context.Context) (*Directory, error) {
	select {
	case r := <-s.begin(ctx):
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Directory), nil
	case <-ctx.Done():
		return nil, models.Unavailable("the rights of callers are being loaded", time.Second)
	}
}

// begin starts a load unless one is under way. It ends by its own bound, not with the caller who began it.
func (s *Service) begin(ctx context.Context) <-chan singleflight.Result {
	return s.loads.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		ended, epoch := s.patience.Begin(), s.epoch.Load()
		d, err := s.read(ctx)
		ended(err)
		if err == nil {
			d.epoch = epoch
		}
		s.noteOutcome(ctx, d, err)
		return d, err
	})
}

// noteOutcome installs what was loaded, or remembers when to look again at a Postgres that does not answer.
func (s *Service) noteOutcome(ctx context.Context, d *Directory, err error) {
	if err == nil {
		s.current.Store(d)
		s.failing.Store(nil)
		if d.covers(s.epoch.Load(), s.wanted.keys.Load(), s.wanted.roles.Load()) {
			s.revoked.Store(nil)
		}
		return
	}
	s.log.ErrorContext(ctx, "people, bindings and keys cannot be loaded", "error", err)
	if !store.Unavailable(err) {
		s.failing.Store(nil)
		return
	}
	retry := s.now().Add(retryAfter)
	s.failing.Store(&retry)
}

// read takes one picture of all control data of access.
func (s *Service) read(ctx context.Context) (*Directory, error) {
	d := newDirectory()
	ctx = models.WithActor(ctx, models.System(authActor))
	err := s.db.Snapshot(ctx, func(_ context.Context, tx *gorm.DB) error {
		for _, part := range []func(*gorm.DB) error{d.readHeads, d.readDeleted, d.readPeople, d.readBindings, d.readKeys} {
			if err := part(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the directory: %w", err)
	}
	return d, nil
}

func (d *Directory) readHeads(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		h := models.Head{TenantID: models.Platform}
		if err := rows.Scan(&h.Environment, &h.Revision, &h.Token); err != nil {
			return err
		}
		if h.Environment == models.HeadKeys {
			d.keysHead = h
		} else {
			d.rolesHead = h
		}
		return nil
	}, `SELECT environment, revision, token FROM heads WHERE tenant_id = ? AND environment IN (?, ?)`,
		models.Platform, models.HeadKeys, models.HeadRoles)
}

// readDeleted comes before what is left out for it. Who deletes a tenant, or undoes that, moves the heads of keys and
// roles.
func (d *Directory) readDeleted(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		d.deleted[id] = true
		return nil
	}, `SELECT tenant_id FROM tenants WHERE status = 'deleted'`)
}

func (d *Directory) readPeople(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		p, err := scanPerson(rows)
		if err != nil {
			return err
		}
		d.addPerson(p)
		return nil
	}, `SELECT `+personColumns+` FROM people`)
}

func (d *Directory) readBindings(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		b, err := scanBinding(rows)
		if err != nil {
			return err
		}
		d.addBinding(b)
		return nil
	}, `SELECT `+bindingColumns+` FROM role_bindings ORDER BY tenant_id, id`)
}

func (d *Directory) readKeys(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		k, err := scanKey(rows)
		if err != nil {
			return err
		}
		d.addKey(k)
		return nil
	}, `SELECT `+keyColumns+` FROM api_keys ORDER BY tenant_id, id`)
}
