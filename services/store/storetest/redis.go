package storetest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
)

// Redis is one test's own redis-server.
type Redis struct {
	URL string // stays the same over Stop and Start

	options devstack.Options
	server  *devstack.Redis
}

// NewRedis starts a redis-server that ends with the test.
func NewRedis(t testing.TB) *Redis {
	t.Helper()
	r := &Redis{options: devstack.Options{Dir: t.TempDir(), Fast: true, Log: slog.New(slog.DiscardHandler)}}
	r.Start(t)
	t.Cleanup(func() { r.Stop(t) })
	return r
}

// Start starts the server that was stopped, at the same address and empty.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var err error
	if r.server, err = devstack.StartRedis(ctx, r.options); err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	if r.URL != "" && r.URL != r.server.URL() {
		t.Fatalf("Redis came back at %s, not at %s", r.server.URL(), r.URL)
	}
	r.URL = r.server.URL()
}

// Stop ends the server; a second call does nothing.
func (r *Redis) Stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := r.server.Stop(ctx); err != nil {
		t.Errorf("stop Redis: %v", err)
	}
}
