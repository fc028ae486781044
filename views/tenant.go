package views

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Matrix is the page of a tenant or layer: what its keys come to in each environment.
type Matrix struct {
	Tenant  models.Tenant
	Heirs   int // tenants that inherit from a layer; -1 when it is not said
	Waiting int // changes of the tenant that wait; counted up to a thousand
	Query   MatrixQuery
	Columns []MatrixColumn
	Rows    []MatrixRow
	Next    string // cursor
	// Keys have a value in any environment, Found of them fit the query, Different differ between neighbours.
	Keys, Found, Different int
	SeesAudit, SeesTier    bool
	Manages                bool // decides on the tenant's life
	Now                    time.Time
	Problem                string // with the instant that was asked for
}

// tenantTitle is how people call a tenant or layer.
func tenantTitle(t models.Tenant) string {
	switch {
	case t.ID == models.Platform:
		return "Platform defaults"
	case models.IsLayer(t.ID):
		return t.Name + " tier defaults"
	default:
		return t.Name
	}
}

// tenantFact is one member of a tenant's metadata.
type tenantFact struct{ name, value string }

// tenantFacts are a tenant's metadata, by name; texts are shown without quotes.
func tenantFacts(t models.Tenant) []tenantFact {
	members, _ := models.Value(t.Metadata).Members()
	var out []tenantFact
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text, ok := members[name].Text()
		if !ok {
			text = string(members[name])
		}
		out = append(out, tenantFact{name, text})
	}
	return out
}

// MatrixQuery is what the matrix is narrowed to, as the address says it.
type MatrixQuery struct {
	TenantID, Search, Cursor string
	OnlyDifferent            bool
	When                     Moment
}

// MatrixColumn is an environment.
type MatrixColumn struct {
	Environment string
	Stages      []models.Stage // that a change here waits for
	MayEdit     bool
}

// MatrixRow is a key in each environment.
type MatrixRow struct {
	Key         string
	Type        models.ValueType
	Sensitive   bool
	Description string
	Cells       []MatrixCell // one per column
}

// MatrixCell is what a key comes to in one environment.
type MatrixCell struct {
	Set, Masked, Own, Drift bool
	Merged                  bool // layers above contribute members
	Value                   models.Value
	Layer, LockedBy         string // LockedBy is empty for none
	Version                 int64
	UpdatedAt               time.Time
}

// URL is the address of the same matrix at another place.
func (q MatrixQuery) URL(cursor string) string {
	different := ""
	if q.OnlyDifferent {
		different = "1"
	}
	return address(TenantURL(q.TenantID), "search", q.Search, "different", different, "at", q.When.param(), "cursor", cursor)
}

// all is the address of the matrix with all keys, at the same moment.
func (q MatrixQuery) all() string { return MatrixQuery{TenantID: q.TenantID, When: q.When}.URL("") }

// at is the address of the same matrix at another moment.
func (q MatrixQuery) at(m Moment) string {
	q.When = m
	return q.URL("")
}

// First is the address of the first page, empty on it.
func (q MatrixQuery) First() string {
	if q.Cursor == "" {
		return ""
	}
	return q.URL("")
}

// Narrowed tells whether any filter is set.
func (q MatrixQuery) Narrowed() bool { return q.Search != "" || q.OnlyDifferent }

func (m Matrix) nextURL() string {
	if m.Next == "" {
		return ""
	}
	return m.Query.URL(m.Next)
}

func (m Matrix) keyURL(key string) string { return KeyURL(m.Tenant.ID, key) }

// editURL opens the editor and comes back to this place of the matrix.
func (m Matrix) editURL(environment, key string) string {
	back := ""
	if m.Query.Narrowed() || m.Query.Cursor != "" {
		back = m.Query.URL(m.Query.Cursor)
	}
	return EditURL(m.Tenant.ID, environment, key, back)
}

// EditURL is the editor of a key in an environment; without a key that of a new one. Back is where it leads to
// afterwards, empty for the tenant's page.
func EditURL(tenantID, environment, key, back string) string {
	return address(TenantURL(tenantID)+"/edit", "environment", environment, "key", key, "return", back)
}

// Freeze lets nothing be edited: the matrix is of the past.
func (m *Matrix) Freeze() {
	for i := range m.Columns {
		m.Columns[i].MayEdit = false
	}
}

// mayAdd tells whether any environment can be written.
func (m Matrix) mayAdd() bool {
	return slices.ContainsFunc(m.Columns, func(c MatrixColumn) bool { return c.MayEdit })
}

