package models_test

import (
	"errors"
	"testing"

	"github.com/hotswap/hotswap/models"
)

// lockedFacts are facts in which "flag" is locked on the layer itself, and "shut" above it.
func lockedFacts() models.Facts {
	f := facts()
	f.Layer = models.Tenant{ID: "acme", Tier: "Free", Status: models.TenantActive}
	f.Live["held"] = models.Live{ConfigID: "id-held", Last: 4, Version: 4, Value: "1", Locked: true, Size: 1}
	f.Live["shut"] = models.Live{ConfigID: "id-shut", Last: 2, Version: 2, Value: "1", Size: 1}
	f.Locks = map[string]string{"shut": "@tier.free"}
	return f
}

func TestBindLocks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		item  models.Item
		want  models.Code
		value models.Value
	}{
		"lock":                        {item: models.Item{Key: "flag", Op: models.OpLock, BaseVersion: -1}, value: "false"},
		"lock what is locked":         {item: models.Item{Key: "held", Op: models.OpLock, BaseVersion: -1}, want: models.CodeInvalid},
		"unlock":                      {item: models.Item{Key: "held", Op: models.OpUnlock, BaseVersion: -1}, value: "1"},
		"unlock what is open":         {item: models.Item{Key: "flag", Op: models.OpUnlock, BaseVersion: -1}, want: models.CodeInvalid},
		"lock what is gone":           {item: models.Item{Key: "gone", Op: models.OpLock, BaseVersion: -1}, want: models.CodeInvalid},
		"lock what never was":         {item: models.Item{Key: "new", Op: models.OpLock, BaseVersion: -1}, want: models.CodeInvalid},
		"set below a lock":            {item: models.Item{Key: "shut", Op: models.OpSet, Value: "2", BaseVersion: -1}, want: models.CodeInvalid},
		"a first set below a lock":    {item: models.Item{Key: "shut", Op: models.OpSet, Value: "2", Locked: new(true), BaseVersion: -1}, want: models.CodeInvalid},
		"lock below a lock":           {item: models.Item{Key: "shut", Op: models.OpLock, BaseVersion: -1}, want: models.CodeInvalid},
		"delete below a lock":         {item: models.Item{Key: "shut", Op: models.OpDelete, BaseVersion: -1}},
		"set what one locked oneself": {item: models.Item{Key: "held", Op: models.OpSet, Value: "2", BaseVersion: -1}, value: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := change(tt.item)
			err := c.Bind(lockedFacts(), at)
			if codeOf(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err == nil && c.Items[0].Value != tt.value {
				t.Errorf("value %s, want %s", c.Items[0].Value, tt.value)
			}
		})
	}
	c := change(models.Item{Key: "shut", Op: models.OpSet, Value: "2"})
	if err := c.Bind(lockedFacts(), at); err == nil || err.Error() != "the request breaks a rule: the key shut is locked by @tier.free" {
		t.Errorf("the layer is not named: %v", err)
	}
}

func TestNextLock(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		item models.Item
		was  bool
		want bool
	}{
		"lock":                 {models.Item{Op: models.OpLock}, false, true},
		"unlock":               {models.Item{Op: models.OpUnlock}, true, false},
		"delete":               {models.Item{Op: models.OpDelete}, true, false},
		"set keeps a lock":     {models.Item{Op: models.OpSet}, true, true},
		"set keeps none":       {models.Item{Op: models.OpSet}, false, false},
		"set with a lock":      {models.Item{Op: models.OpSet, Locked: new(true)}, false, true},
		"set takes a lock off": {models.Item{Op: models.OpSet, Locked: new(false)}, true, false},
	} {
		if got := tt.item.NextLock(models.Live{Locked: tt.was}); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestBindDefine(t *testing.T) {
	t.Parallel()
	number := func(change func(*models.Defines)) *models.Defines {
		d := &models.Defines{Type: models.TypeNumber}
		if change != nil {
			change(d)
		}
		return d
	}
	for name, tt := range map[string]struct {
		item    models.Item
		want    models.Code
		pointer string
		base    int64
	}{
		"a new key":                 {item: models.Item{Key: "new", BaseVersion: -1, Defines: number(nil)}},
		"without a type":            {item: models.Item{Key: "new", BaseVersion: -1, Defines: &models.Defines{}}, want: models.CodeInvalid, pointer: "/definition/type"},
		"without a definition":      {item: models.Item{Key: "new", BaseVersion: -1}, want: models.CodeInvalid, pointer: "/definition"},
		"what a layer above says":   {item: models.Item{Key: "flag", BaseVersion: -1, Defines: &models.Defines{Owner: "me"}}, want: models.CodeInvalid, pointer: "/key"},
		"the own one":               {item: models.Item{Key: "pin", BaseVersion: -1, Defines: &models.Defines{Owner: "me"}}, base: 1},
		"the own one, by version":   {item: models.Item{Key: "pin", BaseVersion: 1, Defines: &models.Defines{Type: models.TypeString}}, base: 1},
		"another type":              {item: models.Item{Key: "pin", BaseVersion: -1, Defines: number(nil)}, want: models.CodeInvalid, pointer: "/definition/type"},
		"a base that moved":         {item: models.Item{Key: "pin", BaseVersion: 2, Defines: &models.Defines{}}, want: models.CodeConflict},
		"a base that is gone":       {item: models.Item{Key: "new", BaseVersion: 2, Defines: number(nil)}, want: models.CodeConflict},
		"new, and somebody made it": {item: models.Item{Key: "pin", BaseVersion: 0, Defines: &models.Defines{}}, want: models.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			f.Layer = models.Tenant{ID: "acme"}
			tt.item.Op = models.OpDefine
			c := change(tt.item)
			err := c.Bind(f, at)
			if codeOf(err) != tt.want || pointerOf(err) != tt.pointer {
				t.Fatalf("got %v at %q, want %q at %q", err, pointerOf(err), tt.want, tt.pointer)
			}
			if i := c.Items[0]; err == nil && (i.BaseVersion != tt.base || i.Definition != tt.base || !i.Defines.Type.Valid() || i.Value != "") {
				t.Errorf("%+v", i)
			}
		})
	}
}

