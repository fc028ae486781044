package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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

// BenchmarkBulkRead reads 100 keys, 8 KB, from the whole product beside bare servers that write the same bytes.
// All run in this process over loopback, in turns; the clients take part of the processor too.
func BenchmarkBulkRead(b *testing.B) {
	site := webtest.New(b)
	fill(site)
	key := site.Key("app")
	path := bulkPath
	whole := site.With(key).Get(path).Want(http.StatusOK)
	body, tag := []byte(whole.Text), whole.Header.Get("ETag")
	b.Logf("the answer has %d bytes", len(body))
	full, unmodified := wire(path, key, ""), wire(path, key, tag)
	for name, group := range map[string][]*contestant{
		"200": {{name: "net-http", handler: bare(body, tag), request: full}, {name: "echo", handler: bareEcho(body, tag), request: full}, {name: "hotswap", handler: site.Handler(), request: full}},
		"304": {{name: "net-http", handler: bare(body, tag), request: unmodified}, {name: "echo", handler: bareEcho(body, tag), request: unmodified}, {name: "hotswap", handler: site.Handler(), request: unmodified}},
	} {
		b.Run(name, func(b *testing.B) { compare(b, group) })
	}
	for _, tags := range []string{"", tag} {
		for _, c := range []*contestant{{name: "net-http", handler: bare(body, tag)}, {name: "echo", handler: bareEcho(body, tag)}, {name: "hotswap", handler: site.Handler()}} {
			b.Run(fmt.Sprintf("handler-%s-if-none-match-%t", c.name, tags != ""), func(b *testing.B) { callHandler(b, c.handler, path, key, tags) })
		}
	}
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
		h := w.Header()
		h["Etag"] = []string{tag}
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h["Content-Type"], h["Content-Length"] = []string{"application/json"}, length
		_, _ = w.Write(body) // a client that left is no matter
	})
}

func bareEcho(body []byte, tag string) http.Handler {
	e := echo.New()
	e.GET("/api/v1/configs/tenant/:tenantId", echo.WrapHandler(bare(body, tag)))
	return e
}

