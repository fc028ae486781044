package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web/pace"
	"github.com/hotswap/hotswap/web/webtest"
)

// TestLimits calls too often in every way there is; whom it does not concern is served.
func TestLimits(t *testing.T) {
	t.Parallel()
	site := webtest.Limited(t, pace.Limits{
		Past:        pace.Limit{Count: 3, Per: time.Hour},
		Calls:       pace.Limit{Count: 5, Per: time.Hour},
		Credentials: pace.Limit{Count: 4, Per: time.Hour},
	})
	viewer := site.As("viewer")
	for n := range 5 {
		got := viewer.Get("/me").Want(200)
		if got.Header.Get("RateLimit-Limit") != "5" || got.Header.Get("RateLimit-Remaining") != string(rune('4'-n)) || got.Header.Get("RateLimit-Reset") == "" {
			t.Errorf("call %d: %v", n, got.Header)
		}
	}
	refused := viewer.Post("/changes", webtest.Body{}).Refused(429, "rate_limited")
	if refused.Header.Get("RateLimit-Remaining") != "0" || refused.Header.Get("RateLimit-Limit") != "5" || refused.Header.Get("Retry-After") == "" {
		t.Errorf("refused: %v", refused.Header)
	}
	site.As("globex-engineer").Get("/me").Want(200)

	read := "/configs/tenant/acme?environment=Production"
	for range 20 { // unlimited, also for who has no other calls left
		for name := range viewer.Get(read).Want(200).Header {
			if strings.HasPrefix(strings.ToLower(name), "ratelimit") {
				t.Fatalf("an unlimited read bears %s", name)
			}
		}
	}
	past := read + "&at=" + time.Now().UTC().Format(time.RFC3339Nano)
	for range 3 {
		viewer.Get(past).Want(200)
	}
	viewer.Get(past).Refused(429, "rate_limited")

	for n := range 10 {
		want := http.StatusUnauthorized
		if n >= 4 {
			want = http.StatusTooManyRequests
		}
		got := site.With("hs_nobody").Get("/me").Want(want)
		if (got.Header.Get("Retry-After") != "") != (n >= 4) {
			t.Errorf("%d: %v", n, got.Header)
		}
	}
	site.As("app").Get(read).Want(200) // from the same address
	for kind, want := range map[string]float64{"calls": 1, "past": 1, "credentials": 6, "reads": 0} {
		if got := counted(t, site, kind); got != want {
			t.Errorf("%s: %v are counted, not %v", kind, got, want)
		}
	}
}

// counted is how many calls were refused by that limit.
func counted(t *testing.T, site *webtest.Site, kind string) (n float64) {
	t.Helper()
	families, err := site.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "hotswap_rate_limited_total" && m.GetLabel()[0].GetValue() == kind {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// TestLimitedReads bounds what applications read, where somebody wants that.
func TestLimitedReads(t *testing.T) {
	t.Parallel()
	site := webtest.Limited(t, pace.Limits{Reads: pace.Limit{Count: 2, Per: time.Hour}})
	app := site.As("app")
	app.Get("/configs/tenant/acme?environment=Production").Want(200)
	app.Get("/configs/tenant/globex/keys/a?environment=Production").Want(404)
	app.Get("/configs/tenant/acme?environment=Production").Refused(429, "rate_limited")
	app.Get("/me").Want(200)
	site.As("viewer").Get("/configs/tenant/acme?environment=Production").Want(200)
}