// sum says in words what the matrix holds and shows.
func (m Matrix) sum() string {
	switch {
	case m.Query.Search != "" && m.Query.OnlyDifferent:
		return fmt.Sprintf("%d of %s %s the search and %s between environments.", m.Found, counted(m.Keys, "key"), verb(m.Found, "fit"), verb(m.Found, "differ"))
	case m.Query.Search != "":
		return fmt.Sprintf("%d of %s %s the search, %d %s between environments.",
			m.Found, counted(m.Keys, "key"), verb(m.Found, "fit"), m.Different, verb(m.Different, "differ"))
	case m.Query.OnlyDifferent:
		return fmt.Sprintf("%d of %s %s between environments.", m.Found, counted(m.Keys, "key"), verb(m.Found, "differ"))
	case len(m.Columns) < 2:
		return counted(m.Keys, "key") + "."
	case m.Different == 0:
		return counted(m.Keys, "key") + ", the same in all environments."
	default:
		return fmt.Sprintf("%s, %d %s between environments.", counted(m.Keys, "key"), m.Different, verb(m.Different, "differ"))
	}
}

// moment is the field that chooses when to look at the matrix.
func (m Matrix) moment() MomentField {
	return MomentField{Name: "at", Moment: m.Query.When, Problem: m.Problem, Now: m.Now, URL: m.Query.at}
}

// heirs says who inherits from a layer; empty for a tenant.
func (m Matrix) heirs() string { return heirsNote(m.Heirs) }

func heirsNote(n int) string {
	switch {
	case n < 0:
		return ""
	default:
		return counted(n, "tenant") + " " + verb(n, "inherit") + " from here."
	}
}

// drift says what a marked cell differs from.
func (m Matrix) drift(column int) string {
	if column == 0 {
		return ""
	}
	return "differs from " + m.Columns[column-1].Environment
}

// lockedAbove tells whether a layer above locks the cell.
func (m Matrix) lockedAbove(c MatrixCell) bool { return c.LockedBy != "" && c.LockedBy != m.Tenant.ID }

// cellLabel names what an edit link does.
func (m Matrix) cellLabel(c MatrixCell, key, environment string) string {
	switch {
	case m.lockedAbove(c):
		return "Why " + key + " cannot be edited in " + environment
	case !c.Set:
		return "Set " + key + " in " + environment
	default:
		return "Edit " + key + " in " + environment
	}
}

// since says how old a cell's value is, for the title of its layer.
func (c MatrixCell) since() string {
	return fmt.Sprintf("version %d on %s, live since %s", c.Version, components.LayerName(c.Layer), c.UpdatedAt.UTC().Format("2006-01-02 15:04 UTC"))
}

// columnNote says what a change in an environment waits for.
func columnNote(stages []models.Stage) string {
	if len(stages) == 0 {
		return "live at once"
	}
	return "needs " + Approvers(stages)
}

// Approvers names who must approve, in their order.
func Approvers(stages []models.Stage) string {
	var names []string
	for _, s := range stages {
		name := string(s.Role)
		if s.Required > 1 {
			name = fmt.Sprintf("%d × %s", s.Required, name)
		}
		names = append(names, name)
	}
	return listed(names)
}

// verb is what so many things do.
func verb(n int, does string) string {
	if n == 1 {
		return does + "s"
	}
	return does
}

// StagesIn are the stages that the policies ask of a change on a tenant or layer in an environment: its tier's if
// the tier has a policy of its own, else the platform's, and for the platform those of all tiers together.
func StagesIn(policies []models.Policy, tenant models.Tenant, environment string) []models.Stage {
	tier := models.TierLayer(tenant.Slug())
	var apply []models.Policy
	for _, p := range policies {
		switch {
		case p.Environment != environment:
		case p.TenantID == models.Platform:
			apply = slices.Insert(apply, 0, p)
		case tenant.ID == models.Platform || p.TenantID == tier:
			apply = append(apply, p)
		}
	}
	if len(apply) == 0 {
		return nil
	}
	if tenant.ID != models.Platform {
		return apply[len(apply)-1].Stages
	}
	return models.Strictest(apply).Stages
}

// StagesAnywhere are the stages that a change of the tenant itself waits for, since it touches all environments: those of
// any of them.
func StagesAnywhere(policies []models.Policy, tenant models.Tenant, environments []string) []models.Stage {
	var all []models.Policy
	for _, e := range environments {
		all = append(all, models.Policy{Stages: StagesIn(policies, tenant, e)})
	}
	if len(all) == 0 {
		return nil
	}
	return models.Strictest(all).Stages
}

func waitingLabel(n int) string {
	if n == 0 {
		return "Changes"
	}
	return fmt.Sprintf("Changes (%d waiting)", n)
}