// wire is a GET as it goes over the wire.
func wire(path, key, tag string) []byte {
	text := "GET " + path + " HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\n"
	if tag != "" {
		text += "If-None-Match: " + tag + "\r\n"
	}
	return []byte(text + "\r\n")
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
func callHandler(b *testing.B, h http.Handler, path, key, tag string) {
	b.Helper()
	w := &sink{header: http.Header{}}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Api-Key", key)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
	if want := map[bool]int{true: http.StatusNotModified, false: http.StatusOK}[tag != ""]; w.status != want {
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

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func quantile(all []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]) / float64(time.Millisecond)
}

// BenchmarkOpenLoop asks the real binary 1,000 times a second, whether it keeps up or not; a late answer is late
// from the time at which it was due to be asked for.
func BenchmarkOpenLoop(b *testing.B) {
	s := dev(b)
	makeTenant(s, "acme", "Pro")
	for i := range 20 {
		s.as("engineer").post("/configs", fmt.Sprintf(`{"tenantId":"acme","key":"k%d","value":%q,"environment":"Staging"}`, i, strings.Repeat("v", 400))).want(http.StatusCreated)
	}
	const rate, seconds = 1000, 10
	app := s.as("app")
	app.get("/configs/tenant/acme?environment=Staging").want(http.StatusOK)
	for range b.N {
		took, failed := make([]time.Duration, rate*seconds), atomic.Int64{}
		var wait sync.WaitGroup
		start := time.Now()
		for i := range took {
			due := start.Add(time.Duration(i) * time.Second / rate)
			time.Sleep(time.Until(due))
			wait.Go(func() {
				r, err := app.try(app.request("GET", "/configs/tenant/acme?environment=Staging", nil))
				if err != nil || r.status != http.StatusOK {
					failed.Add(1)
				}
				took[i] = time.Since(due)
			})
		}
		wait.Wait()
		b.ReportMetric(quantile(took, 0.5), "p50-ms")
		b.ReportMetric(quantile(took, 0.99), "p99-ms")
		b.ReportMetric(float64(failed.Load()), "failed")
	}
}

// BenchmarkWrites sets values through the API beside the plain transaction that a durable change needs at least,
// on the same Postgres with fsync on.
func BenchmarkWrites(b *testing.B) {
	s := dev(b)
	const tenants, lasting = 32, 4 * time.Second
	for n := range tenants {
		makeTenant(s, fmt.Sprintf("tenant-%d", n), "Pro")
	}
	raw := rawTables(b, s)
	author := s.as("engineer")
	for _, load := range []struct{ writers, tenants int }{{1, 1}, {8, 1}, {32, 1}, {32, tenants}} {
		b.Run(fmt.Sprintf("%d-writers-%d-tenants", load.writers, load.tenants), func(b *testing.B) {
			for range b.N {
				var refused atomic.Int64
				sql := writeFor(b, load.writers, lasting, func(ctx context.Context, writer, n int) error {
					return rawWrite(ctx, raw, writer%load.tenants, writer%100, n)
				})
				api := writeFor(b, load.writers, lasting, func(_ context.Context, writer, n int) error {
					body := fmt.Sprintf(`{"tenantId":"tenant-%d","key":"key-%d","value":%d,"environment":"Development"}`, writer%load.tenants, writer%100, n)
					r, err := author.try(author.request("POST", "/configs", body))
					switch {
					case err == nil && r.status == http.StatusServiceUnavailable:
						refused.Add(1) // the layer had no turn within half a second
						return nil
					case err == nil && r.status != http.StatusCreated:
						return fmt.Errorf("%d: %s", r.status, r.body)
					}
					return err
				})
				b.ReportMetric(float64(refused.Load()), "api-refused")
				report(b, "sql", sql, lasting)
				report(b, "api", api, lasting)
				b.ReportMetric(quantile(api, 0.5)/quantile(sql, 0.5), "p50-ratio")
			}
		})
	}
}

func report(b *testing.B, name string, took []time.Duration, lasting time.Duration) {
	b.Helper()
	b.ReportMetric(quantile(took, 0.5), name+"-p50-ms")
	b.ReportMetric(quantile(took, 0.99), name+"-p99-ms")
	b.ReportMetric(float64(len(took))/lasting.Seconds(), name+"-writes/s")
}

// writeFor has a number of writers write for a time and returns how long each write took.
func writeFor(b *testing.B, writers int, lasting time.Duration, write func(ctx context.Context, writer, n int) error) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, writers)
	var wait sync.WaitGroup
	until := time.Now().Add(lasting)
	for writer := range writers {
		wait.Go(func() {
			for n := 0; time.Now().Before(until); n++ {
				start := time.Now()
				if err := write(b.Context(), writer, n); err != nil {
					b.Errorf("write: %v", err)
					return
				}
				took[writer] = append(took[writer], time.Since(start))
			}
		})
	}
	wait.Wait()
	return slices.Concat(took...)
}

// rawTables are a head, its versions and an audit log without anything else.
func rawTables(b *testing.B, s *stack) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(s.databaseURL("postgres"))
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = 32
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	_, err = pool.Exec(b.Context(), `CREATE SCHEMA raw;
		CREATE TABLE raw.head (tenant int, key int, version bigint NOT NULL, value text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant, key));
		CREATE TABLE raw.version (tenant int, key int, version bigint, value text NOT NULL, author text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
			PRIMARY KEY (tenant, key, version));
		CREATE TABLE raw.audit (id bigserial PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL, action text NOT NULL, tenant int, key int, detail jsonb);
		CREATE INDEX ON raw.audit (tenant, at);
		INSERT INTO raw.head SELECT t, k, 1, 'v' FROM generate_series(0, 99) t, generate_series(0, 99) k`)
	if err != nil {
		b.Fatal(err)
	}
	return pool
}

// rawWrite is begin, three statements and commit: five round trips.
func rawWrite(ctx context.Context, pool *pgxpool.Pool, tenant, key, n int) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, statement := range []struct {
			sql  string
			args []any
		}{
			{`INSERT INTO raw.version (tenant, key, version, value, author)
				SELECT tenant, key, version + 1, $3, 'somebody' FROM raw.head WHERE tenant = $1 AND key = $2 FOR UPDATE`, []any{tenant, key, strconv.Itoa(n)}},
			{`UPDATE raw.head SET version = version + 1, value = $3, at = now() WHERE tenant = $1 AND key = $2`, []any{tenant, key, strconv.Itoa(n)}},
			{`INSERT INTO raw.audit (at, actor, action, tenant, key, detail) VALUES (now(), 'somebody', 'config.set', $1, $2, '{}')`, []any{tenant, key}},
		} {
			if _, err := tx.Exec(ctx, statement.sql, statement.args...); err != nil {
				return err
			}
		}
		return nil
	})
}