func pointerOf(err error) string {
	if e, ok := errors.AsType[*models.Error](err); ok && len(e.Fields) > 0 {
		return e.Fields[0].Pointer
	}
	return ""
}

// A first value may bring all that a definition says; later ones bring a type at most.
func TestBindSetWithDefinition(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		item    models.Item
		want    models.Code
		pointer string
	}{
		"a new secret":            {item: models.Item{Key: "new", Value: `"x"`, Defines: &models.Defines{Sensitive: true}}},
		"a new secret, masked":    {item: models.Item{Key: "new", Value: models.Masked, Defines: &models.Defines{Sensitive: true}}, want: models.CodeInvalid, pointer: "/value"},
		"a mask that is no mask":  {item: models.Item{Key: "new", Value: models.Masked}},
		"a secret, masked":        {item: models.Item{Key: "pin", Value: models.Masked}, want: models.CodeInvalid, pointer: "/value"},
		"a schema of a known key": {item: models.Item{Key: "flag", Value: "true", Defines: &models.Defines{Schema: "{}"}}, want: models.CodeInvalid, pointer: "/definition"},
		"an owner of a known key": {item: models.Item{Key: "flag", Value: "true", Defines: &models.Defines{Owner: "me"}}, want: models.CodeInvalid, pointer: "/definition"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.item.Op, tt.item.BaseVersion = models.OpSet, -1
			c := change(tt.item)
			if err := c.Bind(facts(), at); codeOf(err) != tt.want || pointerOf(err) != tt.pointer {
				t.Fatalf("got %v at %q, want %q at %q", err, pointerOf(err), tt.want, tt.pointer)
			}
			if i := c.Items[0]; tt.want == "" && i.Sensitive && (i.Value != "" || i.Clear.Reveal() != `"x"` || i.Plain() != `"x"`) {
				t.Errorf("a secret is not kept apart: %s", i.Value)
			}
		})
	}
}

// A sealed value that an item brings keeps its seal; any other becomes a secret to seal.
func TestBindSealed(t *testing.T) {
	t.Parallel()
	sealed := models.Sealed{ID: "1", Commitment: "c"}.Value()
	c := change(models.Item{Key: "pin", Op: models.OpSet, Value: sealed, Clear: models.NewSecret(`"a"`), BaseVersion: -1})
	if err := c.Bind(facts(), at); err != nil || c.Items[0].Value != sealed {
		t.Errorf("%v, %q", err, string(c.Items[0].Value))
	}
	c = change(models.Item{Key: "flag", Op: models.OpSet, Value: sealed, Clear: models.NewSecret(`"true"`), BaseVersion: -1})
	if err := c.Bind(facts(), at); err != nil || c.Items[0].Value != "true" || c.Items[0].Clear.Reveal() != "" {
		t.Errorf("of a key that is no secret any more: %v, %q", err, string(c.Items[0].Value))
	}
}

func TestBindMoves(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Layer = models.Tenant{ID: "acme", Tier: "Free", Status: models.TenantActive}
	for name, tt := range map[string]struct {
		item   models.Item
		status models.TenantStatus
		want   models.Code
		was    models.Value
	}{
		"retier":             {item: models.Item{Op: models.OpRetier, Value: `"Pro"`}, was: `"Free"`},
		"to the same tier":   {item: models.Item{Op: models.OpRetier, Value: `"Free"`}, want: models.CodeConflict},
		"suspend":            {item: models.Item{Op: models.OpSuspend}, was: `"active"`},
		"suspend once more":  {item: models.Item{Op: models.OpSuspend}, status: models.TenantSuspended, want: models.CodeConflict},
		"retier a suspended": {item: models.Item{Op: models.OpRetier, Value: `"Pro"`}, status: models.TenantSuspended, was: `"Free"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := f
			if tt.status != "" {
				f.Layer.Status = tt.status
			}
			c := change(tt.item)
			if err := c.Bind(f, at); codeOf(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if tt.want == "" && c.Items[0].Previous != tt.was {
				t.Errorf("it replaces %s", c.Items[0].Previous)
			}
		})
	}
}
