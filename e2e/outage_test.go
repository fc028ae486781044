package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

const (
	outageReaders = 4

	// How long each fault lasts: in `make test`, and with HOTSWAP_TORTURE=full.
	outageLasts        = time.Second
	tortureOutageLasts = time.Minute

	// What is promised, and what is granted to a machine that does other things as well.
	writeLimit, writeMargin       = 2 * time.Second, 3 * time.Second
	recoverLimit, recoverMargin   = 5 * time.Second, 5 * time.Second
	followLimit, followMargin     = 2 * time.Second, 3 * time.Second
	coldLimit                     = 6 * time.Second
	readLimit, tortureReadPercent = 10 * time.Millisecond, 99
)

// torture tells whether the long runs are asked for.
func torture() bool { return os.Getenv("HOTSWAP_TORTURE") == "full" }

// fault is one way in which what is behind the server fails, and is mended again.
type fault struct {
	name        string
	begin, mend func(t *testing.T)
}

// proxied puts toxiproxy before what the URL leads to.
func proxied(t *testing.T, name, raw string) (*toxiproxy.Proxy, string) {
	t.Helper()
	to, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(server, name, "127.0.0.1:0", to.Host)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	to.Host = p.Listen
	return p, to.String()
}

// faultsOf are the ways in which what is behind a proxy fails.
func faultsOf(p *toxiproxy.Proxy) []fault {
	toxic := func(name, attributes string) fault {
		return fault{name, func(t *testing.T) {
			t.Helper()
			kind, _, _ := strings.Cut(attributes, " ")
			_, values, _ := strings.Cut(attributes, " ")
			for _, stream := range []string{"upstream", "downstream"} {
				if kind == "latency" && stream == "upstream" {
					continue // once for each question and its answer
				}
				text := fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"attributes":%s}`, kind+stream, kind, stream, values)
				if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
					t.Fatal(err)
				}
			}
		}, func(*testing.T) { p.Toxics.ResetToxics(context.Background()) }}
	}
	return []fault{
		{"down", func(*testing.T) { p.Stop() }, func(t *testing.T) {
			t.Helper()
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
		}},
		toxic("hung", `timeout {"timeout":0}`),
		toxic("slow", `latency {"latency":2000}`),
		toxic("jitter", `latency {"latency":500,"jitter":500}`),
		toxic("cut", `reset_peer {"timeout":0}`),
	}
}

// outage is a site whose nodes reach Postgres and Redis through proxies that fail.
type outage struct {
	site            *webtest.Site
	postgres, redis *toxiproxy.Proxy
	store           *storetest.Redis
	a, b            *node
	lasts           time.Duration
	written         int // the value acknowledged last
	tried           int // the value that a write tried last
	cold            int // tenants that nobody read yet
}

// newOutage has two nodes that have loaded acme.
func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{site: webtest.New(t), store: storetest.NewRedis(t), lasts: outageLasts}
	if torture() {
		o.lasts = tortureOutageLasts
	}
	var database, cache string
	o.postgres, database = proxied(t, "postgres", o.site.DB.URL)
	o.redis, cache = proxied(t, "redis", o.store.URL)
	for n := range 8 {
		o.site.As("admin").Post("/tenants", webtest.Body{"tenantId": fmt.Sprintf("cold-%d", n), "name": "Cold", "tier": "Pro"}).Want(http.StatusCreated)
	}
	options := nodeOptions{redis: &storetest.Redis{URL: cache}, database: database}
	o.a, o.b = newNode(t, o.site, options), newNode(t, o.site, options)
	if got := o.write(t); got.status != http.StatusCreated {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	o.follow(t, o.b)
	return o
}

func (o *outage) as(t *testing.T, name string, n *node) caller {
	t.Helper()
	return caller{t, n.url, o.site.Key(name)}
}

// write tries to make the next value live through the first node.
func (o *outage) write(t *testing.T) reply {
	t.Helper()
	o.tried++
	began := time.Now()
	got := o.as(t, "engineer", o.a).post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "counter", "value": o.tried,
	})
	if took := time.Since(began); took > writeLimit+writeMargin || torture() && took > writeLimit+writeLimit/10 {
		t.Errorf("a write took %s", took)
	}
	if got.status == http.StatusCreated {
		o.written = o.tried
	}
	return got
}

const (
	wholeOfAcme = "/configs/tenant/" + webtest.Acme + "?environment=Development"
	oneOfAcme   = "/configs/tenant/" + webtest.Acme + "/keys/counter?environment=Development"
)

// number is a whole number at a path of the answer; 0 when there is none.
func (r reply) number(path string) int {
	r.t.Helper()
	n, err := strconv.Atoi(fmt.Sprint(r.field(path)))
	if err != nil {
		return 0
	}
	return n
}

// follow waits until a node reads what was written last.
func (o *outage) follow(t *testing.T, n *node) {
	t.Helper()
	began := time.Now()
	for {
		got := o.as(t, "app", n).get(wholeOfAcme).want(http.StatusOK)
		took := time.Since(began)
		if got.number("configs.counter") >= o.written {
			t.Logf("%d is read on the other node after %s", o.written, took.Round(time.Millisecond))
			return
		}
		if took > followLimit+followMargin || torture() && took > followLimit+followLimit/10 {
			t.Errorf("%d was written %s ago, and read is %s", o.written, took, got.body)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// readings are what the readers of one fault met.
type readings struct {
	mu   sync.Mutex
	took []time.Duration
}

// readUntil reads acme in each way through both nodes until the context ends: none may fail, nothing may go back.
func (o *outage) readUntil(ctx context.Context, t *testing.T) (end func() *readings) {
	t.Helper()
	r := &readings{}
	ctx, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	for i := range outageReaders {
		n := []*node{o.a, o.b}[i%2]
		tag := o.as(t, "app", n).get(wholeOfAcme).want(http.StatusOK).header.Get("ETag")
		reading.Go(func() { r.read(ctx, t, o.as(t, "app", n), tag) })
	}
	return func() *readings {
		stop()
		reading.Wait()
		return r
	}
}

func (r *readings) read(ctx context.Context, t *testing.T, c caller, tag string) {
	t.Helper()
	last := 1
	for ctx.Err() == nil {
		for _, path := range []string{wholeOfAcme, oneOfAcme, wholeOfAcme + "&again"} {
			plain, again := strings.CutSuffix(path, "&again")
			q := c.request(http.MethodGet, plain, nil)
			if again {
				q.Header.Set("If-None-Match", tag)
			}
			began := time.Now()
			got, err := c.try(q)
			r.note(time.Since(began))
			if err != nil || got.status != http.StatusOK && (!again || got.status != http.StatusNotModified) {
				t.Errorf("%s: %v %d %s", path, err, got.status, got.body)
				return
			}
			if got.status == http.StatusNotModified {
				continue
			}
			tag = cmpTag(plain, got, tag)
			value := got.number("configs.counter")
			if plain == oneOfAcme {
				value = got.number("value")
			}
			if value < last {
				t.Errorf("%s: %s after %v", path, got.body, last)
				return
			}
			last = value
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// cmpTag is the tag of the whole answer, which the next question names.
func cmpTag(path string, got reply, before string) string {
	if path == wholeOfAcme {
		return got.header.Get("ETag")
	}
	return before
}

func (r *readings) note(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = append(r.took, took)
}

// want judges the times, wherever nothing else uses the machine.
func (r *readings) want(t *testing.T) {
	t.Helper()
	slices.Sort(r.took)
	if len(r.took) < 50 {
		t.Fatalf("only %d reads", len(r.took))
	}
	p99 := r.took[len(r.took)*tortureReadPercent/100]
	t.Logf("%d reads, p99 %s, the slowest %s", len(r.took), p99, r.took[len(r.took)-1])
	if torture() && p99 > readLimit {
		t.Errorf("p99 is %s", p99)
	}
}

// stranger reads a tenant that no node has loaded: it is answered, one way or the other, in a bounded time.
func (o *outage) stranger(t *testing.T) (tenant string) {
	t.Helper()
	tenant = fmt.Sprintf("cold-%d", o.cold)
	o.cold++
	began := time.Now()
	got := o.as(t, "app", o.a).get("/configs/tenant/" + tenant + "?environment=Development")
	if took := time.Since(began); took > coldLimit || got.status != http.StatusOK && got.status != http.StatusServiceUnavailable {
		t.Errorf("a tenant that is not loaded: %d after %s: %s", got.status, took, got.body)
	}
	if got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	return tenant
}

// recover waits until everything is as it was.
func (o *outage) recover(t *testing.T, cold string) {
	t.Helper()
	began := time.Now()
	for o.write(t).status != http.StatusCreated {
		if time.Since(began) > recoverLimit+recoverMargin {
			t.Fatalf("no write succeeds %s after the fault", time.Since(began))
		}
		time.Sleep(50 * time.Millisecond)
	}
	o.follow(t, o.a)
	o.follow(t, o.b)
	for _, n := range []*node{o.a, o.b} {
		for _, path := range []string{wholeOfAcme, "/configs/tenant/" + cold + "?environment=Development"} {
			if got := o.as(t, "app", n).get(path).want(http.StatusOK); got.header.Get("X-HotSwap-Stale") != "" {
				t.Errorf("%s is stale after the fault", path)
			}
		}
	}
	took := time.Since(began)
	t.Logf("normal again after %s", took.Round(time.Millisecond))
	if took > recoverLimit+recoverMargin || torture() && took > recoverLimit {
		t.Errorf("it took %s until all was normal again", took)
	}
}

// TestTorturePostgresFails has Postgres fail in every way: reads of what is loaded go on, writes are refused in time, and
// all is normal again soon after.
func TestTorturePostgresFails(t *testing.T) { //nolint:tparallel // one fault follows the other
	t.Parallel()
	o := newOutage(t)
	for _, f := range faultsOf(o.postgres) {
		t.Run(f.name, func(t *testing.T) {
			end := o.readUntil(t.Context(), t)
			f.begin(t)
			refused := 0
			for began := time.Now(); refused == 0 || time.Since(began) < o.lasts; time.Sleep(100 * time.Millisecond) {
				got := o.write(t)
				if got.status != http.StatusServiceUnavailable {
					if f.name != "jitter" || got.status != http.StatusCreated {
						t.Errorf("a write is answered %d: %s", got.status, got.body)
					}
				} else if got.header.Get("Retry-After") == "" {
					t.Error("503 without Retry-After")
				}
				refused++
			}
			cold := o.stranger(t)
			f.mend(t)
			end().want(t)
			o.recover(t, cold)
		})
	}
}

// TestTortureRedisFails has Redis fail in every way: neither reads nor writes take notice, and the other node follows by its scan.
func TestTortureRedisFails(t *testing.T) { //nolint:tparallel // one fault follows the other
	t.Parallel()
	o := newOutage(t)
	for _, f := range append(faultsOf(o.redis), o.deaf()) {
		t.Run(f.name, func(t *testing.T) {
			end := o.readUntil(t.Context(), t)
			f.begin(t)
			for began := time.Now(); time.Since(began) < o.lasts; {
				if got := o.write(t); got.status != http.StatusCreated {
					t.Errorf("a write is answered %d: %s", got.status, got.body)
				}
				o.follow(t, o.b)
			}
			cold := o.stranger(t)
			o.as(t, "app", o.a).get("/configs/tenant/" + cold + "?environment=Development").want(http.StatusOK)
			f.mend(t)
			end().want(t)
			o.recover(t, cold)
		})
	}
}

// deaf has Redis carry no message any more, while it answers everything else.
func (o *outage) deaf() fault {
	command := func(t *testing.T, args ...any) {
		t.Helper()
		if err := o.redisClient(t).Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return fault{
		"messages lost",
		func(t *testing.T) {
			t.Helper()
			command(t, "ACL", "SETUSER", "default", "resetchannels")
			command(t, "CLIENT", "KILL", "TYPE", "pubsub")
		},
		func(t *testing.T) { t.Helper(); command(t, "ACL", "SETUSER", "default", "allchannels") },
	}
}

// redisClient reaches Redis past the proxy.
func (o *outage) redisClient(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(o.store.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
