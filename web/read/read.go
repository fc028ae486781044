// Package read answers applications: resolved values, from memory, in one write.
package read

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web"
)

// Handlers is what the reads need.
type Handlers struct {
	Snapshots *snapshots.Service
	Now       func() time.Time
	Past      func(context.Context) error          // bounds how often a credential reads the past; see PacePast
	Revealed  func(ctx context.Context, id string) // told of answers that held a tenant's secrets in clear
	Streams   *Streams
}

// The routes of the reads, below the API's prefix.
const (
	tenantRoute = "/configs/tenant/:tenantId"
	keyRoute    = tenantRoute + "/keys/:key"
)

// Register puts the reads below the API's prefix. The actor is in the request's context.
func Register(g *echo.Group, h Handlers) {
	g.GET(tenantRoute, h.read(tenant))
	g.GET(keyRoute, h.read(key))
	g.GET(tenantStreamRoute, h.stream)
	g.GET(layersStreamRoute, h.layersStream)
}

// Spans names the spans of the reads: there are so many that few of them are recorded.
func Spans() []string {
	return []string{
		web.SpanName(http.MethodGet, web.Prefix+tenantRoute), web.SpanName(http.MethodGet, web.Prefix+keyRoute),
		web.SpanName(http.MethodPost, flagsRoute), web.SpanName(http.MethodPost, flagRoute),
	}
}

// read answers with what the actor may read, and notes how long that took. What answers tells whether it gave secrets
// in clear.
func (h Handlers) read(with func(echo.Context, *snapshots.Snapshot) (revealed bool, err error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := h.Now()
		snap, err := h.snapshot(c)
		if err != nil {
			return err
		}
		revealed, err := with(c, snap)
		if err != nil {
			return err
		}
		if revealed {
			h.Revealed(c.Request().Context(), snap.TenantID)
		}
		if snap.At == nil { // the past is no part of what applications wait for
			h.Snapshots.Noted(snap, began)
		}
		return nil
	}
}

// tenant answers with all resolved values of a tenant in an environment.
func tenant(c echo.Context, snap *snapshots.Snapshot) (revealed bool, err error) {
	include, err := param(c, "include")
	switch {
	case err != nil:
		return false, err
	case include == "metadata":
		if unmodified(c, snap, snap.MetadataTag()) {
			return false, c.NoContent(http.StatusNotModified)
		}
		return snap.Reveals, answer(c, snap.WithMetadata())
	case include != "":
		return false, models.Invalid("/include", "metadata is all that can be included")
	case unmodified(c, snap, snap.ETag):
		return false, c.NoContent(http.StatusNotModified)
	default:
		return snap.Reveals, answer(c, snap.Body())
	}
}

// key answers with one resolved value.
func key(c echo.Context, snap *snapshots.Snapshot) (revealed bool, err error) {
	resolved, ok := snap.Key(c.Param("key"))
	if !ok {
		return false, models.NotFound("key")
	}
	if unmodified(c, snap, snap.ETag) {
		return false, c.NoContent(http.StatusNotModified)
	}
	return resolved.Sensitive, answer(c, snap.KeyBody(resolved))
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
	at, err := instant(c)
	if err != nil {
		return nil, err
	}
	if err := actor.Require(models.PermResolve, "tenant", tenantID, environment); err != nil {
		return nil, err
	}
	inClear := actor.Can(models.PermReadSecrets, tenantID, environment)
	if at == nil {
		return h.Snapshots.Get(ctx, snapshots.Ask{TenantID: tenantID, Environment: environment, Unit: c.QueryParam("unit"), InClear: inClear})
	}
	if err := h.Past(ctx); err != nil {
		return nil, err
	}
	return h.Snapshots.Past(ctx, tenantID, environment, *at, inClear)
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

// unmodified sets what every answer carries and tells whether the caller has this one already.
func unmodified(c echo.Context, snap *snapshots.Snapshot, tag string) bool {
	c.Response().Header()["Etag"] = []string{tag} // canonical, as Set would make it
	told(c, snap)
	return held(c.Request().Header, tag)
}

// told sets what every answer carries but a tag.
func told(c echo.Context, snap *snapshots.Snapshot) {
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "private, no-cache")
	if snap.Stale {
		header.Set("X-HotSwap-Stale", "true")
	}
}

// held tells whether the caller has what bears the tag. If-None-Match compares weakly (RFC 9110, 13.1.2).
func held(request http.Header, tag string) bool {
	for _, line := range request["If-None-Match"] {
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
