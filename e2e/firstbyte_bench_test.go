package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web/webtest"
)

// The fleet that the console's pages are measured with.
const (
	fleetTenants = 1000
	fleetKeys    = 100
	visits       = 100 // of each page
)

// BenchmarkFirstByte opens every page of the console with 1,000 tenants of 100 keys each, and tells how long the first
// byte takes at the median and at the 99th percentile. What a page costs at its first visit, cold, is told as well.
func BenchmarkFirstByte(b *testing.B) {
	site := webtest.New(b)
	site.Start()
	settleFleet(site)
	session := site.Session("admin")
	pages := map[string]string{
		"overview": "/", "tenants": "/tenants", "tenants-search": "/tenants?search=777", "tenants-sorted": "/tenants?sort=updated",
		"matrix": "/tenants/fleet-0500", "matrix-search": "/tenants/fleet-0500?search=042", "platform": "/tenants/@platform",
		"editor": "/tenants/fleet-0500/edit?environment=Staging&key=fleet.key-042",
		"key":    "/tenants/fleet-0500/keys/fleet.key-042", "compare": "/tenants/fleet-0500/compare?from=Development&to=Staging&equal=1",
		"changes": "/changes", "approvals": "/approvals", "audit": "/audit", "access": "/access", "signed-out": "/signed-out",
	}
	for name, path := range pages {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				cold := firstByte(b, site.URL+path, session)
				var took []time.Duration
				for range visits {
					took = append(took, firstByte(b, site.URL+path, session))
				}
				b.ReportMetric(float64(cold.Microseconds())/1000, "cold-ms")
				b.ReportMetric(quantile(took, 0.5), "p50-ms")
				b.ReportMetric(quantile(took, 0.99), "p99-ms")
			}
		})
	}
}

// settleFleet makes the tenants and their keys, over the API as everybody else would.
func settleFleet(site *webtest.Site) {
	admin, engineer := site.As("admin"), site.As("engineer")
	tiers := []string{"Free", "Pro", "Enterprise"}
	for n := range fleetTenants {
		id := fmt.Sprintf("fleet-%04d", n)
		admin.Post("/tenants", webtest.Body{"tenantId": id, "name": "Fleet " + id, "tier": tiers[n%len(tiers)]}).Want(http.StatusCreated)
		for _, environment := range []string{"Development", "Staging"} {
			engineer.Post("/changes", fleetChange(id, environment, n)).Want(http.StatusCreated)
		}
	}
}

// fleetChange sets a tenant's keys; every tenth differs between environments.
func fleetChange(id, environment string, n int) webtest.Body {
	items := make([]webtest.Body, fleetKeys)
	for i := range items {
		value := fmt.Sprintf("value %d of %d", i, n)
		if i%10 == 0 {
			value += " in " + environment
		}
		items[i] = webtest.Body{"key": fmt.Sprintf("fleet.key-%03d", i), "op": "set", "value": value}
	}
	return webtest.Body{"tenantId": id, "environment": environment, "title": "Keys of the fleet", "items": items}
}

// firstByte is how long it takes from the request to the first byte of its answer, which must be 200.
func firstByte(b *testing.B, url string, session *http.Cookie) time.Duration {
	b.Helper()
	var first time.Time
	ctx := httptrace.WithClientTrace(b.Context(), &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Now() }})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.AddCookie(session)
	r.Header.Set("Accept", "text/html")
	began := time.Now()
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		b.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		b.Fatalf("%s answered %d", url, answer.StatusCode)
	}
	return first.Sub(began)
}
