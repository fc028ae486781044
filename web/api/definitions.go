package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
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
	Owner       string           `json:"owner" doc:"A team or person"`
	Tags        []string         `json:"tags"`
	Sensitive   bool             `json:"sensitive" doc:"Values are sealed, and masked for people"`
	Merge       models.Merge     `json:"merge" enum:"replace,deep" doc:"How values of several layers come together"`
	ExpiresAt   *time.Time       `json:"expiresAt" doc:"From when on a temporary key is overdue; null for a lasting one"`
	Version     int64            `json:"version"`
	CreatedAt   time.Time        `json:"createdAt"`
	UpdatedAt   time.Time        `json:"updatedAt"`
}

func showDefinition(d models.Definition) definition {
	return definition{
		TenantID: d.TenantID, Key: d.Key, Type: d.Type, Schema: wire.Raw(models.Value(d.Schema)),
		Description: d.Description, Owner: d.Owner, Tags: d.Tags.List(), Sensitive: d.Sensitive, Merge: merge(d.Merge),
		ExpiresAt: utc(d.ExpiresAt), Version: d.Version, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
}

func merge(m models.Merge) models.Merge { return cmp.Or(m, models.MergeReplace) }

// definedAs answers a write of a definition: the definition where it holds at once, else the change that now waits.
type definedAs struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     definedBody
}

// definedBody is one of the two.
type definedBody struct {
	definition *definition
	change     *change
}

// MarshalJSON writes the one that is there.
func (b definedBody) MarshalJSON() ([]byte, error) {
	if b.change != nil {
		return json.Marshal(waiting{*b.change})
	}
	return json.Marshal(b.definition)
}

// Schema describes the answer of a write that holds at once; the operation describes the other.
func (definedBody) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[definition](), true, "")
}

// showDefined shows what a write led to; status is that of a definition that holds at once.
func showDefined(d changes.Defined, status int) *definedAs {
	if d.Change != nil {
		c := showChange(*d.Change)
		return &definedAs{Status: http.StatusAccepted, Body: definedBody{change: &c}}
	}
	shown := showDefinition(d.Definition)
	out := &definedAs{Status: status, ETag: d.Definition.Tag(), Body: definedBody{definition: &shown}}
	if status == http.StatusCreated {
		out.Location = pathTo("definitions", shown.Key) + "?tenantId=" + url.QueryEscape(shown.TenantID)
	}
	return out
}

type definitionRoutes struct {
	definitions *definitions.Service
	changes     *changes.Service
}

func (r definitionRoutes) register(api huma.API) {
	huma.Register(api, reads("definition.list", "/definitions", tagDefinitions,
		"List the definitions that apply to a tenant or layer"), r.list)
	huma.Register(api, waits(api, creates("definition.create", "/definitions", tagDefinitions, "Define a key", http.StatusConflict)), r.create)
	huma.Register(api, reads("definition.get", "/definitions/{key}", tagDefinitions, "Show the definition that applies to a key"), r.get)
	huma.Register(api, waits(api, acts(http.MethodPatch, "definition.update", "/definitions/{key}", tagDefinitions,
		"Edit a definition", http.StatusConflict, http.StatusPreconditionFailed)), r.update)
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
		Owner       string           `json:"owner,omitempty" doc:"A team or person"`
		Tags        []string         `json:"tags,omitempty"`
		Sensitive   bool             `json:"sensitive,omitempty" doc:"Values are sealed, and masked for people"`
		Merge       models.Merge     `json:"merge,omitempty" enum:"replace,deep" doc:"replace if it is not given"`
		ExpiresAt   *time.Time       `json:"expiresAt,omitempty" doc:"From when on a temporary key is overdue"`
	}
}

func (r definitionRoutes) create(ctx context.Context, in *createDefinition) (*definedAs, error) {
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
		Description: in.Body.Description, Owner: in.Body.Owner, Tags: in.Body.Tags, Sensitive: in.Body.Sensitive,
		Merge: in.Body.Merge, ExpiresAt: in.Body.ExpiresAt,
	}
	if schema != nil {
		want.Schema = *schema
	}
	d, err := r.changes.Define(ctx, want)
	if err != nil {
		return nil, err
	}
	return showDefined(d, http.StatusCreated), nil
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
		Schema      wire.RawJSON  `json:"schema,omitempty" doc:"Another JSON Schema; null takes it away"`
		Description *string       `json:"description,omitempty"`
		Owner       *string       `json:"owner,omitempty"`
		Tags        *[]string     `json:"tags,omitempty" doc:"Replaces all tags"`
		Sensitive   *bool         `json:"sensitive,omitempty" doc:"false is a reveal of all values that are and were"`
		Merge       *models.Merge `json:"merge,omitempty" enum:"replace,deep"`
		ExpiresAt   wire.RawJSON  `json:"expiresAt,omitempty" doc:"A time (RFC 3339); null takes it away"`
	}
}

func (r definitionRoutes) update(ctx context.Context, in *updateDefinition) (*definedAs, error) {
	schema, err := schemaOf(in.Body.Schema)
	if err != nil {
		return nil, err
	}
	expires, err := instantOf(in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	d, err := r.changes.Redefine(ctx, in.TenantID, in.Key, definitions.Patch{
		Description: in.Body.Description, Schema: schema, Owner: in.Body.Owner, Tags: in.Body.Tags,
		Sensitive: in.Body.Sensitive, Merge: in.Body.Merge, ExpiresAt: expires,
	}, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return showDefined(d, http.StatusOK), nil
}

// instantOf is nil when the member is absent, and the zero time when it is null.
func instantOf(raw wire.RawJSON) (*time.Time, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // nil says that the member was absent
	}
	v, err := raw.Value("/expiresAt")
	if err != nil || v == models.Null {
		return &time.Time{}, err
	}
	text, _ := v.Text()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, models.Invalid("/expiresAt", "a time like 2026-01-31T12:00:00Z")
	}
	return &at, nil
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
	v, err = r.definitions.Preview(ctx, in.Body.TenantID, in.Body.Key, v)
	if err != nil {
		return nil, err
	}
	out := &validated{}
	out.Body.Valid, out.Body.Value = true, wire.Raw(v)
	return out, nil
}
