package secrets

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics count what is done with secrets, never whose.
type metrics struct {
	sealed, opened, failed prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	opened := promauto.With(r).NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_secrets_opened_total", Help: "Sealed values and blobs that were opened, and those that did not open.",
	}, []string{"result"})
	return metrics{
		sealed: promauto.With(r).NewCounter(prometheus.CounterOpts{
			Name: "hotswap_secrets_sealed_total", Help: "Values that were sealed.",
		}),
		opened: opened.WithLabelValues("opened"), failed: opened.WithLabelValues("failed"),
	}
}
