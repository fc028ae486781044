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

// tenant is a customer, or a layer above customers.
type tenant struct {
	TenantID  string              `json:"tenantId"`
	Name      string              `json:"name"`
	Tier      string              `json:"tier" doc:"The tier's name; empty for layers"`
	Status    models.TenantStatus `json:"status" enum:"active,suspended,deleted"`
	Metadata  wire.RawJSON        `json:"metadata" doc:"An object of the operator's own"`
	CreatedAt time.Time           `json:"createdAt"`
	UpdatedAt time.Time           `json:"updatedAt"`
}

func showTenant(t models.Tenant) tenant {
	return tenant{
		TenantID: t.ID, Name: t.Name, Tier: t.Tier, Status: t.Status, Metadata: wire.RawJSON(t.Metadata),
		CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
}

type tenantRoutes struct{ tenants *tenants.Service }

func (r tenantRoutes) register(api huma.API) {
	huma.Register(api, reads("tenant.list", "/tenants", tagTenants, "List tenants"), r.list)
	huma.Register(api, creates("tenant.create", "/tenants", tagTenants, "Create a tenant", http.StatusConflict), r.create)
	huma.Register(api, reads("tenant.get", "/tenants/{tenantId}", tagTenants, "Show a tenant or a layer"), r.get)
	huma.Register(api, acts(http.MethodPatch, "tenant.update", "/tenants/{tenantId}", tagTenants,
		"Edit a tenant's name and metadata", http.StatusPreconditionFailed), r.update)
}

type listTenants struct {
	wire.Paging
	Search string              `query:"search" doc:"Part of the id or name, in any case"`
	Tier   string              `query:"tier" doc:"A tier's slug"`
	Status models.TenantStatus `query:"status" enum:"active,suspended,deleted"`
	Layers bool                `query:"layers" doc:"The layers above customers as well"`
}

func (r tenantRoutes) list(ctx context.Context, in *listTenants) (*paged[tenant], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.tenants.List(ctx, tenants.Filter{
		Search: in.Search, Tier: in.Tier, Status: in.Status, Layers: in.Layers, Page: want,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(found, showTenant), nil
}

type createTenant struct {
	Body struct {
		TenantID string       `json:"tenantId" doc:"Lower-case letters, digits and -; never issued again"`
		Name     string       `json:"name"`
		Tier     string       `json:"tier" doc:"A tier's name or slug"`
		Metadata wire.RawJSON `json:"metadata,omitempty" doc:"An object of the operator's own"`
	}
}

func (r tenantRoutes) create(ctx context.Context, in *createTenant) (*created[tenant], error) {
	metadata, err := metadataOf(in.Body.Metadata)
	if err != nil {
		return nil, err
	}
	want := tenants.In{TenantID: in.Body.TenantID, Name: in.Body.Name, Tier: in.Body.Tier}
	if metadata != nil {
		want.Metadata = *metadata
	}
	t, err := r.tenants.Create(ctx, want)
	if err != nil {
		return nil, err
	}
	return &created[tenant]{Location: pathTo("tenants", t.ID), ETag: t.Tag(), Body: showTenant(t)}, nil
}

// metadataOf is nil when there is none.
func metadataOf(raw wire.RawJSON) (*models.Value, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // nil says that the member was absent
	}
	v, err := raw.Value("/metadata")
	return &v, err
}

// TenantPath names a tenant.
type TenantPath struct {
	TenantID string `path:"tenantId"`
}

func (r tenantRoutes) get(ctx context.Context, in *TenantPath) (*single[tenant], error) {
	return oneTenant(r.tenants.Get(ctx, in.TenantID))
}

type updateTenant struct {
	TenantPath
	Match
	Body struct {
		Name     *string      `json:"name,omitempty"`
		Metadata wire.RawJSON `json:"metadata,omitempty" doc:"Replaces the object as a whole"`
	}
}

func (r tenantRoutes) update(ctx context.Context, in *updateTenant) (*single[tenant], error) {
	metadata, err := metadataOf(in.Body.Metadata)
	if err != nil {
		return nil, err
	}
	patch := tenants.Patch{Name: in.Body.Name, Metadata: metadata}
	return oneTenant(r.tenants.Update(ctx, in.TenantID, patch, in.IfMatch))
}

func oneTenant(t models.Tenant, err error) (*single[tenant], error) {
	if err != nil {
		return nil, err
	}
	return &single[tenant]{ETag: t.Tag(), Body: showTenant(t)}, nil
}
