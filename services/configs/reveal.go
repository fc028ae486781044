package configs

import (
	"context"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/secrets"
)

// Reveal is a live config with its value in clear, also where that is sensitive. Each reveal is in the audit log before
// the value leaves; those of a service are counted by the hour. not_found: the config is unknown, deleted or outside the
// actor's scope; forbidden without the right to reveal; conflict: the tenant's secrets were destroyed; unavailable: the
// database or the master key does not answer.
func (s *Service) Reveal(ctx context.Context, configID string) (c models.Config, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return c, models.Unauthenticated()
	}
	var stored models.Value
	var ciphertexts map[string][]byte
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		r, err := s.findSecret(ctx, tx, actor, configID)
		if err != nil {
			return err
		}
		defined, err := s.definitions(ctx, tx, r.TenantID, []string{r.Key})
		if err != nil {
			return err
		}
		c, stored = r.config(defined[r.Key]), models.Value(*r.Value)
		ciphertexts, err = secrets.Read(ctx, r.TenantID, stored)
		return err
	})
	if err != nil {
		return models.Config{}, err
	}
	if c.Value, err = s.clear(ctx, c, stored, ciphertexts); err != nil {
		return models.Config{}, err
	}
	return s.told(ctx, actor, c)
}

// findSecret is find for who may reveal, which is not the same as looking at configs.
func (s *Service) findSecret(ctx context.Context, tx *gorm.DB, actor models.Actor, id string) (row, error) {
	r, err := byID(ctx, tx, id)
	if err != nil {
		return r, err
	}
	if !actor.Can(models.PermReadSecrets, r.TenantID, r.Environment) {
		if err := actor.Require(models.PermReveal, "config", r.TenantID, r.Environment); err != nil {
			return r, err
		}
	}
	if r.Live == nil {
		return r, models.NotFound("config")
	}
	return r, nil
}

// clear is the value itself. It opens no transaction while a key management service is asked.
func (s *Service) clear(
	ctx context.Context, c models.Config, stored models.Value, ciphertexts map[string][]byte,
) (models.Value, error) {
	sealed, ok := stored.Sealed()
	if !ok {
		return stored, nil
	}
	secret, err := s.secrets.Reveal(ctx, c.TenantID, c.Key, stored, ciphertexts[sealed.ID])
	return secret.Reveal(), err
}

// told is the config once the log knows of the reveal. What is no secret needs no entry.
func (s *Service) told(ctx context.Context, actor models.Actor, c models.Config) (models.Config, error) {
	name, err := s.names(ctx)
	if err != nil {
		return models.Config{}, err
	}
	c.UpdatedBy = name(c.UpdatedBy)
	switch {
	case !c.Sensitive:
		return c, nil
	case actor.Kind == models.ActorService:
		s.audit.Revealed(ctx, c.TenantID)
		return c, nil
	}
	if err := s.record(ctx, c); err != nil {
		return models.Config{}, err
	}
	return c, nil
}

// record writes a person's reveal down, without the value.
func (s *Service) record(ctx context.Context, c models.Config) error {
	after, err := models.Canonical(map[string]any{"environment": c.Environment, "key": c.Key, "version": c.Version})
	if err != nil {
		return err
	}
	act := models.Act{Action: audit.ActionReveal, Resource: "config/" + c.ID, After: after}
	return s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		return s.audit.Record(ctx, tx, c.TenantID, s.now(), act)
	})
}
