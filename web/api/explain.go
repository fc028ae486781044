package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/web/wire"
)

// explanation is a resolved value with all that stands behind it.
type explanation struct {
	Key          string            `json:"key"`
	Value        wire.RawJSON      `json:"value"`
	Type         models.ValueType  `json:"type" enum:"boolean,number,string,json"`
	Sensitive    bool              `json:"sensitive"`
	Masked       bool              `json:"masked" doc:"The value is not shown to the caller"`
	Layer        string            `json:"layer" doc:"Where the value is set; of a merged one the nearest layer that contributes"`
	Version      int64             `json:"version"`
	Locked       bool              `json:"locked" doc:"No layer below can set the key"`
	LockedBy     *string           `json:"lockedBy" doc:"The layer whose lock makes the value win; null without one"`
	Merge        models.Merge      `json:"merge" enum:"replace,deep" doc:"How the values of layers come together"`
	Definition   *definedBy        `json:"definition" doc:"What says what the key is; null when nothing does"`
	ChangeID     string            `json:"changeId"`
	Author       models.ActorRef   `json:"author"`
	ApprovedBy   []models.ActorRef `json:"approvedBy" doc:"Who approved the change; of a layer above only for who sees that layer"`
	Approvals    []approval        `json:"approvals" doc:"The same, with their stages and times"`
	DeploymentID *string           `json:"deploymentId" doc:"What made it live; null for a layer that the caller does not see"`
	Side         string            `json:"side" enum:"stable"`
	LiveFrom     time.Time         `json:"liveFrom"`
	Shadowed     []shadowed        `json:"shadowed" doc:"The values of the other layers, topmost first"`
}

// definedBy names a definition.
type definedBy struct {
	Layer   string `json:"layer"`
	Version int64  `json:"version"`
}

// approval is one person's approval of a change.
type approval struct {
	Actor models.ActorRef `json:"actor"`
	Stage string          `json:"stage"`
	At    time.Time       `json:"at"`
}

// shadowed is a value that is not the one readers get.
type shadowed struct {
	Layer   string       `json:"layer"`
	Value   wire.RawJSON `json:"value"`
	Version int64        `json:"version"`
	Why     configs.Why  `json:"why" enum:"covered,merged,locked" doc:"A nearer value takes its place, its members are in the value, or a layer above locked the key"`
	Masked  bool         `json:"masked"`
}

// sideStable is the side of all readers while nothing is rolled out in steps.
const sideStable = "stable"

func showExplanation(e configs.Explanation) explanation {
	out := explanation{
		Key: e.Key, Value: wire.Raw(e.Value), Type: e.Type, Sensitive: e.Sensitive, Masked: e.Masked,
		Layer: e.Layer, Version: e.Version, Locked: e.LockedBy != "", LockedBy: optional(e.LockedBy), Merge: e.Merge,
		ChangeID: e.ChangeID, Author: e.Author, ApprovedBy: append([]models.ActorRef{}, e.ApprovedBy...),
		Approvals: make([]approval, len(e.Approvals)), DeploymentID: optional(e.Deployment), Side: sideStable,
		LiveFrom: e.LiveFrom.UTC(), Shadowed: make([]shadowed, len(e.Hides)),
	}
	if out.Merge == "" {
		out.Merge = models.MergeReplace
	}
	if d := e.Definition; d != nil {
		out.Definition = &definedBy{d.TenantID, d.Version}
	}
	for i, a := range e.Approvals {
		out.Approvals[i] = approval(a)
	}
	for i, h := range e.Hides {
		out.Shadowed[i] = shadowed{h.Layer, wire.Raw(h.Value), h.Version, h.Why, h.Masked}
	}
	return out
}

type explainRoutes struct {
	configs *configs.Service
	past    func(context.Context) error
}

func (r explainRoutes) register(api huma.API) {
	op := reads("config.explain", "/configs/tenant/{tenantId}/explain", tagConfigs, "Tell why a key has its value")
	op.Errors = append(op.Errors, http.StatusTooManyRequests)
	huma.Register(api, op, r.explain)
}

type explainKey struct {
	TenantID    string `path:"tenantId"`
	Environment string `query:"environment" required:"true"`
	Key         string `query:"key" required:"true"`
	At          string `query:"at" format:"date-time" doc:"As it was at this instant"`
}

// explained is the answer.
type explained struct{ Body explanation }

func (r explainRoutes) explain(ctx context.Context, in *explainKey) (*explained, error) {
	at, err := instant(ctx, in.At, "/at", r.past)
	if err != nil {
		return nil, err
	}
	e, err := r.configs.Explain(ctx, configs.ExplainIn{TenantID: in.TenantID, Environment: in.Environment, Key: in.Key, At: at})
	if err != nil {
		return nil, err
	}
	return &explained{showExplanation(e)}, nil
}

// instant reads when to look at something: nil for now, and rate_limited when the caller asks for the past too often.
func instant(ctx context.Context, text, pointer string, past func(context.Context) error) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no instant is no error
	}
	at, err := models.ParseInstant(text, pointer)
	if err != nil {
		return nil, err
	}
	return &at, past(ctx)
}
