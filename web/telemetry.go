package web

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/hotswap/hotswap/static"
)

// traceHeader is where callers name the trace that a call belongs to (W3C Trace Context), as net/http spells it.
const traceHeader = "Traceparent"

// requestIDAttribute is what spans, log lines, audit entries and error documents of a call have in common.
const requestIDAttribute = attribute.Key("hotswap.request.id")

// observer counts, times and traces calls. What it needs of a route is looked up once: a call costs it no label, and
// one that is not sampled no attribute. Nothing of a call is written down but its route, its status and its id:
// paths, queries, headers and bodies hold what callers know.
type observer struct {
	now      func() time.Time
	tracer   trace.Tracer // nil: nothing is traced
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	replays  prometheus.Counter

	adding sync.Mutex
	routes atomic.Pointer[map[routeKey]*observedRoute]
}

// routeKey is a method and the pattern that matched; both are bounded whatever a caller sends.
type routeKey struct{ method, pattern string }

// observedRoute is what calls of one route are booked under.
type observedRoute struct {
	routeKey
	span    string // the name of its spans; empty: it has none
	options []trace.SpanStartOption
	answers [classes]atomic.Pointer[observedAnswer]
}

// observedAnswer is what answers of one route and class of status are booked under.
type observedAnswer struct {
	count prometheus.Counter
	took  prometheus.Observer
}

// newObserver needs a registry; without one it returns nil, which observes nothing.
func newObserver(registry *prometheus.Registry, tracer trace.Tracer, now func() time.Time) *observer {
	if registry == nil {
		return nil
	}
	metrics, labels := promauto.With(registry), []string{"route", "method", "status"}
	o := &observer{
		now: now, tracer: tracer,
		requests: metrics.NewCounterVec(prometheus.CounterOpts{
			Name: "hotswap_http_requests_total",
			Help: "Requests answered, by route pattern, method and class of status.",
		}, labels),
		took: metrics.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "hotswap_http_request_duration_seconds",
			Help:    "How long answers took, by route pattern, method and class of status.",
			Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, labels),
		replays: metrics.NewCounter(prometheus.CounterOpts{
			Name: "hotswap_idempotent_replays_total",
			Help: "Calls with an Idempotency-Key that had been carried out before.",
		}),
	}
	o.routes.Store(&map[routeKey]*observedRoute{})
	return o
}

// observed is one call under way.
type observed struct {
	route *observedRoute
	span  trace.Span // nil: the route has none
	began time.Time
}

// begin starts to observe a call that the pattern matched, empty for none. The context knows its trace.
func (o *observer) begin(r *http.Request, pattern string) (context.Context, observed) {
	ctx := r.Context()
	if o == nil {
		return ctx, observed{}
	}
	call := observed{route: o.route(r.Method, pattern), began: o.now()}
	if call.route.span == "" {
		return ctx, call
	}
	if _, ok := r.Header[traceHeader]; ok {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, call.span = o.tracer.Start(ctx, call.route.span, call.route.options...)
	return ctx, call
}

// end books the answer; one that was cut is none, whatever it began with. It is not deferred itself but called by what is: a span whose End is deferred writes the
// words of a panic down.
func (o *observer) end(c echo.Context, call observed, requestID string, whole bool) {
	if o == nil {
		return
	}
	status := c.Response().Status
	if !whole {
		status = http.StatusInternalServerError
	}
	answer := o.answer(call.route, classOf(status))
	answer.count.Inc()
	answer.took.Observe(o.now().Sub(call.began).Seconds())
	if _, ok := c.Response().Header()[ReplayedHeader]; ok {
		o.replays.Inc()
	}
	if call.span == nil {
		return
	}
	if call.span.IsRecording() {
		describe(call, c.Request().Method, status, requestID)
	}
	call.span.End()
}

// describe follows the conventions for spans of HTTP servers, without what a caller chose freely.
func describe(call observed, method string, status int, requestID string) {
	attributes := append(make([]attribute.KeyValue, 0, 5),
		semconv.HTTPResponseStatusCode(status), requestIDAttribute.String(requestID))
	if known(method) {
		attributes = append(attributes, semconv.HTTPRequestMethodKey.String(method))
	} else {
		attributes = append(attributes, semconv.HTTPRequestMethodOther)
	}
	if call.route.pattern != "" {
		attributes = append(attributes, semconv.HTTPRoute(call.route.pattern))
	}
	if status >= http.StatusBadRequest {
		attributes = append(attributes, semconv.ErrorTypeKey.String(string(codeOf(status))))
	}
	call.span.SetAttributes(attributes...)
	if status >= http.StatusInternalServerError {
		call.span.SetStatus(codes.Error, "") // without words: an internal error's are not for everybody
	}
}

// route finds what to book a call under.
func (o *observer) route(method, pattern string) *observedRoute {
	switch {
	case pattern == "":
		method = "any"
	case !known(method):
		method = "other"
	}
	key := routeKey{method, pattern}
	if route, ok := (*o.routes.Load())[key]; ok {
		return route
	}
	return o.add(key)
}

func (o *observer) add(key routeKey) *observedRoute {
	o.adding.Lock()
	defer o.adding.Unlock()
	old := *o.routes.Load()
	if route, ok := old[key]; ok {
		return route
	}
	route := &observedRoute{routeKey: key, options: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}}
	if o.tracer != nil && !quiet(key.pattern) {
		route.span = SpanName(key.method, key.pattern)
	}
	routes := maps.Clone(old)
	routes[key] = route
	o.routes.Store(&routes)
	return route
}

// SpanName is what the spans of a route are called; the sampler knows routes by it.
func SpanName(method, pattern string) string {
	if !known(method) {
		method = "HTTP"
	}
	return strings.TrimSuffix(method+" "+pattern, " ")
}

// quiet tells whether calls of a route are not worth a span: probes and assets.
func quiet(pattern string) bool {
	return pattern == "/healthz" || pattern == "/readyz" || strings.HasPrefix(pattern, static.Prefix)
}

// answer finds what to book an answer under.
func (o *observer) answer(route *observedRoute, c class) *observedAnswer {
	if answer := route.answers[c].Load(); answer != nil {
		return answer
	}
	pattern := route.pattern
	if pattern == "" {
		pattern = "unmatched"
	}
	labels := []string{pattern, route.method, c.String()}
	answer := &observedAnswer{count: o.requests.WithLabelValues(labels...), took: o.took.WithLabelValues(labels...)}
	route.answers[c].Store(answer)
	return answer
}

func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	default:
		return false
	}
}

// class is a class of status.
type class int

const (
	class2xx class = iota
	class3xx
	class4xx
	class5xx
	classes // how many there are
)

func classOf(status int) class {
	switch status / 100 {
	case 2:
		return class2xx
	case 3:
		return class3xx
	case 4:
		return class4xx
	default:
		return class5xx
	}
}

// String is how labels name it.
func (c class) String() string { return strconv.Itoa(int(c)+2) + "xx" }
