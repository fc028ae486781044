package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/web/wire"
)

// config is one key of one layer in one environment.
type config struct {
	ID          string           `json:"id"`
	TenantID    string           `json:"tenantId"`
	Environment string           `json:"environment"`
	Key         string           `json:"key"`
	Value       wire.RawJSON     `json:"value"`
	Type        models.ValueType `json:"type" enum:"boolean,number,string,json"`
	Version     int64            `json:"version"`
	Sensitive   bool             `json:"sensitive"`
	Masked      bool             `json:"masked" doc:"The value is not shown to the caller"`
	Locked      bool             `json:"locked"`
	Description string           `json:"description"`
	UpdatedAt   time.Time        `json:"updatedAt"`
	UpdatedBy   models.ActorRef  `json:"updatedBy"`
}

// showConfig masks a sensitive value even where it is the caller who wrote it a moment ago.
func showConfig(c models.Config) config {
	out := config{
		ID: c.ID, TenantID: c.TenantID, Environment: c.Environment, Key: c.Key, Value: wire.Raw(c.Value),
		Type: c.Type, Version: c.Version, Sensitive: c.Sensitive, Locked: c.Locked, Description: c.Description,
		UpdatedAt: c.UpdatedAt.UTC(), UpdatedBy: c.UpdatedBy,
	}
	if c.Sensitive {
		out.Value, out.Masked = wire.Raw(models.Masked), true
	}
	return out
}

// waiting is the answer of a write whose change now waits.
type waiting struct {
	Change change `json:"change"`
}

// written answers a write of a value: the config where it is live at once, else the change that now waits.
type written struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     writtenBody
}

// writtenBody is one of the two, or neither after a delete.
type writtenBody struct {
	config *config
	change *change
}

// MarshalJSON writes the one that is there.
func (b writtenBody) MarshalJSON() ([]byte, error) {
	if b.change != nil {
		return json.Marshal(waiting{*b.change})
	}
	return json.Marshal(b.config)
}

// Schema describes the answer of a write that is live at once; the operation describes the other.
func (writtenBody) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[config](), true, "")
}

// outcome shows what a write led to; status is that of a config which is live at once.
func outcome(o changes.Outcome, status int) *written {
	if !o.Live() {
		c := showChange(o.Change)
		return &written{Status: http.StatusAccepted, Body: writtenBody{change: &c}}
	}
	out := &written{Status: status}
	if o.Config == nil {
		return out
	}
	c := showConfig(*o.Config)
	out.ETag, out.Body.config = models.VersionTag(c.Version), &c
	if status == http.StatusCreated {
		out.Location = pathTo("configs", c.ID)
	}
	return out
}

type configRoutes struct {
	changes *changes.Service
	configs *configs.Service
}

func (r configRoutes) register(api huma.API) {
	huma.Register(api, reads("config.list", "/configs", tagConfigs, "List a layer's own live values"), r.list)
	huma.Register(api, waits(api, creates("config.set", "/configs", tagConfigs, "Set a value", http.StatusConflict)), r.set)
	huma.Register(api, reads("config.get", "/configs/{configId}", tagConfigs, "Show a config"), r.get)
	huma.Register(api, waits(api, acts(http.MethodPut, "config.update", "/configs/{configId}", tagConfigs,
		"Set a config's next value", http.StatusConflict, http.StatusPreconditionFailed)), r.update)
	remove := waits(api, removes("config.delete", "/configs/{configId}", tagConfigs,
		"Take a config's value away", http.StatusConflict, http.StatusPreconditionFailed))
	huma.Register(api, remove, r.remove)
	remove.Responses["204"].Content = nil // huma describes the body that the answer 202 has
	huma.Register(api, waits(api, creates("config.promote", "/configs/{configId}/promote", tagConfigs,
		"Send the live value to a later environment", http.StatusConflict)), r.promote)
	huma.Register(api, waits(api, acts(http.MethodPost, "config.rollback", "/configs/{configId}/rollback", tagConfigs,
		"Write an earlier version anew", http.StatusConflict)), r.rollback)
}

type listConfigs struct {
	wire.Paging
	TenantID    string `query:"tenantId" required:"true" doc:"A tenant or layer"`
	Environment string `query:"environment" doc:"All that the caller may see if it is not given"`
	Search      string `query:"search" doc:"Part of the key or of the value, in any case; sensitive values are never searched"`
}

