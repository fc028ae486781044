package definitions

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// Service makes, changes and tells about definitions.
type Service struct {
	db        *store.DB
	log       *audit.Log
	tenants   *tenants.Directory
	validator *Validator
}

// New works on the database, writes to the log, and finds chains in the directory.
func New(db *store.DB, log *audit.Log, directory *tenants.Directory, validator *Validator) *Service {
	return &Service{db: db, log: log, tenants: directory, validator: validator}
}

// In is a definition as it is asked for.
type In struct {
	TenantID    string // the layer that defines
	Key         string
	Type        models.ValueType
	Description string
	Schema      models.Value // a JSON Schema; empty for none
	Sensitive   bool
}

// Create defines a key for a layer and all below it. conflict: the layer defines it already; invalid: a layer
// above does, what stands on the layer or below does not fit, or it would hide values that are live there.
func (s *Service) Create(ctx context.Context, in In) (d models.Definition, err error) {
	if err := mayDefine(ctx, in.TenantID); err != nil {
		return d, err
	}
	d = models.Definition{
		TenantID: in.TenantID, Key: in.Key, Type: in.Type, Description: in.Description,
		Schema: string(in.Schema), Sensitive: in.Sensitive, Version: 1,
	}
	if err := s.validate(d); err != nil {
		return d, err
	}
	layer, err := s.layer(ctx, in.TenantID)
	if err != nil {
		return d, err
	}
	err = s.db.Write(ctx, layer.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		return s.create(ctx, tx, layer, &d)
	})
	return d, err
}

func (s *Service) validate(d models.Definition) error {
	var bad []models.FieldError
	if !models.ValidKey(d.Key) {
		bad = append(bad, models.FieldError{
			Pointer: "/key", Message: "1 to 128 of a-z, 0-9, '.', '_' and '-', with a letter or digit at either end",
		})
	}
	if !d.Type.Valid() {
		bad = append(bad, models.FieldError{Pointer: "/type", Message: "boolean, number, string or json"})
	}
	if !models.ValidText(d.Description, models.MaxDescription) {
		bad = append(bad, models.FieldError{Pointer: "/description", Message: fmt.Sprintf("at most %d characters", models.MaxDescription)})
	}
	if len(bad) > 0 || d.Schema == "" {
		return models.InvalidFields(bad)
	}
	return s.validator.CheckSchema(models.Value(d.Schema))
}

func (s *Service) create(ctx context.Context, tx *gorm.DB, layer models.Tenant, d *models.Definition) error {
	if err := unknownAbove(tx, layer, d.Key); err != nil {
		return err
	}
	if err := s.fitsBelow(tx, layer, *d); err != nil {
		return err
	}
	at, err := store.Instant(tx)
	if err != nil {
		return err
	}
	d.CreatedAt, d.UpdatedAt = at, at
	err = tx.Exec(`
		INSERT INTO definitions (tenant_id, key, type, schema, description, sensitive, version, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.TenantID, d.Key, d.Type, d.Schema, d.Description, d.Sensitive, d.Version, at, at).Error
	if err != nil {
		return err
	}
	return s.written(ctx, tx, *d, at, true, models.Act{
		Action: "definition.create", Resource: "definition/" + d.Key, After: document(*d),
	})
}

// written ends every write: the version, the heads if readers see a difference, and the log.
func (s *Service) written(ctx context.Context, tx *gorm.DB, d models.Definition, at time.Time, seen bool, act models.Act) error {
	actor, _ := models.ActorFrom(ctx)
	err := tx.Exec(`
		INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, live_from)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.TenantID, d.Key, d.Version, d.Type, d.Schema, d.Description, d.Sensitive, actor.String(), at).Error
	if err != nil {
		return err
	}
	if seen {
		if err := moveHeads(ctx, tx, d.TenantID); err != nil {
			return err
		}
	}
	return s.log.Record(ctx, tx, d.TenantID, at, act)
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

// Patch is what an edit replaces; nil stays as it is.
type Patch struct {
	Description *string
	Schema      *models.Value // the empty value takes the schema away
	Sensitive   *bool
}

