package views

import (
	"net/url"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Tenants is the list of tenants.
type Tenants struct {
	Query     TenantQuery
	Items     []models.Tenant
	Next      string // cursor
	Tiers     []models.Tenant
	Form      TenantForm
	MayCreate bool
	Layers    bool // whether the layers above customers are shown
}

// TenantQuery is what the list is narrowed to, as the address says it.
type TenantQuery struct {
	Search, Tier, Sort, Cursor string
	Status                     models.TenantStatus
}

// URL is the address of the same list at another place.
func (q TenantQuery) URL(cursor string) string {
	return address("/tenants", "search", q.Search, "tier", q.Tier, "status", string(q.Status), "sort", q.Sort, "cursor", cursor)
}

// First is the address of the first page, empty on it.
func (q TenantQuery) First() string {
	if q.Cursor == "" {
		return ""
	}
	return q.URL("")
}

// NextURL is the address of the page after this one, empty on the last.
func (t Tenants) NextURL() string {
	if t.Next == "" {
		return ""
	}
	return t.Query.URL(t.Next)
}

// sum says how many tenants are shown.
func (t Tenants) sum() string {
	n := counted(len(t.Items), "tenant")
	switch {
	case t.Next == "" && t.Query.Cursor == "":
		return n + "."
	case t.Query.Cursor == "":
		return "The first " + n + "; more on the next page."
	case t.Next == "":
		return "The last " + n + "."
	default:
		return n + " on this page; more on the next."
	}
}

// Narrowed tells whether any filter is set.
func (q TenantQuery) Narrowed() bool { return q.Search != "" || q.Tier != "" || q.Status != "" }

// TenantForm is the form of a tenant to be made, with what was wrong with it by pointer.
type TenantForm struct {
	ID, Name, Tier string
	Errors         map[string]string
	Open           bool
}

func (t Tenants) tierOptions(selected string, all bool) []components.Option {
	var options []components.Option
	if all {
		options = append(options, components.Option{Label: "All tiers"})
	}
	for _, tier := range t.Tiers {
		options = append(options, components.Option{Value: tier.Slug(), Label: tier.Name, Selected: tier.Slug() == selected})
	}
	return options
}

func statusOptions(selected models.TenantStatus) []components.Option {
	options := []components.Option{{Label: "Active and suspended"}}
	for _, s := range []models.TenantStatus{models.TenantActive, models.TenantSuspended, models.TenantDeleted} {
		options = append(options, components.Option{Value: string(s), Label: string(s), Selected: s == selected})
	}
	return options
}

func sortOptions(selected string) []components.Option {
	return []components.Option{
		{Value: "", Label: "Id"},
		{Value: "name", Label: "Name", Selected: selected == "name"},
		{Value: "updated", Label: "Last changed", Selected: selected == "updated"},
	}
}

// TenantURL is the page of a tenant or layer.
func TenantURL(id string) string { return "/tenants/" + url.PathEscape(id) }

// address is a path with a query; empty values are left out.
func address(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