func (r configRoutes) list(ctx context.Context, in *listConfigs) (*paged[config], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.configs.List(ctx, configs.Filter{
		TenantID: in.TenantID, Environment: in.Environment, Search: in.Search, Page: want,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(found, showConfig), nil
}

type setConfig struct {
	Body struct {
		TenantID    string           `json:"tenantId" doc:"A tenant or layer"`
		Environment string           `json:"environment"`
		Key         string           `json:"key"`
		Value       wire.RawJSON     `json:"value"`
		Type        models.ValueType `json:"type,omitempty" enum:"boolean,number,string,json" doc:"Of a key that nothing defines yet; else that of the value"`
		Description string           `json:"description,omitempty" doc:"Of a key that nothing defines yet"`
		Reason      string           `json:"reason,omitempty"`
		Strategy    string           `json:"strategy,omitempty" doc:"The policy's default if it is not given"`
		Locked      *bool            `json:"locked,omitempty" doc:"true: nothing below overrides it; kept as it is if it is not given"`
	}
}

func (r configRoutes) set(ctx context.Context, in *setConfig) (*written, error) {
	value, err := in.Body.Value.Value("/value")
	if err != nil {
		return nil, err
	}
	b := in.Body
	done, err := r.changes.Set(ctx, changes.Set{
		TenantID: b.TenantID, Environment: b.Environment, Key: b.Key, Value: value, Type: b.Type,
		Description: b.Description, Reason: b.Reason, Strategy: b.Strategy, Locked: b.Locked,
	})
	if err != nil {
		return nil, err
	}
	return outcome(done, http.StatusCreated), nil
}

// ConfigPath names a config.
type ConfigPath struct {
	ConfigID string `path:"configId"`
}

func (r configRoutes) get(ctx context.Context, in *ConfigPath) (*single[config], error) {
	c, err := r.configs.Get(ctx, in.ConfigID)
	if err != nil {
		return nil, err
	}
	return &single[config]{ETag: models.VersionTag(c.Version), Body: showConfig(c)}, nil
}

type updateConfig struct {
	ConfigPath
	Match
	Body struct {
		Value       wire.RawJSON `json:"value"`
		Reason      string       `json:"reason,omitempty"`
		BaseVersion *int64       `json:"baseVersion,omitempty" doc:"The version that must still be live"`
	}
}

func (r configRoutes) update(ctx context.Context, in *updateConfig) (*written, error) {
	value, err := in.Body.Value.Value("/value")
	if err != nil {
		return nil, err
	}
	done, err := r.changes.Update(ctx, changes.Update{
		ConfigID: in.ConfigID, Value: value, Reason: in.Body.Reason,
		BaseVersion: in.Body.BaseVersion, IfMatch: in.IfMatch,
	})
	if err != nil {
		return nil, err
	}
	return outcome(done, http.StatusOK), nil
}

type deleteConfig struct {
	ConfigPath
	Match
}

func (r configRoutes) remove(ctx context.Context, in *deleteConfig) (*written, error) {
	done, err := r.changes.Delete(ctx, in.ConfigID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return outcome(done, http.StatusNoContent), nil
}

type promoteConfig struct {
	ConfigPath
	Body struct {
		TargetEnvironment string `json:"targetEnvironment" doc:"A later environment"`
		ApprovalRequired  bool   `json:"approvalRequired,omitempty" doc:"Opens a stage where the policy has none; false never removes any"`
		Strategy          string `json:"strategy,omitempty" doc:"The policy's default if it is not given"`
		Reason            string `json:"reason,omitempty"`
	}
}

func (r configRoutes) promote(ctx context.Context, in *promoteConfig) (*written, error) {
	done, err := r.changes.Promote(ctx, changes.Promote{
		ConfigID: in.ConfigID, Target: in.Body.TargetEnvironment, AlwaysReview: in.Body.ApprovalRequired,
		Strategy: in.Body.Strategy, Reason: in.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return outcome(done, http.StatusCreated), nil
}

type rollBackConfig struct {
	ConfigPath
	Body struct {
		ToVersion int64  `json:"toVersion" doc:"What the last change replaced is live at once where the policy allows it; anything older waits as a change"`
		Reason    string `json:"reason,omitempty"`
	}
}

func (r configRoutes) rollback(ctx context.Context, in *rollBackConfig) (*written, error) {
	done, err := r.changes.Rollback(ctx, changes.Rollback{
		ConfigID: in.ConfigID, ToVersion: in.Body.ToVersion, Reason: in.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return outcome(done, http.StatusOK), nil
}
