package configs

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// Service reads configs and their versions. It masks sensitive values for everybody: they are given in clear by
// resolved reads and reveals only.
type Service struct {
	db      *store.DB
	access  *access.Service
	secrets *secrets.Service
	audit   *audit.Log
	now     func() time.Time
}

// Options are what the service is made of.
type Options struct {
	DB      *store.DB
	Access  *access.Service  // knows the names of authors
	Secrets *secrets.Service // opens what is revealed
	Audit   *audit.Log       // takes the reveals
	Now     func() time.Time
}

// New reads from the database.
func New(o Options) *Service {
	return &Service{db: o.DB, access: o.Access, secrets: o.Secrets, audit: o.Audit, now: o.Now}
}

// row is a config as it is read, live or not.
type row struct {
	TenantID    string
	ID          string
	Environment string
	Key         string
	Live        *int64
	Value       *string
	Author      string
	LiveFrom    *time.Time
	Locked      bool
}

const rowColumns = `c.tenant_id, c.id, c.environment, c.key, c.live, v.value, coalesce(v.author, '') AS author, v.live_from, c.locked`

const rowFrom = `configs c LEFT JOIN config_versions v
	ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live`

// config is the row as it is shown.
func (r row) config(d models.Definition) models.Config {
	c := models.Config{
		TenantID: r.TenantID, ID: r.ID, Environment: r.Environment, Key: r.Key, Version: *r.Live,
		Value: models.Value(*r.Value), Type: d.Type, Locked: r.Locked, Description: d.Description,
		UpdatedAt: r.LiveFrom.UTC(), UpdatedBy: models.ParseActorRef(r.Author),
	}
	if c.Type == "" {
		c.Type = c.Value.Type()
	}
	c.Sensitive = hidden(d.Sensitive, c.Value)
	c.Value = maskedIf(c.Sensitive, c.Value)
	return c
}

// hidden tells whether a value is kept from all who look at configs: its key is a secret, or was one when it was written.
func hidden(sensitive bool, v models.Value) bool { return sensitive || v.IsSealed() }

func maskedIf(hide bool, v models.Value) models.Value {
	if hide {
		return models.Masked
	}
	return v
}

// Get is a live config by its id; not_found when it is unknown, deleted or outside the actor's scope.
func (s *Service) Get(ctx context.Context, configID string) (c models.Config, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return c, models.Unauthenticated()
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		r, err := find(ctx, tx, actor, configID)
		if err != nil {
			return err
		}
		if r.Live == nil {
			return models.NotFound("config")
		}
		defined, err := s.definitions(ctx, tx, r.TenantID, []string{r.Key})
		if err != nil {
			return err
		}
		c = r.config(defined[r.Key])
		return nil
	})
	if err != nil {
		return c, err
	}
	name, err := s.names(ctx)
	if err != nil {
		return c, err
	}
	c.UpdatedBy = name(c.UpdatedBy)
	return c, nil
}

// find looks a config up by id alone, live or not, in the actor's whole scope.
func find(ctx context.Context, tx *gorm.DB, actor models.Actor, id string) (row, error) {
	r, err := byID(ctx, tx, id)
	if err != nil {
		return r, err
	}
	return r, actor.Require(models.PermViewConfigs, "config", r.TenantID, r.Environment)
}

// byID finds a config whatever the actor may do with it.
func byID(ctx context.Context, tx *gorm.DB, id string) (row, error) {
	if uuid.Validate(id) != nil || len(id) != len(uuid.Nil.String()) {
		return row{}, models.NotFound("config")
	}
	return first(tx.WithContext(ctx).Raw(`SELECT `+rowColumns+` FROM `+rowFrom+` WHERE c.id = ?`, id))
}

func first(q *gorm.DB) (row, error) {
	var rows []row
	if err := q.Scan(&rows).Error; err != nil {
		return row{}, err
	}
	if len(rows) == 0 {
		return row{}, models.NotFound("config")
	}
	return rows[0], nil
}

// definitions confines the transaction to the tenant and reads what its chain says of the keys; not_found
// when the tenant is deleted.
func (s *Service) definitions(ctx context.Context, tx *gorm.DB, tenantID string, keys []string) (map[string]models.Definition, error) {
	chain, err := confine(ctx, tx, tenantID)
	if err != nil {
		return nil, err
	}
	return definitions.Topmost(tx, chain, keys)
}

