package models

// Origin is where a key stands in the environment that it is promoted from.
type Origin struct {
	Own       Value // live value of the change's own layer; empty for none
	Version   int64 // of that value; 0 for none
	Inherited bool  // a layer above has a live value
}

// Seen are the live versions of the own layer that a promotion was asked for: 0 where there was none, nil where the
// caller did not look.
type Seen struct{ From, To *int64 }

// moved tells whether something else is live by now than what was seen.
func (s Seen) moved(from Origin, there Live) bool {
	return s.From != nil && *s.From != from.Version || s.To != nil && *s.To != there.Version
}

// Moved tells, at that place of the input, that a key is not any more what the caller saw of it.
func (i *Item) Moved(s Seen, from Origin, there Live, at string) []FieldError {
	if !s.moved(from, there) {
		return nil
	}
	return []FieldError{{at, "the key " + i.Key + " changed since it was looked at"}}
}

// Promote makes the item bring to its environment what the key has at its origin: the own value, or the end of the
// one there, for a key that was seen to have no value at all at the origin. What it answers is wrong at that place of
// the input: the key has nothing of its own to promote, or its end was not asked for.
func (i *Item) Promote(from Origin, environment string, there Live, s Seen, at string) (bad []FieldError) {
	switch {
	case from.Own != "":
		i.Op, i.Value = OpSet, from.Own
	case from.Inherited:
		return []FieldError{{at, "the value of " + i.Key + " in " + environment + " is inherited: promote it on the layer that sets it"}}
	case there.Version == 0:
		return []FieldError{{at, "the key " + i.Key + " has no value in " + environment + " that could be promoted"}}
	case s.From == nil:
		return []FieldError{{at, "the key " + i.Key + " has no value in " + environment + ": promoting it would delete the other one, which nobody asked for"}}
	default:
		i.Op, i.Value, i.Defines = OpDelete, "", nil
	}
	return nil
}
