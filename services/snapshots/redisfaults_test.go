package snapshots_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hotswap/hotswap/services/snapshots"
)

// Redis fails in every way while values are written and read: no read fails, none is older than what was committed
// on its node, and the other node follows within two seconds.
func TestRedisFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(t *testing.T, h house, l *line) (mend func()){
		"hung": func(_ *testing.T, _ house, l *line) func() {
			l.become(silent)
			return func() { l.become(straight) }
		},
		"cut": func(_ *testing.T, _ house, l *line) func() {
			l.become(cut)
			return func() { l.become(straight) }
		},
		"killed": func(t *testing.T, h house, _ *line) func() {
			t.Helper()
			h.redis.Stop(t)
			return func() { h.redis.Start(t) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			l := lay(t, h.redis.URL)
			a, b := h.node(t, l.url()), h.node(t, l.url())
			w := watch(t, a, b)
			w.write(t, 20)
			mend := fail(t, h, l)
			w.write(t, 60)
			loads, gets := a.loads(t), l.gets.Load()
			mend()
			eventually(t, 5*time.Second, "Redis is used again", func() bool {
				w.write(t, 1)
				return a.counted(t, writes, "ok") > 0 && l.gets.Load() > gets+3
			})
			w.stop(t)
			t.Logf("%d reads, the slowest %s, the other node at most %s behind; %d loads until mended", w.reads.Load(), time.Duration(w.slowest.Load()), w.behind, loads)
		})
	}
}

// watched are two nodes while they are read.
type watched struct {
	a, b      node
	committed atomic.Int64
	reads     atomic.Int64
	slowest   atomic.Int64
	behind    time.Duration
	end       func()
}

func watch(t *testing.T, a, b node) *watched {
	t.Helper()
	w := &watched{a: a, b: b}
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { w.reader(ctx, t) })
	}
	w.end = func() { stop(); wait.Wait() }
	return w
}

func (w *watched) reader(ctx context.Context, t *testing.T) {
	t.Helper()
	for ctx.Err() == nil {
		least, began := w.committed.Load(), time.Now()
		for i, n := range []node{w.a, w.b} {
			snap, err := n.Get(ctx, snapshots.Ask{TenantID: "acme", Environment: production})
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("a read failed: %v", err)
				return
			}
			r, _ := snap.Key("limit")
			if got, _ := strconv.ParseInt(string(r.Value), 10, 64); i == 0 && got < least {
				t.Errorf("read %d after %d was committed here", got, least)
			}
			w.reads.Add(1)
		}
		for took := int64(time.Since(began)); took > w.slowest.Load(); {
			w.slowest.Store(took)
		}
		time.Sleep(time.Millisecond)
	}
}

// write commits on one node and waits for the other.
func (w *watched) write(t *testing.T, times int) {
	t.Helper()
	for range times {
		next := w.committed.Load() + 1
		w.a.commit(t, "acme", "limit", strconv.FormatInt(next, 10))
		w.committed.Store(next)
		began := time.Now()
		if next%20 == 0 {
			eventually(t, 3*time.Second, "the value on the other node", func() bool { return int64(w.b.limit(t)) >= next })
			w.behind = max(w.behind, time.Since(began))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *watched) stop(t *testing.T) {
	t.Helper()
	w.end()
	if w.reads.Load() < 100 {
		t.Errorf("only %d reads", w.reads.Load())
	}
	if w.behind > 2*time.Second {
		t.Errorf("the other node was %s behind", w.behind)
	}
}

// A hung Redis costs the first calls their 50 ms, and the rest nothing.
func TestHungRedisIsHeldBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := lay(t, h.redis.URL)
	l.become(silent)
	remote, err := snapshots.OpenRedis(snapshots.RedisOptions{URL: l.url(), TTL: blobTTL, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	slow := 0
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		began := time.Now()
		if err := remote.Ping(t.Context()); err == nil {
			t.Fatal("it answers")
		}
		if took := time.Since(began); took > 150*time.Millisecond {
			t.Errorf("a call took %s", took)
		} else if took > 40*time.Millisecond {
			slow++
		}
	}
	if slow != 5 {
		t.Errorf("%d calls waited", slow)
	}
	l.become(straight)
	l.hangUp()
	eventually(t, 3*time.Second, "it is used again", func() bool { return remote.Ping(t.Context()) == nil })
}
