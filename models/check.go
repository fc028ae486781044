package models

import (
	"slices"
	"strconv"
)

// Makes tells whether applying the item makes the definition of its key: nobody else did meanwhile.
func (i *Item) Makes(f Facts) bool {
	_, defined := f.Definitions[i.Key]
	return i.Op == OpSet && i.Defines != nil && !defined
}

// Check tells whether the change may be applied on these facts: bases still live, definitions still met,
// the promotion rule kept, the layer within its limits. Schemas are checked by services/definitions.
func (c *Change) Check(f Facts) error {
	keys, bytes := f.Keys, f.Bytes
	for i := range c.Items {
		item, live := &c.Items[i], f.Live[c.Items[i].Key]
		if item.Op.Reaches() {
			if err := item.reaches(f); err != nil {
				return err
			}
			if err := c.belongs(item, f); err != nil {
				return err
			}
			continue
		}
		if by := f.Locks[item.Key]; by != "" && item.Op != OpDelete && item.Op != OpUnlock {
			return Conflict("the key " + item.Key + " is locked by " + by + " now")
		}
		if live.Version != item.BaseVersion {
			return stale(item, live)
		}
		if err := item.fits(f); err != nil {
			return err
		}
		if err := c.promotes(item, f); err != nil {
			return err
		}
		if item.Op != OpDelete {
			bytes += int64(len(item.Value))
		}
		bytes -= live.Size
		if item.Op == OpSet && live.Version == 0 {
			keys++
		}
		if item.Op == OpDelete {
			keys--
		}
	}
	return withinLimits(f, keys, bytes)
}

// reaches tells whether a definition, a tier or a status is still what the item replaces.
func (i *Item) reaches(f Facts) error {
	if i.Op != OpDefine {
		return i.stands(f)
	}
	if own := f.Definitions[i.Key]; own.Version != i.BaseVersion || own.TenantID != "" && own.TenantID != f.Layer.ID {
		return Conflict("the definition of " + i.Key + " moved")
	}
	return nil
}

// belongs tells whether the change belongs to the last environment in which the item moves something: only who decides
// there decides on it.
func (c *Change) belongs(item *Item, f Facts) error {
	touched := item.touches(f)
	if len(touched) == 0 {
		return nil
	}
	last := touched[len(touched)-1]
	if slices.Index(f.Wide.Environments, last) <= slices.Index(f.Wide.Environments, c.Environment) {
		return nil
	}
	return Invalid("/environment", "it moves what is live in "+last+" as well: the change belongs there")
}

func stale(item *Item, live Live) error {
	return Conflict("the key " + item.Key + " moved: when the change was written " +
		version(item.BaseVersion) + " was live, now it is " + version(live.Version))
}

func version(n int64) string {
	if n == 0 {
		return "no version"
	}
	return "version " + strconv.FormatInt(n, 10)
}

// fits tells whether the value still meets the definition of this moment without another conversion.
func (i *Item) fits(f Facts) error {
	definition, defined := f.Definitions[i.Key]
	if i.Makes(f) {
		return i.above(f)
	}
	if i.Op != OpSet || !defined {
		return nil
	}
	if definition.Sensitive != i.Sensitive {
		return Conflict("the key " + i.Key + " became, or is no longer, a secret: write the change anew")
	}
	if value, err := definition.Accept(i.Plain(), ""); err != nil || value != i.Plain() {
		return Conflict("the definition of " + i.Key + " moved: it is " + string(definition.Type) + " now")
	}
	return nil
}

// above tells whether layers below still agree with the definition that the item makes over theirs.
func (i *Item) above(f Facts) error {
	for _, below := range f.Below[i.Key] {
		if below != i.Defines.Type {
			return Conflict("layers below hold the key " + i.Key + " as " + string(below) + " now")
		}
	}
	return nil
}

// promotes keeps the promotion rule: the same value is live in the environment before, for the soak time.
func (c *Change) promotes(item *Item, f Facts) error {
	policy := f.Policy()
	if !policy.RequirePrevious || f.Previous == "" || item.Op != OpSet || c.RollsBack != "" {
		return nil // the lane back leads to what was promoted before
	}
	before := f.Before[item.Key]
	switch {
	case before.Version == 0 || !Same(before.Value, item.Value):
		return Conflict(item.Key + " must have this value in " + f.Previous + " before it goes to " + c.Environment)
	case f.At.Sub(before.LiveFrom) < policy.MinSoak:
		return Conflict(item.Key + " must be live in " + f.Previous + " for " + policy.MinSoak.String() +
			" before it goes to " + c.Environment)
	default:
		return nil
	}
}

func withinLimits(f Facts, keys, bytes int64) error {
	switch {
	case keys > MaxKeysPerLayer && keys > f.Keys:
		return Invalid("", "a layer holds at most 5,000 keys in an environment")
	case bytes > MaxLayerBytes && bytes > f.Bytes:
		return Invalid("", "the values of a layer in an environment are at most 4 MiB")
	default:
		return nil
	}
}
