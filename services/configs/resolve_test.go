package configs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// naive resolves the way one would explain it: for every key that any layer sets, cut the layers below the topmost
// lock off, then look from below.
func naive(chain []*configs.LayerSet) []configs.Resolved {
	keys := map[string]bool{}
	for _, set := range chain {
		for key := range set.Entries {
			keys[key] = true
		}
	}
	out := []configs.Resolved{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, naiveKey(chain, key))
	}
	return out
}

func naiveKey(chain []*configs.LayerSet, key string) (r configs.Resolved) {
	var all []configs.Hidden // every layer's own, topmost first
	for _, set := range chain {
		if e, ok := set.Entries[key]; ok {
			all = append(all, configs.Hidden{Entry: e, Layer: set.Head.TenantID, Why: configs.WhyCovered})
		}
	}
	last := len(all) - 1
	for i, h := range slices.Backward(all) {
		if h.Locked {
			last, r.LockedBy = i, h.Layer
		}
	}
	for i := range all[last+1:] {
		all[last+1+i].Why = configs.WhyLocked
	}
	for _, set := range slices.Backward(chain) {
		if kind, ok := set.Kinds[key]; ok {
			r.Type, r.Merge, r.Sensitive = kind.Type, kind.Merge, r.Sensitive || kind.Sensitive
		}
	}
	first := last // the topmost of those that come together
	for r.Merge == models.MergeDeep && !r.Sensitive && first > 0 && object(all[last]) != nil && object(all[first-1]) != nil {
		first--
		all[first].Why = configs.WhyMerged
	}
	merged := *all[last].Entry
	if first < last {
		value := object(all[first])
		for _, h := range all[first+1 : last+1] {
			value = mergedInto(value, object(h))
		}
		merged.Value, _ = models.Canonical(value)
	}
	r.Entry, r.Layer = &merged, all[last].Layer
	r.Hides = slices.Delete(all, last, last+1)
	if len(r.Hides) == 0 {
		r.Hides = nil
	}
	if r.Type == "" {
		r.Type = r.Value.Type()
	}
	r.Sensitive = r.Sensitive || strings.HasPrefix(string(r.Value), "sealed:")
	return r
}

// object decodes a value exactly; nil for all but objects.
func object(h configs.Hidden) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader([]byte(h.Value)))
	decoder.UseNumber()
	var out any
	_ = decoder.Decode(&out) // a sealed value is no JSON
	members, _ := out.(map[string]any)
	return members
}

func mergedInto(above, below map[string]any) map[string]any {
	out := maps.Clone(above)
	for name, v := range below {
		upper, both := out[name].(map[string]any)
		if lower, ok := v.(map[string]any); ok && both {
			v = mergedInto(upper, lower)
		}
		out[name] = v
	}
	return out
}

