package snapshots

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what the read plane does.
type metrics struct {
	reads struct{ hit, composed, stale, failed prometheus.Counter }
	loads struct{ ok, failed prometheus.Counter }

	composes prometheus.Counter
}

func newMetrics(registry prometheus.Registerer, s *Service) (m metrics) {
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_snapshot_reads_total", Help: "Resolved reads, by where their answer came from.",
	}, []string{"result"})
	loads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_layer_set_loads_total", Help: "Layer sets read from Postgres.",
	}, []string{"result"})
	m.composes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotswap_snapshot_composes_total", Help: "Snapshots made of layer sets in memory.",
	})
	held := func(cache string, bytes func() uint64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hotswap_cache_bytes", Help: "Memory that the caches of the read plane hold, roughly.",
			ConstLabels: prometheus.Labels{"cache": cache},
		}, func() float64 { return float64(bytes()) })
	}
	registry.MustRegister(reads, loads, m.composes,
		held("layer_sets", s.sets.WeightedSize), held("snapshots", s.composed.WeightedSize))
	m.reads.hit, m.reads.composed = reads.WithLabelValues("hit"), reads.WithLabelValues("composed")
	m.reads.stale, m.reads.failed = reads.WithLabelValues("stale"), reads.WithLabelValues("failed")
	m.loads.ok, m.loads.failed = loads.WithLabelValues("ok"), loads.WithLabelValues("failed")
	return m
}
