package read_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/read"
)

// pushing is a site that streams over real connections.
type pushing struct {
	site
	address string
	revoked *atomic.Value // name of the actor whose rights are gone
}

func newPushing(t *testing.T, options read.StreamOptions) pushing {
	t.Helper()
	p := pushing{revoked: &atomic.Value{}}
	p.revoked.Store("")
	options.Now = time.Now
	options.Rights = func(context.Context) (read.Rights, error) {
		return func(a models.Actor) (models.Actor, bool) {
			name := strings.TrimPrefix(a.ID, "id-")
			now, ok := actors[name]
			over := p.revoked.Load() == "tokens" && !a.Until.IsZero()
			return now, ok && p.revoked.Load() != name && !over
		}, nil
	}
	p.site = newSiteWith(t, options)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	server := web.NewHTTPServer(p.web, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(listener) }()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{}, 2)
	go func() { p.streams.Run(ctx); ended <- struct{}{} }()
	go func() { p.plane.Run(ctx, p.plane.Raise); ended <- struct{}{} }()
	t.Cleanup(func() { stop(); <-ended; <-ended; _ = server.Close() })
	return p
}

// reading is a caller of a stream.
type reading struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	code int
}

func (p pushing) open(t *testing.T, who, path string, headers ...string) *reading {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	if !strings.HasPrefix(path, "/ofrep/") {
		path = web.Prefix + path
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\n%s\r\n", path, who, strings.Join(append(headers, ""), "\r\n"))
	r := &reading{t: t, conn: conn, in: bufio.NewReader(conn)}
	response, err := http.ReadResponse(r.in, nil) //nolint:bodyclose // the events are read from the connection
	if err != nil {
		t.Fatal(err)
	}
	r.code = response.StatusCode
	if r.code == http.StatusOK && (response.Header.Get("Content-Type") != "text/event-stream" ||
		response.Header.Get("Cache-Control") != "no-store" || response.Header.Get("X-Accel-Buffering") != "no") {
		t.Errorf("head %v", response.Header)
	}
	if r.code == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
		t.Errorf("head %v", response.Header)
	}
	return r
}

// next is the next event or comment that begins like this.
func (r *reading) next(begins string) string {
	r.t.Helper()
	if r.code != http.StatusOK {
		r.t.Fatalf("before %q: answered with %d", begins, r.code)
	}
	var block strings.Builder
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			r.t.Fatalf("before %q: %v", begins, err)
		}
		if line != "\n" {
			block.WriteString(line)
			continue
		}
		if strings.HasPrefix(block.String(), begins) {
			return block.String()
		}
		block.Reset()
	}
}

// closed waits for the end of the connection.
func (r *reading) closed() {
	r.t.Helper()
	if _, err := r.in.ReadByte(); err == nil || strings.Contains(err.Error(), "timeout") {
		r.t.Errorf("the connection is still there: %v", err)
	}
}

func id(event string) string {
	_, rest, _ := strings.Cut(event, "id: ")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

const stream = "/configs/tenant/acme/stream?environment=Production"

func TestStreams(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{Heartbeat: 150 * time.Millisecond})
	r := p.open(t, "app", stream)
	r.next("retry: ")
	whole := r.next("event: snapshot\n")
	if !strings.Contains(whole, `"configs":{"limit":9007199254740993}}`) {
		t.Errorf("whole %s", whole)
	}
	r.next(": hb\n")
	p.set("acme", "other", `true`)
	change := r.next("event: change\n")
	if !strings.Contains(change, `"set":{"other":true},"unset":[]}`) || id(change) == id(whole) {
		t.Errorf("change %s", change)
	}
	if again := p.open(t, "app", stream, "Last-Event-ID: "+id(whole)).next("event: "); again != change {
		t.Errorf("resumed with %s", again)
	}
	p.open(t, "app", stream, "Last-Event-ID: "+id(change)).next(": hb\n")
	clear := p.open(t, "secrets", stream, "Last-Event-ID: "+id(change)).next("event: ")
	if !strings.HasPrefix(clear, "event: snapshot\n") || !strings.Contains(clear, "hunter2") {
		t.Errorf("in clear %s", clear)
	}
	for end := time.Now().Add(10 * time.Second); p.revealed.of("secrets acme") != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("secrets were told and nobody noted it")
		}
	}
	notices := p.open(t, "all", "/configs/stream?environment=Production")
	notices.next("event: ready\n")
	p.set(models.Platform, "third", `1`)
	if got := notices.next("event: change\n"); !strings.Contains(got, `"tenantId":"@platform"`) {
		t.Errorf("notice %s", got)
	}
	for path, want := range map[string]int{
		"app " + "/configs/stream?environment=Production":               http.StatusForbidden,
		"app " + "/configs/tenant/globex/stream?environment=Production": http.StatusNotFound,
		"all " + "/configs/tenant/held/stream?environment=Production":   http.StatusForbidden,
		"app " + "/configs/tenant/acme/stream":                          http.StatusUnprocessableEntity,
		"app " + "/configs/tenant/acme/stream?environment=Moon":         http.StatusUnprocessableEntity,
		"denied " + stream: http.StatusForbidden,
		"nobody " + stream: http.StatusUnauthorized,
	} {
		who, path, _ := strings.Cut(path, " ")
		if got := p.open(t, who, path).code; got != want {
			t.Errorf("%s %s: %d, want %d", who, path, got, want)
		}
	}
}

