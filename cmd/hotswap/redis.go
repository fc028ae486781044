package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hotswap/hotswap/services/snapshots"
)

// What a layer set may stay in Redis.
const (
	devCacheTTL      = 5 * time.Minute
	shortestCacheTTL = time.Second
	longestCacheTTL  = 24 * time.Hour
)

// checkRedisURL takes none as well: then nodes find each other's changes by looking every second.
func checkRedisURL(name, value string) error {
	if value == "" {
		return nil
	}
	if err := snapshots.CheckRedisURL(value); err != nil {
		return fmt.Errorf("%s %w", name, err)
	}
	return nil
}

// readCacheTTL does not repeat what it cannot read.
func readCacheTTL(name, value string) (time.Duration, error) {
	ttl, err := time.ParseDuration(value)
	if err != nil || ttl < shortestCacheTTL || ttl > longestCacheTTL {
		return 0, errors.New(name + " is not a duration from 1s to 24h, such as 5m")
	}
	return ttl, nil
}

// openRedis makes the node's Redis; without a URL there is none, which it says once. The caller closes it.
func (n *node) openRedis(ctx context.Context, url string, ttl time.Duration) (err error) {
	if url == "" {
		n.log.InfoContext(ctx, "no Redis: what other nodes write is seen within two seconds, and every node loads for itself")
		return nil
	}
	redis.SetLogger(redisLog{n.log})
	n.redis, err = snapshots.OpenRedis(snapshots.RedisOptions{URL: url, TTL: ttl, Hook: n.telemetry.Redis(time.Now), Now: time.Now})
	return err
}

// redisLog takes what the client says about its connections. What matters of it the read plane and the metrics tell.
type redisLog struct{ log *slog.Logger }

// Printf is how the client speaks.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "the client of Redis", slog.String("says", fmt.Sprintf(format, args...)))
}
