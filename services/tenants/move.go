package tenants

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// The audit actions of what changes do to tenants.
const (
	actionRetier  = "tenant.retier"
	actionSuspend = "tenant.suspend"
)

// Move carries out an item of a change that moves the tenant itself, models.OpRetier or models.OpSuspend, in the
// transaction that holds the locks of its chain. It returns what happened, for the audit log.
func (s *Service) Move(ctx context.Context, tx *gorm.DB, i models.Item, id string, at time.Time) (models.Act, error) {
	before, err := Read(tx, id)
	if err != nil {
		return models.Act{}, err
	}
	t, act := before, models.Act{Action: actionSuspend, Resource: "tenant/" + id, Before: document(before)}
	if i.Op == models.OpSuspend {
		t.Status = models.TenantSuspended
	} else {
		act.Action = actionRetier
		t.Tier, _ = i.Value.Text()
	}
	ended, err := endVersionAt(tx, before, at)
	if err != nil {
		return act, err
	}
	t.Version, t.UpdatedAt, act.After = before.Version+1, ended, document(t)
	err = tx.Exec(`UPDATE tenants SET status = ?, tier = ?, version = ?, updated_at = ? WHERE tenant_id = ?`,
		t.Status, t.Tier, t.Version, ended, id).Error
	if err != nil {
		return act, err
	}
	if err := writeVersion(tx, t, ended); err != nil {
		return act, err
	}
	return act, store.MoveHead(ctx, tx, id, models.HeadTenant)
}

// endVersionAt ends the live version at that instant, but never before the version began, and returns when.
func endVersionAt(tx *gorm.DB, t models.Tenant, at time.Time) (ended time.Time, err error) {
	err = tx.Raw(`
		UPDATE tenant_versions SET live_to = greatest(?::timestamptz, live_from + interval '1 microsecond')
		WHERE tenant_id = ? AND version = ? RETURNING live_to`, at, t.ID, t.Version).Row().Scan(&ended)
	return ended.UTC(), err
}
