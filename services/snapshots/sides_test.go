package snapshots_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// The deployments of these tests: a canary of the tenant, and one of its platform in waves.
const (
	canary = "a0000000-0000-4000-8000-000000000001"
	waves  = "b0000000-0000-4000-8000-000000000002"
)

// rollouts are two deployments on their way in Production.
func rollouts(key models.HeadKey) []*configs.Overlay {
	if key.Environment != production {
		return nil
	}
	entry := func(deployment, key, value string) configs.Entry {
		return configs.Entry{Key: key, Value: models.Value(value), Version: 2, Deployed: deployment}
	}
	switch key.TenantID {
	case "acme":
		return []*configs.Overlay{{
			DeploymentID: canary, Salt: "canary", Unit: models.UnitInstance,
			Set: []configs.Entry{entry(canary, "color", `"new"`), entry(canary, "extra", `true`)}, Unset: []string{"old"},
		}}
	case models.Platform:
		return []*configs.Overlay{{
			DeploymentID: waves, Salt: "waves", Unit: models.UnitTenant, Set: []configs.Entry{entry(waves, "shared", `2`)},
		}}
	default:
		return nil
	}
}

func newRollouts(t testing.TB) node {
	t.Helper()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Enterprise")
	db.Tenant(t, "globex", "Enterprise")
	for _, set := range [][3]string{
		{models.Platform, "shared", `1`}, {"acme", "color", `"old"`}, {"acme", "old", `true`}, {"globex", "color", `"old"`},
	} {
		db.Set(t, set[0], production, set[1], set[2])
	}
	return withOverlays(t, db, rollouts)
}

func (n node) seen(t testing.TB, tenant, unit string) *snapshots.Snapshot {
	t.Helper()
	snap, err := n.Get(t.Context(), snapshots.Ask{TenantID: tenant, Environment: production, Unit: unit})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// value is what the key comes to, empty for none.
func value(snap *snapshots.Snapshot, key string) string {
	r, _ := snap.Key(key)
	if r.Entry == nil {
		return ""
	}
	return string(r.Value)
}

func TestUnitsGoOverInTheOrderOfTheirBuckets(t *testing.T) {
	t.Parallel()
	n := newRollouts(t)
	over := map[string]bool{}
	for _, threshold := range []int{0, 1_000, 5_000, models.Buckets} {
		n.Advance(canary, models.Progress{Threshold: threshold})
		count := 0
		for i := range 1_000 {
			unit := fmt.Sprint("unit-", i)
			snap := n.seen(t, "acme", unit)
			switch is := value(snap, "color") == `"new"`; {
			case is != (value(snap, "extra") == `true`) || is != (value(snap, "old") == ""):
				t.Fatalf("%s sees half a side: %s", unit, snap.Body())
			case over[unit] && !is:
				t.Fatalf("%s went back at %d", unit, threshold)
			case is:
				over[unit] = true
				count++
			}
		}
		if want := threshold / 10; count < want-60 || count > want+60 { // the buckets are fixed: every run counts the same
			t.Errorf("at %d of %d, %d of 1,000 units are over", threshold, models.Buckets, count)
		}
	}
	if snap := n.seen(t, "acme", ""); value(snap, "color") != `"old"` {
		t.Errorf("who names no unit sees %s", snap.Body())
	}
}

func TestSidesAreAnswersOfTheirOwn(t *testing.T) {
	t.Parallel()
	n := newRollouts(t)
	stable := n.seen(t, "acme", "unit")
	loads, made := n.loads(t), n.counted(t, "hotswap_snapshot_composes_total", "")
	n.Advance(canary, models.Progress{Threshold: models.Buckets})
	over := n.seen(t, "acme", "unit")
	if over.ETag == stable.ETag || over.Revision == stable.Revision || bytes.Equal(over.Body(), stable.Body()) {
		t.Errorf("both sides are called %s", over.ETag)
	}
	if r, _ := over.Key("color"); r.Deployed != canary {
		t.Errorf("the candidate's value is of the deployment %q", r.Deployed)
	}
	n.Advance(canary, models.Progress{})
	if again := n.seen(t, "acme", "unit"); again != stable {
		t.Errorf("back on the stable side: %s, before %s", again.Body(), stable.Body())
	}
	n.Advance(canary, models.Progress{Threshold: models.Buckets})
	if again := n.seen(t, "acme", "unit"); again != over {
		t.Error("the candidate's answer was made twice")
	}
	if n.loads(t) != loads || n.counted(t, "hotswap_snapshot_composes_total", "") != made+1 {
		t.Error("a percentage that moves makes answers anew")
	}
}

func TestTenantsGoOverAsAWhole(t *testing.T) {
	t.Parallel()
	n := newRollouts(t)
	n.Advance(waves, models.Progress{Tenants: []string{"globex"}})
	n.Advance(canary, models.Progress{Threshold: models.Buckets})
	for _, test := range []struct{ tenant, unit, shared, color string }{
		{"globex", "", `2`, `"old"`},
		{"globex", "unit", `2`, `"old"`}, // the canary is another tenant's
		{"acme", "", `1`, `"old"`},
		{"acme", "unit", `1`, `"new"`},
	} {
		snap := n.seen(t, test.tenant, test.unit)
		if value(snap, "shared") != test.shared || value(snap, "color") != test.color {
			t.Errorf("%s as %q sees %s", test.tenant, test.unit, snap.Body())
		}
	}
}

// TestFormsAreWeighed makes sure that what is encoded later counts for the memory of the cache.
func TestFormsAreWeighed(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	for i := range 100 {
		n.db.Set(t, "acme", production, fmt.Sprint("key-", i), `"a value of some length, as they are"`)
	}
	snap := n.read(t, "acme", production, false)
	before := n.counted(t, "hotswap_cache_bytes", "snapshots")
	plain := snap.JSON(false)
	between := n.counted(t, "hotswap_cache_bytes", "snapshots")
	packed := snap.JSON(true)
	after := n.counted(t, "hotswap_cache_bytes", "snapshots")
	if between < before+float64(len(plain.Body)) || after < between+float64(len(packed.Body)) {
		t.Errorf("weighs %v, %v with %d bytes, %v with %d more", before, between, len(plain.Body), after, len(packed.Body))
	}
	if !packed.Packed || packed.ETag[0] == plain.ETag[0] || len(packed.Body) >= len(plain.Body) || snap.JSON(true) != packed || snap.JSON(false) != plain {
		t.Errorf("plain %v of %d bytes, packed %v of %d", plain.ETag, len(plain.Body), packed.ETag, len(packed.Body))
	}
}
