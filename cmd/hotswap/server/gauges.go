package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/hotswap/hotswap/services/store"
)

// measureEvery is how old what the gauges show of the database may be, however often somebody looks at them.
const measureEvery = 15 * time.Second

// gauges show what is read from the database, over all nodes.
type gauges struct{ waiting, jobs, oldest prometheus.Gauge }

// newGauges also shows how busy this node's connections are, which costs no query.
func newGauges(registry prometheus.Registerer, db *store.DB, contact *store.Contact) gauges {
	m := promauto.With(registry)
	show := func(name, help string, read func(store.Load) int) {
		m.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read(db.Load())) })
	}
	show("hotswap_db_connections_max", "Transactions that this node may have open at a time.", func(l store.Load) int { return l.Max })
	show("hotswap_db_connections_in_use", "Transactions that this node has open.", func(l store.Load) int { return l.InUse })
	show("hotswap_db_connections_waiting", "Callers on this node who wait for a connection.", func(l store.Load) int { return l.Waiting })
	m.NewCounterFunc(prometheus.CounterOpts{
		Name: "hotswap_db_refused_total", Help: "Callers who got no connection within half a second.",
	}, func() float64 { return float64(db.Load().Refused) })
	m.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotswap_db_silence_seconds", Help: "How long this node has not heard of the database; what it serves may be that old.",
	}, func() float64 { return contact.Silence().Seconds() })
	return gauges{
		waiting: m.NewGauge(prometheus.GaugeOpts{
			Name: "hotswap_changes_waiting", Help: "Changes of all tenants that wait for decisions, 10,000 at most.",
		}),
		jobs: m.NewGauge(prometheus.GaugeOpts{
			Name: "hotswap_jobs_waiting", Help: "Jobs of all nodes that are due and not begun.",
		}),
		oldest: m.NewGauge(prometheus.GaugeOpts{
			Name: "hotswap_jobs_oldest_seconds", Help: "How long the job that waits longest has been due.",
		}),
	}
}

// measure keeps the gauges up to date until the context ends.
func (s *Server) measure(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		s.measureOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// measureOnce leaves a gauge as it is when the database does not answer, which shows elsewhere.
func (s *Server) measureOnce(ctx context.Context) {
	if waiting, err := s.Changes.Waiting(ctx); err == nil {
		s.gauges.waiting.Set(float64(waiting))
	} else if ctx.Err() == nil {
		s.options.Log.WarnContext(ctx, "cannot count the changes that wait", "error", err)
	}
	if jobs, err := s.options.DB.Jobs(ctx); err == nil {
		s.gauges.jobs.Set(float64(jobs.Waiting))
		s.gauges.oldest.Set(jobs.Oldest.Seconds())
	} else if ctx.Err() == nil {
		s.options.Log.WarnContext(ctx, "cannot count the jobs that wait", "error", err)
	}
}
