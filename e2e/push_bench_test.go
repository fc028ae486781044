package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/webtest"
)

const (
	watchers     = 1000
	pushes       = 15
	propagations = 40
)

// BenchmarkPush tells a thousand watchers of a value, one connection each, beside the plainest server of events. Both ends
// are in this process.
func BenchmarkPush(b *testing.B) {
	site := webtest.New(b)
	node := newNode(b, site, nodeOptions{redis: storetest.NewRedis(b)})
	engineer := caller{b, node.url, site.Key("engineer")}
	const path = "/api/v1/configs/tenant/" + webtest.Acme + "/stream?environment=Development"
	ours := watchAll(b, strings.TrimPrefix(node.url, "http://"), path, site.Key("app"))
	events := &plainEvents{clients: map[chan string]bool{}}
	address := serve(b, web.NewHTTPServer(events, slog.New(slog.DiscardHandler)))
	plain := watchAll(b, address, "/watch", "")
	for b.Loop() {
		var pushed, bare []time.Duration
		for range pushes {
			bare = append(bare, plain.told(b, events.tell)...)
			pushed = append(pushed, ours.told(b, func(mark string) {
				engineer.post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": "mark", "value": mark}).want(http.StatusCreated)
			})...)
		}
		b.ReportMetric(quantile(pushed, 0.5), "p50-ms")
		b.ReportMetric(quantile(pushed, 0.99), "p99-ms")
		b.ReportMetric(quantile(bare, 0.99), "bare-p99-ms")
		b.ReportMetric(quantile(pushed, 0.99)/quantile(bare, 0.99), "p99-ratio")
	}
}

// watching are watchers on one server.
type watching struct {
	mark atomic.Pointer[string]
	saw  chan time.Time
}

// watchAll opens the connections; each tells when it reads the mark.
func watchAll(b *testing.B, address, path, key string) *watching {
	b.Helper()
	all := &watching{saw: make(chan time.Time, watchers)}
	var open sync.WaitGroup
	for range watchers {
		conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() }) // the server may have done so
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\n\r\n", path, key); err != nil {
			b.Fatal(err)
		}
		open.Add(1)
		go all.watch(bufio.NewReaderSize(conn, 1<<10), open.Done)
	}
	open.Wait()
	return all
}

// watch reads until the connection ends. It is open when the first line is there.
func (c *watching) watch(in *bufio.Reader, opened func()) {
	for first := true; ; first = false {
		line, err := in.ReadString('\n')
		if first {
			opened()
		}
		if err != nil {
			return
		}
		if mark := c.mark.Load(); mark != nil && strings.Contains(line, *mark) {
			c.saw <- time.Now()
		}
	}
}

// told is how long each watcher waited for a mark, from before it was set.
func (c *watching) told(b *testing.B, set func(mark string)) (took []time.Duration) {
	b.Helper()
	mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
	c.mark.Store(&mark)
	began := time.Now()
	set(mark)
	limit := time.After(20 * time.Second)
	for range watchers {
		select {
		case at := <-c.saw:
			took = append(took, at.Sub(began))
		case <-limit:
			b.Fatalf("%d of %d watchers heard of it", len(took), watchers)
		}
	}
	return took
}

// plainEvents is a goroutine and a channel for each watcher.
type plainEvents struct {
	mu      sync.Mutex
	clients map[chan string]bool
}

func (p *plainEvents) tell(mark string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		c <- mark
	}
}

// ServeHTTP watches.
func (p *plainEvents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	own, control := make(chan string, 16), http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // this server knows no other
	_ = control.SetWriteDeadline(time.Time{})
	p.mu.Lock()
	p.clients[own] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.clients, own)
		p.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	_ = control.Flush() // the next write tells
	for {
		select {
		case <-r.Context().Done():
			return
		case mark := <-own:
			if _, err := io.WriteString(w, "data: "+mark+"\n\n"); err != nil {
				return
			}
			_ = control.Flush() // the next write tells
		}
	}
}

// BenchmarkPropagation writes on one node and reads on another, with Redis and without, beside a row that is written by
// one connection and read by another.
func BenchmarkPropagation(b *testing.B) {
	site, store := webtest.New(b), storetest.NewRedis(b)
	raw, err := pgx.Connect(b.Context(), site.DB.AdminURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = raw.Close(context.WithoutCancel(b.Context())) }) // the database goes anyway
	if _, err := raw.Exec(b.Context(), `CREATE TABLE bare (value bigint NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	if _, err := raw.Exec(b.Context(), `INSERT INTO bare VALUES (0)`); err != nil {
		b.Fatal(err)
	}
	for _, with := range []struct {
		name  string
		redis string
	}{{"redis", store.URL}, {"no-redis", "redis://127.0.0.1:1/0"}} {
		b.Run(with.name, func(b *testing.B) {
			options := nodeOptions{redis: &storetest.Redis{URL: with.redis}}
			here, there := newNode(b, site, options), newNode(b, site, options)
			writer, reader := caller{b, here.url, site.Key("engineer")}, caller{b, there.url, site.Key("app")}
			for b.Loop() {
				var took, bare []time.Duration
				for n := range propagations {
					value := int(time.Now().UnixMilli())
					began := time.Now()
					if _, err := raw.Exec(b.Context(), `UPDATE bare SET value = $1::bigint`, value); err != nil {
						b.Fatal(err)
					}
					bare = append(bare, time.Since(began))
					writer.post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": "mark", "value": value + n}).want(http.StatusCreated)
					written := time.Now()
					for reader.get(wholeOfAcme).number("configs.mark") != value+n {
						if time.Since(written) > 10*time.Second {
							b.Fatal("it is never read")
						}
					}
					took = append(took, time.Since(written))
				}
				b.ReportMetric(quantile(took, 0.5), "p50-ms")
				b.ReportMetric(quantile(took, 0.99), "p99-ms")
				b.ReportMetric(quantile(bare, 0.5), "bare-write-p50-ms")
			}
		})
	}
}
