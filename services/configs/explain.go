package configs

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
)

// ExplainIn asks why a key has its value.
type ExplainIn struct {
	TenantID    string // a tenant or layer
	Environment string
	Key         string
	At          *time.Time // nil for now
}

// Explanation is a resolved value with all that stands behind it.
type Explanation struct {
	Key        string
	Type       models.ValueType
	Sensitive  bool
	Definition *models.Definition // the one that counts; nil for none

	KeyPlace
}

// Explain tells what a key comes to in one environment, now or at an instant, and why. not_found: there is no such
// tenant, or the key has no value; invalid: there is no such environment, or the instant is still to come.
func (s *Service) Explain(ctx context.Context, in ExplainIn) (e Explanation, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return e, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", in.TenantID, in.Environment); err != nil {
		return e, err
	}
	switch "" {
	case in.Environment:
		return e, models.Invalid("/environment", "an environment is required")
	case in.Key:
		return e, models.Invalid("/key", "a key is required")
	}
	view := KeyView{Key: in.Key}
	err = s.db.Snapshot(ctx, func(ctx context.Context, tx *gorm.DB) error { return view.explain(ctx, tx, in, actor) })
	if err != nil {
		return e, err
	}
	e = Explanation{Key: in.Key, Type: view.Type, Definition: view.Definition, KeyPlace: view.Places[0]}
	if !e.Set {
		return Explanation{}, models.NotFound("key")
	}
	e.Sensitive = e.Masked
	name, err := s.names(ctx)
	if err != nil {
		return Explanation{}, err
	}
	e.rename(name)
	return e, nil
}

func (view *KeyView) explain(ctx context.Context, tx *gorm.DB, in ExplainIn, actor models.Actor) (err error) {
	if view.Tenant, err = tenants.Read(tx, in.TenantID); err != nil {
		return err
	}
	look := keyLook{today: view.Tenant.Chain(), at: in.At}
	if in.At != nil {
		if view.Tenant, err = tenantAt(tx, in.TenantID, *in.At, "/at"); err != nil {
			return err
		}
	}
	if look.environments, err = visible(tx, Filter{TenantID: in.TenantID, Environment: in.Environment}, actor); err != nil {
		return err
	}
	return view.read(ctx, tx, look)
}
