package definitions

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// passage is what becomes of the keys of a tenant that moves to another tier.
type passage struct {
	keep []Write             // definitions that were the old tier's, and are the tenant's own from now on
	seal []models.Definition // of the new tier, which calls secret what was none
}

// Retier lets a tenant's own keys be in another tier what they were: what only the tier that it leaves says of them, it
// says itself from now on, and what the other tier calls secret is sealed. It returns what happened, for the audit log.
// Call it in the transaction that holds the locks of both chains. conflict as FitsTier; secrets.NotReadyError.
func (s *Service) Retier(ctx context.Context, tx *gorm.DB, tenant models.Tenant, tier string, at time.Time, changeID string) (acts []models.Act, err error) {
	p, err := passageOf(tx, tenant, tier)
	if err != nil {
		return nil, err
	}
	for _, w := range p.keep {
		d, err := put(ctx, tx, w, at, changeID)
		if err != nil {
			return nil, err
		}
		acts = append(acts, act(d, w.Before))
	}
	for _, d := range p.seal {
		if err := s.reclassify(ctx, tx, tenant, d); err != nil {
			return nil, err
		}
	}
	if len(p.keep)+len(p.seal) > 0 {
		err = moveHeads(ctx, tx, tenant.ID)
	}
	return acts, err
}

// passageOf compares what the two chains say of the tenant's keys. conflict: the other tier uncovers a secret.
func passageOf(tx *gorm.DB, tenant models.Tenant, tier string) (p passage, err error) {
	var keys []string
	err = tx.Raw(`SELECT key FROM configs WHERE tenant_id = ? UNION SELECT key FROM change_items WHERE tenant_id = ? AND key <> '' ORDER BY key`,
		tenant.ID, tenant.ID).Scan(&keys).Error
	if err != nil || len(keys) == 0 {
		return p, err
	}
	now, err := Topmost(tx, tenant.Chain(), keys)
	if err != nil {
		return p, err
	}
	moved := tenant
	moved.Tier = tier
	then, err := Topmost(tx, moved.Chain(), keys)
	if err != nil {
		return p, err
	}
	for _, key := range keys {
		if err := p.add(tenant.ID, tier, now[key], then[key]); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (p *passage) add(tenantID, tier string, now, then models.Definition) error {
	secret := now.Sensitive && !then.Sensitive
	switch {
	case now.Version > 0 && then.Version == 0:
		own := now.Defines().On(models.Definition{TenantID: tenantID, Key: now.Key})
		p.keep = append(p.keep, Write{Definition: own})
	case secret && then.TenantID == tenantID:
		own := then
		own.Sensitive, own.Merge = true, models.MergeReplace // a secret is replaced as a whole
		p.keep = append(p.keep, Write{Definition: own, Before: then})
	case secret:
		return models.Conflict("the key " + now.Key + " is a secret here, and none in the tier " + tier)
	case then.Sensitive && !now.Sensitive:
		p.seal = append(p.seal, then)
	}
	return nil
}
