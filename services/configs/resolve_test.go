package configs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// naive resolves the way one would explain it: for every key that any layer sets, look from below.
func naive(chain []*configs.LayerSet) []configs.Resolved {
	keys := map[string]bool{}
	for _, set := range chain {
		for key := range set.Entries {
			keys[key] = true
		}
	}
	out := []configs.Resolved{}
	for key := range keys {
		var r configs.Resolved
		for _, set := range slices.Backward(chain) {
			e, ok := set.Entries[key]
			switch {
			case !ok:
			case r.Layer == "":
				r.Entry, r.Layer = e, set.Head.TenantID
			default:
				r.Hides = slices.Insert(r.Hides, 0, configs.Hidden{Entry: e, Layer: set.Head.TenantID})
			}
		}
		r.Type = r.Value.Type()
		for _, set := range slices.Backward(chain) {
			if kind, ok := set.Kinds[key]; ok {
				r.Type = kind.Type
				r.Sensitive = r.Sensitive || kind.Sensitive
			}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b configs.Resolved) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func drawChain(t *rapid.T) []*configs.LayerSet {
	key := rapid.SampledFrom([]string{"a", "b", "b.c", "b-c", "c", "d", "e"})
	types := rapid.SampledFrom([]models.ValueType{models.TypeBoolean, models.TypeNumber, models.TypeString, models.TypeJSON})
	var chain []*configs.LayerSet
	for i, layer := range []string{models.Platform, "@tier.pro", "acme"}[:rapid.IntRange(1, 3).Draw(t, "layers")] {
		var entries []configs.Entry
		kinds := map[string]configs.Kind{}
		for _, k := range rapid.SliceOfDistinct(key, rapid.ID).Draw(t, "keys") {
			entries = append(entries, configs.Entry{Key: k, Value: models.Int(int64(i)), Version: int64(i)})
		}
		for _, k := range rapid.SliceOfDistinct(key, rapid.ID).Draw(t, "kinds") {
			kinds[k] = configs.Kind{Type: types.Draw(t, "type"), Sensitive: rapid.Bool().Draw(t, "sensitive")}
		}
		chain = append(chain, configs.NewLayerSet(models.Head{TenantID: layer}, entries, kinds))
	}
	return chain
}

func TestResolveIsTheNaiveOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chain := drawChain(t)
		if diff := cmp.Diff(naive(chain), configs.Resolve(chain)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	var chain []*configs.LayerSet
	for _, layer := range []string{models.Platform, "@tier.pro", "acme"} {
		var entries []configs.Entry
		for i := range 100 {
			k := fmt.Sprintf("%s.%d", strings.Trim(layer, "@"), i)
			if i%2 == 0 {
				k = fmt.Sprintf("shared.%d", i)
			}
			entries = append(entries, configs.Entry{Key: k, Value: "true"})
		}
		chain = append(chain, configs.NewLayerSet(models.Head{TenantID: layer}, entries, nil))
	}
	b.ReportAllocs()
	for b.Loop() {
		configs.Resolve(chain)
	}
}
