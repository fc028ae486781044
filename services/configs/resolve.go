package configs

import (
	"github.com/hotswap/hotswap/models"
)

// Resolved is what a key comes to on a chain of layers.
type Resolved struct {
	*Entry

	Layer     string // where the value is set
	Type      models.ValueType
	Sensitive bool
	Hides     []Hidden // topmost first
}

// Hidden is a value that a nearer one covers.
type Hidden struct {
	*Entry

	Layer string
}

// Resolve lays the sets of a chain, topmost first, over each other: the nearest value wins. The result is
// sorted by key. A key is what its topmost definition says; if any layer calls it sensitive, it is, so that
// no definition made above ever uncovers a secret below.
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
		var r Resolved
		for i, set := range chain {
			if next[i] == len(set.sorted) || set.sorted[next[i]].Key != key {
				continue
			}
			if r.Entry != nil {
				r.Hides = append(r.Hides, Hidden{r.Entry, r.Layer})
			}
			r.Entry, r.Layer = set.sorted[next[i]], set.Head.TenantID
			next[i]++
		}
		r.Type, r.Sensitive = kindOf(chain, key, r.Value)
		out = append(out, r)
	}
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

// kindOf is what a key is on this chain; one without a definition has the type of its value.
func kindOf(chain []*LayerSet, key string, v models.Value) (t models.ValueType, sensitive bool) {
	for _, set := range chain {
		kind, defined := set.Kinds[key]
		if !defined {
			continue
		}
		if t == "" {
			t = kind.Type
		}
		sensitive = sensitive || kind.Sensitive
	}
	if t == "" {
		t = v.Type()
	}
	return t, sensitive
}
