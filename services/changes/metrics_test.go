package changes_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	client "github.com/prometheus/client_model/go"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// measured are the metrics of that name.
func (h *house) measured(name string) []*client.Metric {
	h.t.Helper()
	registry, ok := h.Metrics.(*prometheus.Registry)
	if !ok {
		h.t.Fatal("the house has no registry")
	}
	families, err := registry.Gather()
	h.must(err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

// observations is how often something was observed, and the sum of it.
func (h *house) observations(name string) (n uint64, sum float64) {
	h.t.Helper()
	histogram := h.measured(name)[0].GetHistogram()
	return histogram.GetSampleCount(), histogram.GetSampleSum()
}

func TestDecisionsAreCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "limit", "10").Change
	if _, err := h.approve("author", c); err == nil {
		t.Error("the author decided")
	}
	h.ahead.Store(int64(time.Minute))
	for _, who := range []string{"engineer", "manager", "compliance"} {
		if n, _ := h.observations("hotswap_approval_wait_seconds"); n != 0 {
			t.Errorf("before %s: %d changes waited to the end", who, n)
		}
		var err error
		c, err = h.approve(who, c)
		h.must(err)
	}
	if n, sum := h.observations("hotswap_approval_wait_seconds"); n != 1 || sum <= 0 {
		t.Errorf("%d changes waited %v s", n, sum)
	}
	if n, _ := h.observations("hotswap_write_duration_seconds"); n != 4 { // the submission and three decisions
		t.Errorf("%d writes were timed", n)
	}
	other := h.set("author", "acme", "Production", "limit", "11").Change
	_, err := h.Decide(h.as("engineer"), changes.Decide{ChangeID: other.ID, Verdict: models.Reject, Digest: other.Digest, Comment: "no"})
	h.must(err)
	counted := map[string]float64{}
	for _, m := range h.measured("hotswap_decisions_total") {
		counted[m.GetLabel()[1].GetValue()+" by "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	want := map[string]float64{"approve by engineer": 1, "approve by manager": 1, "approve by compliance": 1, "reject by engineer": 1}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Error(diff)
	}
}

func TestWaitingIsCountedOverAllTenants(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	want := func(n int) {
		t.Helper()
		if got, err := h.Waiting(t.Context()); err != nil || got != n { // nobody has to be known for a number
			t.Errorf("%d wait (%v), want %d", got, err, n)
		}
	}
	want(0)
	for _, tenant := range []string{"acme", "globex"} {
		h.set("author", tenant, "Production", "limit", "10")
		h.set("author", tenant, "Development", "limit", "10") // live at once
	}
	want(2)
	var seen int
	h.d.Scan(t, `SELECT count(*) FROM changes`, nil, &seen)
	if seen != 4 {
		t.Errorf("%d changes are there", seen)
	}
	// What the gauge may look at is what waits, and nothing else of the changes.
	conn := h.d.Connect(t, h.d.URL)
	if err := conn.QueryRow(t.Context(), `SELECT set_config('app.system', 'scan', false)`).Scan(new(string)); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM changes`).Scan(&seen); err != nil || seen != 2 {
		t.Errorf("the gauge sees %d changes, %v", seen, err)
	}
}