// confine narrows the transaction to the tenant and returns its chain; not_found when it is deleted.
func confine(ctx context.Context, tx *gorm.DB, tenantID string) (chain []string, err error) {
	t, err := tenants.Read(tx, tenantID)
	if err != nil {
		return nil, err
	}
	return t.Chain(), store.Narrow(ctx, t.Chain())
}

// names gives actors the names that people know them by.
func (s *Service) names(ctx context.Context) (func(models.ActorRef) models.ActorRef, error) {
	directory, err := s.access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	return directory.Name, nil
}

// Filter says which configs of one layer to list.
type Filter struct {
	TenantID    string // required
	Environment string // empty for all that the actor may see
	Search      string // part of the key or of the value, in any case; sensitive values are never searched
	Page        models.Page
}

// List is a layer's own live values, by environment, then key.
func (s *Service) List(ctx context.Context, f Filter) (page models.Paged[models.Config], err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return page, models.Unauthenticated()
	}
	if f.TenantID == "" {
		return page, models.Invalid("/tenantId", "a tenant is required")
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", f.TenantID, f.Environment); err != nil {
		return page, err
	}
	cursor := models.NewCursor("configs", f.TenantID, f.Environment, f.Search)
	after, err := cursor.Decode(f.Page.Cursor, 2)
	if err != nil {
		return page, err
	}
	var list []models.Config
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		list, err = s.list(ctx, tx, f, after, actor)
		return err
	})
	if err != nil {
		return page, err
	}
	name, err := s.names(ctx)
	if err != nil {
		return page, err
	}
	for i := range list {
		list[i].UpdatedBy = name(list[i].UpdatedBy)
	}
	return models.Cut(list, f.Page.Limit, func(c models.Config) []string { return []string{c.Environment, c.Key} }, cursor), nil
}

func (s *Service) list(ctx context.Context, tx *gorm.DB, f Filter, after []string, actor models.Actor) ([]models.Config, error) {
	environments, err := visible(tx, f, actor)
	if err != nil {
		return nil, err
	}
	chain, err := confine(ctx, tx, f.TenantID)
	if err != nil {
		return nil, err
	}
	q := tx.Table(rowFrom).Select(rowColumns).
		Where("c.tenant_id = ? AND c.environment IN ? AND c.live IS NOT NULL", f.TenantID, environments).
		Order("c.environment, c.key").Limit(f.Page.Limit + 1)
	if f.Search != "" {
		q = found(q, chain, f.Search)
	}
	if after != nil {
		q = q.Where("(c.environment, c.key) > (?, ?)", after[0], after[1])
	}
	var rows []row
	if err := q.Scan(&rows).Error; err != nil {
		return nil, err
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	defined, err := definitions.Topmost(tx, chain, keys)
	if err != nil {
		return nil, err
	}
	list := make([]models.Config, len(rows))
	for i, r := range rows {
		list[i] = r.config(defined[r.Key])
	}
	return list, nil
}

// found confines a list to keys and values that hold the text: as it stands in the JSON, or in a string as people read
// it. A value that is sensitive, or was when it was written, never matches.
func found(q *gorm.DB, chain []string, text string) *gorm.DB {
	quoted := string(models.Text(text))
	return q.Where(`(c.key ILIKE @text OR (v.value ILIKE @text OR v.value ILIKE @quoted) AND v.value NOT LIKE 'sealed:%'
		AND NOT EXISTS (SELECT FROM definitions d WHERE d.tenant_id IN @chain AND d.key = c.key AND d.sensitive))`,
		map[string]any{"text": store.Like(text), "quoted": store.Like(quoted[1 : len(quoted)-1]), "chain": chain})
}

// visible lists the environments to read from, in their order: the one asked for, or all that the actor may see.
func visible(tx *gorm.DB, f Filter, actor models.Actor) ([]string, error) {
	var all, out []string
	if err := tx.Raw(`SELECT name FROM environments ORDER BY position, name`).Scan(&all).Error; err != nil {
		return nil, err
	}
	for _, e := range all {
		if f.Environment == e || f.Environment == "" && actor.Can(models.PermViewConfigs, f.TenantID, e) {
			out = append(out, e)
		}
	}
	if f.Environment != "" && len(out) == 0 {
		return nil, models.Invalid("/environment", "there is no such environment")
	}
	return out, nil
}
