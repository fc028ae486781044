package telemetry

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// ReadShare is which part of the resolved reads begins a trace, when nobody says otherwise.
const ReadShare = 0.01

// Sampling chooses the traces. Its name and argument are those of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
// Without a name the caller's choice holds; of what has no such caller, all is traced but of the reads, which spans
// of those names begin, only ReadShare.
func Sampling(name, argument string, reads []string) (sdktrace.Sampler, error) {
	share := 1.0
	if argument != "" {
		var err error
		if share, err = strconv.ParseFloat(argument, 64); err != nil || !(share >= 0 && share <= 1) {
			return nil, errors.New("the argument of a sampler is a number from 0 to 1")
		}
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "":
		return seldom{Sampler: sdktrace.ParentBased(sdktrace.AlwaysSample()), reads: set(reads)}, nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(share), nil
	case "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share)), nil
	default:
		return nil, errors.New("there is no such sampler")
	}
}

// seldom is the choice when nobody says otherwise. Of the reads it is made before anything of a span is: there are so
// many that even a span which is not sampled would cost what the read does.
type seldom struct {
	sdktrace.Sampler
	reads map[string]bool
}

func set(names []string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		out[name] = true
	}
	return out
}

// seldomTracer begins few of the spans that begin a trace under those names.
type seldomTracer struct {
	trace.Tracer
	reads map[string]bool
}

// Start leaves the context as it is where it makes no span.
func (t seldomTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t.reads[name] && !trace.SpanContextFromContext(ctx).IsValid() && rand.Float64() >= ReadShare { //nolint:gosec // no secret
		return ctx, noop.Span{}
	}
	return t.Tracer.Start(ctx, name, options...)
}
