package snapshots

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/store"
)

// MatrixFilter says which keys of a tenant to show.
type MatrixFilter struct {
	TenantID      string
	Search        string     // part of the key or of a value, in any case; sensitive values are never searched
	OnlyDifferent bool       // only keys that differ between two neighbouring environments
	At            *time.Time // as it was at an instant, which may be invalid at /at; nil for now
	Page          models.Page
}

// Matrix is what a tenant's keys come to in each environment.
type Matrix struct {
	Tenant       models.Tenant // without its metadata
	Environments []string      // those that the actor may view, in their order
	Rows         models.Paged[Row]
	Keys         int // with a value in any of the environments
	Found        int // that fit the filter, on all pages
	Different    int // that fit the search and differ between neighbours
}

// Row is one key in each environment.
type Row struct {
	Key         string
	Type        models.ValueType
	Sensitive   bool
	Description string
	Cells       []Cell // one per environment of the matrix
}

// Cell is a key's value in one environment.
type Cell struct {
	Set       bool // if not, only Drift says something
	Value     models.Value
	Masked    bool
	Layer     string // where the value is set
	LockedBy  string // the layer whose lock makes it win; empty for none
	Merged    bool   // layers above contribute members
	Version   int64
	Own       bool      // it is set on the tenant or layer that is looked at
	ConfigID  string    // of its own
	Drift     bool      // it differs from the environment before; a value and none differ, too
	UpdatedAt time.Time // since when it is live
}

// Matrix shows a tenant or layer from memory, or at an instant of the past, with the environments that the actor may view.
func (s *Service) Matrix(ctx context.Context, f MatrixFilter) (m Matrix, err error) {
	tenant, actor, err := s.viewed(ctx, f.TenantID)
	if err != nil {
		return m, err
	}
	cursor := models.NewCursor("matrix", f.TenantID, f.Search, strconv.FormatBool(f.OnlyDifferent), f.instant())
	after, err := cursor.Decode(f.Page.Cursor, 1)
	if err != nil {
		return m, err
	}
	columns, err := s.columns(ctx, tenant, f.At, actor)
	if err != nil {
		return m, err
	}
	m.Tenant = tenant
	for _, c := range columns {
		m.Environments = append(m.Environments, c.environment)
	}
	rows := m.collect(columns, f, after, func(a, b *configs.Resolved) bool { return s.differ(ctx, a, b) })
	if err := s.describe(ctx, tenant, rows); err != nil {
		return m, err
	}
	m.Rows = models.Cut(rows, f.Page.Limit, func(r Row) []string { return []string{r.Key} }, cursor)
	return m, nil
}

// instant is the filter's as text; empty for now.
func (f MatrixFilter) instant() string {
	if f.At == nil {
		return ""
	}
	return f.At.UTC().Format(time.RFC3339Nano)
}

// columns are the environments that the actor may view, in their order.
func (s *Service) columns(ctx context.Context, tenant models.Tenant, at *time.Time, actor models.Actor) ([]column, error) {
	all, err := s.environmentsNow(ctx)
	if err != nil {
		return nil, err
	}
	var out []column
	for _, environment := range all {
		if !actor.Can(models.PermViewConfigs, tenant.ID, environment) {
			continue
		}
		c, err := s.column(ctx, tenant, environment, instant{at, "/at"})
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// unlike tells whether two values of a key differ.
type unlike func(a, b *configs.Resolved) bool

// collect counts all keys and returns the rows of the page, and one more if there is one.
func (m *Matrix) collect(columns []column, f MatrixFilter, after []string, differ unlike) (rows []Row) {
	wanted := strings.ToLower(f.Search)
	eachKey(columns, func(key string, values []*configs.Resolved) {
		m.Keys++
		if !fits(key, values, wanted) {
			return
		}
		different := drifts(values, differ)
		if different {
			m.Different++
		}
		if f.OnlyDifferent && !different {
			return
		}
		m.Found++
		if (after == nil || key > after[0]) && len(rows) <= f.Page.Limit {
			rows = append(rows, row(key, columns, values, differ))
		}
	})
	return rows
}

// fits tells whether the key or one of its values holds the text, which is in lower case.
func fits(key string, values []*configs.Resolved, wanted string) bool {
	return wanted == "" || strings.Contains(key, wanted) || slices.ContainsFunc(values, func(r *configs.Resolved) bool {
		return r != nil && !r.Sensitive && holds(r.Value, wanted)
	})
}

// holds looks into the JSON text, and into a string as people read it.
func holds(v models.Value, wanted string) bool {
	if strings.Contains(strings.ToLower(string(v)), wanted) {
		return true
	}
	text, ok := v.Text()
	return ok && strings.Contains(strings.ToLower(text), wanted)
}

func drifts(values []*configs.Resolved, differ unlike) bool {
	for i := 1; i < len(values); i++ {
		if differ(values[i-1], values[i]) {
			return true
		}
	}
	return false
}

func row(key string, columns []column, values []*configs.Resolved, differ unlike) Row {
	out := Row{Key: key, Cells: make([]Cell, len(columns))}
	out.Type, out.Sensitive = kindOf(values)
	for i, r := range values {
		if r != nil {
			out.Cells[i] = columns[i].cell(r)
		}
		out.Cells[i].Drift = i > 0 && differ(values[i-1], r)
	}
	return out
}

func (c column) cell(r *configs.Resolved) Cell {
	own := c.own(r)
	return Cell{
		Set: true, Value: shown(r), Masked: r.Sensitive, Layer: r.Layer, LockedBy: r.LockedBy, Version: r.Version,
		Merged: slices.ContainsFunc(r.Hides, func(h configs.Hidden) bool { return h.Why == configs.WhyMerged }),
		Own:    own != "", ConfigID: own, UpdatedAt: r.LiveFrom,
	}
}

// describe adds what the definitions say of the keys. It is the one thing that is not in memory.
func (s *Service) describe(ctx context.Context, tenant models.Tenant, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := store.Narrow(ctx, tenant.Chain()); err != nil {
			return err
		}
		defined, err := definitions.Topmost(tx, tenant.Chain(), keys)
		for i := range rows {
			rows[i].Description = defined[rows[i].Key].Description
		}
		return err
	})
}
