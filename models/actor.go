package models

import (
	"context"
	"slices"
	"strings"
	"time"
)

// ActorKind says what stands behind an actor.
type ActorKind string

// The kinds of actors.
const (
	ActorPerson  ActorKind = "person"
	ActorService ActorKind = "service"
	ActorSystem  ActorKind = "system"
)

// ActorRef is how an actor is stored and shown: who, without rights. Stored as "kind:id".
type ActorRef struct {
	ID   string    `json:"id"`
	Kind ActorKind `json:"kind"`
	Name string    `json:"name"`
}

// String is the stored form, "kind:id"; names are looked up when shown.
func (r ActorRef) String() string { return string(r.Kind) + ":" + r.ID }

// ParseActorRef reads the stored form. The name stays empty.
func ParseActorRef(s string) ActorRef {
	kind, id, _ := strings.Cut(s, ":")
	return ActorRef{ID: id, Kind: ActorKind(kind)}
}

// Actor is who acts, with the rights of this very credential.
type Actor struct {
	ActorRef
	Email       string    // verified e-mail of a person, lower case; two people with one e-mail are one
	KeyID       string    // the API key that speaks, if one does
	Until       time.Time // when the JWT that speaks ends; zero: none does
	Responsible []string  // ids of the people who answer for a service
	Grants      []Grant   // what the actor holds
	Denied      []Permission
}

// Credential names what speaks for the actor: one of its API keys, or the actor itself.
func (a Actor) Credential() string { return a.String() + " " + a.KeyID }

// Grant is one binding as it counts for one credential.
type Grant struct {
	Role        Role
	Limit       Role       // a personal key's own role; the grant is no more than both allow. Empty: no limit
	Tenant      string     // tenant id or layer; Platform means all tenants
	Environment string     // empty means all environments
	Extra       Permission // one right beside the role: secrets:read
}

// covers tells whether the grant reaches that place. An empty environment asks about the tenant as a whole.
func (g Grant) covers(tenant, environment string) bool {
	return (g.Tenant == Platform || g.Tenant == tenant) &&
		(g.Environment == "" || environment == "" || g.Environment == environment)
}

func (g Grant) allows(p Permission) bool {
	return g.Role.Allows(p) && (g.Limit == "" || g.Limit.Allows(p)) || g.Extra != "" && g.Extra == p
}

// Sees tells whether the tenant or layer lies within the actor's scope; if not, it does not exist for the actor.
func (a Actor) Sees(tenant string) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.covers(tenant, "") })
}

// Can tells whether the actor may do this in that tenant or layer and environment.
// An empty environment asks for the right in at least one.
func (a Actor) Can(p Permission, tenant, environment string) bool {
	if slices.Contains(a.Denied, p) {
		return false
	}
	return slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.covers(tenant, environment) && g.allows(p)
	})
}

// Everywhere tells whether the right holds for the whole environment-independent tenant, not just one environment.
func (a Actor) Everywhere(p Permission, tenant string) bool {
	return !slices.Contains(a.Denied, p) && slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.covers(tenant, "") && g.Environment == "" && g.allows(p)
	})
}

// Require is Can as an error: not_found outside the actor's scope, forbidden inside it.
func (a Actor) Require(p Permission, what, tenant, environment string) error {
	switch {
	case a.Can(p, tenant, environment):
		return nil
	case a.Sees(tenant):
		return Forbidden("this needs the permission " + string(p))
	default:
		return NotFound(what)
	}
}

// Holds tells whether the actor can sign a stage that asks for this role in that place.
// Only people hold deciding roles.
func (a Actor) Holds(role Role, tenant, environment string) bool {
	return a.Kind == ActorPerson && a.Can(PermDecide, tenant, environment) && slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.Role == role && (g.Limit == "" || g.Limit == role) && g.covers(tenant, environment)
	})
}

