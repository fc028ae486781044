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
	if err := succeed(tx, before, &t, &at); err != nil {
		return act, err
	}
	act.After = document(t)
	return act, store.MoveHead(ctx, tx, id, models.HeadTenant)
}
