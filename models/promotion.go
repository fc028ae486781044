package models

// Origin is where a key stands in the environment that it is promoted from.
type Origin struct {
	Own       Value // live value of the change's own layer; empty for none
	Inherited bool  // a layer above has a live value
}

// Promote makes the item bring to its environment what the key has at its origin: the own value, or the end of the
// one there, for a key that has no value at all at the origin. What it answers is wrong at that place of the input: the
// key has nothing of its own to promote.
func (i *Item) Promote(from Origin, environment string, there Live, at string) (bad []FieldError) {
	switch {
	case from.Own != "":
		i.Op, i.Value = OpSet, from.Own
	case from.Inherited:
		return []FieldError{{at, "the value of " + i.Key + " in " + environment + " is inherited: promote it on the layer that sets it"}}
	case there.Version != 0:
		i.Op, i.Value, i.Defines = OpDelete, "", nil
	default:
		return []FieldError{{at, "the key " + i.Key + " has no value in " + environment + " that could be promoted"}}
	}
	return nil
}
