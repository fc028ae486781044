package access

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/hotswap/hotswap/models"
)

// heldKey is a key of the directory with its actor ready at hand.
type heldKey struct {
	models.APIKey
	hash     [32]byte
	closed   bool // its tenant is deleted
	resolved atomic.Pointer[resolved]
}

// resolved is a key's actor, and until when it stands; zero means as long as the directory does.
type resolved struct {
	actor models.Actor
	until time.Time
}

// keyActor is who speaks through the key now; false when the key opens nothing.
func (d *Directory) keyActor(k *heldKey, now time.Time) (models.Actor, bool) {
	if k.closed || !k.Usable(now) {
		return models.Actor{}, false
	}
	if r := k.resolved.Load(); r != nil && (r.until.IsZero() || now.Before(r.until)) {
		return r.actor, true
	}
	r, ok := d.resolve(k, now)
	if !ok {
		return models.Actor{}, false
	}
	k.resolved.Store(&r)
	return r.actor, true
}

func (d *Directory) resolve(k *heldKey, now time.Time) (resolved, bool) {
	if k.PersonID == "" {
		return resolved{actor: d.serviceActor(k)}, true
	}
	p, ok := d.people[k.PersonID]
	if !ok || p.DisabledAt != nil {
		return resolved{}, false
	}
	grants, until := d.grants(p, now)
	return resolved{until: until, actor: models.Actor{
		ActorRef: p.Ref(), Email: p.VerifiedEmail(), KeyID: k.ID, Grants: cut(grants, k.APIKey), Denied: k.Denies,
	}}, true
}

// cut leaves of a person's rights what a personal key carries: its own place, and no more than its own role.
func cut(grants []models.Grant, k models.APIKey) []models.Grant {
	var out []models.Grant
	for _, g := range grants {
		tenant, inTenant := narrower(g.Tenant, k.TenantID, models.Platform)
		environment, inEnvironment := narrower(g.Environment, k.Environment, "")
		g = models.Grant{Role: g.Role, Limit: k.Role, Tenant: tenant, Environment: environment}
		if inTenant && inEnvironment && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// narrower is what both places have in common, where all stands for every place.
func narrower(a, b, all string) (string, bool) {
	switch {
	case a == all:
		return b, true
	case b == all, a == b:
		return a, true
	default:
		return "", false
	}
}

func (d *Directory) serviceActor(k *heldKey) models.Actor {
	own := models.Grant{Role: k.Role, Tenant: k.TenantID, Environment: k.Environment}
	if slices.Contains(k.Grants, models.PermReadSecrets) {
		own.Extra = models.PermReadSecrets // no other right is granted beside a role
	}
	return models.Actor{
		ActorRef:    models.ActorRef{ID: k.ID, Kind: models.ActorService, Name: k.Name},
		KeyID:       k.ID,
		Responsible: d.responsible(k),
		Grants:      appendGrants([]models.Grant{own}, d.byKey[k.ID]),
		Denied:      k.Denies,
	}
}

// responsible are the people who answer for a service: those it names, who made it, and, where a service made it,
// the people of that one as well.
func (d *Directory) responsible(k *heldKey) []string {
	var people []string
	add := func(id string) {
		if !slices.Contains(people, id) {
			people = append(people, id)
		}
	}
	for seen := map[string]bool{}; k != nil && !seen[k.ID]; {
		seen[k.ID] = true
		for _, id := range k.Responsible {
			add(id)
		}
		by := k.CreatedBy
		if by.Kind == models.ActorPerson {
			add(by.ID)
		}
		if k = nil; by.Kind == models.ActorService {
			k = d.keys[by.ID]
		}
	}
	return people
}
