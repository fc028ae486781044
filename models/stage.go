package models

import "slices"

// same tells whether two stages ask the same people: a stage is its name and role.
func (s Stage) same(t Stage) bool { return s.Name == t.Name && s.Role == t.Role }

func (s Stage) in(list []Stage) int { return slices.IndexFunc(list, s.same) }

// MergeStages is every stage of every list, once, with the largest number of approvals, in an order that keeps
// that of each list. Where two lists contradict each other the earlier one wins.
func MergeStages(lists ...[]Stage) []Stage {
	var left, out []Stage
	for _, s := range slices.Concat(lists...) {
		if i := s.in(left); i >= 0 {
			left[i].Required = max(left[i].Required, s.Required)
		} else {
			left = append(left, s)
		}
	}
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(s Stage) bool { return first(s, left, lists) })
		i = max(i, 0)
		out = append(out, named(left[i], out))
		left = slices.Delete(left, i, i+1)
	}
	return out
}

// first tells whether no list wants another of the stages left before this one.
func first(s Stage, left []Stage, lists [][]Stage) bool {
	for _, list := range lists {
		at := s.in(list)
		if slices.ContainsFunc(left, func(t Stage) bool { i := t.in(list); return i >= 0 && i < at }) {
			return false
		}
	}
	return true
}

// named gives a stage whose name another role has already a name of its own: both must sign.
func named(s Stage, taken []Stage) Stage {
	if slices.ContainsFunc(taken, func(t Stage) bool { return t.Name == s.Name }) {
		s.Name += "-" + string(s.Role)
	}
	return s
}
