package read

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/hotswap/hotswap/services/snapshots"
)

// StreamLimits are how many streams a node takes. What is 0 is as DefaultStreamLimits says.
type StreamLimits struct {
	Node      int // at a time
	Tenant    int // at a time, of one tenant
	Layers    int // at a time, of all tenants together
	PerSecond int // that begin, in the long run; five times as many at once
}

// DefaultStreamLimits fit one node with two cores.
func DefaultStreamLimits() StreamLimits {
	return StreamLimits{Node: 20_000, Tenant: 15_000, Layers: 2_000, PerSecond: 2_000}
}

// burst is how many seconds' worth of streams may begin at once: all those of a node that was restarted.
const burst = 5

// admission counts the streams that are open, and how many begin.
type admission struct {
	limits StreamLimits
	pace   *rate.Limiter

	mu      sync.Mutex
	all     int
	layers  int
	tenants map[string]int
}

func newAdmission(limits StreamLimits) *admission {
	defaults := DefaultStreamLimits()
	for _, each := range []struct{ given, otherwise *int }{
		{&limits.Node, &defaults.Node},
		{&limits.Tenant, &defaults.Tenant},
		{&limits.Layers, &defaults.Layers},
		{&limits.PerSecond, &defaults.PerSecond},
	} {
		if *each.given == 0 {
			*each.given = *each.otherwise
		}
	}
	return &admission{
		limits: limits, tenants: map[string]int{},
		pace: rate.NewLimiter(rate.Limit(limits.PerSecond), burst*limits.PerSecond),
	}
}

// enter counts a stream in, or names the bound that it would break.
func (a *admission) enter(topic snapshots.Topic, now time.Time) (bound string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	layers := topic.Telling == snapshots.TellLayers
	switch {
	case a.all >= a.limits.Node:
		return "node"
	case layers && a.layers >= a.limits.Layers:
		return "layers"
	case !layers && a.tenants[topic.TenantID] >= a.limits.Tenant:
		return "tenant"
	case !a.pace.AllowN(now, 1):
		return "pace"
	}
	a.all++
	if layers {
		a.layers++
	} else {
		a.tenants[topic.TenantID]++
	}
	return ""
}

func (a *admission) leave(topic snapshots.Topic) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	if topic.Telling == snapshots.TellLayers {
		a.layers--
		return
	}
	if a.tenants[topic.TenantID]--; a.tenants[topic.TenantID] == 0 {
		delete(a.tenants, topic.TenantID)
	}
}

// spread is the time in which all who are here could come back.
func (a *admission) spread() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Duration(a.all) * time.Second / time.Duration(a.limits.PerSecond)
}

// streamMetrics count what becomes of streams.
type streamMetrics struct {
	values, refetch, layers prometheus.Gauge
	frames                  prometheus.Counter
	ended, refused          *prometheus.CounterVec
}

func newStreamMetrics(registry prometheus.Registerer) (m streamMetrics) {
	open := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hotswap_streams_open", Help: "Streams that are open, by what they tell.",
	}, []string{"kind"})
	m.frames = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hotswap_stream_frames_total", Help: "Pieces of text written to streams, heartbeats included.",
	})
	m.ended = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_streams_ended_total", Help: "Streams that the node ended, by its reason.",
	}, []string{"reason"})
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_streams_refused_total", Help: "Streams that did not begin, by the bound they would have broken.",
	}, []string{"bound"})
	registry.MustRegister(open, m.frames, m.ended, m.refused)
	for _, reason := range []string{snapshots.EndShutdown, snapshots.EndRevoked, snapshots.EndSuspended, snapshots.EndSlow} {
		m.ended.WithLabelValues(reason) // shown from the start: a rate needs a zero
	}
	for _, bound := range []string{"node", "tenant", "layers", "pace", "closing"} {
		m.refused.WithLabelValues(bound)
	}
	m.values, m.refetch, m.layers = open.WithLabelValues("values"), open.WithLabelValues("refetch"), open.WithLabelValues("layers")
	return m
}

func (m streamMetrics) open(topic snapshots.Topic) prometheus.Gauge {
	switch topic.Telling {
	case snapshots.TellRefetch:
		return m.refetch
	case snapshots.TellLayers:
		return m.layers
	default:
		return m.values
	}
}
