package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/web/wire"
)

// definition is what a key is, for a layer and all below it.
type definition struct {
	TenantID    string           `json:"tenantId" doc:"The layer that defines the key"`
	Key         string           `json:"key"`
	Type        models.ValueType `json:"type" enum:"boolean,number,string,json"`
	Schema      wire.RawJSON     `json:"schema" doc:"A JSON Schema that values must satisfy; null for none"`
	Description string           `json:"description"`
	Sensitive   bool             `json:"sensitive"`
	Version     int64            `json:"version"`
	CreatedAt   time.Time        `json:"createdAt"`
	UpdatedAt   time.Time        `json:"updatedAt"`
}

func showDefinition(d models.Definition) definition {
	return definition{
		TenantID: d.TenantID, Key: d.Key, Type: d.Type, Schema: wire.Raw(models.Value(d.Schema)),
		Description: d.Description, Sensitive: d.Sensitive, Version: d.Version,
		CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
}

type definitionRoutes struct{ definitions *definitions.Service }

func (r definitionRoutes) register(api huma.API) {
	huma.Register(api, reads("definition.list", "/definitions", tagDefinitions,
		"List the definitions that apply to a tenant or layer"), r.list)
	huma.Register(api, creates("definition.create", "/definitions", tagDefinitions, "Define a key", http.StatusConflict), r.create)
	huma.Register(api, reads("definition.get", "/definitions/{key}", tagDefinitions, "Show the definition that applies to a key"), r.get)
	huma.Register(api, acts(http.MethodPatch, "definition.update", "/definitions/{key}", tagDefinitions,
		"Edit a definition", http.StatusPreconditionFailed), r.update)
	huma.Register(api, acts(http.MethodPost, "definition.validate", "/definitions/validate", tagDefinitions,
		"Check a value against its key's definition without setting it"), r.validate)
}

// LayerQuery names the layer whose definitions are meant.
type LayerQuery struct {
	TenantID string `query:"tenantId" default:"@platform" doc:"A tenant or layer"`
}

type listDefinitions struct {
	wire.Paging
	LayerQuery
	Search string `query:"search" doc:"Part of the key"`
}

func (r definitionRoutes) list(ctx context.Context, in *listDefinitions) (*paged[definition], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.definitions.List(ctx, in.TenantID, in.Search, want)
	if err != nil {
		return nil, err
	}
	return pageOf(found, showDefinition), nil
}

type createDefinition struct {
	TenantID string `query:"tenantId" doc:"A tenant or layer; @platform if neither this nor the body names one"`
	Body     struct {
		TenantID    string           `json:"tenantId,omitempty"`
		Key         string           `json:"key"`
		Type        models.ValueType `json:"type" enum:"boolean,number,string,json"`
		Schema      wire.RawJSON     `json:"schema,omitempty" doc:"A JSON Schema"`
		Description string           `json:"description,omitempty"`
		Sensitive   bool             `json:"sensitive,omitempty"`
	}
}

func (r definitionRoutes) create(ctx context.Context, in *createDefinition) (*created[definition], error) {
	layer, err := in.layer()
	if err != nil {
		return nil, err
	}
	schema, err := schemaOf(in.Body.Schema)
	if err != nil {
		return nil, err
	}
	want := definitions.In{
		TenantID: layer, Key: in.Body.Key, Type: in.Body.Type,
		Description: in.Body.Description, Sensitive: in.Body.Sensitive,
	}
	if schema != nil {
		want.Schema = *schema
	}
	d, err := r.definitions.Create(ctx, want)
	if err != nil {
		return nil, err
	}
	location := pathTo("definitions", d.Key) + "?tenantId=" + url.QueryEscape(d.TenantID)
	return &created[definition]{Location: location, ETag: d.Tag(), Body: showDefinition(d)}, nil
}

// layer is named by the query or the body.
func (in *createDefinition) layer() (string, error) {
	switch {
	case in.TenantID == "" && in.Body.TenantID == "":
		return models.Platform, nil
	case in.TenantID == "":
		return in.Body.TenantID, nil
	case in.Body.TenantID != "" && in.Body.TenantID != in.TenantID:
		return "", models.Invalid("/tenantId", "the query names another tenant")
	default:
		return in.TenantID, nil
	}
}

// schemaOf is nil when the member is absent, and no schema when it is null.
func schemaOf(raw wire.RawJSON) (*models.Value, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // nil says that the member was absent
	}
	v, err := raw.Value("/schema")
	if v == models.Null {
		v = ""
	}
	return &v, err
}

// DefinitionPath names a definition that applies to a layer.
type DefinitionPath struct {
	LayerQuery
	Key string `path:"key"`
}

func (r definitionRoutes) get(ctx context.Context, in *DefinitionPath) (*single[definition], error) {
	return oneDefinition(r.definitions.Get(ctx, in.TenantID, in.Key))
}

type updateDefinition struct {
	DefinitionPath
	Match
	Body struct {
		Schema      wire.RawJSON `json:"schema,omitempty" doc:"Another JSON Schema; null takes it away"`
		Description *string      `json:"description,omitempty"`
		Sensitive   *bool        `json:"sensitive,omitempty"`
	}
}

func (r definitionRoutes) update(ctx context.Context, in *updateDefinition) (*single[definition], error) {
	schema, err := schemaOf(in.Body.Schema)
	if err != nil {
		return nil, err
	}
	patch := definitions.Patch{Description: in.Body.Description, Schema: schema, Sensitive: in.Body.Sensitive}
	return oneDefinition(r.definitions.Update(ctx, in.TenantID, in.Key, patch, in.IfMatch))
}

func oneDefinition(d models.Definition, err error) (*single[definition], error) {
	if err != nil {
		return nil, err
	}
	return &single[definition]{ETag: d.Tag(), Body: showDefinition(d)}, nil
}

type validateValue struct {
	Body struct {
		TenantID string       `json:"tenantId"`
		Key      string       `json:"key"`
		Value    wire.RawJSON `json:"value"`
	}
}

type validated struct {
	Body struct {
		Valid bool         `json:"valid" doc:"Always true: an invalid value answers 422"`
		Value wire.RawJSON `json:"value" doc:"As it would be stored"`
	}
}

func (r definitionRoutes) validate(ctx context.Context, in *validateValue) (*validated, error) {
	v, err := in.Body.Value.Value("/value")
	if err != nil {
		return nil, err
	}
	v, err = r.definitions.Check(ctx, in.Body.TenantID, in.Body.Key, v)
	if err != nil {
		return nil, err
	}
	out := &validated{}
	out.Body.Valid, out.Body.Value = true, wire.Raw(v)
	return out, nil
}
