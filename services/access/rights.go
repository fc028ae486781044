package access

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// mayManage tells whether the actor may give or take this role in that place. Nobody gives platform-admin but a
// platform-admin, and what holds in all environments is given by who manages all of them.
func mayManage(actor models.Actor, what, tenantID, environment string, role models.Role) error {
	if err := actor.Require(models.PermManageAccess, what, tenantID, environment); err != nil {
		return err
	}
	switch {
	case environment == "" && !actor.Everywhere(models.PermManageAccess, tenantID):
		return models.Forbidden("you manage access in single environments only")
	case role == models.RolePlatformAdmin && !actor.Everywhere(models.PermManagePlatform, models.Platform):
		return models.Forbidden("only a platform-admin manages the role platform-admin")
	default:
		return nil
	}
}

// MayManage tells whether the actor may give or take this role in that place, as Bind and Unbind will answer.
func MayManage(actor models.Actor, tenantID, environment string, role models.Role) bool {
	return mayManage(actor, "tenant", tenantID, environment, role) == nil
}

// Usable tells whether the key opens anything now.
func (s *Service) Usable(k models.APIKey) bool { return k.Usable(s.now()) }

// place reads where a right shall hold. No tenant named means all of them, which is no secret to anybody,
// so that it answers forbidden and never not_found.
func place(actor models.Actor, tenantID string, p models.Permission) (string, error) {
	if tenantID != "" {
		return tenantID, nil
	}
	if !actor.Can(p, models.Platform, "") {
		return "", models.Forbidden("you do not manage all tenants; name a tenantId")
	}
	return models.Platform, nil
}

// holds tells whether the actor speaks with this role in that place.
func holds(actor models.Actor, role models.Role, tenantID, environment string) bool {
	for _, g := range actor.Grants {
		if g.Role == role && (g.Limit == "" || g.Limit == role) &&
			(g.Tenant == models.Platform || g.Tenant == tenantID) &&
			(g.Environment == "" || g.Environment == environment) {
			return true
		}
	}
	return false
}

// checkPlace makes sure that tenant and environment exist. A right holds in one tenant or in all, and a tier is
// neither.
func checkPlace(tx *gorm.DB, tenantID, environment string) error {
	if models.IsLayer(tenantID) && tenantID != models.Platform {
		return models.Invalid("/tenantId", "a right holds in one tenant or in all, not in a tier")
	}
	if !models.ValidText(tenantID, maxName) {
		return models.NotFound("tenant")
	}
	var found bool
	err := tx.Raw(`SELECT EXISTS (SELECT FROM tenants WHERE tenant_id = ? AND status <> 'deleted')`, tenantID).Row().Scan(&found)
	if err != nil {
		return err
	}
	if !found {
		return models.NotFound("tenant")
	}
	if environment == "" {
		return nil
	}
	if found = models.ValidEnvironmentName(environment); found {
		err = tx.Raw(`SELECT EXISTS (SELECT FROM environments WHERE name = ?)`, environment).Row().Scan(&found)
	}
	if err == nil && !found {
		return models.Invalid("/environment", "there is no such environment")
	}
	return err
}

// scoped names the tenants of a statement, for row-level security alone would scan; {"*"} needs no name.
func scoped(tenants []string) (condition string, args []any) {
	if len(tenants) == 1 && tenants[0] == models.ScopeAll {
		return "true", nil
	}
	return "tenant_id = ANY (string_to_array(?, ','))", []any{strings.Join(tenants, ",")} // ids have no comma
}

// caller is the actor of the context; unauthenticated without one.
func caller(ctx context.Context) (models.Actor, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Actor{}, models.Unauthenticated()
	}
	return actor, nil
}

// Me is the caller as the caller sees itself.
type Me struct {
	models.ActorRef
	Email  string // verified; empty for services
	KeyID  string // the API key that speaks, if one does
	Grants []models.Grant
}

// Me is who calls, with the rights of this very credential.
func (s *Service) Me(ctx context.Context) (Me, error) {
	actor, err := caller(ctx)
	return Me{ActorRef: actor.ActorRef, Email: actor.Email, KeyID: actor.KeyID, Grants: actor.Grants}, err
}
