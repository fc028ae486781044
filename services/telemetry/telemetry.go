// Package telemetry tells those who run the program what it does: spans of calls, statements, Redis commands and
// jobs, and counts of the latter two. It never sees a bound value, an argument, a body or a header.
package telemetry

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope names who made a span.
const scope = "github.com/hotswap/hotswap"

// maxAttribute is how long a text of a span may be, in characters: some statements are long.
const maxAttribute = 4096

// Options are what telemetry is made of.
type Options struct {
	Exporter   sdktrace.SpanExporter // nil: nothing is traced; it is stopped with the rest
	Sampler    sdktrace.Sampler      // of Sampling; needed with an exporter
	Version    string                // of the program
	InstanceID string                // of this process, unique
	Resource   *resource.Resource    // what the operator says of the process, stronger than the above; may be nil
	Metrics    prometheus.Registerer
}

// Telemetry makes what the parts of the program are observed by.
type Telemetry struct {
	provider *sdktrace.TracerProvider // nil: nothing is traced
	tracer   trace.Tracer             // makes nothing without a provider
	redis    redisMetrics
	jobs     jobMetrics
}

// New begins to send spans, if there is an exporter.
func New(o Options) (*Telemetry, error) {
	t := &Telemetry{tracer: noop.NewTracerProvider().Tracer(scope), redis: newRedisMetrics(o.Metrics), jobs: newJobMetrics(o.Metrics)}
	exporter := counting{SpanExporter: o.Exporter}
	exporter.register(o.Metrics)
	if o.Exporter == nil {
		return t, nil
	}
	about, err := describe(o)
	if err != nil {
		return nil, err
	}
	limits := sdktrace.NewSpanLimits()
	limits.AttributeValueLengthLimit = maxAttribute
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithSampler(o.Sampler), sdktrace.WithResource(about),
		sdktrace.WithRawSpanLimits(limits), sdktrace.WithBatcher(exporter))
	t.tracer = t.provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version), trace.WithSchemaURL(semconv.SchemaURL))
	if choice, ok := o.Sampler.(seldom); ok {
		t.tracer = seldomTracer{t.tracer, choice.reads}
	}
	return t, nil
}

// describe says which process the spans are of.
func describe(o Options) (*resource.Resource, error) {
	own := resource.NewWithAttributes(semconv.SchemaURL,
		semconv.ServiceName("hotswap"), semconv.ServiceVersion(o.Version), semconv.ServiceInstanceID(o.InstanceID))
	about, err := resource.Merge(own, o.Resource)
	if err != nil {
		return nil, fmt.Errorf("describe the process: %w", err)
	}
	return about, nil
}

// Tracer makes spans of calls; nil when nothing is traced.
func (t *Telemetry) Tracer() trace.Tracer {
	if t.provider == nil {
		return nil
	}
	return t.tracer
}

// Flush sends the spans that wait.
func (t *Telemetry) Flush(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.ForceFlush(ctx)
}

// Stop sends what waits and ends. No spans are made afterwards.
func (t *Telemetry) Stop(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// counting counts the spans that an exporter takes.
type counting struct {
	sdktrace.SpanExporter
	sent, failed prometheus.Counter
}

func (e *counting) register(registry prometheus.Registerer) {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_spans_total", Help: "Spans handed to the receiver of traces.",
	}, []string{"result"})
	registry.MustRegister(spans)
	e.sent, e.failed = spans.WithLabelValues("sent"), spans.WithLabelValues("failed")
}

// ExportSpans hands them on.
func (e counting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		e.failed.Add(float64(len(spans)))
		return err
	}
	e.sent.Add(float64(len(spans)))
	return nil
}
