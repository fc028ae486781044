// Package read answers applications: resolved values, from memory, in one write.
package read

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// Handlers is what the reads need.
type Handlers struct {
	Snapshots *snapshots.Service
	Now       func() time.Time
}

// Register puts the reads below the API's prefix. The actor is in the request's context.
func Register(g *echo.Group, h Handlers) {
	g.GET("/configs/tenant/:tenantId", h.read(tenant))
	g.GET("/configs/tenant/:tenantId/keys/:key", h.read(key))
}

// read answers with what the actor may read, and notes how long that took.
func (h Handlers) read(with func(echo.Context, *snapshots.Snapshot) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := h.Now()
		snap, err := h.snapshot(c)
		if err != nil {
			return err
		}
		if err := with(c, snap); err != nil {
			return err
		}
		h.Snapshots.Noted(snap, began)
		return nil
	}
}

// tenant answers with all resolved values of a tenant in an environment.
func tenant(c echo.Context, snap *snapshots.Snapshot) error {
	include, err := param(c, "include")
	switch {
	case err != nil:
		return err
	case include == "metadata":
		if unmodified(c, snap, snap.MetadataTag()) {
			return c.NoContent(http.StatusNotModified)
		}
		return answer(c, snap.WithMetadata())
	case include != "":
		return models.Invalid("/include", "metadata is all that can be included")
	case unmodified(c, snap, snap.ETag):
		return c.NoContent(http.StatusNotModified)
	default:
		return answer(c, snap.Body)
	}
}

// key answers with one resolved value.
func key(c echo.Context, snap *snapshots.Snapshot) error {
	resolved, ok := snap.Key(c.Param("key"))
	if !ok {
		return models.NotFound("key")
	}
	if unmodified(c, snap, snap.ETag) {
		return c.NoContent(http.StatusNotModified)
	}
	return answer(c, snap.KeyBody(resolved))
}

// snapshot finds what the actor may read: not_found outside its scope, forbidden inside it.
func (h Handlers) snapshot(c echo.Context) (*snapshots.Snapshot, error) {
	ctx, tenantID := c.Request().Context(), c.Param("tenantId")
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return nil, models.Unauthenticated()
	}
	environment, err := param(c, "environment")
	if err != nil {
		return nil, err
	}
	if environment == "" {
		return nil, models.Invalid("/environment", "an environment is required")
	}
	if _, ok := c.QueryParams()["at"]; ok {
		return nil, models.Invalid("/at", "reading the past is not available here yet")
	}
	if err := actor.Require(models.PermResolve, "tenant", tenantID, environment); err != nil {
		return nil, err
	}
	return h.Snapshots.Get(ctx, tenantID, environment, actor.Can(models.PermReadSecrets, tenantID, environment))
}

// param is a query parameter that may be given once.
func param(c echo.Context, name string) (string, error) {
	switch values := c.QueryParams()[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", models.Invalid("/"+name, "it is given more than once")
	}
}

// unmodified sets what every answer carries and tells whether the caller has this one already. If-None-Match
// compares weakly (RFC 9110, 13.1.2).
func unmodified(c echo.Context, snap *snapshots.Snapshot, tag string) bool {
	header := c.Response().Header()
	header["Etag"] = []string{tag} // canonical, as Set would make it
	header.Set(echo.HeaderCacheControl, "private, no-cache")
	if snap.Stale {
		header.Set("X-HotSwap-Stale", "true")
	}
	for _, line := range c.Request().Header["If-None-Match"] {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// answer sends the body in one write.
func answer(c echo.Context, body []byte) error {
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	header.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(body)
	return err
}
