package definitions

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// Use is where a key has live values, as far as the actor sees.
type Use struct {
	Layers int  // the layer and those below that set it
	More   bool // there are more: counting stops at maxUses values
}

// maxUses is how many values of a key are counted.
const maxUses = 500

// Uses counts, by key, the layers that set keys: the layer itself and those below it. Keys that nobody sets are left out.
// forbidden and not_found as Get.
func (s *Service) Uses(ctx context.Context, tenantID string, keys []string) (map[string]Use, error) {
	out := map[string]Use{}
	if len(keys) == 0 {
		return out, nil
	}
	layer, err := s.viewed(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Key           string
		Layers, Found int
	}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		set := func() *gorm.DB {
			return tx.Table("configs c").Select("c.tenant_id").Where("c.key = k.key AND c.live IS NOT NULL")
		}
		return tx.Raw(`
			SELECT k.key, u.layers, u.found FROM unnest(string_to_array(?, ',')) AS k(key) CROSS JOIN LATERAL (
			  SELECT count(DISTINCT tenant_id) AS layers, count(*) AS found FROM (
			    SELECT tenant_id FROM (? UNION ALL ?) AS every LIMIT ?) AS counted) AS u
			WHERE u.found > 0`,
			strings.Join(keys, ","), set().Where("c.tenant_id = ?", layer.ID), Below(set(), "c.tenant_id", layer), maxUses).Scan(&rows).Error
	})
	for _, r := range rows {
		out[r.Key] = Use{Layers: r.Layers, More: r.Found == maxUses}
	}
	return out, err
}

// LiveIn are the environments in which a key has live values on the layer or below, in their order and as far as the actor
// sees: those that a definition which moves values touches. forbidden and not_found as Get.
func (s *Service) LiveIn(ctx context.Context, tenantID, key string) (names []string, err error) {
	layer, err := s.viewed(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	return names, s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		names, err = liveIn(tx, layer, key)
		return err
	})
}

// viewed is a layer that the actor may view.
func (s *Service) viewed(ctx context.Context, tenantID string) (models.Tenant, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Tenant{}, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", tenantID, ""); err != nil {
		return models.Tenant{}, err
	}
	return s.layer(ctx, tenantID)
}
