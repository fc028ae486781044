package tenants

import (
	"context"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// Heirs counts the tenants that inherit from a layer: all of them from the platform, a tier's from its layer, none
// from a tenant. Deleted ones do not count. Forbidden for all but who may view every tenant: others would count wrong.
func (s *Service) Heirs(ctx context.Context, layer models.Tenant) (n int, err error) {
	if err := mayPlatform(ctx, models.PermViewTenants); err != nil {
		return 0, err
	}
	if !models.IsLayer(layer.ID) {
		return 0, nil
	}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		q := tx.Table("tenants").Select("count(*)").Where("status <> 'deleted'")
		if layer.ID == models.Platform {
			q = q.Where("tier <> ''")
		} else {
			q = q.Where("tier = ?", layer.Name)
		}
		return q.Scan(&n).Error
	})
	return n, err
}
