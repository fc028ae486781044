package changes

import (
	"context"
	"errors"

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
	Locked      *bool // nothing below overrides it; nil keeps the lock as it is
}

// Set is a change of one item. See Submit for its errors.
func (s *Service) Set(ctx context.Context, in Set) (Outcome, error) {
	return s.Submit(ctx, Draft{
		TenantID: in.TenantID, Environment: in.Environment, Reason: in.Reason, Strategy: in.Strategy,
		Origin: models.OriginEdit, Pointer: Single,
		Items: []Edit{{Key: in.Key, Op: models.OpSet, Value: in.Value, Type: in.Type, Description: in.Description, Locked: in.Locked}},
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

// locateAny is locate for a config that may be deleted.
func (s *Service) locateAny(ctx context.Context, configID string) (located, error) {
	return s.where(ctx, configID, `SELECT tenant_id, environment, key FROM configs WHERE id = @id`)
}

// located is where a live config is.
type located struct{ TenantID, Environment, Key string }

// locate finds a live config by its id in the actor's whole scope.
func (s *Service) locate(ctx context.Context, configID string) (located, error) {
	return s.where(ctx, configID, `SELECT tenant_id, environment, key FROM configs WHERE id = @id AND live IS NOT NULL`)
}

func (s *Service) where(ctx context.Context, configID, sql string) (at located, err error) {
	if !models.ValidID(configID) {
		return at, models.NotFound("config")
	}
	err = s.DB.Look(ctx, store.Statement{
		SQL:  sql,
		Args: map[string]any{"id": configID},
		Into: []any{&at.TenantID, &at.Environment, &at.Key},
	})
	if known, ok := errors.AsType[*models.Error](err); ok && known.Code == models.CodeNotFound {
		err = models.NotFound("config")
	}
	return at, err
}
