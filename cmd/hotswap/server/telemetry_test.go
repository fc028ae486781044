package server_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
	"github.com/hotswap/hotswap/services/telemetry"
	"github.com/hotswap/hotswap/web/webtest"
)

// TestRedisIsObserved asks a real Redis for things with names and values that no span and no metric may know.
func TestRedisIsObserved(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartRedis(t.Context(), devstack.Options{Dir: t.TempDir(), Fast: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	spans, registry := tracetest.NewInMemoryExporter(), prometheus.NewRegistry()
	observe, err := telemetry.New(telemetry.Options{Exporter: spans, Sampler: sdktrace.AlwaysSample(), Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.DisableIdentity = -1, true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(observe.Redis(time.Now))

	const canary = "canary-9d02"
	client.Get(t.Context(), canary) // in no call: a count, and no span
	ctx, call := observe.Tracer().Start(t.Context(), "call")
	if err := client.Set(ctx, canary, canary, 0).Err(); err != nil {
		t.Error(err)
	}
	if got := client.Get(ctx, canary).Val(); got != canary {
		t.Errorf("the value is %q", got)
	}
	if err := client.Get(ctx, canary+"2").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("there is a value: %v", err)
	}
	if err := client.Incr(ctx, canary).Err(); err == nil {
		t.Error("the canary is a number")
	}
	if _, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, canary, canary, 0).Err() }); err != nil {
		t.Error(err)
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := client.Get(ctx, canary).Err(); err == nil {
		t.Error("nobody answered")
	}
	call.End()
	if err := observe.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, span := range spans.GetSpans() {
		if span.Name != "HELLO" { // of a new connection
			names = append(names, span.Name+" "+span.Status.Code.String())
		}
		if whole := fmt.Sprintf("%+v", span); strings.Contains(whole, canary) {
			t.Errorf("the span knows: %s", whole)
		}
	}
	if got := strings.Join(names, ", "); got != "SET Unset, GET Unset, GET Unset, INCR Error, PIPELINE Unset, GET Error, call Unset" {
		t.Errorf("spans %s", got)
	}
	for labels, want := range map[string]float64{
		"get none": 2, "get ok": 1, "get failed": 1, "set ok": 1, "incr failed": 1, "pipeline ok": 1,
	} {
		if got := gathered(t, registry, "hotswap_redis_calls_total")[labels]; got != want {
			t.Errorf("%s: %v, want %v", labels, got, want)
		}
	}
	if err := observe.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// gathered are the values of a metric by its labels' values.
func gathered(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if f.GetName() == name {
				out[strings.Join(labels, " ")] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return out
}

// TestGaugesShowWhatWaits needs nobody who asks for the numbers.
func TestGaugesShowWhatWaits(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	for _, tenant := range []string{webtest.Acme, webtest.Globex} {
		site.As("engineer").Post("/configs", webtest.Body{
			"tenantId": tenant, "environment": "Production", "key": "a", "value": 1,
		}).Want(http.StatusAccepted)
	}
	site.Start()
	eventually(t, "the number of changes that wait", func() bool {
		return gathered(t, site.Registry, "hotswap_changes_waiting")[""] == 2
	})
	if got := gathered(t, site.Registry, "hotswap_db_connections_max")[""]; got != 8 {
		t.Errorf("%v connections", got)
	}
}
