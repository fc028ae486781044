package tenants

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Sort is the order of a list of tenants.
type Sort string

// The orders.
const (
	SortID      Sort = "id"
	SortName    Sort = "name"    // in any case
	SortUpdated Sort = "updated" // newest first
)

// Filter narrows and orders the list of tenants; empty members do not.
type Filter struct {
	Search string // part of the id or name, in any case
	Tier   string // slug
	Status models.TenantStatus
	Layers bool // the layers above customers as well
	Sort   Sort // empty: SortID
	Page   models.Page
}

func (f Filter) cursor() models.Cursor {
	layers := ""
	if f.Layers {
		layers = "layers"
	}
	return models.NewCursor("tenants", f.Search, f.Tier, string(f.Status), layers, string(cmp.Or(f.Sort, SortID)))
}

// listed is a tenant with what the list may be ordered by.
type listed struct {
	models.Tenant
	NameKey string
}

// order is one of the orders of the list: it ends with the id, so that no two tenants have the same place.
type order struct {
	by    string                // of ORDER BY
	after string                // condition of what comes after a place
	keys  func(listed) []string // the place
	parse func(key string) (any, error)
}

func (f Filter) order() (order, error) {
	switch f.Sort {
	case "", SortID:
		return order{
			by: "tenant_id", after: "tenant_id > ?",
			keys: func(t listed) []string { return []string{t.ID} },
		}, nil
	case SortName:
		return order{
			by: "name_key, tenant_id", after: "(name_key, tenant_id) > (?, ?)",
			keys:  func(t listed) []string { return []string{t.NameKey, t.ID} },
			parse: func(key string) (any, error) { return key, nil },
		}, nil
	case SortUpdated:
		return order{
			by: "updated_at DESC, tenant_id DESC", after: "(updated_at, tenant_id) < (?, ?)",
			keys:  func(t listed) []string { return []string{t.UpdatedAt.UTC().Format(time.RFC3339Nano), t.ID} },
			parse: func(key string) (any, error) { return time.Parse(time.RFC3339Nano, key) },
		}, nil
	default:
		return order{}, models.Invalid("/sort", "id, name or updated")
	}
}

// place reads a cursor into the arguments of after; nil for the first page.
func (o order) place(c models.Cursor, cursor string) ([]any, error) {
	if o.parse == nil {
		keys, err := c.Decode(cursor, 1)
		if err != nil || keys == nil {
			return nil, err
		}
		return []any{keys[0]}, nil
	}
	keys, err := c.Decode(cursor, 2)
	if err != nil || keys == nil {
		return nil, err
	}
	first, err := o.parse(keys[0])
	if err != nil {
		return nil, models.InvalidCursor()
	}
	return []any{first, keys[1]}, nil
}

// List is the tenants that the actor may look at. Deleted ones only appear when asked for by status, to who manages
// tenants, and while their deletion can be undone.
func (s *Service) List(ctx context.Context, f Filter) (page models.Paged[models.Tenant], err error) {
	ids, err := viewable(ctx, models.PermViewTenants)
	if err != nil {
		return page, err
	}
	if !models.ValidText(f.Search, maxName) {
		return page, models.Invalid("/search", "at most 200 characters")
	}
	o, err := f.order()
	if err != nil {
		return page, err
	}
	cursor := f.cursor() // of the filter as it came in
	after, err := o.place(cursor, f.Page.Cursor)
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
	if f.Status == models.TenantDeleted && !managesTenants(ctx) {
		return models.Paged[models.Tenant]{Items: []models.Tenant{}}, nil
	}
	var rows []listed
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error { return f.query(tx, ids, o, after).Scan(&rows).Error })
	if err != nil {
		return page, err
	}
	cut := models.Cut(rows, f.Page.Limit, o.keys, cursor)
	page = models.Paged[models.Tenant]{Items: make([]models.Tenant, len(cut.Items)), Next: cut.Next}
	for i, t := range cut.Items {
		page.Items[i] = t.Tenant
	}
	return page, nil
}

func (f Filter) query(tx *gorm.DB, ids []string, o order, after []any) *gorm.DB {
	q := tx.Table("tenants").Select(tenantColumns + ", name_key").Order(o.by).Limit(f.Page.Limit + 1)
	if !slices.Contains(ids, models.ScopeAll) {
		q = q.Where("tenant_id IN ?", ids)
	}
	if after != nil {
		q = q.Where(o.after, after...)
	}
	if !f.Layers {
		q = q.Where("tenant_id NOT LIKE ?", models.Platform[:1]+"%")
	}
	if f.Search != "" {
		// In lower case once: ILIKE would bring each name there anew, and took four times as long.
		pattern := store.Like(f.Search)
		q = q.Where("(tenant_id LIKE (SELECT lower(?)) OR name_key LIKE (SELECT lower(?)))", pattern, pattern)
	}
	if f.Tier != "" {
		q = q.Where("tier = ?", f.Tier)
	}
	if f.Status == models.TenantDeleted {
		return q.Where("status = 'deleted' AND purged_at IS NULL")
	}
	if f.Status == "" { // as a literal: of an unknown status Postgres expects no row, and reads all to sort them
		return q.Where("status <> 'deleted'")
	}
	return q.Where("status = ?", f.Status)
}
