package deployments

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Filter narrows a list of deployments; empty members do not.
type Filter struct {
	TenantID    string
	Environment string
	ChangeID    string
	Page        models.Page
}

type deploymentRow struct {
	TenantID, ID, ChangeID, Environment, Strategy string
	Status                                        models.DeploymentStatus
	Step, Percent                                 int
	Reason                                        string
	StartedAt                                     time.Time
	EndedAt                                       *time.Time
}

// Get returns a deployment of the actor's scope.
func (s *Service) Get(ctx context.Context, id string) (models.Deployment, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Deployment{}, models.Unauthenticated()
	}
	var rows []deploymentRow
	err := s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		if !models.ValidID(id) {
			return nil
		}
		return tx.Table("deployments").Where("id = ?", id).Scan(&rows).Error
	})
	if err != nil {
		return models.Deployment{}, err
	}
	if len(rows) == 0 {
		return models.Deployment{}, models.NotFound("deployment")
	}
	if err := actor.Require(models.PermViewChanges, "deployment", rows[0].TenantID, rows[0].Environment); err != nil {
		return models.Deployment{}, err
	}
	return rows[0].deployment()
}

// List shows deployments of the actor's scope, newest first.
func (s *Service) List(ctx context.Context, f Filter) (models.Paged[models.Deployment], error) {
	var none models.Paged[models.Deployment]
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return none, models.Unauthenticated()
	}
	if f.TenantID != "" {
		if err := actor.Require(models.PermViewChanges, "tenant", f.TenantID, ""); err != nil {
			return none, err
		}
	}
	cursor := models.NewCursor("deployments", f.TenantID, f.Environment, f.ChangeID)
	after, err := cursor.Decode(f.Page.Cursor, 2)
	if err != nil {
		return none, err
	}
	var out []models.Deployment
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		q, err := f.where(tx.Table("deployments"), actor, after)
		if err != nil {
			return err
		}
		var rows []deploymentRow
		if err := q.Order("started_at DESC, id DESC").Limit(f.Page.Limit + 1).Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			d, err := r.deployment()
			if err != nil {
				return err
			}
			out = append(out, d)
		}
		return nil
	})
	if err != nil {
		return none, err
	}
	return models.Cut(out, f.Page.Limit, func(d models.Deployment) []string {
		return []string{d.StartedAt.Format(time.RFC3339Nano), d.ID}
	}, cursor), nil
}

func (f Filter) where(q *gorm.DB, actor models.Actor, after []string) (*gorm.DB, error) {
	q = store.Within(q, actor.Places(models.PermViewChanges))
	if f.TenantID != "" {
		q = q.Where("tenant_id = ?", f.TenantID)
	}
	if f.Environment != "" {
		q = q.Where("environment = ?", f.Environment)
	}
	if f.ChangeID != "" {
		if !models.ValidID(f.ChangeID) {
			return nil, models.Invalid("/changeId", "not the id of a change")
		}
		q = q.Where("change_id = ?", f.ChangeID)
	}
	if after == nil {
		return q, nil
	}
	at, err := time.Parse(time.RFC3339Nano, after[0])
	if err != nil || !models.ValidID(after[1]) {
		return nil, models.InvalidCursor()
	}
	return q.Where("(started_at, id) < (?, ?)", at, after[1]), nil
}

func (r deploymentRow) deployment() (models.Deployment, error) {
	d := models.Deployment{
		TenantID: r.TenantID, ID: r.ID, ChangeID: r.ChangeID, Environment: r.Environment, Status: r.Status,
		Step: r.Step, Percent: r.Percent, Reason: r.Reason, StartedAt: r.StartedAt.UTC(),
	}
	if r.EndedAt != nil {
		at := r.EndedAt.UTC()
		d.EndedAt = &at
	}
	if err := json.Unmarshal([]byte(r.Strategy), &d.Strategy); err != nil {
		return d, fmt.Errorf("read strategy: %w", err)
	}
	return d, nil
}
