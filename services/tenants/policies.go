package tenants

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// PolicyFilter narrows the list of policies; empty members do not.
type PolicyFilter struct {
	Environment string
	Tier        string // slug
}

// policyRow is a row of policies; durations are in seconds there.
type policyRow struct {
	TenantID          string
	Environment       string
	Stages            []byte
	DefaultStrategy   string
	AllowedStrategies string // the array as JSON
	RequirePrevious   bool
	MinSoak           int64
	ExpiresIn         int64
	Version           int64
	UpdatedAt         time.Time
}

const policyColumns = `tenant_id, p.environment, p.stages, p.default_strategy, to_json(p.allowed_strategies)::text AS allowed_strategies,
	p.require_previous, p.min_soak, p.expires_in, p.version, p.updated_at`

func (r policyRow) policy() (models.Policy, error) {
	p := models.Policy{
		TenantID: r.TenantID, Environment: r.Environment, DefaultStrategy: r.DefaultStrategy,
		RequirePrevious: r.RequirePrevious, MinSoak: time.Duration(r.MinSoak) * time.Second,
		ExpiresIn: time.Duration(r.ExpiresIn) * time.Second, Version: r.Version, UpdatedAt: r.UpdatedAt.UTC(),
	}
	if err := json.Unmarshal(r.Stages, &p.Stages); err != nil {
		return p, fmt.Errorf("read stages: %w", err)
	}
	if err := json.Unmarshal([]byte(r.AllowedStrategies), &p.AllowedStrategies); err != nil {
		return p, fmt.Errorf("read strategies: %w", err)
	}
	return p, nil
}

