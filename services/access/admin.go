package access

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// adminActor is the operator at the console, whose store is opened with Options.Owner.
const adminActor = "admin"

// Account is a person with one role, as the development identity provider knows it.
type Account struct {
	Issuer   string
	Subject  string
	Email    string
	Name     string
	Role     models.Role
	TenantID string // empty for all tenants
}

func (s *Service) asAdmin(ctx context.Context, fn func(context.Context, *gorm.DB) error) error {
	return s.db.Tx(models.WithActor(ctx, models.System(adminActor)), fn)
}

// AddAdmin makes somebody platform-admin who may not have signed in yet. It works only through the owner's store.
func (s *Service) AddAdmin(ctx context.Context, issuer, email string) (p models.Person, err error) {
	if issuer == "" {
		return models.Person{}, models.Invalid("/issuer", "the issuer of the identity provider is missing")
	}
	if !isEmail(email) {
		return models.Person{}, models.Invalid("/email", "this is no e-mail address")
	}
	err = s.asAdmin(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if p, err = s.personByEmail(tx, issuer, email); err != nil {
			return err
		}
		return s.ensureBinding(ctx, tx, p.ID, models.RolePlatformAdmin, models.Platform)
	})
	return p, err
}

// EnsureAccount makes the person and its role unless they are there. It works only through the owner's store.
func (s *Service) EnsureAccount(ctx context.Context, a Account) (p models.Person, err error) {
	claims := Claims{Issuer: a.Issuer, Subject: a.Subject, Email: a.Email, EmailVerified: true, Name: a.Name}.clean()
	if claims.Issuer == "" || claims.Subject == "" {
		return models.Person{}, models.Invalid("/subject", "an account has an issuer and a subject")
	}
	tenantID := a.TenantID
	if tenantID == "" {
		tenantID = models.Platform
	}
	err = s.asAdmin(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := lockPerson(tx, claims); err != nil {
			return err
		}
		if p, err = findLogin(tx, claims); err != nil {
			return err
		}
		if p.Subject == "" {
			if p, err = saveLogin(tx, p, claims, s.now().UTC()); err != nil {
				return err
			}
		}
		return s.ensureBinding(ctx, tx, p.ID, a.Role, tenantID)
	})
	return p, err
}

// ensureBinding binds unless it is bound.
func (s *Service) ensureBinding(ctx context.Context, tx *gorm.DB, personID string, role models.Role, tenantID string) error {
	var found bool
	err := tx.Raw(`
		SELECT EXISTS (SELECT FROM role_bindings WHERE tenant_id = ? AND subject_kind = ? AND subject = ?
			AND role = ? AND environment = '')`, tenantID, models.SubjectPerson, personID, role).Row().Scan(&found)
	if err != nil || found {
		return err
	}
	return s.bind(ctx, tx, &models.Binding{
		TenantID: tenantID, Role: role, SubjectKind: models.SubjectPerson, Subject: personID,
		CreatedBy: models.System(adminActor).ActorRef, CreatedAt: s.now().UTC().Truncate(time.Microsecond),
	})
}

// EnsureKey makes a key of a given text unless it is there: a personal one when k names a person, else a service's.
// ID, hash, author and times of k are set here. Conflict when another key has that id. It works only through the
// owner's store.
func (s *Service) EnsureKey(ctx context.Context, k models.APIKey, key string) (models.APIKey, error) {
	id, ok := models.ParseAPIKey(key)
	if !ok {
		return models.APIKey{}, models.Invalid("/key", "this is no API key")
	}
	hash := hashKey(key)
	k.ID, k.SecretHash = id, hash[:]
	k.CreatedBy, k.CreatedAt = models.System(adminActor).ActorRef, s.now().UTC().Truncate(time.Microsecond)
	if k.TenantID == "" {
		k.TenantID = models.Platform
	}
	err := s.asAdmin(ctx, func(ctx context.Context, tx *gorm.DB) error {
		old, err := scanKey(tx.Raw(`SELECT `+keyColumns+` FROM api_keys WHERE tenant_id = ? AND id = ?`, k.TenantID, id).Row())
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return s.addKey(ctx, tx, k)
		case err != nil:
			return fmt.Errorf("look for the key: %w", err)
		case subtle.ConstantTimeCompare(old.SecretHash, k.SecretHash) != 1:
			return models.Conflict("another key has this id")
		}
		k = old
		return nil
	})
	return k, err
}
