package e2e_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sys/unix"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/telemetry"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/read"
	"github.com/hotswap/hotswap/web/webtest"
)

const (
	observedRounds = 60
	observedCalls  = 2000 // in a round
	// observedBudget is what metrics and traces together may add to a read.
	observedBudget = 2 * time.Microsecond
)

// watched is the read path under one kind of observation.
type watched struct {
	name    string
	handler http.Handler
	budget  time.Duration // 0: it may take what it takes
	took    []float64     // ns a call, by round: what the processor does for the call before its answer leaves
	spent   []float64     // ns a call, by round: all that the process does, with what sends the spans meanwhile
	allocs  []float64     // by round
}

// BenchmarkTelemetry reads from memory through handlers that differ in how they are observed and in nothing else, in
// turns: not at all, by metrics, and by metrics and traces of which a share is sent over HTTP. It counts the processor's
// time and compares the quickest rounds, so that it says the same on a machine that has other things to do.
func BenchmarkTelemetry(b *testing.B) {
	site := webtest.New(b)
	fill(site)
	site.As("app").Get(bulkPath).Want(http.StatusOK)
	for name, path := range map[string]string{
		"bulk": bulkPath, "one-key": "/api/v1/configs/tenant/acme/keys/feature.number-042?environment=Staging",
	} {
		b.Run(name, func(b *testing.B) { compareWatched(b, site, path) })
	}
}

func compareWatched(b *testing.B, site *webtest.Site, path string) {
	b.Helper()
	all := []*watched{
		{name: "off", handler: watchedReads(b, site, nil, nil)},
		{name: "metrics", handler: watchedReads(b, site, prometheus.NewRegistry(), nil), budget: observedBudget},
	}
	for _, share := range []struct {
		name, sampler string
		budget        time.Duration
	}{{"traced-1%", "", observedBudget}, {"traced-100%", "always_on", 0}} {
		registry := prometheus.NewRegistry()
		handler := watchedReads(b, site, registry, tracer(b, registry, share.sampler))
		all = append(all, &watched{name: share.name, handler: handler, budget: share.budget})
	}
	key := site.Key("app")
	for b.Loop() {
		for range observedRounds {
			for _, w := range all {
				w.round(b, path, key)
			}
		}
	}
	off := all[0]
	b.ReportMetric(0, "ns/op") // of a whole comparison, which says nothing
	b.ReportMetric(slices.Min(off.took), "off-ns")
	for _, w := range all[1:] {
		more := slices.Min(w.took) - slices.Min(off.took)
		b.ReportMetric(more, w.name+"-more-ns")
		b.ReportMetric(slices.Min(w.spent)-slices.Min(off.spent), w.name+"-more-process-ns")
		b.ReportMetric(median(w.allocs)-median(off.allocs), w.name+"-more-allocs")
		if w.budget > 0 && more > float64(w.budget) {
			b.Errorf("%s adds %.0f ns to a read, more than %v", w.name, more, w.budget)
		}
	}
}

// tracer sends to somebody who takes everything.
func tracer(b *testing.B, registry *prometheus.Registry, sampler string) trace.Tracer {
	b.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(receiver.Close)
	to, err := otlptracehttp.New(b.Context(), otlptracehttp.WithEndpointURL(receiver.URL+"/v1/traces"))
	if err != nil {
		b.Fatal(err)
	}
	var share sdktrace.Sampler
	if share, err = telemetry.Sampling(sampler, "", read.Spans()); err != nil {
		b.Fatal(err)
	}
	t, err := telemetry.New(telemetry.Options{Exporter: to, Sampler: share, Version: "bench", InstanceID: "one", Metrics: registry})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := t.Stop(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	return t.Tracer()
}

// watchedReads is the product's own way to its snapshots, observed by these.
func watchedReads(b *testing.B, site *webtest.Site, registry *prometheus.Registry, tracer trace.Tracer) http.Handler {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	handler, err := web.New(web.Deps{
		Log: log, Registry: registry, Tracer: tracer, Version: "bench", Now: time.Now,
		Authenticate: authenticator(site), SignIn: auth.NewSignIn(auth.SignInOptions{Log: log}),
		Refuse: site.Audit.Refuse, Denied: site.Audit.Denied, Ready: site.Ready,
		Routes: func(r web.Router) {
			read.Register(r.Echo.Group(web.Prefix), read.Handlers{Snapshots: site.Snapshots, Now: time.Now})
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return handler
}

// round calls over and over and notes what one call took.
func (w *watched) round(b *testing.B, path, key string) {
	b.Helper()
	to := &sink{header: http.Header{}}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Api-Key", key)
	runtime.LockOSThread() // whose time is counted
	defer runtime.UnlockOSThread()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, worked := processor(b, unix.CLOCK_THREAD_CPUTIME_ID), processor(b, unix.CLOCK_PROCESS_CPUTIME_ID)
	for range observedCalls {
		clear(to.header)
		w.handler.ServeHTTP(to, r)
	}
	took, spent := processor(b, unix.CLOCK_THREAD_CPUTIME_ID)-began, processor(b, unix.CLOCK_PROCESS_CPUTIME_ID)-worked
	runtime.ReadMemStats(&after)
	if to.status != http.StatusOK {
		b.Fatalf("%s answers %d", w.name, to.status)
	}
	w.took = append(w.took, float64(took.Nanoseconds())/observedCalls)
	w.spent = append(w.spent, float64(spent.Nanoseconds())/observedCalls)
	w.allocs = append(w.allocs, float64(after.Mallocs-before.Mallocs)/observedCalls)
}

// processor is the processors' time of this process or thread.
func processor(b *testing.B, whose int32) time.Duration {
	b.Helper()
	var used unix.Timespec
	if err := unix.ClockGettime(whose, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Nano())
}

func authenticator(site *webtest.Site) auth.Authenticate {
	return func(ctx context.Context, credential string, _ models.Request) (models.Actor, error) {
		return site.Access.Authenticate(ctx, credential)
	}
}
