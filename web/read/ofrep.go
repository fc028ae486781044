package read

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web"
)

// The routes of the OpenFeature Remote Evaluation Protocol (github.com/open-feature/protocol, service/openapi.yaml).
const (
	flagsRoute         = "/ofrep/v1/evaluate/flags"
	flagRoute          = flagsRoute + "/:key"
	configurationRoute = "/ofrep/v1/configuration"
)

// What a provider sends along when an event made it ask again.
const (
	eventTag      = "flagConfigEtag"
	eventModified = "flagConfigLastModified"
)

// How long an answer waits for what an event of another node told of already. That node's values are here after two
// seconds at most.
const (
	behindLimit = 2 * time.Second
	behindPause = 10 * time.Millisecond
)

// RegisterFlags puts the OpenFeature Remote Evaluation Protocol at the root. Errors below it have its own form.
func RegisterFlags(r web.Router, h Handlers) {
	h.lines = newLines()
	r.Echo.POST(flagsRoute, h.flags)
	r.Echo.POST(flagRoute, h.flag)
	r.Echo.GET(configurationRoute, h.configuration)
	r.Takes(http.MethodPost, flagsRoute, eventTag, eventModified)
	r.Takes(http.MethodPost, flagRoute)
	r.Takes(http.MethodGet, configurationRoute)
	r.Echo.GET(snapshots.FlagStreamPath, h.flagStream)
	r.Takes(http.MethodGet, snapshots.FlagStreamPath, "tenantId", "environment")
}

// flag answers with one flag.
func (h Handlers) flag(c echo.Context) error {
	began := h.Now()
	ask, err := asked(c)
	if err != nil {
		return err
	}
	snap, err := h.evaluated(c.Request().Context(), ask)
	if err != nil {
		return err
	}
	resolved, ok := snap.Key(c.Param("key"))
	if !ok {
		return models.NotFound("flag")
	}
	h.told(c, snap)
	if err := h.sendBody(c, snap.FlagBody(resolved)); err != nil {
		return err
	}
	h.noteFlags(c, snap, began, resolved.Sensitive)
	return nil
}

// flags answers with all flags.
func (h Handlers) flags(c echo.Context) error {
	began := h.Now()
	ask, err := asked(c)
	if err != nil {
		return err
	}
	snap, err := h.evaluated(c.Request().Context(), ask)
	if err != nil {
		return err
	}
	form := snap.Flags(takesGzip(c.Request().Header))
	if held(c.Request().Header, form.ETag[0]) && isBehind(c, snap) {
		if snap, err = h.next(c.Request().Context(), ask, snap); err != nil {
			return err
		}
		form = snap.Flags(form.Packed)
	}
	c.Response().Header()[echo.HeaderVary] = h.lines.byEncoding
	unchanged := h.unmodified(c, snap, form.ETag)
	if unchanged {
		err = c.NoContent(http.StatusNotModified)
	} else {
		err = h.send(c, form)
	}
	if err != nil {
		return err
	}
	h.noteFlags(c, snap, began, snap.Reveals && !unchanged)
	return nil
}

// noteFlags notes how long an answer took, and whether it gave secrets in clear.
func (h Handlers) noteFlags(c echo.Context, snap *snapshots.Snapshot, began time.Time, revealed bool) {
	if revealed {
		h.Revealed(c.Request().Context(), snap.TenantID)
	}
	h.Snapshots.Noted(snap, began)
}

// evaluated finds the values that the flags have. What is wrong with what was asked stands in the evaluation context.
func (h Handlers) evaluated(ctx context.Context, ask snapshots.Ask) (*snapshots.Snapshot, error) {
	snap, err := h.Snapshots.Get(ctx, ask)
	if err != nil {
		return nil, models.Under("/context", err)
	}
	return snap, nil
}

// isBehind tells whether an event told of other flags than those that are here. While readers are on sides it tells
// nothing: all of them share its tag.
func isBehind(c echo.Context, snap *snapshots.Snapshot) bool {
	tag := c.QueryParam(eventTag)
	return tag != "" && tag != snap.FlagsTag() && !snap.Split()
}

// next waits for values other than those that the caller has already: an event told of others, and it may have come
// from a node that learnt of them before this one.
func (h Handlers) next(ctx context.Context, ask snapshots.Ask, held *snapshots.Snapshot) (*snapshots.Snapshot, error) {
	limit, pause := time.NewTimer(behindLimit), time.NewTicker(behindPause)
	defer limit.Stop()
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return held, nil
		case <-pause.C:
		}
		snap, err := h.evaluated(ctx, ask)
		if err != nil || snap.ETag != held.ETag {
			return snap, err
		}
	}
}

// flagStream tells who holds flags to ask for them anew, as often as any moves. Anything else of a credential than what
// it may evaluate is refused as there.
func (h Handlers) flagStream(c echo.Context) (err error) {
	actor, ok := models.ActorFrom(c.Request().Context())
	if !ok {
		return models.Unauthenticated()
	}
	var e evaluation
	if e.tenantID, err = param(c, "tenantId"); err != nil {
		return err
	}
	if e.environment, err = param(c, "environment"); err != nil {
		return err
	}
	ask, err := e.ask(actor)
	if err != nil {
		return err
	}
	return h.Streams.Open(c, snapshots.Topic{
		TenantID: ask.TenantID, Environment: ask.Environment, InClear: ask.InClear, Telling: snapshots.TellRefetch,
	})
}

// configuration answers what providers may ask before they evaluate: the same for everybody.
func (h Handlers) configuration(c echo.Context) error {
	const (
		tag  = `"1"`
		body = `{"name":"HotSwap","capabilities":{` +
			`"cacheInvalidation":{"polling":{"enabled":true,"minPollingInterval":1000,"minPollingIntervalMs":1000}},` +
			`"flagEvaluation":{"supportedTypes":["int","float","string","boolean","object"]},"caching":{"enabled":false}}}`
	)
	header := c.Response().Header()
	header.Set("Etag", tag)
	header.Set(echo.HeaderCacheControl, "private, no-cache")
	if held(c.Request().Header, tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return h.sendBody(c, []byte(body))
}
