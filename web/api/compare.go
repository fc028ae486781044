package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web/wire"
)

// difference is one key in two environments.
type difference struct {
	Key       string           `json:"key"`
	Type      models.ValueType `json:"type" enum:"boolean,number,string,json"`
	Status    snapshots.Status `json:"status" enum:"added,removed,changed,equal" doc:"On the way from one environment to the other; true to values that are not shown, too"`
	From      wire.RawJSON     `json:"from" doc:"The resolved value; null when there is none, see fromLayer"`
	To        wire.RawJSON     `json:"to" doc:"The resolved value; null when there is none, see toLayer"`
	FromLayer *string          `json:"fromLayer" doc:"Where the value is set; null when there is none"`
	ToLayer   *string          `json:"toLayer" doc:"Where the value is set; null when there is none"`
	Sensitive bool             `json:"sensitive"`
	Masked    bool             `json:"masked" doc:"A value is not shown to the caller"`
}

func showDifference(d snapshots.Difference) difference {
	return difference{
		Key: d.Key, Type: d.Type, Status: d.Status, Sensitive: d.Sensitive, Masked: d.Masked,
		From: wire.Raw(d.From), To: wire.Raw(d.To), FromLayer: optional(d.FromLayer), ToLayer: optional(d.ToLayer),
	}
}

type compareRoutes struct{ snapshots *snapshots.Service }

func (r compareRoutes) register(api huma.API) {
	huma.Register(api, reads("config.compare", "/configs/compare", tagConfigs,
		"Compare a tenant's resolved values in two environments"), r.compare)
}

type compareEnvironments struct {
	TenantID string `query:"tenantId" required:"true" doc:"A tenant or layer"`
	From     string `query:"from" required:"true" doc:"An environment"`
	To       string `query:"to" required:"true" doc:"An environment"`
}

// comparison is the answer: every key that has a value in one of the two, by key.
type comparison struct {
	Body struct {
		Items []difference `json:"items"`
	}
}

func (r compareRoutes) compare(ctx context.Context, in *compareEnvironments) (*comparison, error) {
	found, err := r.snapshots.Compare(ctx, snapshots.CompareIn{TenantID: in.TenantID, From: in.From, To: in.To, Equal: true})
	if err != nil {
		return nil, err
	}
	out := &comparison{}
	out.Body.Items = make([]difference, len(found))
	for i, d := range found {
		out.Body.Items[i] = showDifference(d)
	}
	return out, nil
}
