package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// The actions of this package in the audit log.
const (
	ActionRotate = "secret.rotate"
	ActionRewrap = "secret.rewrap"
	ActionShred  = "secret.shred"
)

const (
	// maxKeys bounds a keyset: some key management services wrap 4 KiB and no more.
	maxKeys = 20
	// pageOfKeys is how many data keys are listed at a time.
	pageOfKeys = 500
)

// Rotated tells what a rotation did.
type Rotated struct {
	Keys     int // data keys that got a successor
	Values   int // values that were sealed anew
	Unopened int // values that did not open and stay as they are
	Dropped  int // keys that sealed nothing any more and are gone
}

func (r *Rotated) add(other Rotated) {
	r.Keys, r.Values = r.Keys+other.Keys, r.Values+other.Values
	r.Unopened, r.Dropped = r.Unopened+other.Unopened, r.Dropped+other.Dropped
}

// Rotate gives a tenant or layer a new data key and seals all its values anew, in short transactions: reads and writes go
// on meanwhile. The key it replaces still opens, and is dropped by the first rotation more than 24 h later. A rotation
// that was cut off is finished by the next. forbidden without the right over the platform; not_found: there is no data
// key; conflict: it was destroyed, or is being rotated, or was rotated 20 times within 24 h.
func (s *Service) Rotate(ctx context.Context, tenantID string) (done Rotated, err error) {
	if err := mayManage(ctx); err != nil {
		return done, err
	}
	row, err := s.existing(ctx, tenantID)
	if err != nil {
		return done, err
	}
	old, err := s.unwrap(ctx, tenantID, row)
	if err != nil {
		return done, err
	}
	next, err := old.rotated()
	if err != nil {
		return done, err
	}
	if err = s.replace(ctx, tenantID, next, rewrite{action: ActionRotate, rotates: true}); err != nil {
		return done, err
	}
	done.Keys = 1
	if err := s.reseal(ctx, tenantID, next, &done); err != nil || !row.Settled {
		return done, err
	}
	done.Dropped, err = s.drop(ctx, tenantID, next, old.primary())
	return done, err
}

// RotateAll is Rotate for every tenant and layer that has a data key. It goes on where one fails and returns what
// failed.
func (s *Service) RotateAll(ctx context.Context) (done Rotated, err error) {
	var failed []error
	err = s.each(ctx, func(tenantID string) {
		one, err := s.Rotate(ctx, tenantID)
		done.add(one)
		if err != nil {
			failed = append(failed, fmt.Errorf("rotate the data key of %s: %w", tenantID, err))
		}
	})
	return done, errors.Join(append(failed, err)...)
}

func mayManage(ctx context.Context) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	return actor.Require(models.PermManagePlatform, "tenant", models.Platform, "")
}

// each calls fn with all tenants and layers whose data key was not destroyed, in order.
func (s *Service) each(ctx context.Context, fn func(tenantID string)) error {
	for after := ""; ; {
		var page []string
		err := s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
			return tx.Raw(`SELECT tenant_id FROM tenant_keys WHERE tenant_id > ? AND destroyed_at IS NULL ORDER BY tenant_id LIMIT ?`,
				after, pageOfKeys).Scan(&page).Error
		})
		if err != nil {
			return err
		}
		for _, tenantID := range page {
			fn(tenantID)
		}
		if len(page) < pageOfKeys {
			return nil
		}
		after = page[len(page)-1]
	}
}

// existing reads a data key that is there.
func (s *Service) existing(ctx context.Context, tenantID string) (wrapped, error) {
	row, found, err := s.read(ctx, tenantID)
	switch {
	case err != nil:
		return row, err
	case !found:
		return row, models.NotFound("data key")
	case row.Keyset == nil:
		return row, destroyed()
	default:
		return row, nil
	}
}

// rotated is the ring with another key that seals from now on.
func (r *ring) rotated() (*ring, error) {
	if len(r.ids) >= maxKeys {
		return nil, models.Conflict("the data key was rotated too often within 24 hours")
	}
	manager := keyset.NewManagerFromHandle(r.handle)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a data key: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("make a data key: %w", err)
	}
	return r.with(manager)
}

func (r *ring) with(manager *keyset.Manager) (*ring, error) {
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("make a data key: %w", err)
	}
	return ringOf(handle, r.commitment, r.version)
}

// primary is the id of the key that seals.
func (r *ring) primary() uint32 { return r.handle.KeysetInfo().GetPrimaryKeyId() }

// rewrite is how a row of tenant_keys is written again.
type rewrite struct {
	action  string // for the audit log; empty for what belongs to an act that is there already
	rotates bool
}

// replace writes a tenant's data key again, if nobody else did since it was read, and keeps it in memory.
func (s *Service) replace(ctx context.Context, tenantID string, r *ring, c rewrite) error {
	row, err := s.wrap(ctx, tenantID, r) // no call of a key management service inside the transaction
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		written := tx.Exec(`
			UPDATE tenant_keys SET master = ?, keyset = ?, commitment = ?, version = version + 1,
			       rotated_at = CASE WHEN ? THEN clock_timestamp() ELSE rotated_at END
			WHERE tenant_id = ? AND version = ? AND destroyed_at IS NULL`,
			row.Master, row.Keyset, row.Commitment, c.rotates, tenantID, r.version)
		switch {
		case written.Error != nil:
			return written.Error
		case written.RowsAffected == 0:
			return models.Conflict("someone else is at this data key")
		case c.action == "":
			return nil
		}
		after, err := models.Canonical(map[string]any{"keys": len(r.ids), "master": row.Master})
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, tenantID, s.now(), models.Act{Action: c.action, Resource: "tenant/" + tenantID, After: after})
	})
	if err == nil {
		r.version++
		s.rings.Set(tenantID, r)
	}
	return err
}

// Rewrap wraps all data keys by this service's master key that another one wraps, and returns how many. Nothing is
// sealed anew. It goes on where one fails and returns what failed. forbidden without the right over the platform.
func (s *Service) Rewrap(ctx context.Context, from *Master) (rewrapped int, err error) {
	if err := mayManage(ctx); err != nil {
		return 0, err
	}
	var failed []error
	err = s.each(ctx, func(tenantID string) {
		did, err := s.rewrap(ctx, tenantID, from)
		if err != nil {
			failed = append(failed, fmt.Errorf("rewrap the data key of %s: %w", tenantID, err))
		} else if did {
			rewrapped++
		}
	})
	return rewrapped, errors.Join(append(failed, err)...)
}

func (s *Service) rewrap(ctx context.Context, tenantID string, from *Master) (bool, error) {
	row, err := s.existing(ctx, tenantID)
	if err != nil || row.Master == s.master.name {
		return false, err
	}
	r, err := unwrap(ctx, from, tenantID, row)
	if err != nil {
		return false, err
	}
	err = s.replace(ctx, tenantID, r, rewrite{action: ActionRewrap})
	return err == nil, err
}
