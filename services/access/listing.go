package access

import (
	"context"
	"database/sql"
	"slices"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// tenants are those whose access the actor asks for and may view; {"*"} stands for all. Not_found outside the scope.
func (f ListFilter) tenants(actor models.Actor) ([]string, error) {
	if f.TenantID == "" {
		return actor.Where(models.PermViewAccess), nil
	}
	if !actor.Sees(f.TenantID) || !models.ValidText(f.TenantID, maxName) {
		return nil, models.NotFound("tenant")
	}
	if !actor.Can(models.PermViewAccess, f.TenantID, "") {
		return nil, nil
	}
	return []string{f.TenantID}, nil
}

// scope is the part of the actor's scope that the list is about.
func (f ListFilter) scope(actor models.Actor) []string {
	if f.TenantID != "" {
		return []string{f.TenantID}
	}
	return actor.Scope()
}

// listing reads pages of a table in the order of its primary key.
type listing[T any] struct {
	name    string // of the table and of the list
	columns string
	scan    func(row) (T, error)
	key     func(T) []string // tenant and id
	isID    func(string) bool
}

func (l listing[T]) page(ctx context.Context, db *store.DB, f ListFilter, condition string, args []any) (models.Paged[T], error) {
	none := models.Paged[T]{}
	cursor := models.NewCursor(l.name, f.TenantID)
	after, err := cursor.Decode(f.Cursor, 2)
	if err != nil {
		return none, err
	}
	if after != nil && !l.isID(after[1]) {
		return none, models.InvalidCursor()
	}
	if after != nil {
		condition += " AND (tenant_id, id) > (?, ?)"
		args = append(args, after[0], after[1])
	}
	var items []T
	err = db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		return each(tx, func(rows *sql.Rows) error {
			item, err := l.scan(rows)
			items = append(items, item)
			return err
		}, `SELECT `+l.columns+` FROM `+l.name+` WHERE `+condition+` ORDER BY tenant_id, id LIMIT ?`,
			slices.Concat(args, []any{f.Limit + 1})...)
	})
	if err != nil {
		return none, err
	}
	return models.Cut(items, f.Limit, l.key, cursor), nil
}
