package access

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// Key is an API key by its id; not_found but for who owns it or may view access in its place.
func (s *Service) Key(ctx context.Context, id string) (k models.APIKey, err error) {
	actor, err := caller(ctx)
	if err != nil {
		return k, err
	}
	if !models.ValidText(id, models.MaxAPIKeyLength) {
		return k, models.NotFound("api key")
	}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		k, err = findKey(tx, actor, id)
		return err
	})
	if err == nil && !owns(actor, k) && !actor.Can(models.PermViewAccess, k.TenantID, "") {
		return models.APIKey{}, models.NotFound("api key")
	}
	return k, err
}

// Binding is a binding by its id; not_found but for who may view access in its place.
func (s *Service) Binding(ctx context.Context, id string) (b models.Binding, err error) {
	actor, err := caller(ctx)
	if err != nil {
		return b, err
	}
	if uuid.Validate(id) != nil {
		return b, models.NotFound("role binding")
	}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		b, err = findBinding(tx, actor, id)
		return err
	})
	if err == nil && !actor.Can(models.PermViewAccess, b.TenantID, "") {
		return models.Binding{}, models.NotFound("role binding")
	}
	return b, err
}
