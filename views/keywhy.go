package views

import "github.com/hotswap/hotswap/views/components"

// lockedAbove tells whether a layer above the one that is looked at locks the key.
func (p KeyPlace) lockedAbove() bool { return p.LockedBy != "" && !p.Own }

// Merges tells whether layers above contribute to the value.
func (p KeyPlace) Merges() bool { return len(p.contributions()) > 0 }

// contributions are the values that were merged into the one readers get, topmost first, the nearest last.
func (p KeyPlace) contributions() []HiddenValue {
	merged := p.fated(MergedIn)
	if len(merged) == 0 {
		return nil
	}
	return append(merged, HiddenValue{Layer: p.Layer, Version: p.Version, Value: p.AsSet, Masked: p.Masked})
}

// covers are the values that readers get nothing of, topmost first.
func (p KeyPlace) covers() []HiddenValue { return p.fated(Covered, UnderALock) }

func (p KeyPlace) fated(fates ...Fate) (out []HiddenValue) {
	for _, h := range p.Hides {
		for _, f := range fates {
			if h.Fate == f {
				out = append(out, h)
			}
		}
	}
	return out
}

// why says what keeps readers from getting a value.
func (p KeyPlace) why(h HiddenValue) string {
	if h.Fate == UnderALock {
		return "hidden by the lock of " + components.LayerName(p.LockedBy)
	}
	return "covered by " + components.LayerName(p.Layer)
}

// role says what a contribution does in a merged value.
func (p KeyPlace) role(h HiddenValue) string {
	if h.Fate == MergedIn {
		return "merged into the value"
	}
	return "its members win"
}

// valueID is the id of the element with the value, which htmx draws anew when it is revealed.
func (p KeyPlace) valueID() string { return "value-" + p.Environment }

// hiddenURL is the page on which the value is hidden again.
func (k Key) hiddenURL(p KeyPlace) string { return k.History.At(p.Environment) }

// long tells whether a value needs a fold of its own.
func (h HiddenValue) long() bool { return !h.Masked && len(h.Value) > briefly }

func (h HiddenValue) opening() string { return openingOf(h.Value) }
