package definitions

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Write is a definition to make, or to replace another.
type Write struct {
	Definition models.Definition
	Before     models.Definition // the one of the layer until now; the zero Definition for none
}

// Apply writes definitions in the transaction that holds the locks of their layer, after checking them against what
// stands on the layer and below, and seals or opens the values of keys that become secrets or are no longer. It returns
// what happened, for the audit log. changeID is empty for a definition that no change made. conflict: the layer defines
// the key already; invalid: a layer above does, or something below does not fit; secrets.NotReadyError.
func (s *Service) Apply(ctx context.Context, tx *gorm.DB, layer models.Tenant, at time.Time, changeID string, writes ...Write) (
	made []models.Definition, acts []models.Act, err error,
) {
	seen := false
	for _, w := range writes {
		if err := s.check(ctx, tx, layer, w); err != nil {
			return nil, nil, err
		}
		if w.Definition.Sensitive != w.Before.Sensitive {
			if err := s.reclassify(ctx, tx, layer, w.Definition); err != nil {
				return nil, nil, err
			}
		}
		d, err := put(ctx, tx, w, at, changeID)
		if err != nil {
			return nil, nil, err
		}
		seen = seen || w.Before.Version == 0 || d.Moves(w.Before) || d.Schema != w.Before.Schema
		made, acts = append(made, d), append(acts, act(d, w.Before))
		if w.Before.Sensitive && !d.Sensitive {
			acts = append(acts, models.Act{Action: "secret.uncover", Resource: "definition/" + d.Key})
		}
	}
	if seen {
		err = moveHeads(ctx, tx, layer.ID)
	}
	return made, acts, err
}

// Check tells whether definitions could be applied now. Errors as Apply.
func (s *Service) Check(ctx context.Context, tx *gorm.DB, layer models.Tenant, writes ...Write) error {
	for _, w := range writes {
		if err := s.check(ctx, tx, layer, w); err != nil {
			return err
		}
	}
	return nil
}

// CheckFirst tells whether the definition that a first value of a key makes could be applied now. It moves nothing that
// is live already: that is for an item of its own, which asks all environments that it touches. Errors as Apply.
func (s *Service) CheckFirst(ctx context.Context, tx *gorm.DB, layer models.Tenant, d models.Definition) error {
	if err := s.check(ctx, tx, layer, Write{Definition: d}); err != nil {
		return err
	}
	if !d.Moves(models.Definition{}) {
		return nil
	}
	environments, err := liveIn(tx, layer, d.Key)
	if err == nil && len(environments) > 0 {
		err = models.Invalid("", "the key has live values in "+environments[len(environments)-1]+": define it by an item of its own")
	}
	return err
}

// SealStored seals what is stored of a key that a first value makes a secret. Errors as Apply.
func (s *Service) SealStored(ctx context.Context, tx *gorm.DB, layer models.Tenant, d models.Definition) error {
	return s.reclassify(ctx, tx, layer, d)
}

func (s *Service) check(ctx context.Context, tx *gorm.DB, layer models.Tenant, w Write) error {
	if w.Before.Version == 0 {
		if err := unknownAbove(tx, layer, w.Definition.Key); err != nil {
			return err
		}
	}
	if w.Before.Version == 0 || w.Before.Sensitive && !w.Definition.Sensitive {
		if err := agreesBelow(tx, layer, w); err != nil {
			return err
		}
	}
	if w.Before.Version > 0 && w.Definition.Schema == w.Before.Schema {
		return nil
	}
	return s.valuesFit(ctx, tx, layer, w.Definition)
}

// put ends the version before, and writes the definition and its version.
func put(ctx context.Context, tx *gorm.DB, w Write, at time.Time, changeID string) (models.Definition, error) {
	d := w.Definition
	d.CreatedAt = at
	if w.Before.Version > 0 {
		d.CreatedAt = w.Before.CreatedAt
		var err error
		if at, err = endVersion(tx, w.Before, at); err != nil {
			return d, err
		}
	}
	d.Version, d.UpdatedAt = w.Before.Version+1, at
	err := tx.Exec(`
		INSERT INTO definitions (tenant_id, key, type, schema, description, owner, tags, sensitive, merge, expires_at, version, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, key) DO UPDATE SET schema = excluded.schema, description = excluded.description,
			owner = excluded.owner, tags = excluded.tags, sensitive = excluded.sensitive, merge = excluded.merge,
			expires_at = excluded.expires_at, version = excluded.version, updated_at = excluded.updated_at`,
		d.TenantID, d.Key, d.Type, d.Schema, d.Description, d.Owner, d.Tags, d.Sensitive, d.Merge, d.ExpiresAt, d.Version, at, at).Error
	if err != nil {
		return d, err
	}
	actor, _ := models.ActorFrom(ctx)
	var change *string
	if changeID != "" {
		change = &changeID
	}
	return d, tx.Exec(`
		INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, owner, tags, sensitive, merge, expires_at, author, change_id, live_from)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.TenantID, d.Key, d.Version, d.Type, d.Schema, d.Description, d.Owner, d.Tags, d.Sensitive, d.Merge, d.ExpiresAt,
		actor.String(), change, at).Error
}

// endVersion ends the live version and returns when: at that instant, but never before the version began.
func endVersion(tx *gorm.DB, d models.Definition, at time.Time) (ended time.Time, err error) {
	err = tx.Raw(`
		UPDATE definition_versions SET live_to = greatest(?::timestamptz, live_from + interval '1 microsecond')
		WHERE tenant_id = ? AND key = ? AND version = ? RETURNING live_to`, at, d.TenantID, d.Key, d.Version).Row().Scan(&ended)
	return ended.UTC(), err
}

// moveHeads moves the layer's heads in all environments: a definition is part of each of its layer sets, and
// says what the values of layers below are, whether or not this one has any.
func moveHeads(ctx context.Context, tx *gorm.DB, layer string) error {
	var environments []string
	if err := tx.Raw(`SELECT name FROM environments ORDER BY name`).Scan(&environments).Error; err != nil {
		return err
	}
	for _, e := range environments {
		if err := store.MoveHead(ctx, tx, layer, e); err != nil {
			return err
		}
	}
	return nil
}

// act is the entry of a definition that was made or replaced.
func act(d, before models.Definition) models.Act {
	a := models.Act{Action: "definition.create", Resource: "definition/" + d.Key, After: document(d)}
	if before.Version > 0 {
		a.Action, a.Before = "definition.update", document(before)
	}
	return a
}

// document is a definition as the log keeps it.
func document(d models.Definition) models.Value {
	members := map[string]models.Value{
		"tenantId": models.Text(d.TenantID), "key": models.Text(d.Key), "type": models.Text(string(d.Type)),
		"description": models.Text(d.Description), "owner": models.Text(d.Owner), "tags": models.Text(string(d.Tags)),
		"sensitive": models.Bool(d.Sensitive), "merge": models.Text(string(d.Merge)), "schema": models.Value(d.Schema),
	}
	if d.ExpiresAt != nil {
		members["expiresAt"] = models.Text(d.ExpiresAt.UTC().Format(time.RFC3339Nano))
	}
	return models.Object(members)
}
