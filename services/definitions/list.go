package definitions

import (
	"context"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Filter says which definitions to show.
type Filter struct {
	TenantID string
	Search   string     // part of the key, in any case
	Overdue  *time.Time // only temporary keys that are overdue at that time; nil for all
	Page     models.Page
}

// List is the definitions that apply to a layer, its own and those above, by key.
func (s *Service) List(ctx context.Context, tenantID, search string, page models.Page) (models.Paged[models.Definition], error) {
	return s.Find(ctx, Filter{TenantID: tenantID, Search: search, Page: page})
}

// Find is List, narrowed further.
func (s *Service) Find(ctx context.Context, f Filter) (out models.Paged[models.Definition], err error) {
	cursor := models.NewCursor("definitions", f.TenantID, f.Search, strconv.FormatBool(f.Overdue != nil))
	after, err := cursor.Decode(f.Page.Cursor, 1)
	if err != nil {
		return out, err
	}
	var rows []models.Definition
	err = s.look(ctx, f.TenantID, func(tx *gorm.DB, chain []string) error {
		return f.query(tx, chain, after).Scan(&rows).Error
	})
	if err != nil {
		return out, err
	}
	return models.Cut(rows, f.Page.Limit, func(d models.Definition) []string { return []string{d.Key} }, cursor), nil
}

func (f Filter) query(tx *gorm.DB, chain, after []string) *gorm.DB {
	q := applying(tx, chain)
	if f.Search != "" {
		q = q.Where("d.key ILIKE ?", store.Like(f.Search))
	}
	if after != nil {
		q = q.Where("d.key > ?", after[0])
	}
	if f.Overdue != nil { // of the definitions that apply: one above may have no end
		q = tx.Table("(?) AS applying", q).Where("expires_at <= ?", *f.Overdue).Order("key")
	}
	return q.Limit(f.Page.Limit + 1)
}

// Get is the definition that applies to the layer; not_found if the key has none.
func (s *Service) Get(ctx context.Context, tenantID, key string) (d models.Definition, err error) {
	err = s.look(ctx, tenantID, func(tx *gorm.DB, chain []string) error {
		d, err = read(tx, chain, key)
		return err
	})
	return d, err
}

// Preview tells what would become of a value if it were set: as it would be stored, or invalid with pointers
// below /value; not_found if nothing defines the key.
func (s *Service) Preview(ctx context.Context, tenantID, key string, value models.Value) (models.Value, error) {
	d, err := s.Get(ctx, tenantID, key)
	if err != nil {
		return "", err
	}
	accepted, err := d.Accept(value, "/value")
	if err != nil {
		return "", err
	}
	return accepted, s.validator.Validate(d, accepted, "/value")
}

// look runs fn in a transaction confined to the layer, for who may view it.
func (s *Service) look(ctx context.Context, tenantID string, fn func(tx *gorm.DB, chain []string) error) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", tenantID, ""); err != nil {
		return err
	}
	layer, err := s.layer(ctx, tenantID)
	if err != nil {
		return err
	}
	chain := layer.Chain()
	return s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := store.Narrow(ctx, chain); err != nil {
			return err
		}
		return fn(tx, chain)
	})
}

// applying is the topmost definition of each key in the chain, by key. What one layer of the chain calls
// sensitive is sensitive.
func applying(tx *gorm.DB, chain []string) *gorm.DB {
	place := "array_position(string_to_array(?, ','), d.tenant_id)"
	return tx.Table("definitions d").
		Select("DISTINCT ON (d.key) d.tenant_id, d.key, d.type, d.schema, d.description, d.owner, d.tags, d.merge, d.expires_at, d.version, d.created_at, d.updated_at, "+
			"EXISTS (SELECT FROM definitions o WHERE o.tenant_id IN ? AND o.key = d.key AND o.sensitive) AS sensitive", chain).
		Where("d.tenant_id IN ?", chain).
		Order(clause.OrderBy{Expression: gorm.Expr("d.key, "+place, strings.Join(chain, ","))}) // of a bare expression GORM makes nothing
}

func read(tx *gorm.DB, chain []string, key string) (models.Definition, error) {
	found, err := Topmost(tx, chain, []string{key})
	if err != nil {
		return models.Definition{}, err
	}
	d, ok := found[key]
	if !ok {
		return d, models.NotFound("definition")
	}
	return d, nil
}

// Topmost finds, by key, the definitions that apply to the last layer of the chain, inside a transaction that
// may read the chain. Keys without one are left out.
func Topmost(tx *gorm.DB, chain, keys []string) (map[string]models.Definition, error) {
	var rows []models.Definition
	if err := applying(tx, chain).Where("d.key IN ?", keys).Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := make(map[string]models.Definition, len(rows))
	for _, d := range rows {
		out[d.Key] = d
	}
	return out, nil
}
