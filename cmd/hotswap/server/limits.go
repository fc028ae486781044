package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/pace"
)

// limits makes what bounds callers: each limit shared with the other nodes through Redis, if there is one, and counted.
type limits struct {
	pace.Limits

	share   pace.Share // nil without Redis
	refused *prometheus.CounterVec
}

func newLimits(o Options) limits {
	l := limits{Limits: pace.Standard(), refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_rate_limited_total", Help: "Calls that were refused because their caller was too quick.",
	}, []string{"kind"})}
	if o.Limits != nil {
		l.Limits = *o.Limits
	}
	o.Registry.MustRegister(l.refused)
	if o.Redis != nil {
		l.share = func(ctx context.Context, key string, p pace.Limit, n int) (int, time.Duration, error) {
			return o.Redis.Take(ctx, key, snapshots.Rate{Count: p.Count, Burst: p.Burst, Per: p.Per}, n)
		}
	}
	return l
}

// of is how a limit of that kind is counted and shared.
func (l limits) of(kind string, limit pace.Limit) pace.Options {
	return pace.Options{Limit: limit, Share: l.share, Refused: l.refused.WithLabelValues(kind).Inc}
}

func (l limits) web(now func() time.Time) web.Limits {
	return web.NewLimits(now, l.of("reads", l.Reads), l.of("calls", l.Calls), l.of("credentials", l.Credentials))
}
