package devstack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
)

func TestRedisKeepsItsDataAndAddress(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.Options{Dir: t.TempDir()}
	first := startRedis(ctx, t, opts)
	address := first.URL()
	if !strings.HasPrefix(address, "redis://127.0.0.1:") || !strings.HasSuffix(address, "/0") {
		t.Errorf("the address is %s", address)
	}
	if err := redisClient(t, address).Set(ctx, "kept", "as it was", 0).Err(); err != nil {
		t.Fatal(err)
	}
	stop(ctx, t, first)
	if err := redisClient(t, address).Ping(ctx).Err(); err == nil {
		t.Fatal("it answers after Stop")
	}
	second := startRedis(ctx, t, opts)
	if second.URL() != address {
		t.Errorf("the address became %s, was %s", second.URL(), address)
	}
	if got := redisClient(t, address).Get(ctx, "kept").Val(); got != "as it was" {
		t.Errorf("the data became %q", got)
	}
}

func TestRedisInTestsKeepsNothing(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.Options{Dir: t.TempDir(), Fast: true}
	r := startRedis(ctx, t, opts)
	if err := redisClient(t, r.URL()).Set(ctx, "lost", "soon", 0).Err(); err != nil {
		t.Fatal(err)
	}
	stop(ctx, t, r)
	if n := redisClient(t, startRedis(ctx, t, opts).URL()).DBSize(ctx).Val(); n != 0 {
		t.Errorf("%d keys survived", n)
	}
}

func TestRedisStopsThoughItCannotSave(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.Options{Dir: t.TempDir()}
	r := startRedis(ctx, t, opts)
	if err := redisClient(t, r.URL()).Set(ctx, "unsaved", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(opts.Dir, "redis")); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	stop(ctx, t, r)
	if took := time.Since(before); took > 8*time.Second {
		t.Errorf("it had to be killed, after %v", took)
	}
}

func TestRedisLeavesAnOccupiedPort(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.Options{Dir: t.TempDir(), Fast: true}
	r := startRedis(ctx, t, opts)
	address := r.URL()
	stop(ctx, t, r)
	occupy(ctx, t, host(t, address))
	r = startRedis(ctx, t, opts)
	if r.URL() == address {
		t.Fatal("it took an occupied port")
	}
	if err := redisClient(t, r.URL()).Ping(ctx).Err(); err != nil {
		t.Error(err)
	}
}
