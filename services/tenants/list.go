package tenants

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Filter narrows the list of tenants; empty members do not.
type Filter struct {
	Search string // part of the id or name, in any case
	Tier   string // slug
	Status models.TenantStatus
	Layers bool // the layers above customers as well
	Page   models.Page
}

func (f Filter) cursor() models.Cursor {
	layers := ""
	if f.Layers {
		layers = "layers"
	}
	return models.NewCursor("tenants", f.Search, f.Tier, string(f.Status), layers)
}

// List is the tenants that the actor may look at, by id. Deleted ones only appear when asked for by status.
func (s *Service) List(ctx context.Context, f Filter) (page models.Paged[models.Tenant], err error) {
	ids, err := viewable(ctx, models.PermViewTenants)
	if err != nil {
		return page, err
	}
	after, err := f.cursor().Decode(f.Page.Cursor, 1)
	if err != nil {
		return page, err
	}
	if f.Tier != "" {
		tier, err := s.tier(ctx, f.Tier)
		if err != nil {
			return page, models.Invalid("/tier", "there is no such tier")
		}
		f.Tier = tier.Name
	}
	var rows []models.Tenant
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error { return f.query(tx, ids, after).Scan(&rows).Error })
	if err != nil {
		return page, err
	}
	return models.Cut(rows, f.Page.Limit, func(t models.Tenant) []string { return []string{t.ID} }, f.cursor()), nil
}

func (f Filter) query(tx *gorm.DB, ids, after []string) *gorm.DB {
	q := tx.Table("tenants").Select(tenantColumns).Order("tenant_id").Limit(f.Page.Limit + 1)
	if !slices.Contains(ids, models.ScopeAll) {
		q = q.Where("tenant_id IN ?", ids)
	}
	if len(after) > 0 {
		q = q.Where("tenant_id > ?", after[0])
	}
	if !f.Layers {
		q = q.Where("tenant_id NOT LIKE ?", models.Platform[:1]+"%")
	}
	if f.Search != "" {
		pattern := store.Like(f.Search)
		q = q.Where("(tenant_id ILIKE ? OR name ILIKE ?)", pattern, pattern)
	}
	if f.Tier != "" {
		q = q.Where("tier = ?", f.Tier)
	}
	if f.Status == "" {
		return q.Where("status <> ?", models.TenantDeleted)
	}
	return q.Where("status = ?", f.Status)
}
