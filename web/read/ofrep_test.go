package read_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/read"
)

const (
	flags = "/ofrep/v1/evaluate/flags"
	acme  = `{"context":{"tenantId":"acme","environment":"Production"}}`
	held  = `{"context":{"tenantId":"held","environment":"Production"}}`
	prod  = `{"context":{"environment":"Production"}}`
)

// post asks as OpenFeature's providers do.
func (s site) post(credential, path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.ask(http.MethodPost, credential, path, body, header...)
}

func (s site) ask(method, credential, path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set(echo.HeaderContentType, "application/json; charset=utf-8")
	r.Header.Set(echo.HeaderAuthorization, "Bearer "+credential)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.web.ServeHTTP(w, r)
	return w
}

func TestFlag(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.post("app", flags+"/limit", prod)
	want := `{"key":"limit","value":9007199254740993,"reason":"STATIC","variant":"acme:1","metadata":{"layer":"acme","version":1,"type":"number"}}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, diff)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "private, no-cache",
		"Content-Length": strconv.Itoa(w.Body.Len()), "X-HotSwap-Stale": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.db.Set(t, "acme", "Production", "limit", `7`)
	if w := s.post("app", flags+"/limit", prod); !strings.Contains(w.Body.String(), `"value":9007199254740993`) {
		t.Errorf("heads did not move yet: %s", w.Body)
	}
	if err := s.plane.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.post("app", flags+"/limit", prod); !strings.Contains(w.Body.String(), `"value":7,`) || !strings.Contains(w.Body.String(), `"variant":"acme:2"`) {
		t.Errorf("after a change: %s", w.Body)
	}
}

// A flag whose value is merged is named after all that is in it: it is another one when any of it is.
func TestVariantOfMerged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, models.Platform, "box", models.TypeJSON, false)
	s.db.Admin(t, `UPDATE definitions SET merge = 'deep' WHERE key = 'box'`)
	s.db.Set(t, models.Platform, "Staging", "box", `{"a":1,"b":1}`)
	s.db.Set(t, "acme", "Staging", "box", `{"b":2}`)
	w := s.post("app", flags+"/box", `{"context":{"environment":"Staging"}}`)
	want := `{"key":"box","value":{"a":1,"b":2},"reason":"STATIC","variant":"@platform:1+acme:1","metadata":{"layer":"acme","version":1,"type":"json"}}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.post("app", flags, prod)
	revision := strings.TrimSuffix(strings.Trim(w.Header().Get("ETag"), `"`), ".ofrep")
	want := `{"flags":[{"key":"limit","value":9007199254740993,"reason":"STATIC","variant":"acme:1","metadata":{"layer":"acme","version":1,"type":"number"}}],` +
		`"eventStreams":[{"type":"sse","endpoint":{"requestUri":"/ofrep/v1/events?environment=Production&tenantId=acme"}}],"metadata":{"revision":"` + revision + `"}}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Code != http.StatusOK || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%d %s", w.Code, diff)
	}
	if again := s.post("app", flags, prod); again.Body.String() != w.Body.String() || again.Header().Get("ETag") != w.Header().Get("ETag") {
		t.Errorf("the second answer is another: %s", again.Body)
	}
	if plain := s.get("app", bulk); plain.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Error("the plain read has the same tag")
	}
	clear := s.post("secrets", flags, prod)
	if !strings.Contains(clear.Body.String(), `"key":"password","value":"hunter2"`) || clear.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Errorf("with the right to secrets: %v %s", clear.Header(), clear.Body)
	}
	empty := s.post("app", flags, `{"context":{"environment":"QA"}}`)
	if !strings.HasPrefix(empty.Body.String(), `{"flags":[],`) || !json.Valid(empty.Body.Bytes()) {
		t.Errorf("without values: %s", empty.Body)
	}
}

func TestFlagsConditional(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tag := s.post("app", flags, prod).Header().Get("ETag")
	for name, test := range map[string]struct {
		credential, tag string
		want            int
	}{
		"the same":         {"app", tag, 304},
		"weak":             {"app", "W/" + tag, 304},
		"another":          {"app", `"x"`, 200},
		"of other secrets": {"secrets", tag, 200},
		"no tag":           {"app", "", 200},
	} {
		w := s.post(test.credential, flags, prod, "If-None-Match", test.tag)
		if w.Code != test.want || w.Code == 304 && (w.Body.Len() > 0 || w.Header().Get("ETag") != tag) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := s.get("app", bulk, "If-None-Match", tag); w.Code != http.StatusOK {
		t.Error("the tag holds for the plain read")
	}
}

// Who was told of values that this node does not know yet waits for them.
func TestFlagsAfterAnEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tag := s.post("app", flags, prod).Header().Get("ETag")
	s.db.Set(t, "acme", "Production", "limit", `6`)
	late := make(chan error)
	go func() {
		time.Sleep(100 * time.Millisecond)
		late <- s.plane.Load(t.Context())
	}()
	w := s.post("app", flags+"?flagConfigEtag=%22new%22&flagConfigLastModified=1", prod, "If-None-Match", tag)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"value":6,`) || w.Header().Get("ETag") == tag {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	now := w.Header().Get("ETag")
	if w := s.post("app", flags+"?flagConfigEtag="+strings.Trim(now, `"`), prod, "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("who has old values does not wait: %d", w.Code)
	}
}

// Those who hold flags are told where to hear of moves, and an event there names the tag of what to ask for.
func TestFlagStream(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{})
	var all struct {
		EventStreams []struct {
			Type     string `json:"type"`
			Endpoint struct {
				RequestURI string `json:"requestUri"`
			} `json:"endpoint"`
		} `json:"eventStreams"`
	}
	first := p.post("app", flags, prod)
	if err := json.Unmarshal(first.Body.Bytes(), &all); err != nil || len(all.EventStreams) != 1 || all.EventStreams[0].Type != "sse" {
		t.Fatalf("%s: %v", first.Body, err)
	}
	where := all.EventStreams[0].Endpoint.RequestURI
	r := p.open(t, "app", where)
	if now := r.next("id: "); !strings.Contains(now, `"etag":`+strconv.Quote(first.Header().Get("ETag"))) {
		t.Errorf("the first event is %s, the tag %s", now, first.Header().Get("ETag"))
	}
	p.set("acme", "limit", `8`)
	event := r.next("id: ")
	_, data, _ := strings.Cut(event, "data: ")
	var told struct {
		Type, ETag   string
		LastModified int64
	}
	if err := json.Unmarshal([]byte(data), &told); err != nil || told.Type != "refetchEvaluation" || told.LastModified < time.Now().Unix()-60 {
		t.Fatalf("%s: %v", event, err)
	}
	next := p.post("app", flags+"?flagConfigEtag="+url.QueryEscape(told.ETag)+"&flagConfigLastModified="+strconv.FormatInt(told.LastModified, 10),
		prod, "If-None-Match", first.Header().Get("ETag"))
	if next.Code != http.StatusOK || next.Header().Get("ETag") != told.ETag || !strings.Contains(next.Body.String(), `"value":8,`) {
		t.Errorf("%d %v %s", next.Code, next.Header(), next.Body)
	}
	p.open(t, "qa", "/ofrep/v1/events").next("id: ") // the key says it all
	for name, test := range map[string]struct {
		who, path string
		status    int
		details   string
	}{
		"nobody":            {"unknown", where, 401, "credential"},
		"another's":         {"other", where, 404, "tenant not found"},
		"elsewhere":         {"qa", where, 403, "permission"},
		"suspended":         {"all", "/ofrep/v1/events?tenantId=held&environment=Production", 403, "suspended"},
		"none named":        {"all", "/ofrep/v1/events?environment=Production", 400, "/tenantId"},
		"no environment":    {"app", "/ofrep/v1/events", 400, "/environment"},
		"given twice":       {"app", where + "&tenantId=acme", 400, "/tenantId"},
		"unknown parameter": {"app", where + "&unit=u", 400, "/unit"},
	} {
		w := p.ask(http.MethodGet, test.who, test.path, "")
		var got failure
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != test.status || got.ErrorCode != "GENERAL" || !strings.Contains(got.ErrorDetails, test.details) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	p.revoked.Store("app")
	r.next("event: end\n")
	r.closed()
}

// failure is an error in the protocol's own form.
type failure struct {
	Key          string `json:"key"`
	ErrorCode    string `json:"errorCode"`
	ErrorDetails string `json:"errorDetails"`
}

func TestFlagRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one := flags + "/limit"
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	with := func(context string) string { return `{"context":{"environment":"Production",` + context + `}}` }
	tests := map[string]struct {
		credential, path, body string
		status                 int
		code, details          string
	}{
		"nobody":                       {"unknown", one, acme, 401, "GENERAL", "credential"},
		"own tenant":                   {"app", one, acme, 200, "", ""},
		"bound key names nothing":      {"qa", flags, "", 200, "", ""},
		"bound key, empty object":      {"qa", flags, "{}", 200, "", ""},
		"bound key, null context":      {"qa", flags, `{"context":null}`, 200, "", ""},
		"bound key, null members":      {"qa", flags, `{"context":{"tenantId":null,"environment":null,"targetingKey":null}}`, 200, "", ""},
		"bound key, empty members":     {"qa", flags, `{"context":{"tenantId":"","environment":""}}`, 200, "", ""},
		"bound key, another one":       {"qa", flags, prod, 403, "GENERAL", "permission"},
		"other tenant":                 {"other", one, acme, 404, "FLAG_NOT_FOUND", "tenant not found"},
		"other tenant, all flags":      {"other", flags, acme, 404, "GENERAL", "tenant not found"},
		"right taken away":             {"denied", one, acme, 403, "GENERAL", "permission"},
		"suspended":                    {"all", one, held, 403, "GENERAL", "suspended"},
		"all tenants":                  {"all", one, acme, 200, "", ""},
		"all tenants, none named":      {"all", one, prod, 400, "INVALID_CONTEXT", "/context/tenantId"},
		"all tenants, no context":      {"all", one, "", 400, "INVALID_CONTEXT", "/context/tenantId"},
		"unknown tenant":               {"all", one, with(`"tenantId":"never"`), 404, "FLAG_NOT_FOUND", "tenant not found"},
		"a layer":                      {"all", one, with(`"tenantId":"@platform"`), 200, "", ""},
		"a layer above":                {"app", one, with(`"tenantId":"@platform"`), 404, "FLAG_NOT_FOUND", "tenant not found"},
		"no environment":               {"app", one, `{}`, 400, "INVALID_CONTEXT", "/context/environment"},
		"unknown environment":          {"app", one, `{"context":{"environment":"Nowhere"}}`, 400, "INVALID_CONTEXT", "/context/environment"},
		"flag without a value":         {"app", flags + "/never", prod, 404, "FLAG_NOT_FOUND", "flag not found"},
		"flag that none can be":        {"app", flags + "/No%20Flag", prod, 404, "FLAG_NOT_FOUND", "flag not found"},
		"flag withheld":                {"app", flags + "/password", prod, 404, "FLAG_NOT_FOUND", "flag not found"},
		"flag with the right":          {"secrets", flags + "/password", prod, 200, "", ""},
		"malformed":                    {"app", one, `{"context":`, 400, "PARSE_ERROR", ""},
		"malformed, all flags":         {"app", flags, `{"context":`, 400, "PARSE_ERROR", ""},
		"trailing data":                {"app", one, prod + "{}", 400, "PARSE_ERROR", ""},
		"invalid UTF-8":                {"app", one, with("\"a\":\"\xff\""), 400, "PARSE_ERROR", ""},
		"no object":                    {"app", one, `[]`, 400, "PARSE_ERROR", "object"},
		"another member":               {"app", one, `{"context":{"environment":"Production"},"contexts":1}`, 400, "PARSE_ERROR", "context"},
		"context given twice":          {"app", one, `{"context":{},"context":{"environment":"Production"}}`, 400, "PARSE_ERROR", ""},
		"tenant given twice":           {"app", one, `{"context":{"tenantId":"acme","tenant\u0049d":"globex"}}`, 400, "PARSE_ERROR", ""},
		"context is no object":         {"app", one, `{"context":"Production"}`, 400, "INVALID_CONTEXT", "/context"},
		"tenant is no string":          {"app", one, with(`"tenantId":7`), 400, "INVALID_CONTEXT", "/context/tenantId"},
		"targeting key is no string":   {"app", one, with(`"targetingKey":{}`), 400, "INVALID_CONTEXT", "/context/targetingKey"},
		"NUL":                          {"app", one, with(`"a":"\u0000"`), 400, "INVALID_CONTEXT", "/context/a"},
		"depth 64":                     {"app", one, with(`"a":` + deep(62)), 200, "", ""},
		"depth 65":                     {"app", one, with(`"a":` + deep(63)), 400, "INVALID_CONTEXT", "nest"},
		"anything else in the context": {"app", one, with(`"plan":"gold","a":{"tenantId":"globex"},"n":1e99,"l":[1,null]`), 200, "", ""},
		"escaped names":                {"app", one, `{"context":{"enviro\u006ement":"Produ\u0063tion"}}`, 200, "", ""},
		"white space":                  {"app", one, " {\n\"context\" : { \"environment\" : \"Production\" } }\n", 200, "", ""},
		"too large":                    {"app", one, with(`"a":"` + strings.Repeat("x", 1<<20) + `"`), 413, "GENERAL", "large"},
		"unknown parameter":            {"app", one + "?environment=Production", prod, 400, "GENERAL", "/environment"},
		"stream with a body":           {"app", "/ofrep/v1/events", prod, 405, "GENERAL", "method"},
		"no such path":                 {"app", "/ofrep/v1/nothing", prod, 404, "GENERAL", "path"},
		"NUL in the key":               {"app", flags + "/%00", prod, 404, "FLAG_NOT_FOUND", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := s.post(test.credential, test.path, test.body)
			var got failure
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			if w.Code != test.status || got.ErrorCode != test.code || !strings.Contains(got.ErrorDetails, test.details) {
				t.Errorf("%d %s, want %d %s %s", w.Code, w.Body, test.status, test.code, test.details)
			}
			if w.Code >= 400 {
				checkFailure(t, test.path, w, got)
			}
		})
	}
	foreign, unknown := s.post("other", one, acme), s.post("other", one, strings.Replace(acme, "acme", "never", 1))
	if foreign.Body.String() != unknown.Body.String() {
		t.Errorf("another tenant answers %s, an unknown one %s", foreign.Body, unknown.Body)
	}
}

