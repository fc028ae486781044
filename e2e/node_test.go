package e2e_test

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/statedir"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/telemetry"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/webtest"
)

// node is the product on a site's database, put together as `hotswap serve` does it, in this process: what it logs, traces
// and counts is for tests to look at.
type node struct {
	*server.Server

	url  string
	ops  http.Handler
	stop func() // ends it, and hands over the spans that wait

	listener *httptest.Server
	observed *telemetry.Telemetry
	state    *statedir.Dir // nil: none
}

// nodeOptions say what the node has beside a database.
type nodeOptions struct {
	redis    *storetest.Redis
	database string       // its URL; empty: the site's
	log      *slog.Logger // nil: nobody reads it
	traces   *receiver    // nil: nothing is traced
	state    string       // the state directory; empty: none
}

// newNode starts a node that ends with the test.
func newNode(t testing.TB, site *webtest.Site, o nodeOptions) *node {
	t.Helper()
	n := assemble(t, site, o)
	if err := n.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.start(t)
	return n
}

// assemble puts a node together that has not loaded.
func assemble(t testing.TB, site *webtest.Site, o nodeOptions) *node {
	t.Helper()
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	registry := prometheus.NewRegistry()
	n := &node{observed: observe(t, o.traces, registry), state: o.openState(t), listener: httptest.NewUnstartedServer(nil)}
	db, err := store.Open(t.Context(), store.Options{
		URL: cmp.Or(o.database, site.DB.URL), MaxConns: 8, Log: o.log, Tracer: n.observed.Database(),
		Jobs: []rivertype.Middleware{n.observed.Jobs(time.Now)}, Lazy: n.state != nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	shared, err := snapshots.OpenRedis(snapshots.RedisOptions{
		URL: o.redis.URL, TTL: 5 * time.Minute, Hook: n.observed.Redis(time.Now), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	n.url = "http://" + n.listener.Listener.Addr().String()
	n.Server, err = server.New(server.Options{
		DB: db, Now: time.Now, Log: o.log, Registry: registry, Tracer: n.observed.Tracer(), Version: "test", Master: site.Master, Redis: shared, State: n.state,
		Provider: auth.NewProvider(auth.ProviderOptions{
			Issuer: webtest.Issuer, ClientID: "hotswap", PublicURL: n.url, Client: http.DefaultClient, Now: time.Now,
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.listener.Config, n.ops = web.NewHTTPServer(n.Handler(), o.log), web.NewOps(o.log, registry, n.Ready)
	return n
}

func (o nodeOptions) openState(t testing.TB) *statedir.Dir {
	t.Helper()
	if o.state == "" {
		return nil
	}
	dir, err := statedir.Open(o.state)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// start serves, and works beside requests, until stop is called.
func (n *node) start(t testing.TB) {
	t.Helper()
	n.listener.Start()
	whole := context.WithoutCancel(t.Context())
	ctx, cancel := context.WithCancel(whole)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		n.listener.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := n.observed.Stop(whole); err != nil {
			t.Errorf("the last spans: %v", err)
		}
		if err := n.state.Close(); err != nil {
			t.Errorf("the state directory: %v", err)
		}
	})
	t.Cleanup(n.stop)
}

// observe sends all spans to the receiver, if there is one.
func observe(t testing.TB, to *receiver, registry *prometheus.Registry) *telemetry.Telemetry {
	t.Helper()
	o := telemetry.Options{Version: "test", InstanceID: "canary", Metrics: registry}
	var err error
	if to != nil {
		if o.Exporter, err = otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(to.url+"/v1/traces")); err != nil {
			t.Fatal(err)
		}
		if o.Sampler, err = telemetry.Sampling("always_on", "", nil); err != nil {
			t.Fatal(err)
		}
	}
	observed, err := telemetry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return observed
}

// metrics is the page for Prometheus.
func (n *node) metrics(t testing.TB) string {
	t.Helper()
	w := httptest.NewRecorder()
	n.ops.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("metrics: %d", w.Code)
	}
	return w.Body.String()
}

// operator acts as the operator at the console, who may rotate data keys.
func operator(t testing.TB) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "5d1c1b9e-3c1f-4b52-9d0a-0b7f5f0f8a11", Kind: models.ActorPerson, Name: "operator"},
		Grants:   []models.Grant{{Role: models.RolePlatformAdmin, Tenant: models.Platform}},
	})
}
