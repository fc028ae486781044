package views

import (
	"slices"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// TenantChoices are the tenants that a form offers.
type TenantChoices struct {
	Items []models.Tenant
	Whole bool // these are all; otherwise they are too many to choose from, and an id is typed
}

// options are the tenants to choose from, and first all of them if that is one of the choices.
func (t TenantChoices) options(selected, all string) []components.Option {
	var options []components.Option
	if all != "" {
		options = append(options, components.Option{Label: all})
	}
	found := selected == ""
	for _, item := range t.Items {
		found = found || item.ID == selected
		options = append(options, components.Option{Value: item.ID, Label: tenantLabel(item), Selected: item.ID == selected})
	}
	if !found {
		options = append(options, components.Option{Value: selected, Label: selected, Selected: true})
	}
	return options
}

// customers are the choices without the layers above customers.
func (t TenantChoices) customers() TenantChoices {
	t.Items = slices.DeleteFunc(slices.Clone(t.Items), func(item models.Tenant) bool { return models.IsLayer(item.ID) })
	return t
}

// tenantLabel is a tenant or layer in a list of choices.
func tenantLabel(t models.Tenant) string {
	switch {
	case t.ID == models.Platform:
		return "Platform (for all tenants)"
	case models.IsLayer(t.ID):
		return t.Name + " tier"
	default:
		return t.Name + " (" + t.ID + ")"
	}
}

// environmentOptions are the environments to choose from, and first all of them.
func environmentOptions(environments []string, selected string) []components.Option {
	options := []components.Option{{Label: "All environments"}}
	return append(options, components.Choices(selected, environments...)...)
}
