package snapshots_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/hotswap/hotswap/models"
	vault "github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

const (
	blobTTL = time.Minute
	blobs   = "hotswap_redis_blobs_total"
	writes  = "hotswap_redis_blob_writes_total"
	notices = "hotswap_redis_notices_total"
)

// house is what nodes share.
type house struct {
	db     *storetest.Database
	redis  *storetest.Redis
	master *vault.Master
}

// newHouse has acme, with a value in each layer of its chain.
func newHouse(t *testing.T) house {
	t.Helper()
	h := house{db: storetest.New(t), redis: storetest.NewRedis(t)}
	var err error
	if h.master, err = vault.NewMaster(); err != nil {
		t.Fatal(err)
	}
	h.db.Tenant(t, "acme", "Enterprise")
	h.db.Tenant(t, "globex", "Free")
	h.db.Set(t, models.Platform, production, "top", `"of the platform"`)
	h.db.Set(t, models.TierLayer("Enterprise"), production, "middle", `"of the tier"`)
	h.db.Set(t, "acme", production, "limit", `0`)
	return h
}

// node is another node, which runs until the test ends.
func (h house) node(t *testing.T, url string) node {
	t.Helper()
	n := node{db: h.db, directory: tenants.NewDirectory(h.db.DB, nil), registry: prometheus.NewRegistry()}
	remote, err := snapshots.OpenRedis(snapshots.RedisOptions{URL: url, TTL: blobTTL, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	n.Service, err = snapshots.New(snapshots.Options{
		DB: h.db.DB, Tenants: n.directory, MaxBytes: 64 << 20, Log: log, Metrics: n.registry, Now: time.Now, Redis: remote,
		Secrets: vault.New(vault.Options{DB: h.db.DB, Master: h.master, Now: time.Now, NewID: uuid.NewString, Log: log}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.directory.Load(t.Context()), n.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Run(ctx, n.Raise)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = remote.Close()
	})
	return n
}

// commit makes a value live as a write on the node would.
func (n node) commit(t testing.TB, tenant, key, value string) {
	t.Helper()
	n.db.Set(t, tenant, production, key, value)
	n.Committed([]models.Head{n.db.Head(t, tenant, production)})
}

// eventually waits until it holds.
func eventually(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

func (n node) limit(t testing.TB) int {
	t.Helper()
	r, _ := n.read(t, "acme", production, false).Key("limit")
	value, err := strconv.Atoi(string(r.Value))
	if err != nil {
		t.Fatalf("limit is %s", r.Value)
	}
	return value
}

// crowd reads acme 200 times at once.
func (n node) crowd(t *testing.T) {
	t.Helper()
	var wait sync.WaitGroup
	release := make(chan struct{})
	for range 200 {
		wait.Go(func() {
			<-release
			if snap, err := n.Get(t.Context(), snapshots.Ask{TenantID: "acme", Environment: production}); err != nil || len(snap.Entries()) != 3 {
				t.Errorf("%v %+v", err, snap)
			}
		})
	}
	close(release)
	wait.Wait()
}

func TestOneNodeLoadsForAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.node(t, h.redis.URL)
	first.crowd(t)
	if got := first.loads(t); got != 3 {
		t.Errorf("%d loads for 3 layer sets", got)
	}
	eventually(t, 5*time.Second, "the blobs are written", func() bool { return first.counted(t, writes, "ok") == 3 })
	second := h.node(t, h.redis.URL)
	second.crowd(t)
	if got := second.loads(t); got != 0 {
		t.Errorf("%d loads on the second node", got)
	}
	if got := second.counted(t, blobs, "hit"); got != 3 {
		t.Errorf("%v blobs were used", got)
	}
	a, b := first.read(t, "acme", production, false), second.read(t, "acme", production, false)
	if !bytes.Equal(a.WithMetadata(), b.WithMetadata()) || a.ETag != b.ETag {
		t.Errorf("the nodes differ:\n%s\n%s", a.WithMetadata(), b.WithMetadata())
	}
}

func TestBlobsShowNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const plain, secret = "canary-plain-1f9e", "canary-secret-77c2"
	h.db.Define(t, "acme", "password", models.TypeString, true)
	h.db.Set(t, "acme", production, "note", `"`+plain+`"`)
	h.db.Set(t, "acme", production, "password", `"`+secret+`"`)
	n := h.node(t, h.redis.URL)
	n.read(t, "acme", production, true)
	eventually(t, 5*time.Second, "the blobs are written", func() bool { return n.counted(t, writes, "ok") == 3 })
	all := h.everything(t)
	if len(all) != 3 {
		t.Errorf("%d keys in Redis", len(all))
	}
	for key, value := range all {
		if !strings.HasPrefix(key, "hs:set:@") && !strings.HasPrefix(key, "hs:set:acme:Production:") {
			t.Errorf("a key is called %s", key)
		}
		for _, word := range []string{plain, secret, "canary", "password", "note", "acme"} {
			if strings.Contains(value, word) {
				t.Errorf("%s shows %q", key, word)
			}
		}
	}
}

func (h house) client(t testing.TB) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(h.redis.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// everything that lies in Redis, none of it for longer than it may.
func (h house) everything(t testing.TB) map[string]string {
	t.Helper()
	c, out := h.client(t), map[string]string{}
	for _, key := range c.Keys(t.Context(), "*").Val() {
		out[key] = c.Get(t.Context(), key).Val()
		if ttl := c.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > blobTTL {
			t.Errorf("%s stays for %s", key, ttl)
		}
	}
	return out
}

// A blob in another's place, a damaged one, one of another database: none of them is ever believed.
func TestForeignBlobs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.db.Set(t, "globex", production, "limit", `7`)
	writer := h.node(t, h.redis.URL)
	writer.read(t, "acme", production, false)
	writer.read(t, "globex", production, false)
	eventually(t, 5*time.Second, "the blobs are written", func() bool { return writer.counted(t, writes, "ok") == 4 })
	c := h.client(t)
	key := func(tenant string) string {
		return "hs:set:" + tenant + ":" + production + ":" + h.db.Head(t, tenant, production).Token
	}
	good, err := c.Get(t.Context(), key("acme")).Result()
	if err != nil {
		t.Fatal(err)
	}
	for name, blob := range map[string]string{
		"another tenant's": c.Get(t.Context(), key("globex")).Val(), "empty": "", "garbage": "garbage", "cut": good[:len(good)-1],
		"a flipped bit": good[:len(good)/2] + string(good[len(good)/2]^1) + good[len(good)/2+1:],
	} {
		if err := c.Set(t.Context(), key("acme"), blob, blobTTL).Err(); err != nil {
			t.Fatal(err)
		}
		n := h.node(t, h.redis.URL)
		if got := n.limit(t); got != 0 {
			t.Errorf("%s: read %d", name, got)
		}
		if dropped, loads := n.counted(t, blobs, "dropped"), n.loads(t); dropped != 1 || loads != 1 {
			t.Errorf("%s: %v dropped, %d loads", name, dropped, loads)
		}
		eventually(t, 5*time.Second, name+" is replaced", func() bool {
			now := c.Get(t.Context(), key("acme")).Val()
			return now != blob && len(now) == len(good)
		})
	}
}

// How many nodes read 20 tenants each: in `make test`, and with HOTSWAP_TORTURE=full, which is 100,000 reads.
const (
	shiftedNodes        = 5
	tortureShiftedNodes = 5_000
)

// When replies come to the wrong question, each is seen for what it is: no reader gets another's values.
func TestTortureShiftedReplies(t *testing.T) { //nolint:tparallel // one node follows the other
	t.Parallel()
	nodes, dropped := shiftedNodes, 0.0
	if os.Getenv("HOTSWAP_TORTURE") == "full" {
		nodes = tortureShiftedNodes
	}
	h := newHouse(t)
	names := []string{}
	for i := range 20 {
		name := fmt.Sprintf("tenant-%d", i)
		h.db.Tenant(t, name, "Free")
		h.db.Set(t, name, production, "whose", strconv.Quote(name))
		names = append(names, name)
	}
	writer := h.node(t, h.redis.URL)
	for _, name := range names {
		writer.read(t, name, production, false)
	}
	eventually(t, 5*time.Second, "the blobs are written", func() bool { return writer.counted(t, writes, "ok") == 21 })
	l := lay(t, h.redis.URL)
	for n := range nodes {
		t.Run(strconv.Itoa(n), func(t *testing.T) { dropped += h.readShifted(t, l, names) })
	}
	t.Logf("%d reads, %v replies were dropped", nodes*len(names), dropped)
	if dropped < 5*float64(nodes) {
		t.Errorf("%v replies were dropped", dropped)
	}
}

// readShifted reads the tenants through a node of its own, one after the other: a crowd may be too slow for Redis' 50 ms, which
// is another test's business. It returns how many replies were dropped.
func (h house) readShifted(t *testing.T, l *line, names []string) float64 {
	t.Helper()
	l.become(straight)
	reader := h.node(t, l.url())
	l.become(shifted)
	for _, name := range names {
		snap, err := reader.Get(t.Context(), snapshots.Ask{TenantID: name, Environment: production})
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := snap.Key("whose"); string(r.Value) != strconv.Quote(name) {
			t.Errorf("%s read %s", name, r.Value)
		}
	}
	return reader.counted(t, blobs, "dropped")
}

func TestNoticesTravelFast(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.node(t, h.redis.URL), h.node(t, h.redis.URL)
	a.read(t, "acme", production, false)
	b.read(t, "acme", production, false)
	eventually(t, 5*time.Second, "both listen", func() bool {
		return h.client(t).PubSubNumSub(t.Context(), "hs:heads").Val()["hs:heads"] == 2
	})
	var took []time.Duration
	for i := 1; i <= 100; i++ {
		a.commit(t, "acme", "limit", strconv.Itoa(i))
		began := time.Now()
		eventually(t, 2*time.Second, "the value on the other node", func() bool { return b.limit(t) == i })
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("visible on the other node: p50 %s, p99 %s", took[len(took)/2], took[len(took)-2])
	if median := took[len(took)/2]; median > 250*time.Millisecond {
		t.Errorf("half of the writes took over %s", median)
	}
	if sent, heard := a.counted(t, notices, "sent"), b.counted(t, notices, "heard"); sent < 100 || heard < 100 {
		t.Errorf("%v notices sent, %v heard", sent, heard)
	}
}

// Whatever is said on the channel, a node goes on, and believes nothing.
func TestForgedNotices(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	n, c := h.node(t, h.redis.URL), h.client(t)
	before := n.read(t, "acme", production, false)
	eventually(t, 5*time.Second, "it listens", func() bool {
		return c.PubSubNumSub(t.Context(), "hs:heads").Val()["hs:heads"] == 1
	})
	forged := []string{
		"", "null", "[]", "{}", "[[]]", `[["acme"]]`, `[["acme","Production","9"]]`, `[[1,2,3]]`, `[["acme","Production",99]]`,
		`[["nobody","Nowhere",9223372036854775807]]`, `[["acme","Production",1,2]]`, strings.Repeat("[", 100_000), "\xff\x00",
	}
	for _, message := range forged {
		if err := c.Publish(t.Context(), "hs:heads", message).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 5*time.Second, "all are heard", func() bool { return n.counted(t, notices, "heard") == float64(len(forged)) })
	if again := n.read(t, "acme", production, false); again != before {
		t.Error("a notice moved something")
	}
	n.db.Set(t, "acme", production, "limit", `5`)
	began := time.Now()
	if err := c.Publish(t.Context(), "hs:heads", "[]").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Second, "it still hears", func() bool { return n.limit(t) == 5 })
	t.Logf("seen after %s", time.Since(began))
}

func TestCheckRedisURL(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"redis://127.0.0.1:6379/0":                                true,
		"rediss://user:secret@cache.example.com:6380/2":           true,
		"redis://s1:26379?addr=s2:26379&master_name=main":         true,
		"rediss://user:secret@n1:6379?addr=n2:6379&addr=n3:6379":  true,
		"rediss://user:secret@n1:6379?skip_verify=true":           false,
		"rediss://user:secret@n1:6379?skip_verify=true&addr=n2:1": false,
		"redis://user:secret@h/none":                              false,
		"redis://user:secret@h?surprise=1":                        false,
		"http://user:secret@h":                                    false,
		"unix:///run/redis.sock":                                  false,
		"user:secret@h:6379":                                      false,
		"":                                                        false,
	} {
		err := snapshots.CheckRedisURL(url)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "user")) {
			t.Errorf("the complaint repeats the URL: %v", err)
		}
	}
}
