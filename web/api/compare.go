package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web/wire"
)

// difference is one key on two sides.
type difference struct {
	Key       string           `json:"key"`
	Type      models.ValueType `json:"type" enum:"boolean,number,string,json"`
	Status    snapshots.Status `json:"status" enum:"added,removed,changed,equal" doc:"On the way from one side to the other; true to values that are not shown, too"`
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

type compareRoutes struct {
	snapshots *snapshots.Service
	past      func(context.Context) error
}

func (r compareRoutes) register(api huma.API) {
	op := reads("config.compare", "/configs/compare", tagConfigs, "Compare resolved values of two environments, tenants or instants")
	op.Errors = append(op.Errors, http.StatusTooManyRequests)
	huma.Register(api, op, r.compare)
}

type compareSides struct {
	TenantID   string `query:"tenantId" required:"true" doc:"A tenant or layer"`
	From       string `query:"from" required:"true" doc:"An environment"`
	To         string `query:"to" required:"true" doc:"An environment"`
	ToTenantID string `query:"toTenantId" doc:"Another tenant or layer on the other side; the same if it is not given"`
	FromAt     string `query:"fromAt" format:"date-time" doc:"One side as it was at this instant"`
	ToAt       string `query:"toAt" format:"date-time" doc:"The other side as it was at this instant"`
}

// comparison is the answer: every key that has a value on one of the two sides, by key.
type comparison struct {
	Body struct {
		Items []difference `json:"items"`
	}
}

func (r compareRoutes) compare(ctx context.Context, in *compareSides) (*comparison, error) {
	fromAt, err := instant(ctx, in.FromAt, "/fromAt", r.past)
	if err != nil {
		return nil, err
	}
	toAt, err := instant(ctx, in.ToAt, "/toAt", r.past)
	if err != nil {
		return nil, err
	}
	found, err := r.snapshots.Compare(ctx, snapshots.CompareIn{
		TenantID: in.TenantID, ToTenantID: in.ToTenantID, From: in.From, To: in.To, FromAt: fromAt, ToAt: toAt, Equal: true,
	})
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
