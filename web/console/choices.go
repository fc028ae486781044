package console

import (
	"context"
	"slices"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
)

// tenantChoices are the tenants that a form offers: those that the actor may see and that fit.
func (d desk) tenantChoices(ctx context.Context, layers bool, fits func(tenantID string) bool) (views.TenantChoices, error) {
	actor, _ := models.ActorFrom(ctx)
	if len(actor.Places(models.PermViewTenants)) == 0 {
		return views.TenantChoices{}, nil
	}
	list, err := d.Tenants.List(ctx, tenants.Filter{Layers: layers, Page: models.Page{Limit: models.MaxLimit}})
	if err != nil {
		return views.TenantChoices{}, err
	}
	items := slices.DeleteFunc(list.Items, func(t models.Tenant) bool { return !fits(t.ID) })
	return views.TenantChoices{Items: items, Whole: list.Next == ""}, nil
}

// environmentNames are all environments in their order.
func (d desk) environmentNames(ctx context.Context) ([]string, error) {
	all, err := d.Tenants.Environments(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Name
	}
	return names, nil
}

// sentence puts what was wrong into one line.
func sentence(faults map[string]string) string {
	var texts []string
	for _, text := range faults {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}
