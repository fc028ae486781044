package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// binding gives a role to a person, a group of the identity provider or an API key.
type binding struct {
	ID          string          `json:"id"`
	TenantID    string          `json:"tenantId" doc:"@platform binds for all tenants"`
	Environment *string         `json:"environment" doc:"null for all"`
	Role        models.Role     `json:"role"`
	Subject     subject         `json:"subject"`
	CreatedAt   time.Time       `json:"createdAt"`
	CreatedBy   models.ActorRef `json:"createdBy"`
}

// subject is whom a role is bound to.
type subject struct {
	Kind string `json:"kind" enum:"person,group,key"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

func showBinding(b models.Binding, people *access.Directory) binding {
	return binding{
		ID: b.ID, TenantID: b.TenantID, Environment: optional(b.Environment), Role: b.Role,
		Subject:   subject{Kind: b.SubjectKind, ID: b.Subject, Name: subjectName(b, people)},
		CreatedAt: b.CreatedAt.UTC(), CreatedBy: people.Name(b.CreatedBy),
	}
}

func subjectName(b models.Binding, people *access.Directory) string {
	switch b.SubjectKind {
	case models.SubjectPerson:
		return people.Name(models.ActorRef{ID: b.Subject, Kind: models.ActorPerson}).Name
	case models.SubjectKey:
		return people.Name(models.ActorRef{ID: b.Subject, Kind: models.ActorService}).Name
	default:
		return b.Subject
	}
}

type bindingRoutes struct{ access *access.Service }

func (r bindingRoutes) register(api huma.API) {
	huma.Register(api, reads("role_binding.list", "/role-bindings", tagAccess, "List who holds which role"), r.list)
	huma.Register(api, creates("role_binding.create", "/role-bindings", tagAccess, "Give a role", http.StatusConflict), r.create)
	huma.Register(api, removes("role_binding.delete", "/role-bindings/{id}", tagAccess, "Take a role back", http.StatusConflict), r.remove)
}

func (r bindingRoutes) list(ctx context.Context, in *listAccess) (*paged[binding], error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	found, err := r.access.ListBindings(ctx, filter)
	if err != nil {
		return nil, err
	}
	people, err := r.access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(found, func(b models.Binding) binding { return showBinding(b, people) }), nil
}

type createBinding struct {
	Body struct {
		Role        models.Role `json:"role"`
		TenantID    string      `json:"tenantId,omitempty" doc:"All tenants if it is not given"`
		Environment string      `json:"environment,omitempty" doc:"All environments if it is not given"`
		PersonID    string      `json:"personId,omitempty" doc:"Exactly one of personId, email, group and keyId"`
		Email       string      `json:"email,omitempty" doc:"Of somebody who may not have signed in yet"`
		Group       string      `json:"group,omitempty" doc:"As the identity provider names it"`
		KeyID       string      `json:"keyId,omitempty" doc:"Of a service"`
	}
}

func (r bindingRoutes) create(ctx context.Context, in *createBinding) (*created[binding], error) {
	b, err := r.access.Bind(ctx, access.BindingInput{
		TenantID: in.Body.TenantID, Environment: in.Body.Environment, Role: in.Body.Role,
		PersonID: in.Body.PersonID, Email: in.Body.Email, Group: in.Body.Group, KeyID: in.Body.KeyID,
	})
	if err != nil {
		return nil, err
	}
	people, err := r.access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	return &created[binding]{Location: pathTo("role-bindings", b.ID), Body: showBinding(b, people)}, nil
}

func (r bindingRoutes) remove(ctx context.Context, in *idPath) (*struct{}, error) {
	return nil, r.access.Unbind(ctx, in.ID)
}
