package definitions

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// FitsTier tells whether a tenant's own live values satisfy the definitions of another tier that it is to move to.
// conflict: some do not, or what is a secret would be none there; secrets.NotReadyError.
func (s *Service) FitsTier(ctx context.Context, tx *gorm.DB, tenant models.Tenant, tier string) error {
	if _, err := passageOf(tx, tenant, tier); err != nil {
		return err
	}
	moved := models.Tenant{ID: tenant.ID, Tier: tier}
	var rows []struct {
		Key, TenantID string
		Value         models.Value
		Ciphertext    []byte
	}
	err := tx.Raw(`
		SELECT c.key, c.tenant_id, v.value, `+strings.Replace(ciphertext, "?", "c.key", 1)+`
		FROM configs c
		JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
		JOIN definitions d ON d.tenant_id = ? AND d.key = c.key
		WHERE c.tenant_id = ? AND c.live IS NOT NULL`, models.TierLayer(tier), tenant.ID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	defined, err := Topmost(tx, moved.Chain(), keys)
	if err != nil {
		return err
	}
	var missing []error
	for _, r := range rows {
		err := s.opened(r.Key, []stored{{r.TenantID, r.Value, r.Ciphertext, 1}}, func(_ stored, v models.Value) error {
			if !s.fits(defined[r.Key], v) {
				return models.Conflict("the value of " + r.Key + " does not satisfy the definition of the tier " + tier)
			}
			return ctx.Err()
		})
		if _, known := errors.AsType[*models.Error](err); known {
			return err
		}
		missing = append(missing, err)
	}
	return errors.Join(missing...)
}
