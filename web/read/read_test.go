package read_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/pace"
	"github.com/hotswap/hotswap/web/read"
)

// actors are who the credentials of these tests stand for.
var actors = map[string]models.Actor{
	"app":     {Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme"}}},
	"token":   {Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme"}}, Until: time.Now().Add(time.Hour)},
	"all":     {Grants: []models.Grant{{Role: models.RoleReader, Tenant: models.Platform}}},
	"other":   {Grants: []models.Grant{{Role: models.RoleReader, Tenant: "globex"}}},
	"qa":      {Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme", Environment: "QA"}}},
	"denied":  {Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme"}}, Denied: []models.Permission{models.PermResolve}},
	"secrets": {KeyID: "secrets", Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme", Extra: models.PermReadSecrets}}},
}

func authenticate(_ context.Context, credential string, _ models.Request) (models.Actor, error) {
	if a, ok := actors[credential]; ok {
		a.ID = "id-" + credential
		return a, nil
	}
	return models.Actor{}, models.Unauthenticated()
}

type site struct {
	t   testing.TB
	db  *storetest.Database
	web http.Handler

	plane    *snapshots.Service
	revealed *revealed
	streams  *read.Streams
	registry *prometheus.Registry
}

// revealed counts answers that held secrets.
type revealed struct {
	mu    sync.Mutex
	count map[string]int
}

func (r *revealed) note(ctx context.Context, tenantID string) {
	actor, _ := models.ActorFrom(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[actor.KeyID+" "+tenantID]++
}

func (r *revealed) of(who string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[who]
}

func newSite(t testing.TB) site {
	t.Helper()
	return newSiteWith(t, read.StreamOptions{Now: time.Now})
}

func newSiteWith(t testing.TB, streaming read.StreamOptions) site {
	t.Helper()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Enterprise")
	db.Tenant(t, "globex", "Free")
	db.Tenant(t, "held", "Free")
	db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	db.Define(t, "acme", "password", models.TypeString, true)
	db.Set(t, models.Platform, "Production", "limit", `5`)
	db.Set(t, "acme", "Production", "limit", `9007199254740993`)
	db.Set(t, "acme", "Production", "password", `"hunter2"`)
	directory, registry := tenants.NewDirectory(db.DB, nil), prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	plane, err := snapshots.New(snapshots.Options{DB: db.DB, Tenants: directory, MaxBytes: 1 << 24, Log: log, Metrics: registry, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(plane.Load(t.Context()), directory.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	streaming.Snapshots, streaming.Metrics = plane, registry
	streams := read.NewStreams(streaming)
	seen := &revealed{count: map[string]int{}}
	handler, err := web.New(web.Deps{
		Log: log, Registry: registry, Version: "test", Authenticate: authenticate,
		Refuse: func(context.Context, models.Refusal) {}, Denied: func(context.Context, models.Refusal) {},
		Ready: func(context.Context) error { return nil }, Now: time.Now,
		Routes: func(r web.Router) {
			reads := read.Handlers{Snapshots: plane, Now: time.Now, Past: read.PacePast(time.Now, pace.Options{Limit: pace.Standard().Past}), Revealed: seen.note, Streams: streams}
			read.Register(r.Echo.Group(web.Prefix), reads)
			read.RegisterFlags(r, reads)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return site{t, db, handler, plane, seen, streams, registry}
}

func (s site) get(credential, path string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, web.Prefix+path, http.NoBody)
	r.Header.Set(echo.HeaderAuthorization, "Bearer "+credential)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.web.ServeHTTP(w, r)
	return w
}

// set makes a value live and lets the plane know.
func (s site) set(tenant, key, value string) {
	s.t.Helper()
	s.db.Set(s.t, tenant, "Production", key, value)
	s.plane.Raise([]models.Head{s.db.Head(s.t, tenant, "Production")})
}

// counted is the value of a metric with one label.
func (s site) counted(name, label string) float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

const bulk = "/configs/tenant/acme?environment=Production"

func TestBulk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.get("app", bulk)
	var body struct {
		TenantID    string                     `json:"tenantId"`
		Environment string                     `json:"environment"`
		Revision    string                     `json:"revision"`
		Configs     map[string]json.RawMessage `json:"configs"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if body.TenantID != "acme" || body.Environment != "Production" || body.Revision == "" ||
		len(body.Configs) != 1 || string(body.Configs["limit"]) != "9007199254740993" {
		t.Errorf("body %s", w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "private, no-cache", "ETag": `"` + body.Revision + `"`,
		"Content-Length": strconv.Itoa(w.Body.Len()), "X-HotSwap-Stale": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	clear := s.get("secrets", bulk)
	if !strings.Contains(clear.Body.String(), `"password":"hunter2"`) || clear.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Errorf("with the right to secrets: %s", clear.Body)
	}
	meta := s.get("app", bulk+"&include=metadata")
	if !strings.Contains(meta.Body.String(), `"withheld":["password"]`) || meta.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Errorf("metadata: %s", meta.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		credential, path string
		want             int
		pointer          string
	}{
		"nobody":               {"unknown", bulk, 401, ""},
		"other tenant":         {"other", bulk, 404, ""},
		"unknown tenant":       {"all", "/configs/tenant/never?environment=Production", 404, ""},
		"layer above":          {"app", "/configs/tenant/@platform?environment=Production", 404, ""},
		"other environment":    {"qa", bulk, 403, ""},
		"right taken away":     {"denied", bulk, 403, ""},
		"suspended":            {"all", "/configs/tenant/held?environment=Production", 403, ""},
		"no environment":       {"app", "/configs/tenant/acme", 422, "/environment"},
		"empty environment":    {"app", "/configs/tenant/acme?environment=", 422, "/environment"},
		"two environments":     {"app", bulk + "&environment=QA", 422, "/environment"},
		"unknown environment":  {"app", "/configs/tenant/acme?environment=Nowhere", 422, "/environment"},
		"before it was there":  {"app", bulk + "&at=2020-01-01T00:00:00Z", 404, "tenant not found"},
		"the future":           {"app", bulk + "&at=2120-01-01T00:00:00Z", 422, "/at"},
		"no instant":           {"app", bulk + "&at=yesterday", 422, "/at"},
		"empty instant":        {"app", bulk + "&at=", 422, "/at"},
		"instant without zone": {"app", bulk + "&at=2020-01-01T00:00:00", 422, "/at"},
		"two instants":         {"app", bulk + "&at=2020-01-01T00:00:00Z&at=2020-01-01T00:00:00Z", 422, "/at"},
		"unit and instant":     {"app", bulk + "&unit=u1&at=2020-01-01T00:00:00Z", 422, "/unit"},
		"another's past":       {"other", bulk + "&at=2020-01-01T00:00:00Z", 404, ""},
		"past elsewhere":       {"qa", bulk + "&at=2020-01-01T00:00:00Z", 403, ""},
		"key in the future":    {"app", "/configs/tenant/acme/keys/limit?environment=Production&at=2120-01-01T00:00:00Z", 422, "/at"},
		"includes":             {"app", bulk + "&include=everything", 422, "/include"},
		"unit":                 {"app", bulk + "&unit=u1", 200, ""},
		"a long unit":          {"app", bulk + "&unit=" + strings.Repeat("u", 257), 422, "/unit"},
		"two units":            {"app", bulk + "&unit=u1&unit=u2", 422, "/unit"},
		"layer":                {"all", "/configs/tenant/%40platform?environment=Production", 200, ""},
		"key":                  {"app", "/configs/tenant/acme/keys/limit?environment=Production", 200, ""},
		"key without a value":  {"app", "/configs/tenant/acme/keys/never?environment=Production", 404, ""},
		"key withheld":         {"app", "/configs/tenant/acme/keys/password?environment=Production", 404, ""},
		"key of another":       {"other", "/configs/tenant/acme/keys/limit?environment=Production", 404, ""},
		"key, no environment":  {"app", "/configs/tenant/acme/keys/limit", 422, "/environment"},
		"key, right to secret": {"secrets", "/configs/tenant/acme/keys/password?environment=Production", 200, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := s.get(test.credential, test.path)
			if w.Code != test.want || !strings.Contains(w.Body.String(), test.pointer) {
				t.Errorf("%d %s, want %d", w.Code, w.Body, test.want)
			}
			if test.want >= 400 && (w.Header().Get("ETag") != "" || w.Header().Get(echo.HeaderContentType) != "application/problem+json") {
				t.Errorf("headers of a refusal: %v", w.Header())
			}
		})
	}
	foreign, unknown := s.get("other", bulk, "X-Request-Id", "r"), s.get("other", "/configs/tenant/never?environment=Production", "X-Request-Id", "r")
	if foreign.Body.String() != unknown.Body.String() {
		t.Errorf("another tenant answers %s, an unknown one %s", foreign.Body, unknown.Body)
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{bulk, bulk + "&include=metadata", "/configs/tenant/acme/keys/limit?environment=Production"} {
		tag := s.get("app", path).Header().Get("ETag")
		tests := map[string]struct {
			tags []string
			want int
		}{
			"the same":           {[]string{tag}, 304},
			"weak":               {[]string{"W/" + tag}, 304},
			"in a list":          {[]string{`"x", W/"y",` + tag}, 304},
			"in a second header": {[]string{`"x"`, tag}, 304},
			"any":                {[]string{"*"}, 304},
			"another":            {[]string{`"x"`}, 200},
			"without quotes":     {[]string{strings.Trim(tag, `"`)}, 200},
			"empty":              {[]string{""}, 200},
		}
		for name, test := range tests {
			var header []string
			for _, tag := range test.tags {
				header = append(header, "If-None-Match", tag)
			}
			w := s.get("app", path, header...)
			if w.Code != test.want {
				t.Errorf("%s, %s: %d", path, name, w.Code)
			}
			if w.Code == http.StatusNotModified && (w.Body.Len() > 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") == "") {
				t.Errorf("%s, %s: %v %s", path, name, w.Header(), w.Body)
			}
		}
		if w := s.get("secrets", path, "If-None-Match", tag); path == bulk && w.Code != http.StatusOK {
			t.Error("the tag of an answer without secrets holds for one with them")
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.get("app", "/configs/tenant/acme/keys/limit?environment=Production")
	revision := strings.Trim(w.Header().Get("ETag"), `"`)
	want := `{"tenantId":"acme","environment":"Production","revision":"` + revision +
		`","key":"limit","value":9007199254740993,"type":"number","layer":"acme","version":1}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
}

// HEAD has the headers of GET, over a real connection.
func TestHead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	server := httptest.NewServer(s.web)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+web.Prefix+bulk, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", "app")
	got, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil || len(body) > 0 || got.StatusCode != 200 || got.ContentLength <= 0 || got.Header.Get("ETag") == "" {
		t.Errorf("%d %v %q %v", got.StatusCode, got.Header, body, err)
	}
}

// discard is a response writer that keeps nothing, so that only the handler's own allocations count.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func BenchmarkBulk(b *testing.B) {
	s := newSite(b)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, web.Prefix+bulk, http.NoBody)
	r.Header.Set(echo.HeaderAuthorization, "Bearer app")
	s.web.ServeHTTP(discard{http.Header{}}, r)
	b.ReportAllocs()
	for b.Loop() {
		s.web.ServeHTTP(discard{http.Header{}}, r)
	}
}

func BenchmarkNotModified(b *testing.B) {
	s := newSite(b)
	tag := s.get("app", bulk).Header().Get("ETag")
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, web.Prefix+bulk, http.NoBody)
	r.Header.Set(echo.HeaderAuthorization, "Bearer app")
	r.Header.Set("If-None-Match", tag)
	b.ReportAllocs()
	for b.Loop() {
		s.web.ServeHTTP(discard{http.Header{}}, r)
	}
}

// Answers are noted, refusals are not.
func TestReadsAreNoted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.get("app", bulk)
	s.get("app", bulk, "If-None-Match", first.Header().Get("ETag"))
	s.get("app", bulk+"&include=metadata")
	s.get("app", "/configs/tenant/acme/keys/limit?environment=Production")
	s.get("app", "/configs/tenant/acme/keys/never?environment=Production")
	s.get("other", bulk)
	s.get("app", bulk+"&include=everything")
	for second := time.Now().Unix(); time.Now().Unix() == second; {
		time.Sleep(10 * time.Millisecond)
	}
	var reads, hits int
	var slowest time.Duration
	for _, second := range s.plane.Vitals() {
		reads, hits, slowest = reads+second.Reads, hits+second.Hits, max(slowest, second.P99)
	}
	if reads != 4 || hits != 3 || slowest <= 0 || slowest > 10*time.Second {
		t.Errorf("%d reads, %d hits, the slowest %v", reads, hits, slowest)
	}
}

// past is a query's end that asks for an instant.
func past(at time.Time) string { return "&at=" + url.QueryEscape(at.Format(time.RFC3339Nano)) }

func TestPast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var then time.Time
	s.db.Scan(t, `SELECT clock_timestamp()`, nil, &then)
	s.db.Set(t, "acme", "Production", "limit", `6`)
	s.db.Set(t, "acme", "Production", "later", `true`)
	w := s.get("app", bulk+past(then))
	tag := w.Header().Get("ETag")
	want := `{"tenantId":"acme","environment":"Production","revision":"` + strings.Trim(tag, `"`) + `","at":"` + then.UTC().Format(time.RFC3339Nano) +
		`","overlays":[],"configs":{"limit":9007199254740993}}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%d %v %s", w.Code, w.Header(), diff)
	}
	if again := s.get("app", bulk+past(then.In(time.FixedZone("", 3600))), "If-None-Match", tag); again.Code != http.StatusNotModified {
		t.Errorf("the same instant in another zone: %d %v", again.Code, again.Header())
	}
	if meta := s.get("app", bulk+past(then)+"&include=metadata"); !strings.Contains(meta.Body.String(), `"overlays":[],`) ||
		!strings.Contains(meta.Body.String(), `"withheld":["password"]`) || meta.Header().Get("ETag") == tag {
		t.Errorf("metadata: %s", meta.Body)
	}
	one := "/configs/tenant/acme/keys/limit?environment=Production"
	if key := s.get("app", one+past(then)); !strings.Contains(key.Body.String(), `"overlays":[],"key":"limit","value":9007199254740993,`) {
		t.Errorf("the key: %s", key.Body)
	}
	if key := s.get("app", "/configs/tenant/acme/keys/later?environment=Production"+past(then)); key.Code != http.StatusNotFound {
		t.Errorf("a key of later: %s", key.Body)
	}
	if clear := s.get("secrets", bulk+past(then)); !strings.Contains(clear.Body.String(), `"password":"hunter2"`) || clear.Header().Get("ETag") == tag {
		t.Errorf("with the right to secrets: %s", clear.Body)
	}
}

// The past has a limit of its own, for each credential.
func TestPastIsPaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := bulk + past(time.Now().Add(-time.Millisecond))
	limited := s.get("app", path)
	for n := 0; limited.Code == http.StatusOK && n < 500; n++ {
		limited = s.get("app", path)
	}
	if limited.Code != http.StatusTooManyRequests || limited.Header().Get("Retry-After") != "1" || !strings.Contains(limited.Body.String(), `"code":"rate_limited"`) {
		t.Errorf("%d %v %s", limited.Code, limited.Header(), limited.Body)
	}
	if w := s.get("app", bulk); w.Code != http.StatusOK {
		t.Errorf("today is not limited: %d", w.Code)
	}
	if w := s.get("secrets", path); w.Code != http.StatusOK {
		t.Errorf("another credential: %d %s", w.Code, w.Body)
	}
}

// Answers with secrets in clear are told of, and no others.
func TestReveals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one := "/configs/tenant/acme/keys/"
	for i, read := range []struct {
		credential, path string
		counts           bool
	}{
		{"secrets", bulk, true},
		{"secrets", bulk + "&include=metadata", true},
		{"secrets", one + "password?environment=Production", true},
		{"secrets", bulk + past(time.Now().Add(-time.Millisecond)), true},
		{"secrets", one + "limit?environment=Production", false},
		{"secrets", one + "never?environment=Production", false},
		{"secrets", "/configs/tenant/acme?environment=QA", false}, // nothing is secret there
		{"app", bulk, false},
		{"app", one + "password?environment=Production", false},
	} {
		before := s.revealed.of("secrets acme")
		w := s.get(read.credential, read.path)
		if counted := s.revealed.of("secrets acme") > before; counted != read.counts {
			t.Errorf("%d: counted %v, %d %s", i, counted, w.Code, w.Body)
		}
	}
	tag := s.get("secrets", bulk).Header().Get("ETag")
	before := s.revealed.of("secrets acme")
	if w := s.get("secrets", bulk, "If-None-Match", tag); w.Code != http.StatusNotModified || s.revealed.of("secrets acme") != before {
		t.Errorf("an answer without a body is counted: %d", w.Code)
	}
	if s.revealed.of(" acme") != 0 {
		t.Error("an answer without secrets is counted")
	}
}
