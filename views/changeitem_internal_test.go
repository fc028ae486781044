package views

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestItemsInWords(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	defines := &models.Defines{Type: models.TypeNumber, Description: "new", Owner: "Sales", Sensitive: true}
	tests := map[string]struct {
		item     models.Item
		op, note string
		icon     string
		kept     bool
		from, to models.Value
		what     string
	}{
		"lock": {
			models.Item{Key: "k", Op: models.OpLock, Value: "1", Previous: "1", BaseVersion: 2},
			"locked", "cannot override", "lock", true, "1", "1", "1 key",
		},
		"unlock": {
			models.Item{Key: "k", Op: models.OpUnlock, Value: "1", Previous: "1", BaseVersion: 2},
			"unlocked", "may override", "lock-open", true, "1", "1", "1 key",
		},
		"set and lock": {
			models.Item{Key: "k", Op: models.OpSet, Value: "2", Previous: "1", BaseVersion: 2, Locked: &yes},
			"changed", "Locks the key", "lock", false, "1", "2", "1 key",
		},
		"set and unlock": {
			models.Item{Key: "k", Op: models.OpSet, Value: "2", Previous: "1", BaseVersion: 2, Locked: &no},
			"changed", "Takes the lock off", "lock-open", false, "1", "2", "1 key",
		},
		"define": {
			models.Item{Key: "k", Op: models.OpDefine, Defines: defines, Definition: 3, BaseVersion: 3, Sensitive: true},
			"redefined", "hidden from people", "", false,
			`{"description":"old","merge":"deep","schema":{"minimum":1},"sensitive":false,"type":"number"}`,
			`{"description":"new","merge":"replace","owner":"Sales","sensitive":true,"type":"number"}`, "1 definition",
		},
		"retier": {
			models.Item{Op: models.OpRetier, Value: `"Pro"`, Previous: `"Free"`},
			"moved", "values of the tier Pro", "", false, `"Free"`, `"Pro"`, "the tier",
		},
		"suspend": {
			models.Item{Op: models.OpSuspend, Previous: `"active"`},
			"suspended", "can read nothing", "", false, `"active"`, `"suspended"`, "the status",
		},
	}
	before := map[string]models.Definition{"k": {Key: "k", Type: models.TypeNumber, Description: "old", Schema: `{"minimum":1}`, Merge: models.MergeDeep, Version: 3}}
	for name, tt := range tests {
		c := Change{Change: models.Change{TenantID: "acme", Environment: "QA", Items: []models.Item{tt.item}}, Before: before}
		got := c.Items()[0]
		if got.Op != tt.op || !strings.Contains(got.Note, tt.note) || got.icon() != tt.icon || got.Kept != tt.kept || got.From != tt.from || got.To != tt.to {
			t.Errorf("%s: %+v", name, got)
		}
		if c.what() != tt.what {
			t.Errorf("%s: it is about %s", name, c.what())
		}
		if everywhere := c.where() == "all environments"; everywhere != tt.item.Op.Reaches() {
			t.Errorf("%s: it is in %s", name, c.where())
		}
	}
}

func TestDefinitionEffect(t *testing.T) {
	t.Parallel()
	plain := models.Definition{Version: 1, Merge: models.MergeReplace}
	secret := models.Definition{Version: 1, Merge: models.MergeReplace, Sensitive: true}
	deep := models.Definition{Version: 1, Merge: models.MergeDeep}
	for want, states := range map[string][2]models.Definition{
		"":                           {plain, plain},
		"Its values become secrets":  {plain, secret},
		"Its values are secrets no":  {secret, plain},
		"Objects of the layers are ": {{}, deep},
		"The nearest value takes":    {deep, plain},
	} {
		if got := definitionEffect(states[0], states[1]); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := definitionEffect(models.Definition{}, plain); got != "" {
		t.Errorf("a new definition that moves nothing says %q", got)
	}
}

func TestKeyFates(t *testing.T) {
	t.Parallel()
	top, tier, own := HiddenValue{Layer: models.Platform, Value: `{"a":1}`}, HiddenValue{Layer: "@tier.pro", Value: `{"b":1}`}, HiddenValue{Layer: "acme", Value: "1"}
	as := func(h HiddenValue, f Fate) HiddenValue { h.Fate = f; return h }
	merged := KeyPlace{Layer: "acme", Own: true, AsSet: `{"c":1}`, Hides: []HiddenValue{as(top, MergedIn), as(tier, MergedIn)}}
	if got := merged.contributions(); len(got) != 3 || got[2].Value != `{"c":1}` || len(merged.covers()) != 0 || !merged.Merges() {
		t.Errorf("%+v", got)
	}
	locked := KeyPlace{Layer: "@tier.pro", LockedBy: "@tier.pro", Hides: []HiddenValue{as(top, Covered), as(own, UnderALock)}}
	var said []string
	for _, h := range locked.covers() {
		said = append(said, locked.why(h))
	}
	if strings.Join(said, "; ") != "covered by tier pro; hidden by the lock of tier pro" || locked.Merges() || !locked.lockedAbove() {
		t.Errorf("%q", said)
	}
	if p := (KeyPlace{Layer: "acme", LockedBy: "acme", Own: true}); p.lockedAbove() {
		t.Error("an own lock is one from above")
	}
}
