package snapshots

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what the read plane does.
type metrics struct {
	reads struct{ hit, composed, stale, failed prometheus.Counter }
	loads struct{ ok, failed prometheus.Counter }

	hits     prometheus.Counter
	composes prometheus.Counter
	unopened prometheus.Counter
	epochs   prometheus.Counter

	blobs   struct{ hit, miss, dropped, failed prometheus.Counter }
	writes  struct{ ok, failed, left prometheus.Counter }
	notices struct{ sent, failed, heard prometheus.Counter }

	kept     struct{ ok, failed, left prometheus.Counter }
	restored struct{ ok, dropped prometheus.Counter }
}

func newMetrics(registry prometheus.Registerer, s *Service) (m metrics) {
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_snapshot_reads_total", Help: "Resolved reads, by where their answer came from.",
	}, []string{"result"})
	loads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_layer_set_loads_total", Help: "Layer sets read from Postgres.",
	}, []string{"result"})
	m.hits = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotswap_layer_set_hits_total", Help: "Layer sets found in memory when an answer was made.",
	})
	m.composes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotswap_snapshot_composes_total", Help: "Snapshots made of layer sets in memory.",
	})
	m.unopened = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotswap_secrets_unopened_total", Help: "Sensitive values left out of answers because they did not open.",
	})
	m.epochs = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotswap_database_epochs_total", Help: "Databases that took the place of the one before: restored ones and promoted replicas.",
	})
	held := func(cache string, bytes func() uint64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hotswap_cache_bytes", Help: "Memory that the caches of the read plane hold, roughly.",
			ConstLabels: prometheus.Labels{"cache": cache},
		}, func() float64 { return float64(bytes()) })
	}
	registry.MustRegister(reads, loads, m.hits, m.composes, m.unopened, m.epochs,
		held("layer_sets", s.sets.WeightedSize), held("snapshots", s.composed.WeightedSize))
	m.reads.hit, m.reads.composed = reads.WithLabelValues("hit"), reads.WithLabelValues("composed")
	m.reads.stale, m.reads.failed = reads.WithLabelValues("stale"), reads.WithLabelValues("failed")
	m.loads.ok, m.loads.failed = loads.WithLabelValues("ok"), loads.WithLabelValues("failed")
	m.redis(registry)
	m.disk(registry, s)
	return m
}

// disk counts what goes to the state directory and comes from there; all zero in a node without one.
func (m *metrics) disk(registry prometheus.Registerer, s *Service) {
	writes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_state_writes_total", Help: "Writes to the state directory; left ones found no more room.",
	}, []string{"result"})
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_state_reads_total", Help: "Layer sets read from the state directory; dropped files did not open or were not what they should be.",
	}, []string{"result"})
	registry.MustRegister(writes, reads, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotswap_state_bytes", Help: "Size of the layer sets in the state directory.",
	}, func() float64 { return s.disk.size() }))
	m.kept.ok, m.kept.failed, m.kept.left = writes.WithLabelValues("ok"), writes.WithLabelValues("failed"), writes.WithLabelValues("left")
	m.restored.ok, m.restored.dropped = reads.WithLabelValues("ok"), reads.WithLabelValues("dropped")
}

// redis counts what goes to Redis and comes from there; all zero in a node without it.
func (m *metrics) redis(registry prometheus.Registerer) {
	blobs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_redis_blobs_total", Help: "Layer sets asked of Redis; dropped ones did not open or were not what they should be.",
	}, []string{"result"})
	writes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_redis_blob_writes_total", Help: "Layer sets written to Redis; left ones were too large, or too many waited.",
	}, []string{"result"})
	notices := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_redis_notices_total", Help: "Notices between nodes that heads moved.",
	}, []string{"result"})
	registry.MustRegister(blobs, writes, notices)
	m.blobs.hit, m.blobs.miss = blobs.WithLabelValues("hit"), blobs.WithLabelValues("miss")
	m.blobs.dropped, m.blobs.failed = blobs.WithLabelValues("dropped"), blobs.WithLabelValues("failed")
	m.writes.ok, m.writes.failed, m.writes.left = writes.WithLabelValues("ok"), writes.WithLabelValues("failed"), writes.WithLabelValues("left")
	m.notices.sent, m.notices.failed = notices.WithLabelValues("sent"), notices.WithLabelValues("failed")
	m.notices.heard = notices.WithLabelValues("heard")
}
