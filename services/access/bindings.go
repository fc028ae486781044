package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// The audit actions on bindings.
const (
	ActionBind   = "role_binding.create"
	ActionUnbind = "role_binding.delete"
)

// BindingInput is what a caller says of a role to be bound, to exactly one of the last four.
type BindingInput struct {
	TenantID    string // empty for all tenants
	Environment string // empty for all environments
	Role        models.Role
	PersonID    string
	Email       string // of somebody who may not have signed in yet
	Group       string // as the identity provider names it
	KeyID       string // of a service
}

func (in BindingInput) check() error {
	var broken []models.FieldError
	rule := func(holds bool, pointer, message string) {
		if !holds {
			broken = append(broken, models.FieldError{Pointer: pointer, Message: message})
		}
	}
	subjects := 0
	for _, subject := range []string{in.PersonID, in.Email, in.Group, in.KeyID} {
		if subject != "" {
			subjects++
		}
	}
	rule(subjects == 1, "", "name exactly one of personId, email, group and keyId")
	rule(in.Role.Valid(), "/role", "there is no such role")
	rule(in.Email == "" || isEmail(in.Email), "/email", "this is no e-mail address")
	rule(models.ValidText(in.Group, maxClaim), "/group", "a group has at most 255 characters")
	rule(models.ValidText(in.KeyID, maxClaim), "/keyId", "there is no such key")
	if in.PersonID != "" {
		_, err := uuid.Parse(in.PersonID)
		rule(err == nil, "/personId", "there is no such person")
	}
	return models.InvalidFields(broken)
}

