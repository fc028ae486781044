package e2e_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Texts that nobody may find in what the program tells its operators.
const (
	valueCanary  = "canary <value> 71f0"
	secretCanary = "canary <secret> a93b"
	searchCanary = "canary <search> 0d44"
	cookieCanary = "canary-cookie-5e21"
	reasonCanary = "canary-reason 66c8"
)

// The traces that the test begins, as a caller would.
const (
	writeTrace  = "0af7651916cd43dd8448eb211c80319c"
	searchTrace = "1bf7651916cd43dd8448eb211c80319c"
	readTrace   = "2cf7651916cd43dd8448eb211c80319c"
	callerSpan  = "b7ad6b7169203331"
)

const observedTenant = "observed-tenant"

// arrival bounds the wait for spans.
const arrival = 20 * time.Second

// TestTelemetry drives the real program with a receiver of traces, does one of everything, and looks at what the
// receiver got and what the metrics page shows: calls and statements hang together, and nothing of what callers know is there.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	traces := newReceiver(t)
	room(t, 1)
	s := startWith(t, []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + traces.url, "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
		"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=e2e",
	}, t.TempDir(), "--empty")
	doOneOfEverything(t, s)

	traces.checkWrite(t)
	traces.checkOthers(t)
	checkDocumented(t, s)
	checkNothingIsTold(t, traces, s)
}

// checkOthers looks at what is not the write: the callers' choice, jobs, and which process the spans are of.
func (r *receiver) checkOthers(t *testing.T) {
	t.Helper()
	r.await(t, "the search", func() bool { return len(r.of(searchTrace)) > 1 })
	r.await(t, "a job", func() bool { return r.named("job idempotency_forget") })
	if got := r.of(readTrace); len(got) != 0 {
		t.Errorf("a caller that wants no trace got %d spans", len(got))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, want := range map[string]string{
		"service.name": "hotswap", "service.version": "dev", "deployment.environment.name": "e2e",
	} {
		if r.origin[name] != want {
			t.Errorf("%s is %q", name, r.origin[name])
		}
	}
	if r.origin["service.instance.id"] == "" {
		t.Error("the instance has no id")
	}
}

// checkNothingIsTold looks for the canaries, and first whether it would find them.
func checkNothingIsTold(t *testing.T, traces *receiver, s *stack) {
	t.Helper()
	if !traces.holds("POST /api/v1/configs") || !traces.holds(writeTraceRequest) {
		t.Error("what is there is not found")
	}
	metrics := scrape(t, s)
	for _, canary := range []string{
		valueCanary, secretCanary, searchCanary, cookieCanary, reasonCanary, s.APIKeys["admin"], s.APIKeys["engineer"],
	} {
		if traces.holds(canary) {
			t.Errorf("the traces hold %q", canary)
		}
		if leaks([]byte(metrics), canary) {
			t.Errorf("the metrics hold %q", canary)
		}
		if leaks([]byte(s.out.String()), canary) {
			t.Errorf("the log holds %q", canary)
		}
	}
	if strings.Contains(strings.ToLower(metrics), observedTenant) {
		t.Error("the metrics hold the tenant")
	}
}

// writeTraceRequest is the id that the caller gave the call.
const writeTraceRequest = "the-write-of-the-test"

// in is a request that belongs to a caller's trace.
func in(r *http.Request, traceID, flags string) *http.Request {
	r.Header.Set("Traceparent", fmt.Sprintf("00-%s-%s-%s", traceID, callerSpan, flags))
	return r
}

// send sends a request that has to succeed.
func (c caller) send(r *http.Request, status int) reply {
	c.t.Helper()
	got, err := c.try(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return got.want(status)
}

func doOneOfEverything(t *testing.T, s *stack) {
	t.Helper()
	const tenant = observedTenant
	makeTenant(s, tenant, "Pro")
	engineer, admin := s.as("engineer"), s.as("admin")
	set := func(key, value, environment string) map[string]any {
		return map[string]any{"tenantId": tenant, "key": key, "value": value, "environment": environment, "reason": reasonCanary}
	}
	r := in(engineer.request("POST", "/configs", set("plain", valueCanary, "Development")), writeTrace, "01")
	r.Header.Set("X-Request-Id", writeTraceRequest)
	r.Header.Set("Cookie", "session="+cookieCanary)
	r.Header.Set("Idempotency-Key", "once")
	engineer.send(r, http.StatusCreated)
	again := engineer.request("POST", "/configs", set("plain", valueCanary, "Development"))
	again.Header.Set("Idempotency-Key", "once")
	engineer.send(again, http.StatusCreated)

	admin.post("/definitions", map[string]any{"tenantId": tenant, "key": "secret", "type": "string", "sensitive": true}).want(http.StatusCreated)
	secret := engineer.post("/configs", set("secret", secretCanary, "Development")).want(http.StatusCreated)
	revealed := admin.post("/configs/"+secret.text("id")+"/reveal", nil).want(http.StatusOK)
	if revealed.text("value") != secretCanary {
		t.Errorf("the secret is %s", revealed.body)
	}
	engineer.post("/configs", set("plain", strings.Repeat(valueCanary, 5000), "Development")) // too large, refused

	engineer.send(in(engineer.request("GET", "/configs?tenantId="+tenant+"&environment=Development&search="+
		strings.ReplaceAll(searchCanary, " ", "%20"), nil), searchTrace, "01"), http.StatusOK)
	app := s.as("app")
	app.send(in(app.request("GET", "/configs/tenant/"+tenant+"?environment=Development", nil), readTrace, "00"), http.StatusOK)

	waiting := engineer.post("/configs", set("plain", valueCanary, "Production")).want(http.StatusAccepted)
	change := waiting.text("change.id")
	decide := func(name string) {
		t.Helper()
		s.as(name).post("/approvals/"+change+"/approve", map[string]any{"digest": waiting.text("change.digest")}).want(http.StatusOK)
	}
	for _, name := range []string{"engineer2", "manager", "compliance"} {
		if at, ok := s.as("admin").get("/changes/" + change).field("currentStage").(string); ok && strings.HasPrefix(name, at) {
			decide(name)
		}
	}
	caller{t, s.URL, secretCanary}.get("/me")
}

// await waits until it holds: spans travel in batches.
func (r *receiver) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(arrival); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not arrive within %s", what, arrival)
		}
	}
}

