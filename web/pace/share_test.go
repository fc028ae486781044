package pace_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/pace"
)

// shareOf is a node's way to that Redis.
func shareOf(t *testing.T, url string) pace.Share {
	t.Helper()
	r, err := snapshots.OpenRedis(snapshots.RedisOptions{URL: url, TTL: time.Minute, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return func(ctx context.Context, key string, l pace.Limit, n int) (int, time.Duration, error) {
		return r.Take(ctx, key, snapshots.Rate{Count: l.Count, Burst: l.Burst, Per: l.Per}, n)
	}
}

// Two nodes that ask before they answer give one caller no more than one limit, and another caller its own.
func TestNodesShareALimitAtOnce(t *testing.T) {
	t.Parallel()
	redis := storetest.NewRedis(t)
	o := pace.Options{Kind: "past", Limit: pace.Limit{Count: 5, Per: time.Minute, Burst: 10}, AtOnce: true, Message: "slowly"}
	var nodes []*pace.Pace
	for range 2 {
		o.Share = shareOf(t, redis.URL)
		nodes = append(nodes, pace.New(o))
	}
	count := func(caller string) (passed int) {
		for n := range 40 {
			if nodes[n%2].Check(t.Context(), caller, time.Now()) == nil {
				passed++
			}
		}
		return passed
	}
	if n := count("a"); n != 10 {
		t.Errorf("a: %d of 10", n)
	}
	if n := count("b"); n != 10 {
		t.Errorf("b: %d of 10", n)
	}
	redis.Stop(t)
	if n := count("c"); n != 20 { // each node by itself
		t.Errorf("without Redis: %d of 20", n)
	}
}

// Two nodes that tell each other beside their calls bar who took more than one limit.
func TestNodesSettleWhatCallersTook(t *testing.T) {
	t.Parallel()
	redis := storetest.NewRedis(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	o := pace.Options{Kind: "calls", Limit: pace.Limit{Count: 40, Per: time.Minute}, Message: "slowly"}
	var nodes []*pace.Pace
	for range 2 {
		o.Share = shareOf(t, redis.URL)
		node := pace.New(o)
		go node.Run(ctx, time.Now)
		nodes = append(nodes, node)
	}
	for range 40 {
		if err := nodes[0].Check(ctx, "a", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond) // the first tells
	for range 2 {
		if err := nodes[1].Check(ctx, "b", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if nodes[1].Check(ctx, "a", time.Now()) != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("what the first node gave is not held against the caller at the second")
		}
	}
	if err := nodes[1].Check(ctx, "b", time.Now()); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

// A Redis that hangs costs a call its bound at first, and nothing once that is known.
func TestHungRedisBlocksNobody(t *testing.T) {
	t.Parallel()
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	share := shareOf(t, "redis://"+mute.Addr().String()+"/0")
	p := pace.New(pace.Options{
		Kind: "past", Limit: pace.Limit{Count: 1000, Per: time.Second}, AtOnce: true, Message: "slowly", Share: share,
	})
	began := time.Now()
	for range 500 {
		if err := p.Check(t.Context(), "a", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 5*time.Second { // 25 s if each waited
		t.Errorf("500 calls took %v", took)
	}
	if _, _, err := share(t.Context(), "k", pace.Limit{Count: 1, Per: time.Second, Burst: 1}, 1); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("nobody answers, and the error is %v", err)
	}
}
