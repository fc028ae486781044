// Package web is the transport: it turns requests into calls of services, and results and errors into answers.
package web

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/static"
	"github.com/hotswap/hotswap/web/auth"
)

// Prefix is the path below which the API lives.
const Prefix = "/api/v1"

// SpecPath is where the OpenAPI document of the API is served, to everybody.
const SpecPath = "/api/openapi.json"

// callTimeout bounds all work behind one API call. Reads and streams, which are plain Echo routes, bound themselves.
const callTimeout = 2 * time.Second

// Deps is what the transport needs from the rest of the program.
type Deps struct {
	Log      *slog.Logger
	Registry *prometheus.Registry // nil: nothing is measured
	Tracer   trace.Tracer         // nil: nothing is traced
	Version  string               // of the API document

	// Authenticate finds the actor behind an API key or JWT; unauthenticated when there is none.
	Authenticate auth.Authenticate
	// Refuse records a write that a known actor was refused, before the answer leaves. The context outlives
	// the caller's connection. What goes wrong in it is its own business.
	Refuse func(context.Context, models.Refusal)
	// Denied counts a read of what is denied or unknown, or an unknown credential, in memory; the actor, if known,
	// and the address are in the context.
	Denied func(context.Context, models.Refusal)
	// Limits bound how often callers call.
	Limits Limits
	// Repeated looks whether a call with an Idempotency-Key was carried out before: models.RepeatedError if it was,
	// invalid if the key belongs to another call.
	Repeated func(context.Context, *models.Claim) error
	// Ready tells why the node cannot serve yet, nil if it can. Only the text of a models.Error is shown.
	Ready func(context.Context) error
	// SignIn is the console's way in and out.
	SignIn *auth.SignIn
	// HTTPS: browsers reach the console by https alone, here or at a proxy in front, and are told to remember it.
	HTTPS bool
	// Now is the clock of the pages.
	Now func() time.Time
	// Routes fills the route table.
	Routes func(Router)
}

// Router is where routes are put.
type Router struct {
	// Echo takes plain routes. What lies below Prefix or /ofrep/ is authenticated all the same.
	Echo *echo.Echo
	// API takes typed JSON operations; their paths start behind Prefix ("/tenants/{tenantId}").
	API huma.API
	// Console takes pages and forms.
	Console *Console
	// Takes names the query parameters of a plain route that is not in the API's document; others are refused.
	Takes func(method, route string, names ...string)
}

// New builds the handler of the main listener.
func New(d Deps) (http.Handler, error) {
	assets, err := static.Load()
	if err != nil {
		return nil, err
	}
	if !assets.Built() {
		d.Log.Warn("the console has no styles: its assets were not built")
	}
	serveAsset, err := assetHandler(assets)
	if err != nil {
		return nil, err
	}
	pages := &Pages{assets: assets, now: d.Now, flash: d.SignIn.TakeFlash}
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	s := &server{
		failures: failures{log: d.Log, pages: pages, refuse: d.Refuse, denied: d.Denied, repeated: d.Repeated},
		observer: newObserver(d.Registry, d.Tracer, d.Now), authenticate: d.Authenticate, https: d.HTTPS, limits: d.Limits,
		noSniff: []string{"nosniff"},
	}
	e.HTTPErrorHandler = s.failures.handle
	e.Use(s.enter, s.authenticated)

	api := newAPI(e, d.Version, s.failures)
	probes{log: d.Log, ready: d.Ready}.register(e)
	e.GET(static.Prefix+":file", serveAsset)
	console := newConsole(e, s.failures, d.SignIn)
	undocumented := queries{}
	d.Routes(Router{Echo: e, API: api, Console: console, Takes: undocumented.add})
	complete(api.OpenAPI())
	s.queries = queriesOf(api.OpenAPI())
	maps.Copy(s.queries, undocumented)
	e.GET(SpecPath, specHandler(api))
	console.Open(DocsPath, docsHandler(api.OpenAPI(), pages))
	return headAsGet(e), nil
}

// server is what the middleware of all routes shares.
type server struct {
	failures     failures
	observer     *observer
	authenticate auth.Authenticate
	https        bool
	limits       Limits
	queries      queries
	noSniff      []string // the line of its header
}
