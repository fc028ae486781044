package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/web/wire"
)

// deployment is an approved change on its way to being live.
type deployment struct {
	ID          string                  `json:"id"`
	ChangeID    string                  `json:"changeId"`
	TenantID    string                  `json:"tenantId"`
	Environment string                  `json:"environment"`
	Strategy    models.Strategy         `json:"strategy"`
	Status      models.DeploymentStatus `json:"status" enum:"queued,running,paused,watching,succeeded,rolled_back,aborted,failed"`
	Step        int                     `json:"step"`
	Percent     int                     `json:"percent"`
	NextStepAt  *time.Time              `json:"nextStepAt"`
	WatchUntil  *time.Time              `json:"watchUntil"`
	Gates       []gate                  `json:"gates"`
	Instances   sides                   `json:"instances"`
	StartedAt   time.Time               `json:"startedAt"`
	EndedAt     *time.Time              `json:"endedAt"`
	Reason      string                  `json:"reason"`
}

// gate is what one check of a deployment says.
type gate struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Detail  string `json:"detail"`
}

// sides counts the instances that read each side of a deployment.
type sides struct {
	Candidate int `json:"candidate"`
	Stable    int `json:"stable"`
}

func showDeployment(d models.Deployment) deployment {
	return deployment{
		ID: d.ID, ChangeID: d.ChangeID, TenantID: d.TenantID, Environment: d.Environment, Strategy: d.Strategy,
		Status: d.Status, Step: d.Step, Percent: d.Percent, Gates: []gate{},
		StartedAt: d.StartedAt, EndedAt: d.EndedAt, Reason: d.Reason,
	}
}

type deploymentRoutes struct{ deployments *deployments.Service }

func (r deploymentRoutes) register(api huma.API) {
	huma.Register(api, reads("deployment.list", "/deployments", tagDeployments, "List deployments, newest first"), r.list)
	huma.Register(api, reads("deployment.get", "/deployments/{id}", tagDeployments, "Show a deployment"), r.get)
}

type listDeployments struct {
	wire.Paging
	TenantID    string `query:"tenantId"`
	Environment string `query:"environment"`
	ChangeID    string `query:"changeId"`
}

func (r deploymentRoutes) list(ctx context.Context, in *listDeployments) (*paged[deployment], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.deployments.List(ctx, deployments.Filter{
		TenantID: in.TenantID, Environment: in.Environment, ChangeID: in.ChangeID, Page: want,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(found, showDeployment), nil
}

type idPath struct {
	ID string `path:"id"`
}

func (r deploymentRoutes) get(ctx context.Context, in *idPath) (*struct{ Body deployment }, error) {
	d, err := r.deployments.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body deployment }{showDeployment(d)}, nil
}
