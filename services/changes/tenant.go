package changes

import (
	"context"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Suspend ends a tenant's reads: at once where no environment has stages, else as a change that waits. forbidden for all
// but managers of tenants; conflict: the tenant is not active. See Submit for its other errors.
func (s *Service) Suspend(ctx context.Context, tenantID, reason string) (Outcome, error) {
	return s.move(ctx, tenantID, reason, Edit{Op: models.OpSuspend})
}

// Retier moves a tenant to another tier, named by name or slug: at once where no environment has stages in either tier,
// else as a change that waits. invalid at /tier: there is none; conflict: the tenant is in it, or holds values that do
// not satisfy its definitions. See Suspend for its other errors.
func (s *Service) Retier(ctx context.Context, tenantID, tier, reason string) (Outcome, error) {
	return s.move(ctx, tenantID, reason, Edit{Op: models.OpRetier, Value: models.Text(tier)})
}

// move is a change of the tenant itself: it belongs to the last environment, since it touches them all.
func (s *Service) move(ctx context.Context, tenantID, reason string, e Edit) (Outcome, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return Outcome{}, models.Unauthenticated()
	}
	d := Draft{TenantID: tenantID, Reason: reason, Origin: models.OriginEdit, Pointer: Single, Items: []Edit{e}}
	if err := d.may(actor, tenantID, ""); err != nil {
		return Outcome{}, err
	}
	err := s.DB.Look(ctx, store.Statement{
		SQL: `SELECT name FROM environments ORDER BY position DESC, name DESC LIMIT 1`, Args: map[string]any{}, Into: []any{&d.Environment},
	})
	if err != nil {
		return Outcome{}, err
	}
	return s.Submit(ctx, d)
}

// mayMove tells whether the actor decides on the life of tenants. A tenant's own admin does not.
func mayMove(by models.Actor, what, tenantID string) error {
	switch {
	case by.Everywhere(models.PermManageTenants, models.Platform):
		return nil
	case by.Sees(tenantID):
		return models.Forbidden("this needs the permission " + string(models.PermManageTenants) + " on the platform")
	default:
		return models.NotFound(what)
	}
}

// nameTier gives a change of tier the name that the tier's members hold. invalid: there is no such tier, or the change is
// one of a layer.
func (s *Service) nameTier(ctx context.Context, d *Draft) error {
	for i, e := range d.Items {
		if !e.Op.OnTenant() {
			continue
		}
		if models.IsLayer(d.TenantID) {
			return models.Invalid(d.Pointer(i)+"/op", "a layer has no tier and is always active")
		}
		if e.Op != models.OpRetier {
			continue
		}
		name, ok := e.Value.Text()
		if !ok {
			return models.Invalid(d.Pointer(i)+"/value", "the name of a tier")
		}
		tier, err := s.Tenants.Tier(ctx, name)
		if err != nil {
			return err
		}
		d.Items[i].Value = models.Text(tier.Name)
	}
	return nil
}
