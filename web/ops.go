package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hotswap/hotswap/models"
)

// maxHeaderBytes is what a request's line and headers may have; more is 431.
const maxHeaderBytes = 32 << 10

// headerSlop is what net/http adds to its MaxHeaderBytes. On a connection that is used again it may have read as
// much again before it counts, so the limit is sharp to 4 KiB.
const headerSlop = 4 << 10

// readyTimeout bounds a readiness check.
const readyTimeout = 2 * time.Second

const (
	// headTimeout is how long a request's head may take from its first byte on, on the main listener; elsewhere a new
	// connection has that long for all of it.
	headTimeout = 5 * time.Second
	// idleTimeout is how long a connection stays on which nothing is asked.
	idleTimeout = 2 * time.Minute
)

// NewHTTPServer is a server with every wait bounded. Streams move their deadlines with http.ResponseController:
// the read deadline too, for its passing cancels the request's context.
func NewHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            headTimeout,
		ReadTimeout:                  15 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes - headerSlop,
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConn,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// NewOps is the handler of the listener for operators: metrics, probes and profiles. It asks for no credential.
func NewOps(log *slog.Logger, registry *prometheus.Registry, ready func(context.Context) error) http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = failures{log: log}.handle
	probes{log: log, ready: ready}.register(e)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})))
	e.GET("/debug/pprof/", echo.WrapHandler(http.HandlerFunc(pprof.Index)))
	e.GET("/debug/pprof/:profile", echo.WrapHandler(http.HandlerFunc(pprof.Index)))
	e.GET("/debug/pprof/cmdline", echo.WrapHandler(http.HandlerFunc(pprof.Cmdline)))
	e.GET("/debug/pprof/profile", echo.WrapHandler(http.HandlerFunc(pprof.Profile)))
	e.GET("/debug/pprof/symbol", echo.WrapHandler(http.HandlerFunc(pprof.Symbol)))
	e.GET("/debug/pprof/trace", echo.WrapHandler(http.HandlerFunc(pprof.Trace)))
	return headAsGet(e)
}

// probes answer whoever supervises the process.
type probes struct {
	log   *slog.Logger
	ready func(context.Context) error
}

// ReadyError says that a node is ready, but not for everything.
type ReadyError struct{ Reason string }

// Error is the reason.
func (e *ReadyError) Error() string { return e.Reason }

// health is the answer of a probe.
type health struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
}

func (p probes) register(e *echo.Echo) {
	e.GET("/healthz", p.healthz)
	e.GET("/readyz", p.readyz)
}

// healthz says that the process runs, whatever else does not.
func (p probes) healthz(c echo.Context) error {
	return answerHealth(c, http.StatusOK, health{Status: "ok"})
}

// readyz says whether the node can serve.
func (p probes) readyz(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
	defer cancel()
	err := p.ready(ctx)
	if err == nil {
		return answerHealth(c, http.StatusOK, health{Status: "ok"})
	}
	if degraded, ok := errors.AsType[*ReadyError](err); ok {
		return answerHealth(c, http.StatusOK, health{Status: "degraded", Reasons: []string{degraded.Reason}})
	}
	p.log.WarnContext(ctx, "not ready", "error", err)
	return answerHealth(c, http.StatusServiceUnavailable, health{Status: "unavailable", Reasons: reasons(err)})
}

func answerHealth(c echo.Context, status int, h health) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(status, h)
}

// reasons are the sentences in an error that callers may read, of each error joined in it.
func reasons(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range joined.Unwrap() {
			all = append(all, reasons(one)...)
		}
		return all
	}
	if own, ok := errors.AsType[*models.Error](err); ok {
		return []string{own.Message}
	}
	return []string{"a part of the node does not work; its log says which"}
}