// Scope lists the tenants and layers the actor sees; {"*"} stands for all.
func (a Actor) Scope() []string {
	var out []string
	for _, g := range a.Grants {
		if g.Tenant == Platform {
			return []string{ScopeAll}
		}
		if !slices.Contains(out, g.Tenant) {
			out = append(out, g.Tenant)
		}
	}
	slices.Sort(out)
	return out
}

// Where lists the tenants and layers in which the actor may do this; {"*"} stands for all, nil for none.
func (a Actor) Where(p Permission) []string {
	if a.Can(p, Platform, "") {
		return []string{ScopeAll}
	}
	var out []string
	for _, g := range a.Grants {
		if a.Can(p, g.Tenant, "") && !slices.Contains(out, g.Tenant) {
			out = append(out, g.Tenant)
		}
	}
	return out
}

// Home is the tenant in whose log the actor's refusals are written: its only tenant, else the platform.
func (a Actor) Home() string {
	if scope := a.Scope(); len(scope) == 1 && scope[0] != ScopeAll {
		return scope[0]
	}
	return Platform
}

// ScopeAll is the scope of actors that work on all tenants.
const ScopeAll = "*"

// System is a named system actor; what each may touch is fixed by the row-level policies.
func System(name string) Actor {
	return Actor{ActorRef: ActorRef{ID: name, Kind: ActorSystem, Name: name}}
}

// Request is what the audit log keeps about the call behind an act.
type Request struct {
	ID      string
	Address string
}

type contextKey int

const (
	actorKey contextKey = iota
	requestKey
	claimKey
)

// WithActor puts the actor into the context; only authentication and system jobs do.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey, &a)
}

// ActorFrom returns the actor of the context, if there is one.
func ActorFrom(ctx context.Context) (Actor, bool) {
	if a, ok := ctx.Value(actorKey).(*Actor); ok {
		return *a, true
	}
	return Actor{}, false
}

// Call is the context of one call: what there is to know of it in one piece, for there are very many.
type Call struct {
	context.Context

	request Request
	actor   *Actor // nil until it is known
}

// WithRequest is the context of a call with that id and address.
func WithRequest(ctx context.Context, r Request) *Call { return &Call{Context: ctx, request: r} }

// Value finds what the call knows before what is around it.
func (c *Call) Value(key any) any {
	switch key {
	case actorKey:
		if c.actor != nil {
			return c.actor
		}
	case requestKey:
		return &c.request
	}
	return c.Context.Value(key)
}

// Identify says who calls. Authentication does, before anybody else has the context.
func (c *Call) Identify(a Actor) { c.actor = &a }

// RequestFrom returns the call behind the context; the zero value when there is none.
func RequestFrom(ctx context.Context) Request {
	if r, ok := ctx.Value(requestKey).(*Request); ok {
		return *r
	}
	return Request{}
}

// Place is a tenant or layer, and one of its environments; an empty member means all.
type Place struct{ Tenant, Environment string }

// Places lists where the actor may do this, for what belongs to an environment. None is an empty list.
func (a Actor) Places(p Permission) []Place {
	var out []Place
	if slices.Contains(a.Denied, p) {
		return out
	}
	for _, g := range a.Grants {
		if !g.allows(p) {
			continue
		}
		place := Place{g.Tenant, g.Environment}
		if g.Tenant == Platform {
			place.Tenant = ""
		}
		if !slices.Contains(out, place) {
			out = append(out, place)
		}
	}
	return out
}

// Bound is the one tenant or layer, and the one environment, in which all of it lies that the actor may do of this
// kind. A member is empty when there are several, or it may be any.
func (a Actor) Bound(p Permission) Place {
	var out Place
	first := true
	for _, g := range a.Grants {
		switch {
		case !g.allows(p):
			continue
		case first:
			out, first = Place{g.Tenant, g.Environment}, false
		}
		if g.Tenant != out.Tenant || g.Tenant == Platform {
			out.Tenant = ""
		}
		if g.Environment != out.Environment {
			out.Environment = ""
		}
	}
	return out
}
