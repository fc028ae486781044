package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// me is the caller as the caller sees itself.
type me struct {
	ID    string           `json:"id"`
	Kind  models.ActorKind `json:"kind" enum:"person,service"`
	Name  string           `json:"name"`
	Email string           `json:"email" doc:"Verified; empty for services"`
	Roles []held           `json:"roles" doc:"The rights of this very credential"`
	KeyID *string          `json:"keyId" doc:"The API key that speaks, if one does"`
}

// held is a role in one place.
type held struct {
	Role        models.Role `json:"role"`
	TenantID    string      `json:"tenantId" doc:"@platform stands for all tenants"`
	Environment *string     `json:"environment" doc:"null for all"`
}

type meRoutes struct{ access *access.Service }

func (r meRoutes) register(api huma.API) {
	huma.Register(api, reads("me.get", "/me", tagAccess, "Show who calls, and with which rights"), r.get)
}

func (r meRoutes) get(ctx context.Context, _ *struct{}) (*struct{ Body me }, error) {
	who, err := r.access.Me(ctx)
	if err != nil {
		return nil, err
	}
	out := me{ID: who.ID, Kind: who.Kind, Name: who.Name, Email: who.Email, Roles: []held{}, KeyID: optional(who.KeyID)}
	for _, g := range who.Grants {
		out.Roles = append(out.Roles, heldBy(g)...)
	}
	return &struct{ Body me }{out}, nil
}

// heldBy is the grant's role, or of a personal key the lesser of its own and the person's: none where neither
// lies within the other.
func heldBy(g models.Grant) []held {
	role := g.Role
	switch {
	case g.Limit == "" || g.Role.Within(g.Limit):
	case g.Limit.Within(g.Role):
		role = g.Limit
	default:
		return nil
	}
	return []held{{Role: role, TenantID: g.Tenant, Environment: optional(g.Environment)}}
}
