package changes

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Set writes one value of a tenant or layer: live at once, or a change that waits.
type Set struct {
	TenantID    string
	Environment string
	Key         string
	Value       models.Value
	Type        models.ValueType
	Description string
	Reason      string
	Strategy    string
}

// Set is a change of one item. See Submit for its errors.
func (s *Service) Set(ctx context.Context, in Set) (Outcome, error) {
	return s.Submit(ctx, Draft{
		TenantID: in.TenantID, Environment: in.Environment, Reason: in.Reason, Strategy: in.Strategy,
		Origin: models.OriginEdit, Pointer: Single,
		Items: []Edit{{Key: in.Key, Op: models.OpSet, Value: in.Value, Type: in.Type, Description: in.Description}},
	})
}

// Update is the next value of a config that is live.
type Update struct {
	ConfigID    string
	Value       models.Value
	Reason      string
	BaseVersion *int64
	IfMatch     string
}

// Update is a change of one item. not_found: the config is not live or not the actor's.
func (s *Service) Update(ctx context.Context, in Update) (Outcome, error) {
	config, err := s.locate(ctx, in.ConfigID)
	if err != nil {
		return Outcome{}, err
	}
	return s.Submit(ctx, Draft{
		TenantID: config.TenantID, Environment: config.Environment, Reason: in.Reason,
		Origin: models.OriginEdit, Pointer: Single,
		Items: []Edit{{Key: config.Key, Op: models.OpSet, Value: in.Value, BaseVersion: in.BaseVersion, IfMatch: in.IfMatch}},
	})
}

// Delete takes a config's value away; it keeps its id and history.
func (s *Service) Delete(ctx context.Context, configID, ifMatch string) (Outcome, error) {
	config, err := s.locate(ctx, configID)
	if err != nil {
		return Outcome{}, err
	}
	return s.Submit(ctx, Draft{
		TenantID: config.TenantID, Environment: config.Environment, Origin: models.OriginEdit, Pointer: Single,
		Items: []Edit{{Key: config.Key, Op: models.OpDelete, IfMatch: ifMatch}},
	})
}

// Promote sends a live value to a later environment.
type Promote struct {
	ConfigID     string
	Target       string
	AlwaysReview bool // approvalRequired
	Strategy     string
	Reason       string
}

// Promote is a change in the target environment. invalid: the target is not a later environment;
// not_found: the config is not live or not the actor's.
func (s *Service) Promote(ctx context.Context, in Promote) (Outcome, error) {
	config, err := s.locate(ctx, in.ConfigID)
	if err != nil {
		return Outcome{}, err
	}
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermViewConfigs, "config", config.TenantID, config.Environment); err != nil {
		return Outcome{}, err
	}
	return s.Submit(ctx, Draft{
		TenantID: config.TenantID, Environment: in.Target, Reason: in.Reason, Strategy: in.Strategy,
		AlwaysReview: in.AlwaysReview, Origin: models.OriginPromote, Pointer: promotion, promotes: in.ConfigID,
		Items: []Edit{{Key: config.Key, Op: models.OpSet, Value: models.Null}}, // the value is read under the locks
	})
}

// located is where a live config is.
type located struct{ TenantID, Environment, Key string }

// locate finds a live config by its id in the actor's whole scope.
func (s *Service) locate(ctx context.Context, configID string) (at located, err error) {
	if !models.ValidID(configID) {
		return at, models.NotFound("config")
	}
	err = s.DB.Look(ctx, store.Statement{
		SQL:  `SELECT tenant_id, environment, key FROM configs WHERE id = @id AND live IS NOT NULL`,
		Args: map[string]any{"id": configID},
		Into: []any{&at.TenantID, &at.Environment, &at.Key},
	})
	if known, ok := errors.AsType[*models.Error](err); ok && known.Code == models.CodeNotFound {
		err = models.NotFound("config")
	}
	return at, err
}

func promotion(int) string { return "/targetEnvironment" }

// source puts the value that is live under the locks into the promotion.
func (s *Service) source(tx *gorm.DB, d Draft, c *models.Change, f models.Facts) error {
	var rows []struct {
		Value string
		Later bool
	}
	err := tx.Raw(`
		SELECT v.value, target.position > origin.position AS later
		FROM configs c
		JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
		JOIN environments origin ON origin.name = c.environment
		JOIN environments target ON target.name = ?
		WHERE c.tenant_id = ? AND c.id = ?`, f.Environment, d.TenantID, d.promotes).Scan(&rows).Error
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return models.NotFound("config")
	case !rows[0].Later:
		return models.Invalid("/targetEnvironment", "a value is promoted to a later environment")
	}
	c.Items[0].Value = models.Value(rows[0].Value)
	return nil
}
