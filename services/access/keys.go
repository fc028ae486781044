package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// The audit actions on keys.
const (
	ActionKeyCreate = "api_key.create"
	ActionKeyRevoke = "api_key.revoke"
)

// CreateKey makes an API key, whose text is returned once and kept nowhere. A service's key needs the right to
// manage access in its place; a personal one needs the role itself. Not_found for a tenant outside the caller's
// scope, forbidden for more rights than the caller may give, invalid for a broken rule.
func (s *Service) CreateKey(ctx context.Context, in KeyInput) (k models.APIKey, key string, err error) {
	actor, err := caller(ctx)
	if err != nil {
		return models.APIKey{}, "", err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	if err := in.check(now); err != nil {
		return models.APIKey{}, "", err
	}
	tenantID, err := in.authorize(actor)
	if err != nil {
		return models.APIKey{}, "", err
	}
	k = in.key(actor, tenantID, now)
	k.ID, key = NewKey()
	hash := hashKey(key)
	k.SecretHash = hash[:]
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := checkPeople(tx, in.Responsible); err != nil {
			return err
		}
		return s.addKey(ctx, tx, k)
	})
	if err != nil {
		return models.APIKey{}, "", err
	}
	return k, key, nil
}

func (s *Service) addKey(ctx context.Context, tx *gorm.DB, k models.APIKey) error {
	if err := checkPlace(tx, k.TenantID, k.Environment); err != nil {
		return err
	}
	if _, err := insertKey(tx, k); err != nil {
		return err
	}
	if err := store.ControlMoved(ctx, tx, models.HeadKeys); err != nil {
		return err
	}
	return s.recordKey(ctx, tx, ActionKeyCreate, k, k.CreatedAt)
}

// checkPeople makes sure that there are such people and that they are not disabled.
func checkPeople(tx *gorm.DB, ids []string) error {
	var found int
	err := tx.Raw(`SELECT count(*) FROM people WHERE id = ANY (?::uuid[]) AND disabled_at IS NULL`,
		texts[string](ids)).Row().Scan(&found)
	if err == nil && found != len(ids) {
		return models.Invalid("/responsible", "one of these people does not exist or is disabled")
	}
	return err
}

// insertKey tells whether the key is new.
func insertKey(tx *gorm.DB, k models.APIKey) (bool, error) {
	var person *string
	if k.PersonID != "" {
		person = &k.PersonID
	}
	r := tx.Exec(`
		INSERT INTO api_keys (tenant_id, id, name, role, environment, person_id, responsible, grants, denies,
			secret_hash, created_by, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, id) DO NOTHING`,
		k.TenantID, k.ID, k.Name, k.Role, k.Environment, person, texts[string](k.Responsible),
		texts[models.Permission](k.Grants), texts[models.Permission](k.Denies), k.SecretHash,
		k.CreatedBy.String(), k.CreatedAt, k.ExpiresAt)
	if r.Error != nil {
		return false, fmt.Errorf("keep the key: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

// recordKey tells the audit log about a key, never about its secret.
func (s *Service) recordKey(ctx context.Context, tx *gorm.DB, action string, k models.APIKey, at time.Time) error {
	owner := OwnerService
	if k.PersonID != "" {
		owner = OwnerMe
	}
	about, err := models.Canonical(struct {
		Name        string              `json:"name"`
		Owner       string              `json:"owner"`
		PersonID    string              `json:"personId,omitempty"`
		Role        models.Role         `json:"role"`
		TenantID    string              `json:"tenantId"`
		Environment string              `json:"environment,omitempty"`
		Responsible []string            `json:"responsible,omitempty"`
		Grants      []models.Permission `json:"grants,omitempty"`
		Denies      []models.Permission `json:"denies,omitempty"`
		ExpiresAt   *time.Time          `json:"expiresAt,omitempty"`
	}{k.Name, owner, k.PersonID, k.Role, k.TenantID, k.Environment, k.Responsible, k.Grants, k.Denies, k.ExpiresAt})
	if err != nil {
		return err
	}
	act := models.Act{Action: action, Resource: "api_key/" + k.ID, After: about}
	if action == ActionKeyRevoke {
		act.Before, act.After = about, ""
	}
	return s.audit.Record(ctx, tx, k.TenantID, at, act)
}

// RevokeKey ends a key for good; a second time it does nothing. People revoke their own keys, others need the right
// to manage access in the key's place.
func (s *Service) RevokeKey(ctx context.Context, id string) error {
	actor, err := caller(ctx)
	if err != nil {
		return err
	}
	if !models.ValidText(id, models.MaxAPIKeyLength) {
		return models.NotFound("api key")
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		k, err := findKey(tx, actor, id)
		if err != nil {
			return err
		}
		if !owns(actor, k) {
			if err := mayManage(actor, "api key", k.TenantID, k.Environment, k.Role); err != nil {
				return err
			}
		}
		return s.revoke(ctx, tx, k)
	})
	if err == nil {
		s.refuse(id)
	}
	return err
}

func owns(actor models.Actor, k models.APIKey) bool {
	return actor.Kind == models.ActorPerson && k.PersonID != "" && k.PersonID == actor.ID
}

// findKey looks through the actor's whole scope; not_found outside.
func findKey(tx *gorm.DB, actor models.Actor, id string) (models.APIKey, error) {
	in, args := scoped(actor.Scope())
	k, err := scanKey(tx.Raw(`SELECT `+keyColumns+` FROM api_keys WHERE id = ? AND `+in,
		slices.Concat([]any{id}, args)...).Row())
	if errors.Is(err, sql.ErrNoRows) {
		return models.APIKey{}, models.NotFound("api key")
	}
	return k, err
}

func (s *Service) revoke(ctx context.Context, tx *gorm.DB, k models.APIKey) error {
	now := s.now().UTC()
	r := tx.Exec(`UPDATE api_keys SET revoked_at = ? WHERE tenant_id = ? AND id = ? AND revoked_at IS NULL`,
		now, k.TenantID, k.ID)
	if r.Error != nil || r.RowsAffected == 0 {
		return r.Error
	}
	if err := store.ControlMoved(ctx, tx, models.HeadKeys); err != nil {
		return err
	}
	return s.recordKey(ctx, tx, ActionKeyRevoke, k, now)
}

// ListFilter says whose keys or bindings a list has.
type ListFilter struct {
	TenantID string // empty: all tenants where the caller may look
	models.Page
}

// ListKeys is a page of the keys of the places where the caller may view access, and of the caller's own.
// Revoked ones are part of it.
func (s *Service) ListKeys(ctx context.Context, f ListFilter) (models.Paged[models.APIKey], error) {
	none := models.Paged[models.APIKey]{}
	actor, err := caller(ctx)
	if err != nil {
		return none, err
	}
	tenants, err := f.tenants(actor)
	if err != nil {
		return none, err
	}
	condition, args := scoped(tenants)
	if actor.Kind == models.ActorPerson {
		own, ownArgs := scoped(f.scope(actor))
		condition = "(" + condition + " OR " + own + " AND person_id = ?)"
		args = slices.Concat(args, ownArgs, []any{actor.ID})
	} else if len(tenants) == 0 {
		return none, models.Forbidden("this needs the permission " + string(models.PermViewAccess))
	}
	keyOf := func(k models.APIKey) []string { return []string{k.TenantID, k.ID} }
	anyText := func(string) bool { return true }
	l := listing[models.APIKey]{name: "api_keys", columns: keyColumns, scan: scanKey, key: keyOf, isID: anyText}
	return l.page(ctx, s.db, f, condition, args)
}
