package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web/wire"
)

// tier is a class of customers with a layer of its own.
type tier struct {
	Name      string    `json:"name"`
	Slug      string    `json:"slug" doc:"What ?tier= takes"`
	TenantID  string    `json:"tenantId" doc:"The layer that holds the tier's values"`
	CreatedAt time.Time `json:"createdAt"`
}

func showTier(t models.Tenant) tier {
	return tier{Name: t.Name, Slug: t.Slug(), TenantID: t.ID, CreatedAt: t.CreatedAt.UTC()}
}

type tierRoutes struct{ tenants *tenants.Service }

func (r tierRoutes) register(api huma.API) {
	huma.Register(api, reads("tier.list", "/tiers", tagTenants, "List tiers"), r.list)
	huma.Register(api, creates("tier.create", "/tiers", tagTenants, "Create a tier", http.StatusConflict), r.create)
}

func (r tierRoutes) list(ctx context.Context, in *wire.Paging) (*paged[tier], error) {
	all, err := r.tenants.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	found, err := cut(all, *in, "tiers", func(t models.Tenant) string { return t.ID })
	if err != nil {
		return nil, err
	}
	return pageOf(found, showTier), nil
}

type createTier struct {
	Body struct {
		Name string `json:"name"`
	}
}

func (r tierRoutes) create(ctx context.Context, in *createTier) (*created[tier], error) {
	t, err := r.tenants.CreateTier(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &created[tier]{Location: pathTo("tenants", t.ID), ETag: t.Tag(), Body: showTier(t)}, nil
}
