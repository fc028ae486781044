package views

import (
	"strconv"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// AccessTab is one of the pages about who may do what.
type AccessTab string

// The pages.
const (
	AccessYou      AccessTab = "/access/you"
	AccessPeople   AccessTab = "/access/people"
	AccessRoles    AccessTab = "/access/roles"
	AccessKeys     AccessTab = "/access/keys"
	AccessSessions AccessTab = "/access/sessions"
)

type accessTab struct {
	label string
	href  AccessTab
}

// accessTabs are the pages that somebody may open; the lists of others need the right to view access.
func accessTabs(all bool) []accessTab {
	if !all {
		return []accessTab{{"You", AccessYou}, {"API keys", AccessKeys}, {"Sessions", AccessSessions}}
	}
	return []accessTab{
		{"People", AccessPeople}, {"Roles", AccessRoles}, {"API keys", AccessKeys}, {"Sessions", AccessSessions}, {"You", AccessYou},
	}
}

// roleMeanings are the roles in words, each as what its holder does.
var roleMeanings = map[models.Role]string{
	models.RoleViewer:        "sees values, changes and tenants",
	models.RoleEngineer:      "sees everything, edits values, controls deployments, rolls back, and decides the engineer stage",
	models.RoleManager:       "sees everything, controls deployments, and decides the manager stage",
	models.RoleCompliance:    "sees everything, controls deployments, and decides the compliance stage",
	models.RoleAuditor:       "sees everything, reads and exports the audit log, and reads the reports",
	models.RoleTenantAdmin:   "edits values, controls deployments, rolls back, reveals secrets, manages keys and roles, and reads the audit log",
	models.RolePlatformAdmin: "does what a tenant-admin does, and manages tenants, environments and policies, with break-glass",
	models.RoleReader:        "reads resolved values and reports signals, as applications do",
}

func roleMeans(r models.Role) string { return roleMeanings[r] }

// accessTenant says in which tenant a right holds; none, or the platform, is all of them.
func accessTenant(tenantID string) string {
	if tenantID == "" || tenantID == models.Platform {
		return "all tenants"
	}
	return tenantID
}

func accessEnvironment(environment string) string {
	if environment == "" {
		return "all environments"
	}
	return environment
}

// accessPlace says where a right holds.
func accessPlace(tenantID, environment string) string {
	return accessTenant(tenantID) + ", " + accessEnvironment(environment)
}

// You are the rights of the one who looks.
type You struct {
	Actor models.Actor
	All   bool // may see the access of others
}

// AccessPerson is somebody with the roles that the viewer may see.
type AccessPerson struct {
	models.Person

	Bindings []models.Binding
}

// standing says how somebody stands to the console, in a word and its tone; empty for nothing of note.
func (p AccessPerson) standing() (string, components.Tone) {
	switch {
	case p.DisabledAt != nil:
		return "disabled", components.Bad
	case p.LastLoginAt == nil:
		return "has not signed in yet", components.Waiting
	default:
		return "", components.Neutral
	}
}

func (p AccessPerson) standingText() string          { text, _ := p.standing(); return text }
func (p AccessPerson) standingTone() components.Tone { _, tone := p.standing(); return tone }

// bindingLabel is a role with its place, short.
func bindingLabel(b models.Binding) string {
	label := string(b.Role) + ": " + accessPlace(b.TenantID, b.Environment)
	if b.SubjectKind == models.SubjectGroup {
		label += ", by the group " + b.Subject
	}
	return label
}

// PeopleList is a page of people.
type PeopleList struct {
	Search, Tenant, Cursor, Next string
	Items                        []AccessPerson
	Tenants                      TenantChoices
	MayBind                      bool
	MayAudit                     bool
}

// URL is the address of the same list at another place.
func (l PeopleList) URL(cursor string) string {
	return address(string(AccessPeople), "search", l.Search, "tenant", l.Tenant, "cursor", cursor)
}

func (l PeopleList) narrowed() bool { return l.Search != "" || l.Tenant != "" }

// pageAddress is the address of another place of a list; empty when there is none.
func pageAddress(there bool, url string) string {
	if !there {
		return ""
	}
	return url
}

// countOf is a number of things in words.
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// Reach is how many tenants and environments there are for rights that hold in all of them.
type Reach struct {
	Tenants      TenantChoices
	Environments []string
}

// words says in numbers where a right holds.
func (r Reach) words(tenantID, environment string) string {
	where, in := tenantID, environment
	if tenantID == models.Platform {
		where = "all tenants"
		if r.Tenants.Whole {
			where = "all " + countOf(len(r.Tenants.customers().Items), "tenant", "tenants")
		}
	}
	if environment == "" {
		in = "all " + countOf(len(r.Environments), "environment", "environments")
	}
	return where + " and " + in
}