// Bind gives a role. Not_found for a tenant outside the caller's scope, forbidden for more rights than the caller
// may give, conflict when it is bound already.
func (s *Service) Bind(ctx context.Context, in BindingInput) (b models.Binding, err error) {
	actor, err := caller(ctx)
	if err != nil {
		return models.Binding{}, err
	}
	if err := in.check(); err != nil {
		return models.Binding{}, err
	}
	tenantID, err := place(actor, in.TenantID, models.PermManageAccess)
	if err != nil {
		return models.Binding{}, err
	}
	if err := mayManage(actor, "tenant", tenantID, in.Environment, in.Role); err != nil {
		return models.Binding{}, err
	}
	b = models.Binding{
		TenantID: tenantID, Role: in.Role, Environment: in.Environment,
		CreatedBy: actor.ActorRef, CreatedAt: s.now().UTC().Truncate(time.Microsecond),
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := checkPlace(tx, b.TenantID, b.Environment); err != nil {
			return err
		}
		if b.SubjectKind, b.Subject, err = s.subject(tx, actor, in); err != nil {
			return err
		}
		return s.bind(ctx, tx, &b)
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

// bind writes the binding, moves the head and records it; conflict when there is the same one.
func (s *Service) bind(ctx context.Context, tx *gorm.DB, b *models.Binding) error {
	id, err := uuid.NewV7() // lists are in the order of ids
	if err != nil {
		return fmt.Errorf("id of a binding: %w", err)
	}
	b.ID = id.String()
	r := tx.Exec(`
		INSERT INTO role_bindings (`+bindingColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, subject_kind, subject, role, environment) DO NOTHING`,
		b.TenantID, b.ID, b.Role, b.Environment, b.SubjectKind, b.Subject, b.CreatedBy.String(), b.CreatedAt)
	if r.Error != nil {
		return fmt.Errorf("bind the role: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return models.Conflict("this role is bound there already")
	}
	if err := store.ControlMoved(ctx, tx, models.HeadRoles); err != nil {
		return err
	}
	return s.recordBinding(ctx, tx, ActionBind, *b, b.CreatedAt)
}

func (s *Service) recordBinding(ctx context.Context, tx *gorm.DB, action string, b models.Binding, at time.Time) error {
	about, err := models.Canonical(map[string]string{
		"tenantId": b.TenantID, "environment": b.Environment, "role": string(b.Role),
		"subjectKind": b.SubjectKind, "subject": b.Subject,
	})
	if err != nil {
		return err
	}
	act := models.Act{Action: action, Resource: "role_binding/" + b.ID, After: about}
	if action == ActionUnbind {
		act.Before, act.After = about, ""
	}
	return s.audit.Record(ctx, tx, b.TenantID, at, act)
}

// Unbind takes a role back. Not_found outside the caller's scope, forbidden for a role the caller may not take,
// conflict for the binding without which nobody would be platform-admin.
func (s *Service) Unbind(ctx context.Context, id string) error {
	actor, err := caller(ctx)
	if err != nil {
		return err
	}
	if _, err := uuid.Parse(id); err != nil {
		return models.NotFound("role binding")
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		b, err := findBinding(tx, actor, id)
		if err != nil {
			return err
		}
		if err := mayManage(actor, "role binding", b.TenantID, b.Environment, b.Role); err != nil {
			return err
		}
		return s.unbind(ctx, tx, b)
	})
}

func findBinding(tx *gorm.DB, actor models.Actor, id string) (models.Binding, error) {
	in, args := scoped(actor.Scope())
	b, err := scanBinding(tx.Raw(`SELECT `+bindingColumns+` FROM role_bindings WHERE id = ? AND `+in,
		slices.Concat([]any{id}, args)...).Row())
	if errors.Is(err, sql.ErrNoRows) {
		return models.Binding{}, models.NotFound("role binding")
	}
	return b, err
}

func (s *Service) unbind(ctx context.Context, tx *gorm.DB, b models.Binding) error {
	r := tx.Exec(`DELETE FROM role_bindings WHERE tenant_id = ? AND id = ?`, b.TenantID, b.ID)
	switch {
	case r.Error != nil:
		return fmt.Errorf("take the role back: %w", r.Error)
	case r.RowsAffected == 0:
		return models.NotFound("role binding")
	}
	// The head is the lock behind which two who remove the last two admins see each other.
	if err := store.ControlMoved(ctx, tx, models.HeadRoles); err != nil {
		return err
	}
	if isAdmin(b) {
		if err := s.checkAdminLeft(tx); err != nil {
			return err
		}
	}
	return s.recordBinding(ctx, tx, ActionUnbind, b, s.now())
}

func isAdmin(b models.Binding) bool {
	return b.TenantID == models.Platform && b.Role == models.RolePlatformAdmin && b.Environment == "" &&
		b.SubjectKind != models.SubjectKey
}

// checkAdminLeft makes sure that some person is platform-admin, by name or by a group seen lately enough.
func (s *Service) checkAdminLeft(tx *gorm.DB) error {
	var left bool
	err := tx.Raw(`
		SELECT EXISTS (
			SELECT FROM role_bindings b JOIN people p ON p.disabled_at IS NULL AND
				(b.subject_kind = 'person' AND p.id::text = b.subject
				 OR b.subject_kind = 'group' AND b.subject = ANY (p.groups) AND p.groups_at > ?)
			WHERE b.tenant_id = ? AND b.role = ? AND b.environment = '')`,
		s.now().Add(-models.GroupTrust), models.Platform, models.RolePlatformAdmin).Row().Scan(&left)
	if err == nil && !left {
		return models.Conflict("nobody would be platform-admin any more")
	}
	return err
}

// ListBindings is a page of the bindings of the places where the caller may view access; forbidden where the
// caller may not, not_found for a tenant outside the caller's scope.
func (s *Service) ListBindings(ctx context.Context, f ListFilter) (models.Paged[models.Binding], error) {
	none := models.Paged[models.Binding]{}
	actor, err := caller(ctx)
	if err != nil {
		return none, err
	}
	tenants, err := f.tenants(actor)
	if err != nil {
		return none, err
	}
	if len(tenants) == 0 {
		return none, models.Forbidden("this needs the permission " + string(models.PermViewAccess))
	}
	condition, args := scoped(tenants)
	l := listing[models.Binding]{
		name: "role_bindings", columns: bindingColumns, scan: scanBinding,
		key:  func(b models.Binding) []string { return []string{b.TenantID, b.ID} },
		isID: func(id string) bool { return uuid.Validate(id) == nil },
	}
	return l.page(ctx, s.db, f, condition, args)
}
