package deployments

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

func at(second int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
}

func seen(tenant, unit, revision string, second int) models.Instance {
	return models.Instance{
		InstanceKey: models.InstanceKey{TenantID: tenant, Environment: "QA", Unit: unit}, Revision: revision, LastSeenAt: at(second),
	}
}

// What says nothing new is written every half minute, what is new at once.
func TestHeartbeatsAreWrittenSparingly(t *testing.T) {
	t.Parallel()
	g := newGathered()
	for _, step := range []struct {
		second   int
		revision string
		due      int
	}{{0, "a", 1}, {10, "a", 0}, {29, "a", 0}, {30, "a", 1}, {31, "b", 1}, {40, "b", 0}, {61, "b", 1}} {
		g.note(seen("acme", "u", step.revision, step.second))
		due := g.due()
		if len(due) != step.due {
			t.Errorf("at %d: %d to write", step.second, len(due))
		}
		g.wrote(due, nil)
	}
	late := g.due()
	g.note(seen("acme", "u", "c", 62))
	g.wrote(late, nil) // what came while it was written waits
	if len(g.due()) != 1 {
		t.Error("a heartbeat got lost while the one before was written")
	}
	g.forgetSilent(at(1000))
	if len(g.due()) != 1 {
		t.Error("what is not written was forgotten")
	}
	g.wrote(g.due(), nil)
	if g.forgetSilent(at(1000)); g.known != 0 || len(g.crowds) != 0 {
		t.Errorf("%d are still known in %d places", g.known, len(g.crowds))
	}
}

// A tenant with too many instances pushes out its own, and the ones that were silent longest.
func TestCrowdsAreBounded(t *testing.T) {
	t.Parallel()
	g := newGathered()
	g.note(seen("globex", "mine", "a", 0))
	for n := range maxUnits + 5 {
		g.note(seen("acme", strconv.Itoa(n), "a", n))
	}
	if _, forgotten := g.waiting(); g.known != maxUnits+1 || forgotten != 5 {
		t.Errorf("%d known, %d forgotten", g.known, forgotten)
	}
	for unit, there := range map[string]bool{"4": false, "5": true, strconv.Itoa(maxUnits + 4): true} {
		if (g.of(models.InstanceKey{TenantID: "acme", Environment: "QA", Unit: unit}) != nil) != there {
			t.Errorf("%s is there: %v", unit, !there)
		}
	}
	if g.of(models.InstanceKey{TenantID: "globex", Environment: "QA", Unit: "mine"}) == nil {
		t.Error("another tenant had to give way")
	}
}

// When all tenants together have too many, a large one gives way and none is kept out.
func TestAllCrowdsTogetherAreBounded(t *testing.T) {
	t.Parallel()
	g := newGathered()
	for n := range maxGathered {
		g.note(seen("tenant-"+strconv.Itoa(n/maxUnits), strconv.Itoa(n), "a", 0))
	}
	for n := range 100 {
		g.note(seen("small-"+strconv.Itoa(n), "u", "a", 1))
	}
	if g.known != maxGathered {
		t.Errorf("%d are known", g.known)
	}
	if g.of(models.InstanceKey{TenantID: "small-99", Environment: "QA", Unit: "u"}) == nil {
		t.Error("who came last is not known")
	}
}

// The books balance whatever comes: every crowd holds what it counts, and everything unwritten is known.
func TestBooksOfCrowdsBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := newGathered()
		for second := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				g.wrote(g.due(), nil)
			case 1:
				g.forgetSilent(at(second - rapid.IntRange(0, 20).Draw(t, "ago")))
			default:
				g.note(seen(rapid.SampledFrom([]string{"acme", "globex"}).Draw(t, "tenant"), rapid.StringMatching("[a-d]").Draw(t, "unit"),
					rapid.StringMatching("[xy]").Draw(t, "revision"), second))
			}
			known := 0
			for place, c := range g.crowds {
				if c.order.Len() == 0 || c.order.Len() != len(c.units) {
					t.Fatalf("%v holds %d and counts %d", place, c.order.Len(), len(c.units))
				}
				known += c.order.Len()
			}
			if known != g.known {
				t.Fatalf("%d are known, %d are counted", known, g.known)
			}
			for k, h := range g.unwritten {
				if g.of(k) != h {
					t.Fatalf("%v waits and is not known", k)
				}
			}
		}
	})
}
