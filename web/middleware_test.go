package web_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		path    string
		headers []string
		want    int
	}{
		"key":              {"/api/v1/things?environment=QA", []string{"X-API-Key", engineerKey}, http.StatusOK},
		"bearer":           {"/api/v1/things?environment=QA", []string{"X-API-Key", "", "Authorization", "bearer " + jwt}, http.StatusOK},
		"none":             {"/api/v1/things?environment=QA", []string{"X-API-Key", ""}, http.StatusUnauthorized},
		"cookie":           {"/api/v1/things?environment=QA", []string{"X-API-Key", "", "Cookie", "session=" + engineerKey}, http.StatusUnauthorized},
		"unknown":          {"/api/v1/things?environment=QA", []string{"X-API-Key", "hs_nobody"}, http.StatusUnauthorized},
		"plain route":      {"/api/v1/reads/acme", []string{"X-API-Key", ""}, http.StatusUnauthorized},
		"ofrep":            {"/ofrep/v1/configuration", []string{"X-API-Key", ""}, http.StatusUnauthorized},
		"ofrep with key":   {"/ofrep/v1/configuration", nil, http.StatusNoContent},
		"public document":  {web.SpecPath, []string{"X-API-Key", ""}, http.StatusOK},
		"public health":    {"/healthz", []string{"X-API-Key", ""}, http.StatusOK},
		"public readiness": {"/readyz", []string{"X-API-Key", ""}, http.StatusOK},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.get(test.path, test.headers...)
			if got.StatusCode != test.want {
				t.Fatalf("%d, want %d: %s", got.StatusCode, test.want, got.body)
			}
			if strings.HasPrefix(test.path, "/ofrep/") && test.want == http.StatusUnauthorized {
				const want = `{"errorCode":"GENERAL","errorDetails":"a valid credential is required"}`
				if got.body != want {
					t.Errorf("the protocol's own form: %s", got.body)
				}
				return
			}
			if test.want == http.StatusUnauthorized && got.problem(t).Detail != models.Unauthenticated().Message {
				t.Errorf("the answer says why: %s", got.body)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for given, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("a", 64): true,
		strings.Repeat("a", 65): false, "a b": false, "a\"b": false, "ä": false, "a/b": false,
	} {
		got := s.get("/healthz", "X-Request-Id", given).Header.Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
	}
	one, two := s.get("/healthz").Header.Get("X-Request-Id"), s.get("/healthz").Header.Get("X-Request-Id")
	if one == two || len(one) < 20 {
		t.Errorf("%q and %q", one, two)
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]int{
		"/api/v1/things?environment=QA": http.StatusOK, "/api/v1/reads/acme": http.StatusOK, "/healthz": http.StatusOK,
		"/api/v1/nowhere": http.StatusNotFound, "/api/v1/failures/internal": http.StatusInternalServerError,
	} {
		head, get := s.do(http.MethodHead, path, nil), s.get(path)
		if head.StatusCode != want || head.body != "" {
			t.Errorf("%s: %d %q", path, head.StatusCode, head.body)
		}
		if a, b := head.Header.Get("Content-Type"), get.Header.Get("Content-Type"); a != b {
			t.Errorf("%s: content type %q, GET has %q", path, a, b)
		}
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := s.get("/api/v1/things?environment=QA").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a typed operation says %q", got)
	}
	if got := s.get("/api/v1/reads/acme").Header.Get("Cache-Control"); got != "" {
		t.Errorf("a read, which decides itself, says %q", got)
	}
}

