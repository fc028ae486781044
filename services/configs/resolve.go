package configs

import (
	"github.com/hotswap/hotswap/models"
)

// Resolved is what a key comes to on a chain of layers. Its entry is that of the nearest layer that contributes; where
// values were merged it is a copy that holds what they come to.
type Resolved struct {
	*Entry
	Kind

	Layer    string   // where the entry is set
	LockedBy string   // the layer whose lock makes it win over all below; empty for none
	Hides    []Hidden // topmost first
}

// Why is what became of a value that readers do not get as it is set.
type Why string

// The fates of values.
const (
	WhyCovered Why = "covered" // a nearer value takes its place
	WhyMerged  Why = "merged"  // its members are in the value, where no nearer ones take their place
	WhyLocked  Why = "locked"  // a layer above locked the key
)

// Hidden is a value that is not the one readers get.
type Hidden struct {
	*Entry

	Layer string
	Why   Why
}

// Resolve lays the sets of a chain, topmost first, over each other: the nearest value wins, but nothing wins over
// one that is locked above it, and objects come together where the key merges them. The result is sorted by key.
// A key is what its topmost definition says; if any layer calls it sensitive, it is, so that no definition made
// above ever uncovers a secret below.
func Resolve(chain []*LayerSet) []Resolved {
	next := make([]int, len(chain)) // the sets are walked in step
	most := 0
	for _, set := range chain {
		most += len(set.sorted)
	}
	out := make([]Resolved, 0, most)
	for {
		key, ok := smallest(chain, next)
		if !ok {
			return out
		}
		r := Resolved{Kind: kindOf(chain, key)}
		var nearest *Entry
		for i, set := range chain {
			if next[i] == len(set.sorted) || set.sorted[next[i]].Key != key {
				continue
			}
			nearest = r.lay(nearest, set.sorted[next[i]], set.Head.TenantID)
			next[i]++
		}
		if r.Type == "" {
			r.Type = r.Value.Type() // nothing defines it
		}
		r.Sensitive = r.Sensitive || r.Value.IsSealed() // it was when it was written
		out = append(out, r)
	}
}

// lay puts the entry of the next layer below over what the layers above come to. It takes and returns the entry that
// the result is of, as it is set.
func (r *Resolved) lay(above, e *Entry, layer string) (nearest *Entry) {
	switch {
	case r.LockedBy != "":
		r.Hides = append(r.Hides, Hidden{e, layer, WhyLocked})
		return above
	case above == nil:
		r.Entry = e
	case r.Merge == models.MergeDeep && !r.Sensitive && models.Merges(r.Value, e.Value):
		r.Hides = append(r.Hides, Hidden{above, r.Layer, WhyMerged})
		merged := *e
		merged.Value = models.MergeValues(r.Value, e.Value)
		r.Entry = &merged
	default:
		r.Hides = append(r.Hides, Hidden{above, r.Layer, WhyCovered})
		for i := range r.Hides {
			r.Hides[i].Why = WhyCovered // what was merged into the value above is covered with it
		}
		r.Entry = e
	}
	r.Layer = layer
	if e.Locked {
		r.LockedBy = layer
	}
	return e
}

// smallest is the first key, in order, that any set still has.
func smallest(chain []*LayerSet, next []int) (key string, ok bool) {
	for i, set := range chain {
		if next[i] == len(set.sorted) {
			continue
		}
		if k := set.sorted[next[i]].Key; !ok || k < key {
			key, ok = k, true
		}
	}
	return key, ok
}

// kindOf is what a key is on this chain; without a type where no layer defines it.
func kindOf(chain []*LayerSet, key string) (out Kind) {
	for _, set := range chain {
		kind, known := set.Kinds[key]
		if !known {
			continue
		}
		if out.Type == "" {
			out.Type, out.Merge = kind.Type, kind.Merge
		}
		out.Sensitive = out.Sensitive || kind.Sensitive
	}
	return out
}
