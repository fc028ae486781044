package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/webtest"
)

const (
	bulkPath = "/api/v1/configs/tenant/acme?environment=Staging"
	readers  = 32
	rounds   = 5
	roundFor = time.Second
)

// contestant is a server of one run; only ratios between those of one run mean anything.
type contestant struct {
	name    string
	handler http.Handler
	request []byte    // as it goes over the wire
	rate    []float64 // requests a second, by round
}

// BenchmarkReads reads 100 keys, 8 KB, in each way that applications do from the whole product, with key check, metrics and
// all, beside bare servers that write the same bytes. All run in this process over loopback, in turns; the clients take
// part of the processor too.
func BenchmarkReads(b *testing.B) {
	site := webtest.New(b)
	fill(site)
	key := site.Key("app")
	const one = "/api/v1/configs/tenant/acme/keys/feature.number-042?environment=Staging"
	const flags = "/ofrep/v1/evaluate/flags"
	const flagContext = `{"context":{"targetingKey":"somebody","environment":"Staging","tenantId":"acme"}}`
	for _, r := range []wireRead{
		{"bulk", http.MethodGet, bulkPath, "", false, ""},
		{"bulk-304", http.MethodGet, bulkPath, "", true, ""},
		{"one-key", http.MethodGet, one, "", false, ""},
		{"ofrep-bulk", http.MethodPost, flags, flagContext, false, ""},
		{"ofrep-one", http.MethodPost, flags + "/feature.number-042", flagContext, false, ""},
	} {
		body, tag := answerOf(b, site.Handler(), r.request(b, key, ""))
		if r.held {
			r.tag = tag
		}
		request := r.wire(key)
		b.Run(r.name, func(b *testing.B) {
			b.Logf("the answer has %d bytes", len(body))
			compare(b, []*contestant{
				{name: "net-http", handler: bare(body, tag), request: request},
				{name: "echo", handler: bareEcho(r.method, strings.SplitN(r.path, "?", 2)[0], body, tag), request: request},
				{name: "hotswap", handler: site.Handler(), request: request},
			})
		})
		b.Run(r.name+"-handler", func(b *testing.B) { callHandler(b, site.Handler(), r, key) })
	}
}

// wireRead is one way to read.
type wireRead struct {
	name, method, path, body string
	held                     bool // the caller has the answer already
	tag                      string
}

func (r wireRead) request(b *testing.B, key, tag string) *http.Request {
	b.Helper()
	out, err := http.NewRequestWithContext(b.Context(), r.method, r.path, strings.NewReader(r.body))
	if err != nil {
		b.Fatal(err)
	}
	out.RemoteAddr = "127.0.0.1:1"
	out.Header.Set("X-Api-Key", key)
	if r.body != "" {
		out.Header.Set("Content-Type", "application/json")
	}
	if tag != "" {
		out.Header.Set("If-None-Match", tag)
	}
	return out
}

// wire is the request as it goes over the wire.
func (r wireRead) wire(key string) []byte {
	text := r.method + " " + r.path + " HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\n"
	if r.tag != "" {
		text += "If-None-Match: " + r.tag + "\r\n"
	}
	if r.body != "" {
		text += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(r.body)) + "\r\n"
	}
	return []byte(text + "\r\n" + r.body)
}

func answerOf(b *testing.B, h http.Handler, r *http.Request) (body []byte, tag string) {
	b.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("%s %s: %d %s", r.Method, r.URL, w.Code, w.Body)
	}
	return w.Body.Bytes(), w.Header().Get("ETag")
}

// fill gives the tenant 100 keys of 80 bytes or so each.
func fill(s *webtest.Site) {
	items := make([]webtest.Body, 100)
	for i := range items {
		items[i] = webtest.Body{"key": fmt.Sprintf("feature.number-%03d", i), "op": "set", "value": strings.Repeat("v", 54)}
	}
	s.As("acme-engineer").Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Staging", "title": "a hundred keys", "items": items,
	}).Want(http.StatusCreated)
}

func bare(body []byte, tag string) http.Handler {
	length := []string{strconv.Itoa(len(body))}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that left is no matter
		h := w.Header()
		h["Etag"] = []string{tag}
		if tag != "" && r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h["Content-Type"], h["Content-Length"] = []string{"application/json"}, length
		_, _ = w.Write(body) // a client that left is no matter
	})
}

func bareEcho(method, path string, body []byte, tag string) http.Handler {
	e := echo.New()
	e.Add(method, path, echo.WrapHandler(bare(body, tag)))
	return e
}

// compare lets the contestants serve in turns and reports medians, as ratios to the first as well.
func compare(b *testing.B, all []*contestant) {
	b.Helper()
	addresses := make([]string, len(all))
	for i, c := range all {
		addresses[i] = serve(b, web.NewHTTPServer(c.handler, slog.New(slog.DiscardHandler)))
	}
	for range b.N {
		for range rounds {
			for i, c := range all {
				c.rate = append(c.rate, load(b, addresses[i], c.request, roundFor))
			}
		}
	}
	for _, c := range all {
		b.ReportMetric(median(c.rate), c.name+"-req/s")
		b.ReportMetric(median(c.rate)/median(all[0].rate), c.name+"-ratio")
	}
}

// serve starts the server; all contestants have the same limits.
func serve(b *testing.B, s *http.Server) string {
	b.Helper()
	l := listen(b, "127.0.0.1:0")
	go func() { _ = s.Serve(web.AtOnceListener(l)) }() // until it is closed
	b.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// load sends the request over and over on a number of connections and returns the requests answered a second.
func load(b *testing.B, address string, request []byte, d time.Duration) float64 {
	b.Helper()
	var served atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range readers {
		wait.Go(func() {
			n, err := readFor(b.Context(), address, request, start.Add(d))
			if err != nil {
				b.Errorf("read: %v", err)
			}
			served.Add(n)
		})
	}
	wait.Wait()
	return float64(served.Load()) / time.Since(start).Seconds()
}

// readFor is one connection that reads answers without looking at them, as cheaply as it can.
func readFor(ctx context.Context, address string, request []byte, until time.Time) (served int64, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	for ; time.Now().Before(until); served++ {
		if _, err := conn.Write(request); err != nil {
			return served, err
		}
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return served, err
			}
			if len(line) == 2 {
				break
			}
			if name, value, ok := strings.Cut(string(line), ": "); ok && name == "Content-Length" {
				if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
					return served, err
				}
			}
		}
		if _, err := in.Discard(length); err != nil {
			return served, err
		}
	}
	return served, nil
}

// callHandler measures the handler alone: time and allocations without a network.
func callHandler(b *testing.B, h http.Handler, read wireRead, key string) {
	b.Helper()
	w := &sink{header: http.Header{}}
	r := read.request(b, key, read.tag)
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		r.Body = io.NopCloser(strings.NewReader(read.body))
		h.ServeHTTP(w, r)
	}
	if want := map[bool]int{true: http.StatusNotModified, false: http.StatusOK}[read.held]; w.status != want {
		b.Errorf("status %d, want %d", w.status, want)
	}
}

// sink takes an answer and keeps only its status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(p []byte) (int, error) {
	s.status = max(s.status, http.StatusOK)
	return len(p), nil
}