func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for size, want := range map[int]int{
		30 << 10: http.StatusOK, 37 << 10: http.StatusRequestHeaderFieldsTooLarge, 70 << 10: http.StatusRequestHeaderFieldsTooLarge,
	} {
		if got := s.get("/healthz", "X-Long", strings.Repeat("a", size)); got.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", size, got.StatusCode, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const id = "00000000-0000-0000-0000-000000000001"
	approve := func(code models.Code) models.Refusal {
		return models.Refusal{
			Action: "change.approve", Resource: "change/" + string(code), Code: code, Detail: "the sentence",
			Route: "POST /api/v1/approvals/{changeId}/approve",
		}
	}
	none := models.Refusal{}
	tests := map[string]struct {
		method, path    string
		headers         []string
		refused, denied models.Refusal
	}{
		"forbidden":    {http.MethodPost, "/api/v1/approvals/forbidden/approve", nil, approve(models.CodeForbidden), none},
		"not found":    {http.MethodPost, "/api/v1/approvals/not_found/approve", nil, approve(models.CodeNotFound), none},
		"conflict":     {http.MethodPost, "/api/v1/approvals/conflict/approve", nil, approve(models.CodeConflict), none},
		"precondition": {http.MethodPost, "/api/v1/approvals/precondition_failed/approve", nil, approve(models.CodePreconditionFailed), none},
		"by a name": {http.MethodPut, "/api/v1/policies/QA", nil, models.Refusal{
			Action: "policy.put", Resource: "policy/QA", Code: models.CodeForbidden, Detail: "the sentence",
			Route: "PUT /api/v1/policies/{environment}",
		}, none},
		"invalid":   {http.MethodPost, "/api/v1/approvals/invalid/approve", nil, none, none},
		"internal":  {http.MethodPost, "/api/v1/approvals/internal/approve", nil, none, none},
		"done":      {http.MethodPost, "/api/v1/approvals/fine/approve", nil, none, none},
		"no route":  {http.MethodPost, "/api/v1/nowhere/" + id, nil, none, none},
		"no method": {http.MethodPut, "/api/v1/things", nil, none, none},
		"denied read": {http.MethodGet, "/api/v1/failures/forbidden", nil, none, models.Refusal{
			Action: "failure.get", Resource: "change/forbidden", Code: models.CodeForbidden, Detail: "the sentence",
			Route: "GET /api/v1/failures/{changeId}",
		}},
		"unknown thing": {http.MethodGet, "/api/v1/failures/not_found", nil, none, models.Refusal{
			Action: "failure.get", Resource: "change/not_found", Code: models.CodeNotFound, Detail: "the sentence",
			Route: "GET /api/v1/failures/{changeId}",
		}},
		"no route to read":       {http.MethodGet, "/api/v1/nowhere/" + id, nil, none, none},
		"nobody's unknown thing": {http.MethodGet, "/api/v1/nowhere/" + id, []string{"X-Api-Key", ""}, none, none},
		"nobody": {http.MethodPost, "/api/v1/approvals/" + id + "/approve", []string{"X-Api-Key", "hs_nobody"}, none, models.Refusal{
			Action: "POST", Resource: "change/" + id, Code: models.CodeUnauthenticated,
			Detail: models.Unauthenticated().Message, Route: "POST /api/v1/approvals/{changeId}/approve",
		}},
		"nobody reads": {http.MethodGet, "/api/v1/reads/acme", []string{"X-Api-Key", ""}, none, models.Refusal{
			Action: "GET", Resource: "tenant/acme", Code: models.CodeUnauthenticated,
			Detail: models.Unauthenticated().Message, Route: "GET /api/v1/reads/{tenantId}",
		}},
		"nobody lists": {http.MethodGet, "/api/v1/things", []string{"X-Api-Key", ""}, none, models.Refusal{
			Action: "GET", Resource: "thing", Code: models.CodeUnauthenticated,
			Detail: models.Unauthenticated().Message, Route: "GET /api/v1/things",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.do(test.method, test.path, nil, test.headers...)
			s.mu.Lock()
			defer s.mu.Unlock()
			check(t, "refused", s.refused, test.refused)
			check(t, "denied", s.denied, test.denied)
		})
	}
}

func check(t *testing.T, what string, got []models.Refusal, want models.Refusal) {
	t.Helper()
	switch {
	case want == models.Refusal{} && len(got) != 0:
		t.Errorf("%s %+v, want none", what, got)
	case want != models.Refusal{} && (len(got) != 1 || got[0] != want):
		t.Errorf("%s %+v\nwant %+v", what, got, want)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/api/v1/reads/acme")
	s.get("/api/v1/reads/globex")
	s.get("/api/v1/failures/panic")
	s.get("/nowhere/1")
	s.do("BREW", "/nowhere/2", nil)
	s.do("BREW", "/api/v1/things", nil)
	const want = `
hotswap_http_requests_total{method="GET",route="/api/v1/failures/:changeId",status="5xx"} 1
hotswap_http_requests_total{method="GET",route="/api/v1/reads/:tenantId",status="2xx"} 2
hotswap_http_requests_total{method="any",route="unmatched",status="4xx"} 2
hotswap_http_requests_total{method="other",route="/api/v1/things",status="4xx"} 1
`
	_, metrics := ask(t, web.NewOps(slog.New(slog.DiscardHandler), s.registry, nil), http.MethodGet, "/metrics")
	var got strings.Builder
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "hotswap_http_requests_total") {
			got.WriteString(line)
		}
	}
	if got.String() != strings.TrimPrefix(want, "\n") {
		t.Errorf("got %s\nwant %s", got.String(), want)
	}
}

func TestTheDocument(t *testing.T) {
	t.Parallel()
	got := newSite(t).get(web.SpecPath, "X-API-Key", "")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Servers []struct {
			URL string `json:"url"`
		} `json:"servers"`
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Servers) != 1 || doc.Servers[0].URL != web.Prefix {
		t.Errorf("openapi %q, servers %v", doc.OpenAPI, doc.Servers)
	}
	if _, ok := doc.Paths["/approvals/{changeId}/approve"]["post"]; !ok {
		t.Errorf("paths %v", doc.Paths)
	}
	properties := doc.Components.Schemas["Thing"].Properties
	for _, name := range []string{"value", "result"} {
		if _, typed := properties[name]["type"]; typed || properties[name] == nil {
			t.Errorf("%s is %v, want anything", name, properties[name])
		}
	}
	if fmt.Sprint(properties["items"]["type"]) != "array" {
		t.Errorf("items are %v, want an array that is not null", properties["items"])
	}
	if _, ok := doc.Components.Schemas["Problem"].Properties["requestId"]; !ok || strings.Contains(got.body, "$schema") {
		t.Errorf("schemas %v", doc.Components.Schemas)
	}
}

func BenchmarkPlainRoute(b *testing.B) {
	handler, err := web.New(web.Deps{
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Authenticate: authenticate,
		Routes: func(r web.Router) {
			r.Echo.GET("/api/v1/reads/:tenantId", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
		},
		SignIn: nobody(), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/reads/acme", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Api-Key", engineerKey)
	r.Header.Set("X-Request-Id", "one")
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
	if w.Code != http.StatusNoContent {
		b.Error(w.Code)
	}
}
