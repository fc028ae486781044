package secrets

import (
	"context"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// destroyed says that there is nothing left to open and nothing will be sealed.
func destroyed() error { return models.Conflict("the secrets of this tenant were destroyed") }

// Shredding destroys a tenant's data key in the transaction of the caller, who then moves the tenant's heads: that is
// how nodes hear of it. What was sealed under the key never opens again, but where a backup of before is restored, and the
// tenant gets no other key.
func Shredding(tenantID string) store.Statement {
	return store.Statement{
		SQL: `
			INSERT INTO tenant_keys AS k (tenant_id, master, destroyed_at) VALUES (@tenant, '', clock_timestamp())
			ON CONFLICT (tenant_id) DO UPDATE SET keyset = NULL, commitment = NULL, version = k.version + 1,
			  destroyed_at = coalesce(k.destroyed_at, EXCLUDED.destroyed_at)`,
		Args: map[string]any{"tenant": tenantID}, Rows: 1,
	}
}

// Shred destroys a tenant's data key at once. forbidden without the right over the platform; not_found: there is no such
// tenant; invalid: it is a layer, whose secrets others inherit; conflict: it was done before.
func (s *Service) Shred(ctx context.Context, tenantID string) error {
	if err := mayManage(ctx); err != nil {
		return err
	}
	if models.IsLayer(tenantID) {
		return models.Invalid("/tenantId", "the secrets of a layer cannot be destroyed")
	}
	row, found, err := s.read(ctx, tenantID)
	if err != nil {
		return err
	}
	if found && row.Keyset == nil {
		return destroyed()
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := store.Send(ctx, Shredding(tenantID)); err != nil {
			return noTenant(err)
		}
		if err := moveHeads(ctx, tx, tenantID); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, tenantID, s.now(), models.Act{Action: ActionShred, Resource: "tenant/" + tenantID})
	})
	if err == nil {
		s.Forget(tenantID)
	}
	return err
}

// moveHeads makes every node compose the tenant's answers anew.
func moveHeads(ctx context.Context, tx *gorm.DB, tenantID string) error {
	var environments []string
	err := tx.Raw(`SELECT environment FROM heads WHERE tenant_id = ? ORDER BY environment`, tenantID).Scan(&environments).Error
	if err != nil {
		return err
	}
	for _, e := range environments {
		if err := store.MoveHead(ctx, tx, tenantID, e); err != nil {
			return err
		}
	}
	return nil
}
