package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	depthLoaders = 8
	depthCalls   = 2000 // of each question
	depthGoal    = 50.0 // ms, at the 99th percentile
)

// BenchmarkDepth loads 1,000 tenants of 100 keys into the real binary through its API, eight at a time, and asks it about
// random ones: why a value is live, and what differs between environments, tenants and instants. What is over the goal is
// told and fails nothing: the machine may have other things to do.
func BenchmarkDepth(b *testing.B) {
	s := dev(b)
	took, retried := loadDepth(b, s)
	b.Run("load", func(b *testing.B) { // it is done once, however often this is asked for
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(fleetTenants/took.Seconds(), "tenants/s")
		b.ReportMetric(2*fleetTenants*fleetKeys/took.Seconds(), "values/s")
		b.ReportMetric(float64(retried), "busy")
	})
	viewer := s.as("viewer")
	loaded := time.Now().UTC().Format(time.RFC3339Nano)
	tenant := func() string { return depthTenant(rand.IntN(fleetTenants)) }
	for _, question := range []struct {
		name string
		path func() string
		gap  time.Duration // between calls: the past is asked for five times a second by one credential
	}{
		{"explain", func() string {
			return fmt.Sprintf("/configs/tenant/%s/explain?environment=Staging&key=fleet.key-%03d", tenant(), rand.IntN(fleetKeys))
		}, 0},
		{"explain-at", func() string {
			return fmt.Sprintf("/configs/tenant/%s/explain?environment=Staging&key=fleet.key-%03d&at=%s", tenant(), rand.IntN(fleetKeys), loaded)
		}, time.Second / 5},
		{"compare-environments", func() string {
			return fmt.Sprintf("/configs/compare?tenantId=%s&from=Development&to=Staging", tenant())
		}, 0},
		{"compare-tenants", func() string {
			return fmt.Sprintf("/configs/compare?tenantId=%s&toTenantId=%s&from=Staging&to=Staging", tenant(), tenant())
		}, 0},
		{"compare-instants", func() string {
			return fmt.Sprintf("/configs/compare?tenantId=%s&from=Staging&to=Staging&fromAt=%s", tenant(), loaded)
		}, time.Second / 5},
	} {
		for _, callers := range []int{1, depthLoaders} {
			if question.gap > 0 && callers > 1 {
				continue
			}
			b.Run(fmt.Sprintf("%s-%d", question.name, callers), func(b *testing.B) {
				for range b.N {
					calls := depthCalls
					if question.gap > 0 {
						calls /= 20
					}
					tellDepth(b, askDepth(viewer, callers, calls, question.gap, question.path))
				}
			})
		}
	}
}

func depthTenant(n int) string { return fmt.Sprintf("fleet-%04d", n) }

// loadDepth makes layers, tenants and keys. It returns how long that took, and how many calls came back because a layer
// was busy.
func loadDepth(b *testing.B, s *stack) (took time.Duration, busy int64) {
	b.Helper()
	admin, engineer := s.as("admin"), s.as("engineer")
	for n, layer := range []string{"@platform", "@tier.free", "@tier.pro", "@tier.enterprise"} { // some of what tenants override
		for _, environment := range []string{"Development", "Staging"} {
			engineer.post("/changes", fleetChange(layer, environment, -n)).want(http.StatusCreated)
		}
	}
	var next, retried atomic.Int64
	var loading sync.WaitGroup
	began := time.Now()
	for range depthLoaders {
		loading.Go(func() {
			for n := int(next.Add(1)) - 1; n < fleetTenants; n = int(next.Add(1)) - 1 {
				id := depthTenant(n)
				tier := []string{"Free", "Pro", "Enterprise"}[n%3]
				loadOne(admin, "/tenants", map[string]any{"tenantId": id, "name": id, "tier": tier}, &retried)
				for _, environment := range []string{"Development", "Staging"} {
					loadOne(engineer, "/changes", fleetChange(id, environment, n), &retried)
				}
			}
		})
	}
	loading.Wait()
	return time.Since(began), retried.Load()
}

// loadOne calls until a layer that is busy has its turn.
func loadOne(c caller, path string, body any, retried *atomic.Int64) {
	for {
		got, err := c.try(c.request(http.MethodPost, path, body))
		switch {
		case err == nil && got.status == http.StatusCreated:
			return
		case err == nil && got.status == http.StatusServiceUnavailable:
			retried.Add(1)
			time.Sleep(50 * time.Millisecond)
		default:
			c.t.Errorf("%s: %d %s, %v", path, got.status, got.body, err)
			return
		}
	}
}

// askDepth asks questions, so many at a time, and returns how long each took. The first ones of a tenant find it cold.
func askDepth(c caller, callers, calls int, gap time.Duration, path func() string) []time.Duration {
	took := make([]time.Duration, calls)
	var next atomic.Int64
	var asking sync.WaitGroup
	for range callers {
		asking.Go(func() {
			for n := int(next.Add(1)) - 1; n < calls; n = int(next.Add(1)) - 1 {
				r := c.request(http.MethodGet, path(), nil)
				began := time.Now()
				got, err := c.try(r)
				if took[n] = time.Since(began); err != nil || got.status != http.StatusOK {
					c.t.Errorf("%s: %d %s, %v", r.URL, got.status, got.body, err)
					return
				}
				time.Sleep(gap)
			}
		})
	}
	asking.Wait()
	return took
}

func tellDepth(b *testing.B, took []time.Duration) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // of all calls together, which says nothing
	b.ReportMetric(quantile(took, 0.5), "p50-ms")
	p99 := quantile(took, 0.99)
	b.ReportMetric(p99, "p99-ms")
	if p99 > depthGoal {
		b.Logf("the 99th percentile of %.1f ms is over the goal of %.0f ms: on a quiet machine that is a fault", p99, depthGoal)
	}
}
