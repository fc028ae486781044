package definitions

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// Service makes, changes and tells about definitions.
type Service struct {
	db        *store.DB
	log       *audit.Log
	tenants   *tenants.Directory
	secrets   *secrets.Service
	validator *Validator
}

// New works on the database, writes to the log, finds chains in the directory, and opens and seals what is sensitive.
func New(db *store.DB, log *audit.Log, directory *tenants.Directory, vault *secrets.Service, validator *Validator) *Service {
	return &Service{db: db, log: log, tenants: directory, secrets: vault, validator: validator}
}

// In is a definition as it is asked for.
type In struct {
	TenantID    string // the layer that defines
	Key         string
	Type        models.ValueType
	Description string
	Schema      models.Value // a JSON Schema; empty for none
	Owner       string
	Tags        []string
	Sensitive   bool
	Merge       models.Merge // empty for replace
	ExpiresAt   *time.Time   // from when on a temporary key is overdue; nil for a lasting one
}

// Defines is the definition as an item of a change makes it. invalid at /tags.
func (in In) Defines() (*models.Defines, error) {
	tags, ok := models.NewTags(in.Tags)
	if !ok {
		return nil, badTags()
	}
	return &models.Defines{
		Type: in.Type, Description: in.Description, Schema: in.Schema, Owner: in.Owner, Tags: tags,
		Sensitive: in.Sensitive, Merge: in.Merge, ExpiresAt: in.ExpiresAt,
	}, nil
}

func badTags() error {
	return models.Invalid("/tags", "at most 20 tags of 1 to 40 characters, without commas")
}

// MovesError says that readers of live values would see a difference: the definition is to be an item of a change.
type MovesError struct {
	Definition   models.Definition
	Environments []string // in which it moves something, in their order
}

func (m MovesError) Error() string {
	return "the definition of " + m.Definition.Key + " moves live values"
}

// Create defines a key for a layer and all below it. conflict: the layer defines it already; invalid: a layer
// above does, or what stands on the layer or below does not fit; MovesError: see there.
func (s *Service) Create(ctx context.Context, in In) (d models.Definition, err error) {
	made, err := in.Defines()
	if err != nil {
		return d, err
	}
	return s.direct(ctx, in.TenantID, func(*gorm.DB) (Write, error) {
		return Write{Definition: made.On(models.Definition{TenantID: in.TenantID, Key: in.Key})}, nil
	})
}

// Patch is what an edit replaces; nil stays as it is.
type Patch struct {
	Description *string
	Schema      *models.Value // the empty value takes the schema away
	Owner       *string
	Tags        *[]string
	Sensitive   *bool
	Merge       *models.Merge
	ExpiresAt   *time.Time // the zero time takes it away
}

// Update edits a definition of the layer itself. invalid: live values break the new schema; precondition_failed:
// ifMatch names another state of it; MovesError: see there.
func (s *Service) Update(ctx context.Context, tenantID, key string, in Patch, ifMatch string) (d models.Definition, err error) {
	return s.direct(ctx, tenantID, func(tx *gorm.DB) (Write, error) {
		own, err := read(tx, []string{tenantID}, key)
		if err != nil {
			return Write{}, err
		}
		if err := models.CheckTag(ifMatch, own.Tag()); err != nil {
			return Write{}, err
		}
		after, err := in.on(own)
		return Write{Definition: after, Before: own}, err
	})
}

// on is the definition after the edit.
func (p Patch) on(d models.Definition) (models.Definition, error) {
	replace(&d.Description, p.Description)
	replace(&d.Owner, p.Owner)
	replace(&d.Sensitive, p.Sensitive)
	replace(&d.Merge, p.Merge)
	if p.Schema != nil {
		d.Schema = string(*p.Schema)
	}
	if p.Tags != nil {
		tags, ok := models.NewTags(*p.Tags)
		if !ok {
			return d, badTags()
		}
		d.Tags = tags
	}
	if p.ExpiresAt != nil {
		d.ExpiresAt = p.ExpiresAt
		if p.ExpiresAt.IsZero() {
			d.ExpiresAt = nil
		}
	}
	return d, nil
}

func replace[T any](at *T, with *T) {
	if with != nil {
		*at = *with
	}
}