// drawNested is a value of few names and scalars, so that layers meet in their members.
func drawNested(t *rapid.T, depth int) models.Value {
	scalar := rapid.SampledFrom([]models.Value{`null`, `true`, `9007199254740993`, `1e-300`, `"x"`, `[]`, `[{"a":1}]`, `{}`})
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "scalar") == 0 {
		return scalar.Draw(t, "value")
	}
	members := map[string]models.Value{}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", `"`, "é", ""}), rapid.ID).Draw(t, "members") {
		members[name] = drawNested(t, depth-1)
	}
	return models.Object(members)
}

func drawChain(t *rapid.T) []*configs.LayerSet {
	key := rapid.SampledFrom([]string{"a", "b", "b.c", "b-c", "c", "d", "e"})
	types := rapid.SampledFrom([]models.ValueType{models.TypeBoolean, models.TypeNumber, models.TypeString, models.TypeJSON})
	merges := rapid.SampledFrom([]models.Merge{models.MergeDeep, models.MergeReplace})
	var chain []*configs.LayerSet
	for i, layer := range []string{models.Platform, "@tier.pro", "acme"}[:rapid.IntRange(1, 3).Draw(t, "layers")] {
		var entries []configs.Entry
		kinds := map[string]configs.Kind{}
		for _, k := range rapid.SliceOfDistinct(key, rapid.ID).Draw(t, "keys") {
			e := configs.Entry{Key: k, Value: drawNested(t, 3), Version: int64(i), Locked: rapid.IntRange(0, 4).Draw(t, "locked") == 0}
			if rapid.IntRange(0, 9).Draw(t, "sealed") == 0 {
				e.Value = models.Sealed{ID: layer, Commitment: k}.Value()
			}
			entries = append(entries, e)
		}
		for _, k := range rapid.SliceOfDistinct(key, rapid.ID).Draw(t, "kinds") {
			kinds[k] = configs.Kind{
				Type: types.Draw(t, "type"), Merge: merges.Draw(t, "merge"), Sensitive: rapid.IntRange(0, 3).Draw(t, "sensitive") == 0,
			}
		}
		chain = append(chain, configs.NewLayerSet(models.Head{TenantID: layer}, entries, kinds))
	}
	return chain
}

func TestResolveIsTheNaiveOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chain := drawChain(t)
		var before []configs.Entry
		for _, set := range chain {
			for _, key := range slices.Sorted(maps.Keys(set.Entries)) {
				before = append(before, *set.Entries[key])
			}
		}
		if diff := cmp.Diff(naive(chain), configs.Resolve(chain)); diff != "" {
			t.Fatal(diff)
		}
		for _, set := range chain { // what is shared is never written to
			for _, key := range slices.Sorted(maps.Keys(set.Entries)) {
				if !cmp.Equal(*set.Entries[key], before[0]) {
					t.Fatalf("the entry %+v became %+v", before[0], *set.Entries[key])
				}
				before = before[1:]
			}
		}
	})
}

// told is a resolved key as text: its value @ the layer, whose lock holds, and what became of the others.
func told(r configs.Resolved) string {
	parts := []string{fmt.Sprintf("%s@%s", r.Value, r.Layer)}
	if r.LockedBy != "" {
		parts[0] += " locked by " + r.LockedBy
	}
	for _, h := range r.Hides {
		parts = append(parts, fmt.Sprintf("%s %s@%s", h.Why, h.Value, h.Layer))
	}
	return strings.Join(parts, ", ")
}

func TestResolve(t *testing.T) {
	t.Parallel()
	deep := map[string]configs.Kind{"k": {Type: models.TypeJSON, Merge: models.MergeDeep}}
	for name, test := range map[string]struct {
		kinds  map[string]configs.Kind // of the platform
		values [3]configs.Entry        // of platform, tier and tenant
		want   string
	}{
		"nearest":         {nil, [3]configs.Entry{{Value: `1`}, {Value: `2`}, {Value: `3`}}, "3@acme, covered 1@@platform, covered 2@@tier.pro"},
		"objects replace": {nil, [3]configs.Entry{{Value: `{"a":1}`}, {}, {Value: `{"b":1}`}}, `{"b":1}@acme, covered {"a":1}@@platform`},
		"objects merge": {
			deep,
			[3]configs.Entry{{Value: `{"a":1}`}, {Value: `{"b":1}`}, {Value: `{"c":1}`}},
			`{"a":1,"b":1,"c":1}@acme, merged {"a":1}@@platform, merged {"b":1}@@tier.pro`,
		},
		"array covers what was merged": {
			deep, [3]configs.Entry{{Value: `{"a":1}`}, {Value: `{"b":1}`}, {Value: `[]`}}, `[]@acme, covered {"a":1}@@platform, covered {"b":1}@@tier.pro`,
		},
		"merge begins anew": {
			deep, [3]configs.Entry{{Value: `{"a":1}`}, {Value: `null`}, {Value: `{"b":1}`}}, `{"b":1}@acme, covered {"a":1}@@platform, covered null@@tier.pro`,
		},
		"lock above": {
			nil, [3]configs.Entry{{Value: `1`, Locked: true}, {Value: `2`}, {Value: `3`}}, "1@@platform locked by @platform, locked 2@@tier.pro, locked 3@acme",
		},
		"topmost lock": {
			nil, [3]configs.Entry{{Value: `1`, Locked: true}, {Value: `2`, Locked: true}, {}}, "1@@platform locked by @platform, locked 2@@tier.pro",
		},
		"lock covers above and hides below": {
			nil, [3]configs.Entry{{Value: `1`}, {Value: `2`, Locked: true}, {Value: `3`}}, "2@@tier.pro locked by @tier.pro, covered 1@@platform, locked 3@acme",
		},
		"lock merges with above": {
			deep,
			[3]configs.Entry{{Value: `{"a":1}`}, {Value: `{"b":1}`, Locked: true}, {Value: `{"c":1}`}},
			`{"a":1,"b":1}@@tier.pro locked by @tier.pro, merged {"a":1}@@platform, locked {"c":1}@acme`,
		},
		"own lock": {nil, [3]configs.Entry{{Value: `1`}, {}, {Value: `3`, Locked: true}}, "3@acme locked by acme, covered 1@@platform"},
	} {
		var chain []*configs.LayerSet
		for i, layer := range []string{models.Platform, "@tier.pro", "acme"} {
			var entries []configs.Entry
			if e := test.values[i]; e.Value != "" {
				e.Key = "k"
				entries = append(entries, e)
			}
			chain = append(chain, configs.NewLayerSet(models.Head{TenantID: layer}, entries, nil))
		}
		chain[0].Kinds = test.kinds
		if got := configs.Resolve(chain); len(got) != 1 || told(got[0]) != test.want {
			t.Errorf("%s: %v, want %s", name, told(got[0]), test.want)
		}
	}
}

func benchmarkChain(value models.Value, kinds map[string]configs.Kind) (chain []*configs.LayerSet) {
	for _, layer := range []string{models.Platform, "@tier.pro", "acme"} {
		var entries []configs.Entry
		for i := range 100 {
			k := fmt.Sprintf("%s.%d", strings.Trim(layer, "@"), i)
			if i%2 == 0 {
				k = fmt.Sprintf("shared.%d", i)
			}
			entries = append(entries, configs.Entry{Key: k, Value: value})
		}
		chain = append(chain, configs.NewLayerSet(models.Head{TenantID: layer}, entries, kinds))
	}
	return chain
}

func BenchmarkResolve(b *testing.B) {
	deep := map[string]configs.Kind{}
	for i := range 100 {
		deep[fmt.Sprintf("shared.%d", i)] = configs.Kind{Type: models.TypeJSON, Merge: models.MergeDeep}
	}
	for name, chain := range map[string][]*configs.LayerSet{
		"replace": benchmarkChain("true", nil),
		"merge":   benchmarkChain(`{"burst":10,"limits":{"day":1000,"minute":[1,2]},"name":"standard"}`, deep),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				configs.Resolve(chain)
			}
		})
	}
}