// Policies lists the policies that bear on the actor's tenants, by environment, the platform's before those of
// tiers: all of them for who works on the whole platform.
func (s *Service) Policies(ctx context.Context, f PolicyFilter) ([]models.Policy, error) {
	ids, err := viewable(ctx, models.PermViewChanges)
	if err != nil {
		return nil, err
	}
	layers, err := s.layersAbove(ctx, ids)
	if err != nil {
		return nil, err
	}
	var rows []policyRow
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if layers != nil {
			// Policies of layers above are readable once the transaction is confined to heirs of them.
			if err := store.Narrow(ctx, append(slices.Clone(layers), ids[0])); err != nil {
				return err
			}
		}
		return f.query(tx, layers).Scan(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	return policiesOf(rows)
}

func policiesOf(rows []policyRow) ([]models.Policy, error) {
	out := make([]models.Policy, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.policy(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// layersAbove lists the layers above those tenants, or nil for the scope of all.
func (s *Service) layersAbove(ctx context.Context, ids []string) (layers []string, err error) {
	if slices.Contains(ids, models.ScopeAll) {
		return nil, nil
	}
	for _, id := range ids {
		t, err := s.directory.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, layer := range t.Chain() {
			if layer != id && !slices.Contains(layers, layer) {
				layers = append(layers, layer)
			}
		}
	}
	return layers, nil
}

func (f PolicyFilter) query(tx *gorm.DB, layers []string) *gorm.DB {
	q := tx.Table("policies p").Select("p." + policyColumns).
		Joins("JOIN environments e ON e.name = p.environment").Order("e.position, p.tenant_id")
	if layers != nil {
		q = q.Where("p.tenant_id IN ?", layers)
	}
	if f.Environment != "" {
		q = q.Where("p.environment = ?", f.Environment)
	}
	if f.Tier != "" {
		q = q.Where("p.tenant_id = ?", models.TierLayer(f.Tier))
	}
	return q
}

// PutPolicy writes the policy of an environment: the platform's, or that of one tier if a slug is given.
// It holds for changes made from now on. not_found: no such environment or tier; invalid: see
// models.Policy.Validate; precondition_failed: ifMatch names another state of it.
func (s *Service) PutPolicy(ctx context.Context, environment, tierSlug string, in models.Policy, ifMatch string) (p models.Policy, err error) {
	if err := mayPlatform(ctx, models.PermManagePlatform); err != nil {
		return p, err
	}
	if err := in.Validate(); err != nil {
		return p, err
	}
	layer := models.Tenant{ID: models.Platform}
	if tierSlug != "" {
		tier, err := s.tier(ctx, tierSlug)
		if err != nil {
			return p, models.NotFound("tier")
		}
		layer = tier
	}
	in.TenantID, in.Environment = layer.ID, environment
	err = s.db.Write(ctx, layer.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		p, err = s.putPolicy(ctx, tx, in, layer, ifMatch)
		return err
	})
	return p, err
}

func (s *Service) putPolicy(ctx context.Context, tx *gorm.DB, in models.Policy, layer models.Tenant, ifMatch string) (models.Policy, error) {
	all, err := environments(tx)
	if err != nil {
		return in, err
	}
	if !slices.ContainsFunc(all, func(e models.Environment) bool { return e.Name == in.Environment }) {
		return in, models.NotFound("environment")
	}
	var rows []policyRow
	err = tx.Raw(`SELECT p.`+policyColumns+` FROM policies p WHERE p.tenant_id = ? AND p.environment = ?`,
		in.TenantID, in.Environment).Scan(&rows).Error
	if err != nil {
		return in, err
	}
	before, err := policiesOf(rows)
	if err != nil {
		return in, err
	}
	if err := matches(before, ifMatch); err != nil {
		return in, err
	}
	at, err := store.Instant(tx)
	if err != nil {
		return in, err
	}
	in.Version, in.UpdatedAt = 1, at
	act := models.Act{Action: "policy.update", Resource: "policy/" + in.Environment}
	if slug := layer.Slug(); slug != "" {
		act.Resource += "/" + slug
	}
	if len(before) > 0 {
		in.Version = before[0].Version + 1
		if act.Before, err = policyDocument(before[0]); err != nil {
			return in, err
		}
	}
	if act.After, err = policyDocument(in); err != nil {
		return in, err
	}
	if err := writePolicy(tx, in); err != nil {
		return in, err
	}
	return in, s.log.Record(ctx, tx, in.TenantID, at, act)
}

// matches holds what is there against If-Match; an absent thing matches no tag.
func matches(before []models.Policy, ifMatch string) error {
	switch {
	case len(before) > 0:
		return models.CheckTag(ifMatch, before[0].Tag())
	case ifMatch != "":
		return models.PreconditionFailed()
	default:
		return nil
	}
}

func writePolicy(tx *gorm.DB, p models.Policy) error {
	stages, err := json.Marshal(append([]models.Stage{}, p.Stages...))
	if err != nil {
		return fmt.Errorf("write stages: %w", err)
	}
	allowed, err := json.Marshal(p.AllowedStrategies)
	if err != nil {
		return fmt.Errorf("write strategies: %w", err)
	}
	return tx.Exec(`
		INSERT INTO policies (tenant_id, environment, stages, default_strategy, allowed_strategies, require_previous,
			min_soak, expires_in, version, updated_at)
		VALUES (?, ?, ?::jsonb, ?, ARRAY(SELECT json_array_elements_text(?::json)), ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, environment) DO UPDATE SET stages = EXCLUDED.stages,
			default_strategy = EXCLUDED.default_strategy, allowed_strategies = EXCLUDED.allowed_strategies,
			require_previous = EXCLUDED.require_previous, min_soak = EXCLUDED.min_soak, expires_in = EXCLUDED.expires_in,
			version = EXCLUDED.version, updated_at = EXCLUDED.updated_at`,
		p.TenantID, p.Environment, string(stages), p.DefaultStrategy, string(allowed), p.RequirePrevious,
		int64(p.MinSoak/time.Second), int64(p.ExpiresIn/time.Second), p.Version, p.UpdatedAt).Error
}

// policyDocument is a policy as the log keeps it.
func policyDocument(p models.Policy) (models.Value, error) {
	return models.Canonical(map[string]any{
		"environment": p.Environment, "stages": append([]models.Stage{}, p.Stages...),
		"defaultStrategy": p.DefaultStrategy, "allowedStrategies": p.AllowedStrategies,
		"requirePrevious": p.RequirePrevious, "minSoak": p.MinSoak.String(), "expiresIn": p.ExpiresIn.String(),
	})
}
