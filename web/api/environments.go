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

// environment is one step of a value's way to customers.
type environment struct {
	Name      string    `json:"name"`
	Position  int       `json:"position" doc:"Orders environments; later means closer to customers"`
	CreatedAt time.Time `json:"createdAt"`
}

func showEnvironment(e models.Environment) environment {
	return environment{Name: e.Name, Position: e.Position, CreatedAt: e.CreatedAt.UTC()}
}

type environmentRoutes struct{ tenants *tenants.Service }

func (r environmentRoutes) register(api huma.API) {
	huma.Register(api, reads("environment.list", "/environments", tagEnvironments, "List environments in their order"), r.list)
	put := acts(http.MethodPut, "environment.put", "/environments/{environment}", tagEnvironments,
		"Create an environment, or confirm its position", http.StatusConflict)
	huma.Register(api, also[environment](api, put, http.StatusCreated, "It is new"), r.put)
}

func (r environmentRoutes) list(ctx context.Context, in *wire.Paging) (*paged[environment], error) {
	all, err := r.tenants.Environments(ctx)
	if err != nil {
		return nil, err
	}
	found, err := cut(all, *in, "environments", func(e models.Environment) string { return e.Name })
	if err != nil {
		return nil, err
	}
	return pageOf(found, showEnvironment), nil
}

type putEnvironment struct {
	Name string `path:"environment"`
	Body *environmentBody
}

// environmentBody may be absent.
type environmentBody struct {
	Name     string `json:"name,omitempty" doc:"If it is there, the name in the path"`
	Position *int   `json:"position,omitempty" doc:"Counted from 1; at the end if it is not given"`
}

type environmentOut struct {
	Status   int
	Location string `header:"Location"`
	Body     environment
}

func (r environmentRoutes) put(ctx context.Context, in *putEnvironment) (*environmentOut, error) {
	var want environmentBody
	if in.Body != nil {
		want = *in.Body
	}
	if want.Name != "" && want.Name != in.Name {
		return nil, models.Invalid("/name", "the path names another environment")
	}
	e, made, err := r.tenants.PutEnvironment(ctx, in.Name, want.Position)
	if err != nil {
		return nil, err
	}
	out := &environmentOut{Status: http.StatusOK, Body: showEnvironment(e)}
	if made {
		out.Status, out.Location = http.StatusCreated, pathTo("environments", e.Name)
	}
	return out, nil
}
