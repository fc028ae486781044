package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/web/wire"
)

type revealRoutes struct{ configs *configs.Service }

func (r revealRoutes) register(api huma.API) {
	op := acts(http.MethodPost, "config.reveal", "/configs/{configId}/reveal", tagConfigs,
		"Show a config with its value in clear", http.StatusConflict)
	op.Description = "Needs the permission `secrets:reveal`, or a key with `secrets:read`. The audit log tells who did it: " +
		"a person's reveal is an entry of its own, those of a service are counted by the hour."
	huma.Register(api, op, r.reveal)
}

// reveal is the one operation whose answer holds a sensitive value, so it does not go through showConfig's mask.
func (r revealRoutes) reveal(ctx context.Context, in *ConfigPath) (*single[config], error) {
	c, err := r.configs.Reveal(ctx, in.ConfigID)
	if err != nil {
		return nil, err
	}
	body := showConfig(c)
	body.Value, body.Masked = wire.Raw(c.Value), false
	return &single[config]{ETag: models.VersionTag(c.Version), Body: body}, nil
}