func (r *receiver) checkWrite(t *testing.T) {
	t.Helper()
	const name = "POST /api/v1/configs"
	call := func() (out span) {
		for _, s := range r.of(writeTrace) {
			if s.GetName() == name {
				out = s
			}
		}
		return out
	}
	r.await(t, name, func() bool { return call().Span != nil })
	server := call()
	if hex.EncodeToString(server.GetParentSpanId()) != callerSpan || server.GetKind() != otlp.Span_SPAN_KIND_SERVER {
		t.Errorf("the call is %v of %x", server.GetKind(), server.GetParentSpanId())
	}
	for name, want := range map[string]string{
		"http.request.method": "POST", "http.route": "/api/v1/configs", "hotswap.request.id": writeTraceRequest,
	} {
		if server.attributes[name] != want {
			t.Errorf("%s is %q", name, server.attributes[name])
		}
	}
	if _, ok := server.attributes["url.query"]; ok || server.attributes["http.response.status_code"] == "" {
		t.Errorf("the call has %v", server.attributes)
	}
	var statements []string
	for _, s := range r.of(writeTrace) {
		if s.attributes["db.system.name"] != "postgresql" {
			continue
		}
		statements = append(statements, s.GetName())
		if string(s.GetParentSpanId()) != string(server.GetSpanId()) || s.GetKind() != otlp.Span_SPAN_KIND_CLIENT {
			t.Errorf("%s is %v of %x", s.GetName(), s.GetKind(), s.GetParentSpanId())
		}
		if s.GetStartTimeUnixNano() < server.GetStartTimeUnixNano() || s.GetEndTimeUnixNano() > server.GetEndTimeUnixNano() {
			t.Errorf("%s is not within its call", s.GetName())
		}
	}
	for _, want := range []string{"BEGIN", "BATCH", "COMMIT"} {
		if !slices.Contains(statements, want) {
			t.Errorf("no %s in %v", want, statements)
		}
	}
}

func scrape(t *testing.T, s *stack) string {
	t.Helper()
	answer, err := client.Get(s.MetricsURL) //nolint:noctx // the client has a time-out
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer.StatusCode, err)
	}
	return string(text)
}

var (
	exposedMetric    = regexp.MustCompile(`(?m)^# TYPE (hotswap_\w+)`)
	documentedMetric = regexp.MustCompile("(?m)^\\| `(hotswap_\\w+)` \\|")
)

// checkDocumented compares the metrics that the program shows with the tables of the manual.
func checkDocumented(t *testing.T, s *stack) {
	t.Helper()
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	page := scrape(t, s)
	exposed, documented := metricNames(exposedMetric, page), metricNames(documentedMetric, string(manual))
	for _, name := range exposed {
		if !slices.Contains(documented, name) {
			t.Errorf("%s is not in the manual", name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(exposed, name) {
			t.Errorf("the manual has %s, the program has not", name)
		}
	}
}

func metricNames(pattern *regexp.Regexp, text string) (out []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		out = append(out, match[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestTelemetrySettingsAreChecked(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
	tests := map[string]struct {
		env  []string
		want string // in the complaint; empty: no word of it
	}{
		"off":          {[]string{"OTEL_TRACES_SAMPLER=odd"}, ""},
		"disabled":     {[]string{endpoint, "OTEL_SDK_DISABLED=TRUE", "OTEL_TRACES_SAMPLER=odd"}, ""},
		"none":         {[]string{endpoint, "OTEL_TRACES_EXPORTER=none", "OTEL_TRACES_SAMPLER=odd"}, ""},
		"good":         {[]string{endpoint, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1"}, ""},
		"endpoint":     {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=canary:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is not"},
		"protocol":     {[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf"},
		"exporter":     {[]string{endpoint, "OTEL_TRACES_EXPORTER=canary"}, "OTEL_TRACES_EXPORTER is otlp or none"},
		"sampler":      {[]string{endpoint, "OTEL_TRACES_SAMPLER=canary"}, "OTEL_TRACES_SAMPLER cannot be used: there is no such"},
		"sampler's":    {[]string{endpoint, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=canary"}, "a number from 0 to 1"},
		"own endpoint": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=/canary"}, "OTEL_EXPORTER_OTLP_ENDPOINT is not"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, code := hotswap(t, test.env, "serve") // the rest of the configuration is missing, so it never starts
			if code != 2 || !strings.Contains(out, test.want) || strings.Contains(out, "canary") {
				t.Errorf("%d: %s", code, out)
			}
			if test.want == "" && strings.Contains(out, "OTEL") {
				t.Errorf("it complains: %s", out)
			}
		})
	}
}