// Update edits a definition of the layer itself. invalid: live values break the new schema, it would hide live
// values, or it would no longer be sensitive, which is a reveal; precondition_failed: ifMatch names another state of it.
func (s *Service) Update(ctx context.Context, tenantID, key string, in Patch, ifMatch string) (d models.Definition, err error) {
	if err := mayDefine(ctx, tenantID); err != nil {
		return d, err
	}
	layer, err := s.layer(ctx, tenantID)
	if err != nil {
		return d, err
	}
	err = s.db.Write(ctx, layer.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		own, err := read(tx, []string{tenantID}, key)
		if err != nil {
			return err
		}
		d = own
		if err := models.CheckTag(ifMatch, d.Tag()); err != nil {
			return err
		}
		return s.update(ctx, tx, layer, &d, in)
	})
	return d, err
}

func (s *Service) update(ctx context.Context, tx *gorm.DB, layer models.Tenant, d *models.Definition, in Patch) error {
	before := *d
	if err := in.apply(d); err != nil || *d == before {
		return err
	}
	if err := s.validate(*d); err != nil {
		return err
	}
	if d.Sensitive && !before.Sensitive {
		if err := hidesNothing(tx, layer, d.Key); err != nil {
			return err
		}
	}
	if d.Schema != before.Schema {
		if err := s.valuesFit(tx, layer, *d); err != nil {
			return err
		}
	}
	at, err := endVersion(tx, before)
	if err != nil {
		return err
	}
	d.Version, d.UpdatedAt = d.Version+1, at
	err = tx.Exec(`
		UPDATE definitions SET schema = ?, description = ?, sensitive = ?, version = ?, updated_at = ?
		WHERE tenant_id = ? AND key = ?`,
		d.Schema, d.Description, d.Sensitive, d.Version, at, d.TenantID, d.Key).Error
	if err != nil {
		return err
	}
	return s.written(ctx, tx, *d, at, d.Sensitive != before.Sensitive || d.Schema != before.Schema, models.Act{
		Action: "definition.update", Resource: "definition/" + d.Key, Before: document(before), After: document(*d),
	})
}

// apply changes the definition, as far as one edit may.
func (p Patch) apply(d *models.Definition) error {
	if p.Description != nil {
		d.Description = *p.Description
	}
	if p.Schema != nil {
		d.Schema = string(*p.Schema)
	}
	if p.Sensitive != nil {
		if d.Sensitive && !*p.Sensitive {
			return models.Invalid("/sensitive", "what is sensitive stays so: its values would be revealed")
		}
		d.Sensitive = *p.Sensitive
	}
	return nil
}

// endVersion ends the live version and returns when: the database's clock, but never before the version began.
func endVersion(tx *gorm.DB, d models.Definition) (at time.Time, err error) {
	err = tx.Raw(`
		UPDATE definition_versions SET live_to = greatest(clock_timestamp(), live_from + interval '1 microsecond')
		WHERE tenant_id = ? AND key = ? AND version = ? RETURNING live_to`, d.TenantID, d.Key, d.Version).Row().Scan(&at)
	return at.UTC(), err
}

// layer finds the tenant or layer that defines; a deleted one is not_found.
func (s *Service) layer(ctx context.Context, id string) (models.Tenant, error) {
	t, err := s.tenants.Get(ctx, id)
	if err == nil && t.Status == models.TenantDeleted {
		return t, models.NotFound("tenant")
	}
	return t, err
}

// mayDefine tells whether the actor may edit in all environments of the layer: that is how far definitions reach.
func mayDefine(ctx context.Context, tenantID string) error {
	actor, ok := models.ActorFrom(ctx)
	switch {
	case !ok:
		return models.Unauthenticated()
	case actor.Everywhere(models.PermEditConfigs, tenantID):
		return nil
	case actor.Sees(tenantID):
		return models.Forbidden("this needs the permission " + string(models.PermEditConfigs) + " in all environments")
	default:
		return models.NotFound("tenant")
	}
}

// document is a definition as the log keeps it.
func document(d models.Definition) models.Value {
	members := map[string]models.Value{
		"tenantId": models.Text(d.TenantID), "key": models.Text(d.Key), "type": models.Text(string(d.Type)),
		"description": models.Text(d.Description), "sensitive": models.Value("false"),
		"schema": models.Value(d.Schema),
	}
	if d.Sensitive {
		members["sensitive"] = "true"
	}
	return models.Object(members)
}
