package access

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
)

// PeopleFilter narrows the list of people; empty members do not.
type PeopleFilter struct {
	TenantID string // those with a role in that very tenant
	Search   string // part of the name or e-mail, in any case
	Page     models.Page
}

// Member is somebody with the roles that the caller may see.
type Member struct {
	models.Person                  // Groups is nil unless the caller views access on the whole platform
	Bindings      []models.Binding // by name, by an invitation of that e-mail, and by groups that still count
}

// People lists people by name and e-mail, in any case. Who may view access on the platform sees everybody; others see
// those who are bound in their tenants, and nothing of what else these are bound to. forbidden where the caller may
// not view access, not_found for a tenant outside the caller's scope.
func (s *Service) People(ctx context.Context, f PeopleFilter) (models.Paged[Member], error) {
	none := models.Paged[Member]{}
	actor, err := caller(ctx)
	if err != nil {
		return none, err
	}
	if !models.ValidText(f.Search, maxName) {
		return none, models.Invalid("/search", "this is too long for a name")
	}
	tenants, err := ListFilter{TenantID: f.TenantID}.tenants(actor)
	if err != nil {
		return none, err
	}
	if len(tenants) == 0 {
		return none, models.Forbidden("this needs the permission " + string(models.PermViewAccess))
	}
	cursor := models.NewCursor("people", f.TenantID, f.Search)
	after, err := cursor.Decode(f.Page.Cursor, 3)
	if err != nil {
		return none, err
	}
	d, err := s.Directory(ctx)
	if err != nil {
		return none, err
	}
	found := d.members(f.Search, tenants, s.now())
	slices.SortFunc(found, func(a, b Member) int { return slices.Compare(memberKeys(a), memberKeys(b)) })
	found = following(found, after)
	page := models.Cut(found[:min(len(found), f.Page.Limit+1)], f.Page.Limit, memberKeys, cursor)
	if !actor.Can(models.PermViewAccess, models.Platform, "") {
		for i := range page.Items {
			page.Items[i].Groups = nil // they may name other customers
		}
	}
	return page, nil
}

// members are the people who match, with their bindings in those tenants; {"*"} stands for all, and for people
// without any.
func (d *Directory) members(search string, tenants []string, now time.Time) (out []Member) {
	all := slices.Contains(tenants, models.ScopeAll)
	search = strings.ToLower(search)
	for _, p := range d.people {
		if !strings.Contains(strings.ToLower(p.Name), search) && !strings.Contains(p.Email, search) {
			continue
		}
		bound := d.bound(p, now)
		if !all {
			bound = slices.DeleteFunc(bound, func(b models.Binding) bool { return !slices.Contains(tenants, b.TenantID) })
		}
		if all || len(bound) > 0 {
			out = append(out, Member{Person: p, Bindings: bound})
		}
	}
	return out
}

// bound are the bindings behind the grants of a person, in a list of their own.
func (d *Directory) bound(p models.Person, now time.Time) []models.Binding {
	out := slices.Clone(d.byPerson[p.ID])
	for _, id := range d.invitations(p) {
		out = append(out, d.byPerson[id]...)
	}
	for _, group := range d.groups(p, now) {
		out = append(out, d.byGroup[group]...)
	}
	return out
}

// memberKeys are the place of a person in the list: by what is shown first.
func memberKeys(m Member) []string {
	return []string{strings.ToLower(cmp.Or(m.Name, m.Email)), m.Email, m.ID}
}

// following is what comes after a place of the sorted list.
func following(sorted []Member, after []string) []Member {
	if after == nil {
		return sorted
	}
	at, found := slices.BinarySearchFunc(sorted, after, func(m Member, keys []string) int {
		return slices.Compare(memberKeys(m), keys)
	})
	if found {
		at++
	}
	return sorted[at:]
}
