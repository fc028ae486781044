package web_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
)

func ask(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestProbes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err    error
		status int
		body   string
	}{
		"ready": {nil, http.StatusOK, `{"status":"ok"}`},
		"one reason": {
			fmt.Errorf("postgres: %w", models.Unavailable("the database does not answer", time.Second)),
			http.StatusServiceUnavailable, `{"status":"unavailable","reasons":["the database does not answer"]}`,
		},
		"several": {
			errors.Join(models.Unavailable("keys are not loaded", 0), errors.New("secret dsn")),
			http.StatusServiceUnavailable,
			`{"status":"unavailable","reasons":["keys are not loaded","a part of the node does not work; its log says which"]}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ops := web.NewOps(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), func(context.Context) error { return test.err })
			if status, body := ask(t, ops, http.MethodGet, "/readyz"); status != test.status || body != test.body {
				t.Errorf("%d %s, want %d %s", status, body, test.status, test.body)
			}
			if status, body := ask(t, ops, http.MethodGet, "/healthz"); status != http.StatusOK || body != `{"status":"ok"}` {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestOps(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "hotswap_test_total", Help: "A test's."})
	registry.MustRegister(counter)
	counter.Inc()
	ops := web.NewOps(slog.New(slog.DiscardHandler), registry, func(context.Context) error { return nil })
	tests := map[string]struct {
		status int
		has    string
	}{
		"/metrics":               {http.StatusOK, "hotswap_test_total 1"},
		"/debug/pprof/":          {http.StatusOK, "goroutine"},
		"/debug/pprof/heap":      {http.StatusOK, ""},
		"/debug/pprof/goroutine": {http.StatusOK, ""},
		"/debug/pprof/cmdline":   {http.StatusOK, ""},
		"/nowhere":               {http.StatusNotFound, `"code":"not_found"`},
	}
	for path, want := range tests {
		if status, body := ask(t, ops, http.MethodGet, path); status != want.status || !strings.Contains(body, want.has) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestServerBoundsEveryWait(t *testing.T) {
	t.Parallel()
	s := web.NewHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	for name, d := range map[string]time.Duration{
		"headers": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		if d <= 0 || d > 2*time.Minute {
			t.Errorf("%s is %v", name, d)
		}
	}
}
