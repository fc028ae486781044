package changes

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// metrics tell how changes come and go, never of whom.
type metrics struct {
	writes    *prometheus.CounterVec
	took      prometheus.Histogram
	decisions *prometheus.CounterVec
	waited    prometheus.Histogram
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotswap_writes_total", Help: "Writes of changes that committed, by where the change stands afterwards.",
		}, []string{"status"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotswap_write_duration_seconds", Help: "How long committed writes of changes took, with their wait for turn and locks.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2},
		}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotswap_decisions_total", Help: "Decisions on changes, by verdict and the role that the stage asks for.",
		}, []string{"verdict", "role"}),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotswap_approval_wait_seconds", Help: "From the making of a change to the last approval that it needed.",
			Buckets: []float64{60, 300, 900, 3600, 4 * 3600, 8 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600},
		}),
	}
	registry.MustRegister(m.writes, m.took, m.decisions, m.waited)
	return m
}

// count counts a write that committed.
func (s *Service) count(c models.Change) { s.metrics.writes.WithLabelValues(string(c.Status)).Inc() }

// countDecision counts the decision that was written last.
func (s *Service) countDecision(c models.Change) {
	if len(c.Decisions) == 0 {
		return
	}
	d := c.Decisions[len(c.Decisions)-1]
	for _, stage := range c.Stages {
		if stage.Name == d.Stage {
			s.metrics.decisions.WithLabelValues(string(d.Verdict), string(stage.Role)).Inc()
		}
	}
	if d.Verdict == models.Approve && c.Satisfied() {
		s.metrics.waited.Observe(max(0, d.At.Sub(c.CreatedAt)).Seconds())
	}
}

// MaxCounted is where Waiting stops to count.
const MaxCounted = 10_000

// waitingSQL reads by the index changes_waiting, and no further than it must.
const waitingSQL = `SELECT count(*) FROM (SELECT FROM changes WHERE status = 'pending' LIMIT ?) AS pending`

// Waiting is how many changes of all tenants wait for decisions, MaxCounted at most. It is meant for gauges: it sees
// what no single actor need see, and tells the number alone.
func (s *Service) Waiting(ctx context.Context) (waiting int, err error) {
	ctx, cancel := context.WithTimeout(models.WithActor(ctx, models.System("scan")), time.Second)
	defer cancel()
	err = s.DB.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(waitingSQL, MaxCounted).Scan(&waiting).Error
	})
	return waiting, err
}
