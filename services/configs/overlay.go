package configs

import (
	"slices"
	"strings"
)

// Overlay is what a deployment on its way puts over its layer for those on its candidate side. Its values belong to
// the layer set and move with its token; how far it has come does not, and is kept beside the heads.
type Overlay struct {
	DeploymentID string
	Salt         string   // of the buckets, so that two deployments do not take the same units first
	Unit         string   // what is on one side as a whole: models.UnitInstance or models.UnitTenant
	Set          []Entry  // what the candidate side has in place of the live values, or beside them
	Unset        []string // keys that the candidate side does not have on this layer
}

// On is the set as those see it who are on the candidate side of these overlays, which are its own. Without any it is
// the set itself.
func (s *LayerSet) On(candidate []*Overlay) *LayerSet {
	if len(candidate) == 0 {
		return s
	}
	moved := map[string]*Entry{}
	for _, o := range candidate {
		for i := range o.Set {
			moved[o.Set[i].Key] = &o.Set[i]
		}
		for _, key := range o.Unset {
			moved[key] = nil
		}
	}
	out := &LayerSet{Head: s.Head, Kinds: s.Kinds, Entries: make(map[string]*Entry, len(s.Entries)+len(moved))}
	for key, e := range s.Entries {
		if _, covered := moved[key]; !covered {
			out.Entries[key] = e
		}
	}
	for key, e := range moved {
		if e != nil {
			out.Entries[key] = e
		}
	}
	for _, e := range out.Entries {
		out.sorted = append(out.sorted, e)
	}
	slices.SortFunc(out.sorted, func(a, b *Entry) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func (o *Overlay) bytes() int {
	n := entryOverhead
	for i := range o.Set {
		n += entryOverhead + len(o.Set[i].Key) + len(o.Set[i].Value) + len(o.Set[i].Sealed)
	}
	for _, key := range o.Unset {
		n += 16 + len(key)
	}
	return n
}
