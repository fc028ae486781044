package models

import (
	"strconv"
	"time"
)

// Live is where one key of a layer stands in an environment.
type Live struct {
	ConfigID string
	Last     int64 // number of the newest version, live or not
	Version  int64 // live version; 0 when none is
	Value    Value // live value
	LiveFrom time.Time
	Size     int64
}

// Facts are what a change is checked against: read in one statement under the locks of its layer, valid
// until the transaction ends.
type Facts struct {
	At          time.Time // the instant of the transaction, later than every instant of the layer before
	Layer       Tenant
	Environment string
	Previous    string                 // the environment before; empty for the first
	Policies    []Policy               // one per kind of heir; at least one
	Definitions map[string]Definition  // by key: the topmost of the chain
	Below       map[string][]ValueType // by key: types that layers below gave a key that the chain does not define
	Live        map[string]Live        // by key
	Before      map[string]Live        // by key, in the environment before
	Keys        int64                  // live keys of the layer in the environment
	Bytes       int64                  // of their values
	Roles       Head                   // the control head of bindings and people
}

// Policy is what the change must satisfy: the strictest of its targets'.
func (f Facts) Policy() Policy { return Strictest(f.Policies) }

// reviewStage is opened by approvalRequired where the policy has no stage.
func reviewStages() []Stage { return []Stage{{Name: "engineer", Role: RoleEngineer, Required: 1}} }

// StagesFor are the stages that the policy of this moment asks of the change.
func (f Facts) StagesFor(c *Change) []Stage {
	stages := f.Policy().Stages
	if len(stages) == 0 && c.AlwaysReview {
		return reviewStages()
	}
	return stages
}

// Bind fits the items to the facts: values take the type of their definition, new keys get one, base
// versions and ids are filled in. pointer names the items in the input, for errors. Conflict: a given base
// version is not live. A negative BaseVersion means "whatever is live now".
func (c *Change) Bind(f Facts, pointer func(i int) string) error {
	for i := range c.Items {
		if err := c.Items[i].bind(f, pointer(i)); err != nil {
			return err
		}
	}
	return nil
}

func (i *Item) bind(f Facts, at string) error {
	live, known := f.Live[i.Key]
	if known {
		i.ConfigID = live.ConfigID
	}
	if i.BaseVersion < 0 {
		i.BaseVersion = live.Version
	}
	i.Previous = live.Value
	definition, defined := f.Definitions[i.Key]
	i.Sensitive = defined && definition.Sensitive
	if i.Op == OpDelete {
		if live.Version == 0 {
			return Invalid(at+"/key", "the key "+i.Key+" has no value here that could be deleted")
		}
		return nil
	}
	if !defined {
		return i.define(f, at)
	}
	if i.Defines != nil && i.Defines.Type != "" && i.Defines.Type != definition.Type {
		return Invalid(at+"/type", "the key "+i.Key+" is defined as "+string(definition.Type))
	}
	i.Defines, i.Definition = nil, definition.Version
	value, err := definition.Accept(i.Value, at+"/value")
	i.Value = value
	return err
}

// define makes the definition of a key that nothing above defines: the type asked for, else the value's own.
func (i *Item) define(f Facts, at string) error {
	d := Defines{Type: i.Value.Type()}
	if i.Defines != nil {
		d.Description = i.Defines.Description
		if i.Defines.Type != "" {
			d.Type = i.Defines.Type
		}
	}
	value, ok := i.Value.As(d.Type)
	if !ok {
		return Invalid(at+"/value", "the value is not a "+string(d.Type))
	}
	for _, below := range f.Below[i.Key] {
		if below != d.Type {
			return Invalid(at+"/type", "layers below hold the key "+i.Key+" as "+string(below))
		}
	}
	i.Defines, i.Value, i.Definition = &d, value, 0
	return nil
}

// Makes tells whether applying the item makes the definition of its key: nobody else did meanwhile.
func (i *Item) Makes(f Facts) bool {
	_, defined := f.Definitions[i.Key]
	return i.Defines != nil && !defined
}

// Check tells whether the change may be applied on these facts: bases still live, definitions still met,
// the promotion rule kept, the layer within its limits. Schemas are checked by services/definitions.
func (c *Change) Check(f Facts) error {
	keys, bytes := f.Keys, f.Bytes
	for i := range c.Items {
		item, live := &c.Items[i], f.Live[c.Items[i].Key]
		if live.Version != item.BaseVersion {
			return stale(item, live)
		}
		if err := item.fits(f); err != nil {
			return err
		}
		if err := c.promotes(item, f); err != nil {
			return err
		}
		bytes += int64(len(item.Value)) - live.Size
		if item.Op == OpSet && live.Version == 0 {
			keys++
		}
		if item.Op == OpDelete {
			keys--
		}
	}
	return withinLimits(f, keys, bytes)
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
	if i.Op == OpSet && i.Makes(f) {
		return i.above(f)
	}
	if i.Op == OpDelete || !defined {
		return nil
	}
	if value, err := definition.Accept(i.Value, ""); err != nil || value != i.Value {
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
	if !policy.RequirePrevious || f.Previous == "" || item.Op == OpDelete {
		return nil
	}
	before := f.Before[item.Key]
	switch {
	case before.Version == 0 || before.Value != item.Value:
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
