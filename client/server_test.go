package hotswap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	hotswap "github.com/hotswap/hotswap/client"
)

const heartbeat = 15 * time.Second

// network connects HTTP clients and servers of one test in memory, so that its time is the test's own.
type network struct {
	accept chan net.Conn
	closed chan struct{}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accept:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}
func (n *network) Close() error   { return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case n.accept <- there:
		return here, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// state is a tenant's configuration under one revision.
type state struct {
	revision string
	values   map[string]string // JSON
}

// server speaks the protocol of the real one, for the tenant acme in QA. What it is told to break, it breaks.
type server struct {
	http.Client

	mu     sync.Mutex
	states []state // oldest first; the last holds
	moved  chan struct{}
	broken func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	seen   []string                                          // the requests
	beats  []map[string]string
	asked  []string // Last-Event-ID of the streams
	lag    int      // how many states it is behind
	alive  context.Context
	end    context.CancelFunc
	number int
}

// serve starts one; it lives until the test's bubble ends.
func serve(t testing.TB) *server {
	t.Helper()
	s := &server{moved: make(chan struct{})}
	s.set(map[string]string{})
	n := &network{accept: make(chan net.Conn), closed: make(chan struct{})}
	running := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	transport := &http.Transport{DialContext: n.dial}
	s.Client = http.Client{Transport: transport}
	s.alive, s.end = context.WithCancel(t.Context())
	go func() { _ = running.Serve(n) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		s.end()
		close(n.closed)
		_ = running.Close()
	})
	return s
}

// set makes all values anew, under a new revision.
func (s *server) set(values map[string]string) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	now := state{revision: fmt.Sprintf("r%d", s.number), values: values}
	s.states = append(s.states, now)
	close(s.moved)
	s.moved = make(chan struct{})
	return now
}

// put sets one value.
func (s *server) put(key, value string) state {
	values := maps.Clone(s.now().values)
	values[key] = value
	return s.set(values)
}

func (s *server) now() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[len(s.states)-1]
}

// shown is what it answers, and how to hear of more.
func (s *server) shown() (state, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[max(0, len(s.states)-1-s.lag)], s.moved
}

func (s *server) find(revision string) (state, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := slices.IndexFunc(s.states, func(st state) bool { return st.revision == revision })
	if n < 0 {
		return state{}, false
	}
	return s.states[n], true
}

// breaks has it answer otherwise; nil repairs it.
func (s *server) breaks(with func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = with
}

// kill cuts all streams.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.alive, s.end = context.WithCancel(context.Background())
}

// behind has it answer with an older state, as a node does that has not heard of the last changes.
func (s *server) behind(states int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = states
}

// heard is what clients said they hold, since the last time.
func (s *server) heard() []map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.beats
	s.beats = nil
	return out
}

// requests are those seen since the last time.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.seen
	s.seen = nil
	return out
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	name := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1")
	s.seen = append(s.seen, name)
	broken := s.broken
	s.mu.Unlock()
	if broken != nil && broken(w, r) {
		return
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		problem(w, http.StatusUnauthorized, "unauthenticated", 0)
	case name == "GET /me":
		_, _ = io.WriteString(w, `{"id":"1","roles":[{"role":"reader","tenantId":"acme","environment":"QA"}]}`)
	case r.Method == http.MethodPut:
		s.beat(w, r)
	case r.URL.Query().Get("environment") != "QA" || !strings.HasPrefix(r.URL.Path, "/api/v1/configs/tenant/acme"):
		problem(w, http.StatusNotFound, "not_found", 0)
	case strings.HasSuffix(r.URL.Path, "/stream"):
		s.stream(w, r)
	default:
		s.read(w, r)
	}
}

// problem answers as the server does with an error.
func problem(w http.ResponseWriter, status int, code string, after int) {
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "code": code, "detail": "because"})
}

func (s *server) beat(w http.ResponseWriter, r *http.Request) {
	var got map[string]string
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		problem(w, http.StatusBadRequest, "malformed", 0)
		return
	}
	got["unit"] = r.URL.Path[len("/api/v1/instances/"):]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats = append(s.beats, got)
}

func (s *server) read(w http.ResponseWriter, r *http.Request) {
	now, _ := s.shown()
	w.Header().Set("ETag", `"`+now.revision+`"`)
	if r.Header.Get("If-None-Match") == `"`+now.revision+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(now.body())
}

func (st state) body() []byte {
	raw := map[string]json.RawMessage{}
	for key, v := range st.values {
		raw[key] = json.RawMessage(v)
	}
	return compact(map[string]any{"tenantId": "acme", "environment": "QA", "revision": st.revision, "configs": raw})
}

// compact is JSON on one line, with values as they are.
func compact(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSpace(out.Bytes())
}

// since is the change from another state.
func (st state) since(old state) []byte {
	set, unset := map[string]json.RawMessage{}, []string{}
	for key, v := range st.values {
		if old.values[key] != v {
			set[key] = json.RawMessage(v)
		}
	}
	for key := range old.values {
		if _, ok := st.values[key]; !ok {
			unset = append(unset, key)
		}
	}
	return compact(map[string]any{"revision": st.revision, "set": set, "unset": unset})
}

func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	last := r.Header.Get("Last-Event-ID")
	s.mu.Lock()
	s.asked = append(s.asked, last)
	alive := s.alive
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "retry: 2000\n\n")
	sent, known := s.find(last)
	for {
		now, moved := s.shown()
		switch {
		case !known:
			_, _ = fmt.Fprintf(w, "event: snapshot\nid: %s\ndata: %s\n\n", now.revision, now.body())
		case now.revision != sent.revision:
			_, _ = fmt.Fprintf(w, "event: change\nid: %s\ndata: %s\n\n", now.revision, now.since(sent))
		}
		sent, known = now, true
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-alive.Done():
			panic(http.ErrAbortHandler)
		case <-moved:
		case <-time.After(heartbeat):
			_, _ = io.WriteString(w, ": hb\n\n")
		}
	}
}

// connect makes a client of the server that ends with the test.
func connect(t testing.TB, s *server, with func(*hotswap.Options)) *hotswap.Client {
	t.Helper()
	o := hotswap.Options{URL: "http://hotswap.test", Key: "secret", Tenant: "acme", Environment: "QA", HTTP: &s.Client}
	if with != nil {
		with(&o)
	}
	c, err := hotswap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// wantHeld compares what the client holds with a state of the server.
func wantHeld(t *testing.T, c *hotswap.Client, want state) {
	t.Helper()
	got := map[string]string{}
	s := c.Snapshot()
	for key, raw := range s.All() {
		got[key] = string(raw)
	}
	if s.Revision() != want.revision || !maps.Equal(got, want.values) {
		t.Errorf("the client holds %s %v, want %s %v; it is %+v", s.Revision(), got, want.revision, want.values, c.Status())
	}
}

func wantState(t *testing.T, c *hotswap.Client, want hotswap.State) {
	t.Helper()
	if got := c.Status(); got.State != want {
		t.Errorf("the client is %+v, want %s", got, want)
	}
}

// pass lets time go by and waits until all that happens in it has happened.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
