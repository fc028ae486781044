// Package read answers applications: resolved values, from memory, in one write.
package read

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/wire"
)

// Handlers is what the reads need.
type Handlers struct {
	Snapshots *snapshots.Service
	Now       func() time.Time
	Past      func(context.Context) error          // bounds how often a credential reads the past; see PacePast
	Revealed  func(ctx context.Context, id string) // told of answers that held a tenant's secrets in clear
	Streams   *Streams

	lines lines
}

// The routes of the reads, below the API's prefix.
const (
	tenantRoute = "/configs/tenant/:tenantId"
	keyRoute    = tenantRoute + "/keys/:key"
)

// Register puts the reads below the API's prefix. The actor is in the request's context.
func Register(g *echo.Group, h Handlers) {
	h.lines = newLines()
	g.GET(tenantRoute, h.read(h.tenant))
	g.GET(keyRoute, h.read(h.key))
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
func (h Handlers) tenant(c echo.Context, snap *snapshots.Snapshot) (revealed bool, err error) {
	include, err := param(c, "include")
	switch {
	case err != nil:
		return false, err
	case include == "metadata":
		return h.made(c, snap, snap.MetadataTag(), snap.Reveals, snap.WithMetadata)
	case include != "":
		return false, models.Invalid("/include", "metadata is all that can be included")
	}
	form := snap.JSON(takesGzip(c.Request().Header))
	c.Response().Header()[echo.HeaderVary] = h.lines.byEncoding
	if h.unmodified(c, snap, form.ETag) {
		return false, c.NoContent(http.StatusNotModified)
	}
	return snap.Reveals, h.send(c, form)
}

// key answers with one resolved value.
func (h Handlers) key(c echo.Context, snap *snapshots.Snapshot) (revealed bool, err error) {
	form, sensitive, ok := snap.KeyForm(c.Param("key"))
	if !ok {
		return false, models.NotFound("key")
	}
	if h.unmodified(c, snap, form.ETag) {
		return false, c.NoContent(http.StatusNotModified)
	}
	return sensitive, h.send(c, form)
}

// made answers with a body that is made each time.
func (h Handlers) made(c echo.Context, snap *snapshots.Snapshot, tag string, reveals bool, body func() []byte) (revealed bool, err error) {
	if h.unmodified(c, snap, []string{tag}) {
		return false, c.NoContent(http.StatusNotModified)
	}
	return reveals, h.sendBody(c, body())
}

// snapshot finds what the actor may read: not_found outside its scope, forbidden inside it.
func (h Handlers) snapshot(c echo.Context) (*snapshots.Snapshot, error) {
	ctx, tenantID := c.Request().Context(), c.Param("tenantId")
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return nil, models.Unauthenticated()
	}
	environment, err := environmentOf(c)
	if err != nil {
		return nil, err
	}
	at, err := instant(c)
	if err != nil {
		return nil, err
	}
	unit, err := unitOf(c)
	if err != nil {
		return nil, err
	}
	if err := actor.Require(models.PermResolve, "tenant", tenantID, environment); err != nil {
		return nil, err
	}
	inClear := actor.Can(models.PermReadSecrets, tenantID, environment)
	if at == nil {
		return h.Snapshots.Get(ctx, snapshots.Ask{TenantID: tenantID, Environment: environment, Unit: unit, InClear: inClear})
	}
	if err := h.Past(ctx); err != nil {
		return nil, err
	}
	return h.Snapshots.Past(ctx, tenantID, environment, *at, inClear)
}

// param is a query parameter that may be given once.
func param(c echo.Context, name string) (string, error) {
	value, times := wire.Parameter(c.Request().URL.RawQuery, name)
	if times > 1 {
		return "", models.Invalid("/"+name, "it is given more than once")
	}
	return value, nil
}

// given tells whether a query parameter is there, empty or not.
func given(c echo.Context, name string) bool {
	_, times := wire.Parameter(c.Request().URL.RawQuery, name)
	return times > 0
}

// unitHeader names who reads, as net/http spells it; the parameter unit does as well, and comes first.
const unitHeader = "X-Hotswap-Unit"

// maxUnit is how long the name of who reads may be, in bytes.
const maxUnit = 256

// unitOf is who reads, empty if nobody says.
func unitOf(c echo.Context) (string, error) {
	unit, err := param(c, "unit")
	if line := c.Request().Header[unitHeader]; unit == "" && len(line) > 0 {
		unit = line[0]
	}
	if err == nil && len(unit) > maxUnit {
		err = models.Invalid("/unit", "the unit is too long")
	}
	return unit, err
}
