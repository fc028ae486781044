package snapshots

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
)

// Rate is how often something may happen: Count in every Per, and Burst at once.
type Rate struct {
	Count, Burst int
	Per          time.Duration
}

// Take takes up to n from what all nodes have together under a key, and tells how many it got and for how long there
// is nothing more. It is bounded like every call of Redis; an error means that nobody can tell.
func (r *Redis) Take(ctx context.Context, key string, rate Rate, n int) (taken int, wait time.Duration, err error) {
	limit := redis_rate.Limit{Rate: rate.Count, Burst: rate.Burst, Period: rate.Per}
	got, err := call(ctx, r, func(ctx context.Context) (*redis_rate.Result, error) {
		return redis_rate.NewLimiter(r.client).AllowAtMost(ctx, "hotswap:"+key, limit, n)
	})
	if err != nil {
		return 0, 0, err
	}
	return got.Allowed, max(0, got.RetryAfter), nil
}
