package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver takes traces as a collector does, over OTLP/HTTP.
type receiver struct {
	t   testing.TB
	url string

	mu     sync.Mutex
	bytes  [][]byte // of all bodies, decompressed
	origin map[string]string
	spans  []span
}

// span is what a test looks at.
type span struct {
	*otlp.Span

	attributes map[string]string
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{t: t, origin: map[string]string{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// ServeHTTP takes spans and nothing else.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := plain(request)
	var message collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &message)
	}
	if err != nil || request.URL.Path != "/v1/traces" || request.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("%s %s: %v", request.Method, request.URL, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes = append(r.bytes, body)
	for _, resource := range message.GetResourceSpans() {
		maps.Copy(r.origin, attributesOf(resource.GetResource().GetAttributes()))
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, span{s, attributesOf(s.GetAttributes())})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func plain(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	zipped, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zipped)
}

func attributesOf(attributes []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range attributes {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			out[a.GetKey()] = v.StringValue
		default:
			text, _ := json.Marshal(a.GetValue().GetValue()) // a number, whose text nobody compares
			out[a.GetKey()] = string(text)
		}
	}
	return out
}

// of are the spans of a trace.
func (r *receiver) of(traceID string) (out []span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.GetTraceId()) == traceID {
			out = append(out, s)
		}
	}
	return out
}

// named tells whether a span of that name has arrived.
func (r *receiver) named(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.GetName() == name {
			return true
		}
	}
	return false
}

// holds tells whether anything that arrived holds the text, in one of its forms.
func (r *receiver) holds(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return leaks(bytes.Join(r.bytes, []byte("\n")), text)
}

// leaks tells whether the bytes hold the text: as it is, or in the forms in which texts travel.
func leaks(all []byte, text string) bool {
	quoted, _ := json.Marshal(text) // a text has a JSON form
	for _, form := range []string{
		text, url.QueryEscape(text), hex.EncodeToString([]byte(text)), strings.Trim(string(quoted), `"`),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(text)), "="),
	} {
		if bytes.Contains(all, []byte(form)) {
			return true
		}
	}
	return false
}
