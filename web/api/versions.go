package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/web/wire"
)

// version is an immutable value of a config with the interval in which it was live.
type version struct {
	Version    int64             `json:"version"`
	Value      wire.RawJSON      `json:"value"`
	Masked     bool              `json:"masked" doc:"The value is not shown to the caller"`
	LiveFrom   time.Time         `json:"liveFrom"`
	LiveTo     *time.Time        `json:"liveTo" doc:"null while it is live"`
	ChangeID   string            `json:"changeId"`
	Author     models.ActorRef   `json:"author"`
	ApprovedBy []models.ActorRef `json:"approvedBy" doc:"Who approved the change"`
	CreatedAt  time.Time         `json:"createdAt"`
}

func showVersion(v models.Version) version {
	return version{
		Version: v.Number, Value: wire.Raw(v.Value), Masked: v.Masked, LiveFrom: v.LiveFrom.UTC(),
		LiveTo: utc(v.LiveTo), ChangeID: v.ChangeID, Author: v.Author, CreatedAt: v.LiveFrom.UTC(),
		ApprovedBy: append([]models.ActorRef{}, v.ApprovedBy...), // never null
	}
}

type versionRoutes struct{ configs *configs.Service }

func (r versionRoutes) register(api huma.API) {
	huma.Register(api, reads("version.list", "/configs/{configId}/versions", tagConfigs,
		"List a config's versions, newest first, also after a delete"), r.list)
	huma.Register(api, reads("version.get", "/configs/{configId}/versions/{n}", tagConfigs, "Show a version of a config"), r.get)
}

type listVersions struct {
	wire.Paging
	ConfigPath
}

func (r versionRoutes) list(ctx context.Context, in *listVersions) (*paged[version], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.configs.Versions(ctx, in.ConfigID, want)
	if err != nil {
		return nil, err
	}
	return pageOf(found, showVersion), nil
}

type versionNumber struct {
	ConfigPath
	Number int64 `path:"n"`
}

func (r versionRoutes) get(ctx context.Context, in *versionNumber) (*single[version], error) {
	v, err := r.configs.Version(ctx, in.ConfigID, in.Number)
	if err != nil {
		return nil, err
	}
	return &single[version]{ETag: models.VersionTag(v.Number), Body: showVersion(v)}, nil
}
