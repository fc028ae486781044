package changes

import (
	"context"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Before are the definitions that the items of a change replace, by key; of a key that the layer did not define there is
// none. The change is one that Get has shown the actor of the context. not_found: it is outside the actor's scope;
// forbidden: no right to view changes.
func (s *Service) Before(ctx context.Context, c models.Change) (map[string]models.Definition, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return nil, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewChanges, "change", c.TenantID, c.Environment); err != nil {
		return nil, err
	}
	var replaced [][]any
	for _, i := range c.Items {
		if i.Op == models.OpDefine && i.Definition > 0 {
			replaced = append(replaced, []any{i.Key, i.Definition})
		}
	}
	out := map[string]models.Definition{}
	if len(replaced) == 0 {
		return out, nil
	}
	return out, s.DB.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := store.Narrow(ctx, []string{c.TenantID}); err != nil {
			return err
		}
		var rows []models.Definition
		err := tx.Raw(`
			SELECT tenant_id, key, type, schema, description, owner, tags, sensitive, merge, expires_at, version
			FROM definition_versions WHERE tenant_id = ? AND (key, version) IN ?`, c.TenantID, replaced).Scan(&rows).Error
		for _, d := range rows {
			out[d.Key] = d
		}
		return err
	})
}
