package views

import (
	"strconv"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Instances is a page of the instances of applications.
type Instances struct {
	Query        InstanceQuery
	Items        []models.Instance
	Next         string // cursor
	Fault        string // what is wrong with the filters; nothing is listed then
	Tenants      TenantChoices
	Environments []string
}

// InstanceQuery is what the list is narrowed to, as the address says it.
type InstanceQuery struct{ TenantID, Environment, Cursor string }

// URL is the address of the same list at another place.
func (q InstanceQuery) URL(cursor string) string {
	return address("/instances", "tenantId", q.TenantID, "environment", q.Environment, "cursor", cursor)
}

// First is the address of the first page, empty on it.
func (q InstanceQuery) First() string {
	if q.Cursor == "" {
		return ""
	}
	return q.URL("")
}

// Narrowed tells whether any filter is set.
func (q InstanceQuery) Narrowed() bool { return q.TenantID != "" || q.Environment != "" }

// NextURL is the address of the page after this one, empty on the last.
func (m Instances) NextURL() string {
	if m.Next == "" {
		return ""
	}
	return m.Query.URL(m.Next)
}

// sum says of the instances on the page how many lag.
func (m Instances) sum() string {
	behind := 0
	for _, i := range m.Items {
		if i.Current != nil && !*i.Current {
			behind++
		}
	}
	whole := counted(len(m.Items), "instance")
	if m.Query.Cursor != "" || m.Next != "" {
		whole += " on this page"
	}
	if behind == 0 {
		return whole + ", none behind."
	}
	return whole + ", " + strconv.Itoa(behind) + " behind."
}

func (m Instances) environmentOptions() []components.Option {
	options := []components.Option{{Label: "All environments"}}
	known := m.Query.Environment == ""
	for _, name := range m.Environments {
		known = known || name == m.Query.Environment
		options = append(options, components.Option{Value: name, Label: name, Selected: name == m.Query.Environment})
	}
	if !known {
		options = append(options, components.Option{Value: m.Query.Environment, Label: m.Query.Environment, Selected: true})
	}
	return options
}