// direct writes a definition that moves nothing, under the locks of its layer.
func (s *Service) direct(ctx context.Context, tenantID string, plan func(*gorm.DB) (Write, error)) (d models.Definition, err error) {
	if err := mayDefine(ctx, tenantID); err != nil {
		return d, err
	}
	layer, err := s.layer(ctx, tenantID)
	if err != nil {
		return d, err
	}
	err = s.secrets.Retry(ctx, func() error {
		return s.db.Write(ctx, layer.Chain(), func(ctx context.Context, tx *gorm.DB) error {
			w, err := plan(tx)
			if err != nil {
				return err
			}
			d, err = s.once(ctx, tx, layer, w)
			return err
		})
	})
	return d, err
}

func (s *Service) once(ctx context.Context, tx *gorm.DB, layer models.Tenant, w Write) (models.Definition, error) {
	if w.Before.Version > 0 && w.Definition.Same(w.Before) {
		return w.Before, nil
	}
	if err := s.Validate(w.Definition, ""); err != nil {
		return w.Definition, err
	}
	by, _ := models.ActorFrom(ctx)
	if _, err := w.Definition.Uncovers(w.Before, by); err != nil {
		return w.Definition, err
	}
	if w.Before.Version == 0 {
		if err := unknownAbove(tx, layer, w.Definition.Key); err != nil {
			return w.Definition, err
		}
	}
	if w.Definition.Moves(w.Before) {
		environments, err := liveIn(tx, layer, w.Definition.Key)
		if err != nil {
			return w.Definition, err
		}
		if len(environments) > 0 {
			return w.Definition, MovesError{w.Definition, environments}
		}
	}
	at, err := store.Instant(tx)
	if err != nil {
		return w.Definition, err
	}
	made, acts, err := s.Apply(ctx, tx, layer, at, "", w)
	if err != nil {
		return w.Definition, err
	}
	return made[0], s.log.Record(ctx, tx, layer.ID, at, acts...)
}

// liveIn are the environments in which the key has a live value on the layer or below, in their order.
func liveIn(tx *gorm.DB, layer models.Tenant, key string) (names []string, err error) {
	own := tx.Table("configs c").Select("c.environment").Where("c.key = ? AND c.live IS NOT NULL AND c.tenant_id = ?", key, layer.ID)
	below := Below(tx.Table("configs c").Select("c.environment").Where("c.key = ? AND c.live IS NOT NULL", key), "c.tenant_id", layer)
	return names, tx.Raw(`SELECT e.name FROM environments e WHERE e.name IN (? UNION ALL ?) ORDER BY e.position, e.name`, own, below).Scan(&names).Error
}

// maxOwner is how many characters the owner of a definition may have.
const maxOwner = 200

// Validate checks what a definition says by itself; invalid, with pointers below the one given.
func (s *Service) Validate(d models.Definition, pointer string) error {
	var bad []models.FieldError
	rule := func(ok bool, at, message string) {
		if !ok {
			bad = append(bad, models.FieldError{Pointer: pointer + at, Message: message})
		}
	}
	rule(models.ValidKey(d.Key), "/key", "1 to 128 of a-z, 0-9, '.', '_' and '-', with a letter or digit at either end")
	rule(d.Type.Valid(), "/type", "boolean, number, string or json")
	rule(models.ValidText(d.Description, models.MaxDescription), "/description", fmt.Sprintf("at most %d characters", models.MaxDescription))
	rule(models.ValidText(d.Owner, maxOwner), "/owner", "at most 200 characters")
	rule(d.Merge == models.MergeReplace || d.Merge == models.MergeDeep, "/merge", "replace or deep")
	rule(d.Merge != models.MergeDeep || d.Type == models.TypeJSON, "/merge", "only keys of type json are merged")
	rule(d.Merge != models.MergeDeep || !d.Sensitive, "/merge", "a secret is replaced as a whole")
	if len(bad) > 0 || d.Schema == "" {
		return models.InvalidFields(bad)
	}
	return models.Under(pointer, s.validator.CheckSchema(models.Value(d.Schema)))
}

// Fits tells whether a value satisfies the definition's schema; invalid, with pointers below the one given.
func (s *Service) Fits(d models.Definition, v models.Value, pointer string) error {
	return s.validator.Validate(d, v, pointer)
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
