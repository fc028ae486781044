package tenants

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// maxSlug leaves room for the layer's prefix within a tenant's id.
const maxSlug = 40

// Tiers is the layers of the tiers that the actor's tenants can belong to, by slug: all of them for who
// works on the whole platform, else those of its own tenants.
func (s *Service) Tiers(ctx context.Context) ([]models.Tenant, error) {
	ids, err := viewable(ctx, models.PermViewTenants)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, models.ScopeAll) {
		return s.tiersOf(ctx, ids)
	}
	tiers := []models.Tenant{}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		first := models.TierLayer("")
		return tx.Raw(`SELECT `+tenantColumns+` FROM tenants WHERE tenant_id >= ? AND tenant_id LIKE ? ORDER BY tenant_id`,
			first, first+"%").Scan(&tiers).Error
	})
	return tiers, err
}

func (s *Service) tiersOf(ctx context.Context, ids []string) ([]models.Tenant, error) {
	tiers := []models.Tenant{}
	for _, id := range ids {
		t, err := s.directory.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if t.Tier == "" {
			continue
		}
		tier, err := s.directory.Get(ctx, models.TierLayer(t.Tier))
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(tiers, func(have models.Tenant) bool { return have.ID == tier.ID }) {
			tiers = append(tiers, tier)
		}
	}
	slices.SortFunc(tiers, func(a, b models.Tenant) int { return strings.Compare(a.ID, b.ID) })
	return tiers, nil
}

// CreateTier makes a tier and its layer. conflict: another tier has that name or slug.
func (s *Service) CreateTier(ctx context.Context, name string) (t models.Tenant, err error) {
	if err := mayPlatform(ctx, models.PermManagePlatform); err != nil {
		return t, err
	}
	slug := models.TierSlug(name)
	if slug == "" || len(slug) > maxSlug || strings.TrimSpace(name) != name || !models.ValidText(name, maxName) {
		return t, models.Invalid("/name", "a tier needs a name with letters or digits, of at most 40 characters")
	}
	t = models.Tenant{ID: models.TierLayer(name), Name: name, Status: models.TenantActive, Metadata: "{}", Version: 1}
	return t, s.db.Write(ctx, t.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		return s.create(ctx, tx, &t, "tier.create", "tier/"+slug)
	})
}

// tier finds a tier by its name or slug; invalid when there is none.
func (s *Service) tier(ctx context.Context, nameOrSlug string) (models.Tenant, error) {
	return s.directory.Tier(ctx, nameOrSlug)
}

// Tier finds the layer of a tier by the tier's name or slug, in any case; invalid at /tier when there is none.
func (d *Directory) Tier(ctx context.Context, nameOrSlug string) (models.Tenant, error) {
	none := models.Invalid("/tier", "there is no such tier")
	slug := models.TierSlug(nameOrSlug)
	if slug == "" {
		return models.Tenant{}, none
	}
	t, err := d.Get(ctx, models.TierLayer(nameOrSlug))
	var known *models.Error
	switch {
	case errors.As(err, &known) && known.Code == models.CodeNotFound:
		return t, none
	case err != nil:
		return t, err
	case !strings.EqualFold(nameOrSlug, t.Name) && !strings.EqualFold(nameOrSlug, slug):
		return t, none // "Pro!" has the slug of a tier but names none
	default:
		return t, nil
	}
}
