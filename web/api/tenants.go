package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
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
	DeletedAt *time.Time          `json:"deletedAt,omitempty" doc:"Of a deleted tenant; its values are purged 30 days later"`
}

func showTenant(t models.Tenant) tenant {
	return tenant{
		TenantID: t.ID, Name: t.Name, Tier: t.Tier, Status: t.Status, Metadata: wire.RawJSON(t.Metadata),
		CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(), DeletedAt: utc(t.DeletedAt),
	}
}

// movedTenant answers a call that moves a tenant itself: the tenant where it is done at once, else the change that
// now waits.
type movedTenant struct {
	Status int
	ETag   string `header:"ETag"`
	Body   movedTenantBody
}

// movedTenantBody is one of the two.
type movedTenantBody struct {
	tenant *tenant
	change *change
}

// MarshalJSON writes the one that is there.
func (b movedTenantBody) MarshalJSON() ([]byte, error) {
	if b.change != nil {
		return json.Marshal(waiting{*b.change})
	}
	return json.Marshal(b.tenant)
}

// Schema describes the answer of a move that is done at once; the operation describes the other.
func (movedTenantBody) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[tenant](), true, "")
}

type tenantRoutes struct {
	tenants *tenants.Service
	changes *changes.Service
}

func (r tenantRoutes) register(api huma.API) {
	huma.Register(api, reads("tenant.list", "/tenants", tagTenants, "List tenants"), r.list)
	huma.Register(api, creates("tenant.create", "/tenants", tagTenants, "Create a tenant", http.StatusConflict), r.create)
	huma.Register(api, reads("tenant.get", "/tenants/{tenantId}", tagTenants, "Show a tenant or a layer"), r.get)
	huma.Register(api, waits(api, acts(http.MethodPatch, "tenant.update", "/tenants/{tenantId}", tagTenants,
		"Edit a tenant's name and metadata, or move it to another tier", http.StatusConflict, http.StatusPreconditionFailed)), r.update)
	huma.Register(api, waits(api, acts(http.MethodPost, "tenant.suspend", "/tenants/{tenantId}/suspend", tagTenants,
		"End the reads of a tenant", http.StatusConflict)), r.suspend)
	huma.Register(api, acts(http.MethodPost, "tenant.activate", "/tenants/{tenantId}/activate", tagTenants,
		"End a suspension, or undo a deletion within 30 days", http.StatusConflict), r.activate)
	huma.Register(api, removes("tenant.delete", "/tenants/{tenantId}", tagTenants,
		"Delete a suspended tenant, for good after 30 days", http.StatusConflict, http.StatusPreconditionFailed), r.remove)
}

type listTenants struct {
	wire.Paging
	Search string              `query:"search" doc:"Part of the id or name, in any case"`
	Tier   string              `query:"tier" doc:"A tier's slug"`
	Status models.TenantStatus `query:"status" enum:"active,suspended,deleted" doc:"Deleted ones are shown to who manages tenants, while they can be had back"`
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
		Tier     *string      `json:"tier,omitempty" doc:"A tier's name or slug; given alone, for that is a change"`
		Reason   string       `json:"reason,omitempty" doc:"Of the change of tier"`
	}
}

func (r tenantRoutes) update(ctx context.Context, in *updateTenant) (*movedTenant, error) {
	metadata, err := metadataOf(in.Body.Metadata)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Body.Tier == nil && in.Body.Reason != "":
		return nil, models.Invalid("/reason", "only a change of tier has a reason")
	case in.Body.Tier == nil:
		return oneMoved(r.tenants.Update(ctx, in.TenantID, tenants.Patch{Name: in.Body.Name, Metadata: metadata}, in.IfMatch))
	case in.Body.Name != nil || metadata != nil:
		return nil, models.Invalid("/tier", "a tier is changed by a call of its own, for that may have to wait")
	}
	if err := r.matches(ctx, in.TenantID, in.IfMatch); err != nil {
		return nil, err
	}
	return r.moved(ctx, in.TenantID, func() (changes.Outcome, error) {
		return r.changes.Retier(ctx, in.TenantID, *in.Body.Tier, in.Body.Reason)
	})
}

// matches holds a condition against the tenant as it is now. What the change then writes is checked again by itself.
func (r tenantRoutes) matches(ctx context.Context, id, ifMatch string) error {
	if ifMatch == "" {
		return nil
	}
	t, err := r.tenants.Get(ctx, id)
	if err != nil {
		return err
	}
	return models.CheckTag(ifMatch, t.Tag())
}

type suspendTenant struct {
	TenantPath
	Match
	Body *suspendBody
}

// suspendBody may be absent.
type suspendBody struct {
	Reason string `json:"reason,omitempty"`
}

func (r tenantRoutes) suspend(ctx context.Context, in *suspendTenant) (*movedTenant, error) {
	var body suspendBody
	if in.Body != nil {
		body = *in.Body
	}
	if err := r.matches(ctx, in.TenantID, in.IfMatch); err != nil {
		return nil, err
	}
	return r.moved(ctx, in.TenantID, func() (changes.Outcome, error) {
		return r.changes.Suspend(ctx, in.TenantID, body.Reason)
	})
}

// moved shows what a change of the tenant led to.
func (r tenantRoutes) moved(ctx context.Context, id string, move func() (changes.Outcome, error)) (*movedTenant, error) {
	done, err := move()
	if err != nil {
		return nil, err
	}
	if !done.Live() {
		c := showChange(done.Change)
		return &movedTenant{Status: http.StatusAccepted, Body: movedTenantBody{change: &c}}, nil
	}
	return oneMoved(r.tenants.Get(ctx, id))
}

func oneMoved(t models.Tenant, err error) (*movedTenant, error) {
	if err != nil {
		return nil, err
	}
	shown := showTenant(t)
	return &movedTenant{Status: http.StatusOK, ETag: t.Tag(), Body: movedTenantBody{tenant: &shown}}, nil
}

func (r tenantRoutes) activate(ctx context.Context, in *TenantPath) (*single[tenant], error) {
	return oneTenant(r.tenants.Activate(ctx, in.TenantID))
}

type deleteTenant struct {
	TenantPath
	Match
	Confirm string `query:"confirm" doc:"The tenant's id once more"`
}

func (r tenantRoutes) remove(ctx context.Context, in *deleteTenant) (*struct{}, error) {
	return nil, r.tenants.Delete(ctx, in.TenantID, in.Confirm, in.IfMatch)
}

func oneTenant(t models.Tenant, err error) (*single[tenant], error) {
	if err != nil {
		return nil, err
	}
	return &single[tenant]{ETag: t.Tag(), Body: showTenant(t)}, nil
}
