package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/web/wire"
)

// Key is a credential without its secret.
type Key struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Role        models.Role         `json:"role"`
	TenantID    string              `json:"tenantId" doc:"@platform is a key for all tenants"`
	Environment *string             `json:"environment" doc:"null for all"`
	Owner       string              `json:"owner" enum:"service,me"`
	PersonID    *string             `json:"personId" doc:"Whose personal key it is"`
	Responsible []string            `json:"responsible" doc:"Ids of the people who answer for the service"`
	Grants      []models.Permission `json:"grants"`
	Denies      []models.Permission `json:"denies"`
	CreatedAt   time.Time           `json:"createdAt"`
	CreatedBy   models.ActorRef     `json:"createdBy"`
	ExpiresAt   *time.Time          `json:"expiresAt"`
	RevokedAt   *time.Time          `json:"revokedAt"`
}

func showKey(k models.APIKey) Key {
	out := Key{
		ID: k.ID, Name: k.Name, Role: k.Role, TenantID: k.TenantID, Environment: optional(k.Environment),
		Owner: access.OwnerService, PersonID: optional(k.PersonID), Responsible: append([]string{}, k.Responsible...),
		Grants: append([]models.Permission{}, k.Grants...), Denies: append([]models.Permission{}, k.Denies...),
		CreatedAt: k.CreatedAt.UTC(), CreatedBy: k.CreatedBy, ExpiresAt: utc(k.ExpiresAt), RevokedAt: utc(k.RevokedAt),
	}
	if k.PersonID != "" {
		out.Owner = access.OwnerMe
	}
	return out
}

// keyMade is a new key with its text, which is shown this once.
type keyMade struct {
	Text string `json:"key" doc:"hs_<id>_<secret>; it is shown this once"`
	Key
}

type keyRoutes struct{ access *access.Service }

func (r keyRoutes) register(api huma.API) {
	huma.Register(api, reads("api_key.list", "/api-keys", tagAccess, "List API keys"), r.list)
	huma.Register(api, creates("api_key.create", "/api-keys", tagAccess, "Create an API key"), r.create)
	huma.Register(api, removes("api_key.revoke", "/api-keys/{id}", tagAccess, "Revoke an API key"), r.revoke)
}

type listAccess struct {
	wire.Paging
	TenantID string `query:"tenantId"`
}

func (in *listAccess) filter() (access.ListFilter, error) {
	want, err := in.Page()
	return access.ListFilter{TenantID: in.TenantID, Page: want}, err
}

func (r keyRoutes) list(ctx context.Context, in *listAccess) (*paged[Key], error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	found, err := r.access.ListKeys(ctx, filter)
	if err != nil {
		return nil, err
	}
	people, err := r.access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(found, func(k models.APIKey) Key {
		k.CreatedBy = people.Name(k.CreatedBy)
		return showKey(k)
	}), nil
}

type createKey struct {
	Body struct {
		Name        string              `json:"name"`
		Role        models.Role         `json:"role"`
		TenantID    string              `json:"tenantId,omitempty" doc:"All tenants if it is not given"`
		Environment string              `json:"environment,omitempty" doc:"All environments if it is not given"`
		ExpiresAt   *time.Time          `json:"expiresAt,omitempty"`
		Owner       string              `json:"owner,omitempty" doc:"service, also if it is not given, or me for a personal key"`
		Responsible []string            `json:"responsible,omitempty" doc:"Ids of the people who answer for the service; the caller if none are given"`
		Grants      []models.Permission `json:"grants,omitempty" doc:"secrets:read"`
		Denies      []models.Permission `json:"denies,omitempty" doc:"Such as signals:write"`
	}
}

func (r keyRoutes) create(ctx context.Context, in *createKey) (*created[keyMade], error) {
	b := in.Body
	k, key, err := r.access.CreateKey(ctx, access.KeyInput{
		Name: b.Name, Role: b.Role, TenantID: b.TenantID, Environment: b.Environment, ExpiresAt: b.ExpiresAt,
		Owner: b.Owner, Responsible: b.Responsible, Grants: b.Grants, Denies: b.Denies,
	})
	if err != nil {
		return nil, err
	}
	return &created[keyMade]{Location: pathTo("api-keys", k.ID), Body: keyMade{Text: key, Key: showKey(k)}}, nil
}

func (r keyRoutes) revoke(ctx context.Context, in *idPath) (*struct{}, error) {
	return nil, r.access.RevokeKey(ctx, in.ID)
}
