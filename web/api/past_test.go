package api_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web/webtest"
)

// chronicle writes a history through the API and remembers what readers of acme got after each write.
type chronicle struct {
	site    *webtest.Site
	admin   *webtest.Caller
	moments []recorded
	refused int
}

// recorded is what is true from an instant on.
type recorded struct {
	at     time.Time
	what   string
	values map[string]string // in clear
}

func newChronicle(t testing.TB) *chronicle {
	t.Helper()
	c := &chronicle{site: webtest.New(t)}
	unstaged(c.site)
	c.admin = c.site.As("admin")
	return c
}

// said is what readers get in clear, and where from.
func said(t testing.TB, s *snapshots.Snapshot, err error) map[string]string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range s.Entries() {
		out[r.Key] = fmt.Sprintf("%s %s@%s.%d %q", r.Value, r.Type, r.Layer, r.Version, r.LockedBy)
	}
	return out
}

// write does one thing, which may be refused, and notes the instant that the database gave it.
func (c *chronicle) write(t testing.TB, what string, do func() *webtest.Response) {
	t.Helper()
	if r := do(); r.Status() >= 300 {
		c.refused++
		return
	}
	m := recorded{what: what}
	c.site.DB.Scan(t, `
		SELECT greatest((SELECT greatest(max(live_from), max(live_to)) FROM config_versions),
		  (SELECT greatest(max(live_from), max(live_to)) FROM definition_versions),
		  (SELECT greatest(max(live_from), max(live_to)) FROM tenant_versions))`, nil, &m.at)
	snap, err := c.site.Snapshots.Get(t.Context(), snapshots.Ask{TenantID: webtest.Acme, Environment: "Production", InClear: true})
	m.values = said(t, snap, err)
	c.moments = append(c.moments, m)
}

// random does one thing that rapid picks.
func (c *chronicle) random(t *testing.T, rt *rapid.T) {
	t.Helper()
	layer := rapid.SampledFrom([]string{models.Platform, "@tier.free", "@tier.enterprise", webtest.Acme}).Draw(rt, "layer")
	item := webtest.Body{"key": rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")}
	op := rapid.SampledFrom([]string{"set", "set", "set", "delete", "lock", "unlock", "define", "define", "retier"}).Draw(rt, "op")
	switch item["op"] = op; op {
	case "set":
		item["value"] = rapid.SampledFrom([]any{
			1, "x", nil, webtest.Body{"a": 1}, webtest.Body{"a": webtest.Body{"b": []int{1}}}, webtest.Body{"a": webtest.Body{"c": 2}, "d": 1.5},
		}).Draw(rt, "value")
		item["locked"] = rapid.IntRange(0, 3).Draw(rt, "locked") == 0
		item["type"] = "json"
	case "define":
		layer = models.Platform
		defines := webtest.Body{"type": "json", "description": strconv.Itoa(len(c.moments))}
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 0:
			defines["merge"] = "deep"
		case 1:
			defines["sensitive"] = true
		}
		item["definition"] = defines
	case "retier":
		tier := rapid.SampledFrom([]string{"Free", "Enterprise"}).Draw(rt, "tier")
		c.write(t, "retier "+tier, func() *webtest.Response { return c.admin.Patch("/tenants/acme", webtest.Body{"tier": tier}) })
		return
	}
	c.write(t, fmt.Sprint(layer, item), func() *webtest.Response {
		return c.admin.Post("/changes", webtest.Body{"tenantId": layer, "environment": "Production", "reason": "history", "items": []webtest.Body{item}})
	})
}

// TestPastIsWhatReadersGot looks at every instant of histories that are written as people write them. Each needs a site of
// its own, so as many are drawn as fit into some seconds; one that fails is made smaller without such a limit.
func TestPastIsWhatReadersGot(t *testing.T) {
	t.Parallel()
	began, failed, moments, refused := time.Now(), false, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if !failed && time.Since(began) > 8*time.Second {
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		c := newChronicle(t)
		for range rapid.IntRange(10, 40).Draw(rt, "steps") {
			c.random(t, rt)
		}
		look := func(m recorded, at time.Time) {
			snap, err := c.site.Snapshots.Past(t.Context(), webtest.Acme, "Production", at, true)
			if diff := cmp.Diff(m.values, said(t, snap, err)); diff != "" {
				rt.Fatalf("at %s, since %s (-then +at)\n%s", at, m.what, diff)
			}
		}
		for i, m := range c.moments {
			look(m, m.at)
			if i > 0 {
				look(c.moments[i-1], m.at.Add(-time.Microsecond))
			}
		}
		moments, refused = moments+len(c.moments), refused+c.refused
	})
	if moments < refused {
		t.Errorf("%d writes, %d refused", moments, refused)
	}
}