// checkFailure looks at what all refusals have in common: no tag, JSON, and the key where one flag was asked for.
func checkFailure(t *testing.T, path string, w *httptest.ResponseRecorder, got failure) {
	t.Helper()
	if w.Header().Get("ETag") != "" || w.Header().Get(echo.HeaderContentType) != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers of a refusal: %v", w.Header())
	}
	asked, one := strings.CutPrefix(path, flags+"/")
	asked, _, _ = strings.Cut(strings.ReplaceAll(strings.ReplaceAll(asked, "%20", " "), "%00", "\x00"), "?")
	if one && got.Key != asked || !one && strings.Contains(w.Body.String(), `"key"`) {
		t.Errorf("%s answers %s", path, w.Body)
	}
}

func TestFlagHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		method, path string
		header       []string
		status       int
		code         string
	}{
		"no type":             {"POST", flags, []string{"Content-Type", "application/json"}, 200, ""},
		"another type":        {"POST", flags, []string{"Content-Type", "text/plain"}, 415, "GENERAL"},
		"another encoding":    {"POST", flags, []string{"Content-Encoding", "gzip"}, 415, "GENERAL"},
		"pages are not asked": {"POST", flags + "/never", []string{"Accept", "text/html"}, 404, "FLAG_NOT_FOUND"},
		"another method":      {"GET", flags, nil, 405, "GENERAL"},
		"another one":         {"PUT", flags + "/limit", nil, 405, "GENERAL"},
	}
	for name, test := range tests {
		w := s.ask(test.method, "app", test.path, prod, test.header...)
		var got failure
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != test.status || got.ErrorCode != test.code {
			t.Errorf("%s: %d %s %v", name, w.Code, w.Body, err)
		}
	}
	// Keys are not for browsers: no page of another origin is let in.
	w := s.ask(http.MethodOptions, "app", flags, "", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST")
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a page of another origin: %d %v", w.Code, w.Header())
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const path = "/ofrep/v1/configuration"
	w := s.ask(http.MethodGet, "app", path, "")
	var got struct {
		Name         string `json:"name"`
		Capabilities struct {
			CacheInvalidation struct {
				Polling struct {
					Enabled              bool `json:"enabled"`
					MinPollingIntervalMs int  `json:"minPollingIntervalMs"`
				} `json:"polling"`
			} `json:"cacheInvalidation"`
			FlagEvaluation struct {
				SupportedTypes []string `json:"supportedTypes"`
			} `json:"flagEvaluation"`
		} `json:"capabilities"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if c := got.Capabilities; got.Name != "HotSwap" || !c.CacheInvalidation.Polling.Enabled ||
		c.CacheInvalidation.Polling.MinPollingIntervalMs <= 0 || len(c.FlagEvaluation.SupportedTypes) != 5 {
		t.Errorf("%s", w.Body)
	}
	if again := s.ask(http.MethodGet, "app", path, "", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("%d %s", again.Code, again.Body)
	}
	if head := s.ask(http.MethodHead, "app", path, ""); head.Code != http.StatusOK || head.Header().Get("ETag") == "" {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
	if w := s.ask(http.MethodGet, "unknown", path, ""); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `"errorCode":"GENERAL"`) || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("nobody: %d %v %s", w.Code, w.Header(), w.Body)
	}
}

// Evaluations are noted like reads, refusals are not; and those that held secrets are told of.
func TestEvaluationsAreNoted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tag := s.post("secrets", flags, prod).Header().Get("ETag")
	s.post("secrets", flags, prod, "If-None-Match", tag)
	s.post("secrets", flags+"/password", prod)
	s.post("secrets", flags+"/limit", prod)
	s.post("secrets", flags+"/never", prod)
	s.post("app", flags, prod)
	if got := s.revealed.of("secrets acme"); got != 2 || s.revealed.of(" acme") != 0 {
		t.Errorf("%d answers held secrets", got)
	}
	for second := time.Now().Unix(); time.Now().Unix() == second; {
		time.Sleep(10 * time.Millisecond)
	}
	reads := 0
	for _, second := range s.plane.Vitals() {
		reads += second.Reads
	}
	if reads != 5 {
		t.Errorf("%d reads", reads)
	}
}

func BenchmarkFlag(b *testing.B) { benchmarkFlags(b, flags+"/limit") }

func BenchmarkFlags(b *testing.B) { benchmarkFlags(b, flags) }

func benchmarkFlags(b *testing.B, path string) {
	b.Helper()
	s := newSite(b)
	body := `{"context":{"targetingKey":"user-4711","tenantId":"acme","environment":"Production","plan":"gold"}}`
	text := strings.NewReader(body)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, text)
	r.Header.Set(echo.HeaderAuthorization, "Bearer app")
	r.Header.Set(echo.HeaderContentType, "application/json; charset=utf-8")
	b.ReportAllocs()
	for b.Loop() {
		text.Reset(body)
		s.web.ServeHTTP(discard{http.Header{}}, r)
	}
}
