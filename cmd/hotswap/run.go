package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/riverqueue/river/rivertype"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/statedir"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/telemetry"
	"github.com/hotswap/hotswap/web"
)

// drainTimeout is how long calls under way may take when the process is asked to stop.
const drainTimeout = 10 * time.Second

// node is a server with its two listeners.
type node struct {
	server    *server.Server
	api, ops  net.Listener
	cert, key string // files; empty for plain HTTP
	registry  *prometheus.Registry
	telemetry *telemetry.Telemetry
	redis     *snapshots.Redis // nil: there is none
	state     *statedir.Dir    // nil: there is none
	log       *slog.Logger
}

// newNode begins to observe what the node will do. The caller ends that with stopTelemetry, after all the rest.
func newNode(s surroundings, t telemetrySettings) (*node, error) {
	n := &node{registry: newRegistry(), log: s.log}
	var err error
	n.telemetry, err = openTelemetry(s, t, n.registry)
	return n, err
}

// database opens the node's database, observed. With a state directory it need not answer yet.
func (n *node) database(ctx context.Context, url string) (*store.DB, error) {
	return store.Open(ctx, store.Options{
		URL: url, Log: n.log, Lazy: n.state != nil, Tracer: n.telemetry.Database(), Jobs: []rivertype.Middleware{n.telemetry.Jobs(time.Now)},
	})
}

// serve answers until the context ends, then drains: no new calls, those under way finish, jobs and
// counted refusals are written.
func (n *node) serve(ctx context.Context) error {
	if err := n.server.Load(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	go keepHeadroom(work)
	worked := make(chan error, 1)
	go func() { worked <- n.server.Run(work) }()

	api := web.NewHTTPServer(n.server.Handler(), n.log)
	ops := web.NewHTTPServer(web.NewOps(n.log, n.registry, n.server.Ready), n.log)
	failed := make(chan error, 2)
	go func() { failed <- n.listen(api) }()
	go func() { failed <- ops.Serve(n.ops) }()

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case err = <-worked:
		worked <- nil
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	n.server.Drain(drain)
	err = errors.Join(quietly(err), api.Shutdown(drain), ops.Shutdown(drain))
	stopWork()
	return errors.Join(err, quietly(<-worked))
}

func (n *node) listen(s *http.Server) error {
	if n.cert != "" {
		return s.ServeTLS(n.api, n.cert, n.key)
	}
	return s.Serve(web.AtOnceListener(n.api))
}

// quietly drops the errors that only say that we stopped.
func quietly(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// newRegistry holds our metrics beside those of the runtime and the process.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// listen opens a TCP listener; the complaint names the address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}
