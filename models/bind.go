package models

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
	switch i.Op {
	case OpDefine:
		return i.redefine(f, at)
	case OpRetier, OpSuspend:
		return i.move(f)
	case OpSet, OpDelete, OpLock, OpUnlock:
	}
	if by := f.Locks[i.Key]; by != "" && (i.Op == OpSet || i.Op == OpLock) {
		return Invalid(at+"/key", "the key "+i.Key+" is locked by "+by)
	}
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
	if i.Op != OpSet {
		return i.touch(live, at)
	}
	if !defined {
		return i.define(f, at)
	}
	if i.Defines.full() {
		return Invalid(at+"/definition", "the key "+i.Key+" is defined already: define it by an item of its own")
	}
	if i.Defines != nil && i.Defines.Type != "" && i.Defines.Type != definition.Type {
		return Invalid(at+"/type", "the key "+i.Key+" is defined as "+string(definition.Type))
	}
	if i.Sensitive && i.Plain() == Masked {
		return isMask(at)
	}
	i.Defines, i.Definition = nil, definition.Version
	value, err := definition.Accept(i.Plain(), at+"/value")
	if err == nil {
		i.take(value)
	}
	return err
}

// take gives the item its value: a sensitive one stays apart until it is sealed, and keeps the seal that it has.
func (i *Item) take(v Value) {
	switch {
	case !i.Sensitive:
		i.Value, i.Clear = v, Secret{}
	case i.Value.IsSealed() && i.Clear.Reveal() == v:
	default:
		i.Value, i.Clear = "", NewSecret(v)
	}
}

// touch binds an item that brings no value of its own: delete, lock and unlock work on the live one.
func (i *Item) touch(live Live, at string) error {
	i.Defines = nil
	switch {
	case live.Version == 0:
		return Invalid(at+"/key", "the key "+i.Key+" has no value here")
	case i.Op == OpDelete:
		return nil
	case live.Locked == (i.Op == OpLock):
		return Invalid(at+"/op", "the key "+i.Key+" is "+lockWord(live.Locked)+" already")
	}
	i.Value = live.Value
	return nil
}

func lockWord(locked bool) string {
	if locked {
		return "locked"
	}
	return "unlocked"
}

// NextLock tells whether the version that the item makes is locked.
func (i *Item) NextLock(live Live) bool {
	switch {
	case i.Op == OpLock:
		return true
	case i.Op != OpSet:
		return false
	case i.Locked != nil:
		return *i.Locked
	default:
		return live.Locked
	}
}

// redefine binds an item that makes or replaces the layer's own definition.
func (i *Item) redefine(f Facts, at string) error {
	own, defined := f.Definitions[i.Key]
	switch {
	case i.Defines == nil:
		return Invalid(at+"/definition", "a definition is required")
	case defined && own.TenantID != f.Layer.ID:
		return Invalid(at+"/key", "the layer "+own.TenantID+" defines this key")
	case defined && i.Defines.Type != "" && i.Defines.Type != own.Type:
		return Invalid(at+"/definition/type", "the type of a key stays: it is "+string(own.Type))
	case !defined && i.Defines.Type == "":
		return Invalid(at+"/definition/type", "boolean, number, string or json")
	}
	if defined {
		i.Defines.Type = own.Type
	}
	if i.BaseVersion < 0 { // of a definition, the base is its version
		i.BaseVersion = own.Version
	}
	i.Definition, i.Sensitive = own.Version, i.Defines.Sensitive
	if i.BaseVersion != own.Version {
		return Conflict("the definition of " + i.Key + " moved")
	}
	return nil
}

// move binds an item that moves the tenant itself.
func (i *Item) move(f Facts) error {
	i.BaseVersion, i.Previous = 0, Text(string(f.Layer.Status))
	if i.Op == OpRetier {
		i.Previous = Text(f.Layer.Tier)
	}
	return i.stands(f)
}

// stands tells whether there is still something to move.
func (i *Item) stands(f Facts) error {
	switch {
	case i.Op == OpSuspend && f.Layer.Status != TenantActive:
		return Conflict("the tenant is " + string(f.Layer.Status) + " already")
	case i.Op == OpRetier && i.Value == Text(f.Layer.Tier):
		return Conflict("the tenant is in that tier already")
	case i.Op == OpRetier && i.Previous != Text(f.Layer.Tier):
		return Conflict("the tenant moved to another tier meanwhile")
	default:
		return nil
	}
}

// define makes the definition of a key that nothing above defines: the type asked for, else the value's own.
func (i *Item) define(f Facts, at string) error {
	d := Defines{}
	if i.Defines != nil {
		d = *i.Defines
	}
	if d.Type == "" {
		d.Type = i.Plain().Type()
	}
	value, ok := i.Plain().As(d.Type)
	if !ok {
		return Invalid(at+"/value", "the value is not a "+string(d.Type))
	}
	for _, below := range f.Below[i.Key] {
		if below != d.Type {
			return Invalid(at+"/type", "layers below hold the key "+i.Key+" as "+string(below))
		}
	}
	i.Defines, i.Definition, i.Sensitive = &d, 0, d.Sensitive
	if i.Sensitive && value == Masked {
		return isMask(at)
	}
	i.take(value)
	return nil
}

func isMask(at string) error {
	return Invalid(at+"/value", "this is the mask of a secret, not a value")
}
