package telemetry

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// redisMetrics counts calls of Redis. Commands are those that the program knows, so labels are few.
type redisMetrics struct {
	calls *prometheus.CounterVec
	took  prometheus.Histogram
}

func newRedisMetrics(registry prometheus.Registerer) redisMetrics {
	m := redisMetrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotswap_redis_calls_total", Help: "Calls of Redis, by command and result.",
		}, []string{"command", "result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotswap_redis_call_duration_seconds", Help: "How long calls of Redis took.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1},
		}),
	}
	registry.MustRegister(m.calls, m.took)
	return m
}

// redisHook observes the calls of a client. Keys and values are arguments: it looks at none.
type redisHook struct {
	tracer  trace.Tracer
	metrics redisMetrics
	now     func() time.Time
}

// Redis observes every call of a client that it is added to.
func (t *Telemetry) Redis(now func() time.Time) redis.Hook {
	return redisHook{tracer: t.tracer, metrics: t.redis, now: now}
}

// DialHook changes nothing.
func (h redisHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return next(ctx, network, address)
	}
}

// ProcessHook observes one command.
func (h redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return h.observe(ctx, strings.ToUpper(cmd.Name()), func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook observes commands that travel together.
func (h redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return h.observe(ctx, "PIPELINE", func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

func (h redisHook) observe(ctx context.Context, command string, call func(context.Context) error) error {
	began := h.now()
	var span trace.Span
	if trace.SpanFromContext(ctx).IsRecording() {
		ctx, span = h.tracer.Start(ctx, command, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(semconv.DBSystemNameRedis, semconv.DBOperationName(command)))
	}
	err := call(ctx)
	h.metrics.took.Observe(h.now().Sub(began).Seconds())
	h.metrics.calls.WithLabelValues(strings.ToLower(command), redisResult(err)).Inc()
	if span != nil {
		if errors.Is(err, redis.Nil) {
			end(span, nil)
		} else {
			end(span, err)
		}
	}
	return err
}

// redisResult tells a key that is not there from a call that failed.
func redisResult(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, redis.Nil):
		return "none"
	default:
		return "failed"
	}
}
