package views

import (
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// RoleList is a page of the roles that are bound.
type RoleList struct {
	Tenant, Cursor, Next string
	Items                []RoleRow
	Reach                Reach
	Form                 RoleForm
	MayBind              bool
}

// URL is the address of the same list at another place.
func (l RoleList) URL(cursor string) string {
	return address(string(AccessRoles), "tenant", l.Tenant, "cursor", cursor)
}

// RoleRow is one role that is bound, with names.
type RoleRow struct {
	models.Binding

	Subject string // name
	Email   string // of a person
	Mine    bool
	MayTake bool
}

// kind is the icon of whom the role is bound to, and its word.
func (r RoleRow) kind() string {
	return map[string]string{models.SubjectPerson: "person", models.SubjectGroup: "group", models.SubjectKey: "API key"}[r.SubjectKind]
}

func (r RoleRow) icon() string {
	return map[string]string{models.SubjectPerson: "user", models.SubjectGroup: "users", models.SubjectKey: "key"}[r.SubjectKind]
}

// loses says what taking the role back will do.
func (r RoleRow) loses(reach Reach) string {
	who := r.Subject + " loses"
	switch {
	case r.Mine:
		who = "You lose"
	case r.SubjectKind == models.SubjectGroup:
		who = "Everybody in the group " + r.Subject + " loses"
	case r.SubjectKind == models.SubjectKey:
		who = "Applications with the key " + r.Subject + " lose"
	}
	return who + " 1 role in " + reach.words(r.TenantID, r.Environment) + ": " + string(r.Role) + ", which " + roleMeans(r.Role) +
		". It ends within 2 seconds. Other roles stay as they are, and what was done with this one stays in the log."
}

// The ways to name whom a role is bound to, in the form.
const (
	ByEmail = "email"
	ByGroup = "group"
	ByKey   = "key"
)

// RoleForm is the form of a role to be bound.
type RoleForm struct {
	By, Whom                  string
	Role, Tenant, Environment string
	Errors                    map[string]string
	Open                      bool
	Roles                     []models.Role // that may be given
	Everywhere                bool          // may be bound for all tenants
}

func (f RoleForm) byOptions() []components.Option {
	return []components.Option{
		{Value: ByEmail, Label: "A person, by e-mail", Selected: f.By == ByEmail},
		{Value: ByGroup, Label: "A group of the identity provider", Selected: f.By == ByGroup},
		{Value: ByKey, Label: "The key of a service, by its id", Selected: f.By == ByKey},
	}
}

// whomError is what was wrong with whom the role is for, however it was named.
func (f RoleForm) whomError() string {
	for _, pointer := range []string{"/email", "/group", "/keyId"} {
		if text := f.Errors[pointer]; text != "" {
			return text
		}
	}
	return ""
}

// roleOptions are roles to choose from, with what each means.
func roleOptions(roles []models.Role, selected string) []components.Option {
	options := make([]components.Option, len(roles))
	for i, r := range roles {
		options[i] = components.Option{Value: string(r), Label: string(r), Selected: string(r) == selected}
	}
	return options
}

// allTenants is the label of the choice of all tenants; empty when it is not to be had.
func allTenants(may bool) string {
	if may {
		return "All tenants"
	}
	return ""
}