func TestStreamsEndWithRights(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{})
	gone, stays := p.open(t, "app", stream), p.open(t, "all", stream)
	p.revoked.Store("tokens")
	p.open(t, "token", stream).next("event: end\n")
	p.revoked.Store("app")
	if got := gone.next("event: end\n"); !strings.Contains(got, `{"reason":"revoked","code":"unauthenticated"}`) {
		t.Errorf("end %s", got)
	}
	gone.closed()
	p.set("acme", "other", `true`)
	stays.next("event: change\n")
}

func TestStreamsAreDrained(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{})
	r := p.open(t, "app", stream)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	p.streams.Drain(ctx)
	if ctx.Err() != nil {
		t.Error("not drained in time")
	}
	r.next("event: snapshot\n")
	r.next("retry: ")
	r.next(`event: end` + "\n" + `data: {"reason":"shutdown"`)
	r.closed()
	if got := p.open(t, "app", stream).code; got != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d", got)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{Limits: read.StreamLimits{Node: 3, Tenant: 2, Layers: 1}})
	one := p.open(t, "app", stream)
	p.open(t, "app", stream)
	if got := p.open(t, "app", stream).code; got != http.StatusServiceUnavailable {
		t.Errorf("a third of one tenant: %d", got)
	}
	if got := p.get("app", bulk).Code; got != http.StatusOK {
		t.Errorf("a read beside it: %d", got)
	}
	_ = one.conn.Close()
	for end := time.Now().Add(10 * time.Second); p.open(t, "app", stream).code != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the place of who left stays taken")
		}
	}
}

// TestSlowReadersAreDropped lets one caller read nothing while another gets all events.
func TestSlowReadersAreDropped(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{Stall: time.Second})
	slow, quick := p.open(t, "app", stream), p.open(t, "all", stream)
	_ = slow
	large := strings.Repeat("x", 60<<10)
	for i := range 150 {
		p.set("acme", "large", fmt.Sprintf(`"%d%s"`, i, large))
		if got := quick.next("event: change\n"); !strings.Contains(got, fmt.Sprintf(`"large":"%dx`, i)) {
			t.Fatalf("event %d is another one", i)
		}
	}
	for end := time.Now().Add(10 * time.Second); p.counted("hotswap_streams_ended_total", "slow") == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("who reads nothing stays")
		}
	}
}

// TestStreamsOfHTTP2 stay in their requests, and end all the same.
func TestStreamsOfHTTP2(t *testing.T) {
	t.Parallel()
	p := newPushing(t, read.StreamOptions{Heartbeat: 150 * time.Millisecond})
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewHTTPServer(p.web, slog.New(slog.DiscardHandler))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for _, protocol := range []string{"HTTP/2.0", "HTTP/1.1"} {
		client := server.Client()
		client.Transport.(*http.Transport).ForceAttemptHTTP2 = protocol == "HTTP/2.0"
		if protocol == "HTTP/1.1" {
			client = &http.Client{Transport: &http.Transport{TLSClientConfig: client.Transport.(*http.Transport).TLSClientConfig.Clone()}}
			client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
			t.Cleanup(client.CloseIdleConnections)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+web.Prefix+stream, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Api-Key", "app")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.Proto != protocol {
			t.Fatalf("speaks %s, want %s", response.Proto, protocol)
		}
		r := &reading{t: t, in: bufio.NewReader(response.Body), code: response.StatusCode}
		r.next("event: snapshot\n")
		r.next(": hb\n")
		p.set("acme", "over", `"`+protocol+`"`)
		if got := r.next("event: change\n"); !strings.Contains(got, protocol) {
			t.Errorf("change %s", got)
		}
		if protocol == "HTTP/1.1" {
			p.revoked.Store("app")
			r.next("event: end\n")
			r.closed()
		}
	}
}
