package changes

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Filter narrows a list of changes; empty members do not.
type Filter struct {
	TenantID    string
	Environment string
	Status      models.ChangeStatus
	Author      string // id of who began it: a person or a service
	Open        bool   // it waits for something, or is on its way
	Page        models.Page
}

func (f Filter) cursor() models.Cursor {
	open := ""
	if f.Open {
		open = "open"
	}
	return models.NewCursor("changes", f.TenantID, f.Environment, string(f.Status), f.Author, open)
}

// maxAuthor is how long an actor's id may be, in characters.
const maxAuthor = 200

// List shows changes of the actor's scope, newest first.
func (s *Service) List(ctx context.Context, f Filter) (models.Paged[models.Change], error) {
	var none models.Paged[models.Change]
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return none, models.Unauthenticated()
	}
	if f.Status != "" && !f.Status.Valid() {
		return none, models.Invalid("/status", "there is no such status")
	}
	if !models.ValidText(f.Author, maxAuthor) {
		return none, models.Invalid("/author", "this is no id that an actor can have")
	}
	if f.TenantID != "" {
		if err := actor.Require(models.PermViewChanges, "tenant", f.TenantID, ""); err != nil {
			return none, err
		}
	}
	cursor := f.cursor()
	after, err := cursor.Decode(f.Page.Cursor, 2)
	if err != nil {
		return none, err
	}
	rows, err := s.page(ctx, f, after, f.Page.Limit+1)
	if err != nil {
		return none, err
	}
	for i := range rows {
		rows[i] = s.shown(rows[i])
	}
	return models.Cut(rows, f.Page.Limit, cursorKeys, cursor), nil
}

func cursorKeys(c models.Change) []string {
	return []string{c.CreatedAt.UTC().Format(time.RFC3339Nano), c.ID}
}

// maxOpen is how far the open changes of a tenant are counted.
const maxOpen = 1000

// CountOpen is how many changes of a tenant or layer List would show with Open, counted up to 1,000.
func (s *Service) CountOpen(ctx context.Context, tenantID string) (n int, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return 0, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewChanges, "tenant", tenantID, ""); err != nil {
		return 0, err
	}
	err = s.DB.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		open, err := Filter{TenantID: tenantID, Open: true}.where(tx.Table("changes AS c").Select("1"), actor, s.Now(), nil)
		if err != nil {
			return err
		}
		return tx.Raw("SELECT count(*) FROM (?) AS open", open.Limit(maxOpen)).Scan(&n).Error
	})
	return n, err
}

// page reads changes after a place, in the order of the list. Status pending leaves out what has lapsed.
func (s *Service) page(ctx context.Context, f Filter, after []string, limit int) (out []models.Change, err error) {
	names, err := s.Access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	actor, _ := models.ActorFrom(ctx)
	err = s.DB.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		q := tx.Table("changes AS c").Select(columns).Order("c.created_at DESC, c.id DESC").Limit(limit)
		if q, err = f.where(q, actor, s.Now(), after); err != nil {
			return err
		}
		out, err = load(ctx, q, names)
		return err
	})
	return out, err
}

// author is the stored form of who has that id. People have UUIDs, and services the ids of their keys, which are none.
func author(id string) string {
	kind := models.ActorService
	if models.ValidID(id) {
		kind = models.ActorPerson
	}
	return models.ActorRef{ID: id, Kind: kind}.String()
}

// openCondition names the states in the words of the index of open changes. What has lapsed is open no more.
const openCondition = `c.status IN ('draft', 'pending', 'approved', 'scheduled', 'deploying')
	AND (c.status <> 'pending' OR c.expires_at IS NULL OR c.expires_at > ?)`

func (f Filter) where(q *gorm.DB, actor models.Actor, now time.Time, after []string) (*gorm.DB, error) {
	q = store.Within(q, actor.Places(models.PermViewChanges))
	if f.TenantID != "" {
		q = q.Where("c.tenant_id = ?", f.TenantID)
	}
	if f.Environment != "" {
		q = q.Where("c.environment = ?", f.Environment)
	}
	if f.Author != "" {
		q = q.Where("c.author = ?", author(f.Author))
	}
	if f.Open {
		q = q.Where(openCondition, now)
	}
	switch f.Status {
	case "":
	case models.ChangePending:
		q = q.Where("c.status = 'pending' AND (c.expires_at IS NULL OR c.expires_at > ?)", now) // by the index of waiting changes
	case models.ChangeExpired:
		q = q.Where("c.status = ? OR c.status = 'pending' AND c.expires_at <= ?", f.Status, now)
	default:
		q = q.Where("c.status = ?", f.Status)
	}
	if after == nil {
		return q, nil
	}
	at, err := time.Parse(time.RFC3339Nano, after[0])
	if err != nil || !models.ValidID(after[1]) {
		return nil, models.InvalidCursor()
	}
	return q.Where("(c.created_at, c.id) < (?, ?)", at, after[1]), nil
}
