package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
)

// traced is a site whose spans are kept here.
type traced struct {
	handler http.Handler
	spans   *tracetest.SpanRecorder
}

func newTraced(t *testing.T) traced {
	t.Helper()
	s := &site{t: t, waiting: make(chan struct{})}
	spans := tracetest.NewSpanRecorder()
	handler, err := web.New(web.Deps{
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		Tracer:       sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"),
		Authenticate: authenticate, Routes: s.routes, SignIn: nobody(), Now: time.Now,
		Refuse: func(context.Context, models.Refusal) {}, Denied: func(context.Context, models.Refusal) {},
		Ready: func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return traced{handler, spans}
}

func (s traced) call(t *testing.T, method, target string, headers ...string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Api-Key", engineerKey)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	defer func() {
		if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
			panic(p)
		}
	}()
	s.handler.ServeHTTP(httptest.NewRecorder(), r)
}

func TestSpansOfCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, target string
		want           string // name, attributes in their order, and "failed"
	}{
		"route":      {http.MethodGet, "/api/v1/reads/acme-canary?search=canary", "GET /api/v1/reads/:tenantId 200 the-id GET /api/v1/reads/:tenantId"},
		"head":       {http.MethodHead, "/api/v1/reads/acme-canary", "GET /api/v1/reads/:tenantId 200 the-id GET /api/v1/reads/:tenantId"},
		"refused":    {http.MethodPut, "/api/v1/policies/QA", "PUT /api/v1/policies/:environment 403 the-id PUT /api/v1/policies/:environment forbidden"},
		"panic":      {http.MethodGet, "/api/v1/failures/panic", "GET /api/v1/failures/:changeId 500 the-id GET /api/v1/failures/:changeId internal failed"},
		"cut":        {http.MethodGet, "/half", "GET /half 500 the-id GET /half internal failed"},
		"no route":   {http.MethodGet, "/canary", "HTTP 404 the-id GET not_found"},
		"odd method": {"CANARY", "/api/v1/things", "HTTP /api/v1/things 405 the-id _OTHER /api/v1/things method_not_allowed"},
		"probe":      {http.MethodGet, "/healthz", ""},
		"asset":      {http.MethodGet, "/static/canary.css", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTraced(t)
			s.call(t, test.method, test.target, "X-Request-Id", "the-id", "Cookie", "a=canary", "User-Agent", "canary")
			var got []string
			for _, span := range s.spans.Ended() {
				words := []string{span.Name()}
				for _, a := range span.Attributes() {
					words = append(words, fmt.Sprint(a.Value.AsInterface()))
				}
				if span.Status().Code == codes.Error {
					words = append(words, "failed")
				}
				got = append(got, strings.Join(words, " "))
				if whole := fmt.Sprintf("%+v", tracetest.SpanStubFromReadOnlySpan(span)); strings.Contains(strings.ToLower(whole), "canary") ||
					strings.Contains(whole, "secret") || strings.Contains(whole, "goroutine") || span.Status().Description != "" {
					t.Errorf("it tells too much: %s", whole)
				}
			}
			if strings.Join(got, "; ") != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestSpansJoinTheCallers(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s := newTraced(t)
	for _, header := range []string{parent, "", "00-not-one-01", strings.Replace(parent, "-01", "-00", 1)} {
		s.call(t, http.MethodGet, "/api/v1/reads/acme", "Traceparent", header)
	}
	ended := s.spans.Ended()
	if len(ended) != 3 { // who wants no trace gets none
		t.Fatalf("%d spans", len(ended))
	}
	for i, span := range ended {
		at := fmt.Sprintf("00-%s-%s-01", span.Parent().TraceID(), span.Parent().SpanID())
		if joined := at == parent && span.SpanContext().TraceID() == span.Parent().TraceID(); joined != (i == 0) {
			t.Errorf("span %d is a child of %s", i, at)
		}
	}
}
