package read

import (
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// The routes of the streams, below the API's prefix.
const (
	tenantStreamRoute = tenantRoute + "/stream"
	layersStreamRoute = "/configs/stream"
)

// stream answers with a tenant's values and all that moves.
func (h Handlers) stream(c echo.Context) error {
	ctx, tenantID := c.Request().Context(), c.Param("tenantId")
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	environment, err := environmentOf(c)
	if err != nil {
		return err
	}
	unit, err := unitOf(c)
	if err != nil {
		return err
	}
	if err := actor.Require(models.PermResolve, "tenant", tenantID, environment); err != nil {
		return err
	}
	topic := snapshots.Topic{
		TenantID: tenantID, Environment: environment, Unit: unit, InClear: actor.Can(models.PermReadSecrets, tenantID, environment),
	}
	if err := h.Streams.Open(c, topic); err != nil {
		return err
	}
	if topic.InClear {
		h.Revealed(ctx, tenantID)
	}
	return nil
}

// layersStream answers with which tenants and layers move.
func (h Handlers) layersStream(c echo.Context) error {
	actor, ok := models.ActorFrom(c.Request().Context())
	if !ok {
		return models.Unauthenticated()
	}
	environment, err := environmentOf(c)
	if err != nil {
		return err
	}
	if !actor.Can(models.PermResolve, models.Platform, environment) {
		return models.Forbidden("this stream is for who reads all tenants; there is one of each tenant")
	}
	return h.Streams.Open(c, snapshots.Topic{Environment: environment, Telling: snapshots.TellLayers})
}

// environmentOf is the environment that every read names.
func environmentOf(c echo.Context) (string, error) {
	environment, err := param(c, "environment")
	if err == nil && environment == "" {
		err = models.Invalid("/environment", "an environment is required")
	}
	return environment, err
}
