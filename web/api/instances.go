package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/wire"
)

// instance is a running copy of an application with the revision that it holds.
type instance struct {
	Unit        string     `json:"unit" doc:"The name that the application chose for it"`
	TenantID    string     `json:"tenantId"`
	Environment string     `json:"environment"`
	Revision    string     `json:"revision" doc:"That it reported last; of the resolved read"`
	Current     *bool      `json:"current" doc:"It holds the revision of now; null where that is not known at the moment"`
	CurrentAt   *time.Time `json:"currentAt" doc:"When it last reported the revision that was the one of now; null for never"`
	Client      string     `json:"client" doc:"The program that reports, as it calls itself"`
	FirstSeenAt *time.Time `json:"firstSeenAt" doc:"null until it is written down"`
	LastSeenAt  time.Time  `json:"lastSeenAt" doc:"When it reported last"`
}

func showInstance(i models.Instance) instance {
	return instance{
		Unit: i.Unit, TenantID: i.TenantID, Environment: i.Environment, Revision: i.Revision, Current: i.Current,
		CurrentAt: i.CurrentAt, Client: i.Client, FirstSeenAt: i.FirstSeenAt, LastSeenAt: i.LastSeenAt,
	}
}

type instanceRoutes struct{ instances *deployments.Instances }

func (r instanceRoutes) register(api huma.API) {
	huma.Register(api, reads("instance.list", "/instances", tagDeployments, "List the instances of applications and the revisions they hold"), r.list)
	huma.Register(api, web.Observes(acts(http.MethodPut, "instance.put", "/instances/{unit}", tagDeployments, "Report that an instance is there and what it holds")), r.put)
}

type listInstances struct {
	wire.Paging
	TenantID    string `query:"tenantId"`
	Environment string `query:"environment"`
}

func (r instanceRoutes) list(ctx context.Context, in *listInstances) (*paged[instance], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.instances.List(ctx, deployments.InstanceFilter{TenantID: in.TenantID, Environment: in.Environment, Page: want})
	if err != nil {
		return nil, err
	}
	return pageOf(found, showInstance), nil
}

type putInstance struct {
	Unit string `path:"unit" doc:"The name of the instance: 1 to 128 printable characters"`
	Body struct {
		TenantID    string `json:"tenantId,omitempty"`
		Environment string `json:"environment,omitempty"`
		Revision    string `json:"revision"`
		Client      string `json:"client,omitempty" doc:"The program that reports: at most 128 printable characters"`
	}
}

func (r instanceRoutes) put(ctx context.Context, in *putInstance) (*struct{ Body instance }, error) {
	i, err := r.instances.Beat(ctx, deployments.Beat{
		Unit: in.Unit, TenantID: in.Body.TenantID, Environment: in.Body.Environment, Revision: in.Body.Revision, Client: in.Body.Client,
	})
	if err != nil {
		return nil, err
	}
	return &struct{ Body instance }{showInstance(i)}, nil
}
