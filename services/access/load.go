package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

const (
	loadTimeout = 3 * time.Second // statements have a shorter bound of their own
	retryAfter  = time.Second     // between loads while Postgres does not answer
	maxOutage   = 24 * time.Hour  // how long a directory known to be old is served then
	maxLoads    = 3               // a load that began after the head was raised is never too old
)

// outage is what the service remembers of loads that fail.
type outage struct {
	since, retry time.Time
}

// Raise notes heads that moved; the directory is never again older than they are.
func (s *Service) Raise(heads []models.Head) {
	for _, h := range heads {
		switch h.Key() {
		case models.HeadKey{TenantID: models.Platform, Environment: models.HeadKeys}:
			raise(&s.keys, h.Revision)
		case models.HeadKey{TenantID: models.Platform, Environment: models.HeadRoles}:
			raise(&s.roles, h.Revision)
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

// Directory is the current picture, not older than any head raised before the call. While Postgres does not answer
// it is the last one known, for up to 24 h; unavailable without one.
func (s *Service) Directory(ctx context.Context) (*Directory, error) {
	keys, roles := s.keys.Load(), s.roles.Load()
	d := s.current.Load()
	if d.covers(keys, roles) {
		return d, nil
	}
	if o := s.failing.Load(); o != nil && d != nil {
		return s.old(ctx, d, o)
	}
	for range maxLoads {
		loaded, err := s.load(ctx)
		if err != nil {
			return s.afterFailure(ctx, err)
		}
		if loaded.covers(keys, roles) {
			return loaded, nil
		}
	}
	return nil, models.Unavailable("the rights of callers are being loaded", time.Second)
}

func (d *Directory) covers(keys, roles int64) bool {
	return d != nil && d.keysHead.Revision >= keys && d.rolesHead.Revision >= roles
}

// old serves the last known directory while Postgres does not answer, and lets one load at a time look whether
// it does again. Nobody waits for that.
func (s *Service) old(ctx context.Context, d *Directory, o *outage) (*Directory, error) {
	now := s.now()
	if now.Sub(o.since) > maxOutage {
		return nil, models.Unavailable("the rights of callers are too old", retryAfter)
	}
	if !now.Before(o.retry) && s.failing.CompareAndSwap(o, &outage{since: o.since, retry: now.Add(retryAfter)}) {
		s.begin(ctx)
	}
	return d, nil
}

// afterFailure falls back to the last known directory, if it is Postgres that fails.
func (s *Service) afterFailure(ctx context.Context, err error) (*Directory, error) {
	o, d := s.failing.Load(), s.current.Load()
	if o == nil || d == nil || ctx.Err() != nil {
		return nil, err
	}
	return s.old(ctx, d, o)
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
		d, err := s.read(ctx)
		s.noteOutcome(ctx, d, err)
		return d, err
	})
}

// noteOutcome installs what was loaded, or remembers since when Postgres does not answer.
func (s *Service) noteOutcome(ctx context.Context, d *Directory, err error) {
	if err == nil {
		s.current.Store(d)
		s.failing.Store(nil)
		return
	}
	s.log.ErrorContext(ctx, "people, bindings and keys cannot be loaded", "error", err)
	var known *models.Error
	if !errors.As(err, &known) || known.Code != models.CodeUnavailable {
		s.failing.Store(nil)
		return
	}
	now := s.now()
	since := now
	if o := s.failing.Load(); o != nil {
		since = o.since
	}
	s.failing.Store(&outage{since: since, retry: now.Add(retryAfter)})
}

// read takes one picture of all control data of access.
func (s *Service) read(ctx context.Context) (*Directory, error) {
	d := &Directory{
		deleted: map[string]bool{}, people: map[string]models.Person{}, logins: map[login]string{}, invited: map[invite][]string{},
		byPerson: map[string][]models.Binding{}, byGroup: map[string][]models.Binding{},
		byKey: map[string][]models.Binding{}, keys: map[string]*heldKey{},
	}
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
		d.people[p.ID] = p
		switch {
		case p.Subject != "":
			d.logins[login{p.Issuer, p.Subject}] = p.ID
		case p.DisabledAt == nil:
			key := invite{p.Issuer, p.Email}
			d.invited[key] = append(d.invited[key], p.ID)
		}
		return nil
	}, `SELECT `+personColumns+` FROM people`)
}

func (d *Directory) readBindings(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		b, err := scanBinding(rows)
		if err != nil {
			return err
		}
		if d.deleted[b.TenantID] {
			return nil
		}
		switch b.SubjectKind {
		case models.SubjectPerson:
			d.byPerson[b.Subject] = append(d.byPerson[b.Subject], b)
		case models.SubjectGroup:
			d.byGroup[b.Subject] = append(d.byGroup[b.Subject], b)
		case models.SubjectKey:
			d.byKey[b.Subject] = append(d.byKey[b.Subject], b)
		}
		return nil
	}, `SELECT `+bindingColumns+` FROM role_bindings ORDER BY tenant_id, id`)
}

func (d *Directory) readKeys(tx *gorm.DB) error {
	return each(tx, func(rows *sql.Rows) error {
		k, err := scanKey(rows)
		if err != nil {
			return err
		}
		held := &heldKey{APIKey: k, closed: d.deleted[k.TenantID]} // its name is still wanted
		copy(held.hash[:], k.SecretHash)
		d.keys[k.ID] = held
		return nil
	}, `SELECT `+keyColumns+` FROM api_keys ORDER BY tenant_id, id`)
}
