package changes_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/definitions"
)

func stageNames(c models.Change) (out []string) {
	for _, s := range c.Stages {
		out = append(out, s.Name)
	}
	return out
}

// defined is a definition as it is stored, by its layer.
func (h *house) defined(layer, key string) models.Definition {
	h.t.Helper()
	d, err := h.defs.Get(h.as("viewer"), layer, key)
	h.must(err)
	return d
}

func TestDefineAsAnItem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	expires := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	all := models.Defines{
		Type: models.TypeNumber, Description: "Seats", Schema: `{"minimum":1}`, Owner: "billing", Tags: "money,plan", ExpiresAt: &expires,
	}
	c := h.did("acme", "QA", define("k", all))
	if c.Title != "Define k in QA" || c.Items[0].BaseVersion != 0 {
		t.Errorf("%q, %+v", c.Title, c.Items[0])
	}
	got := h.defined("acme", "k")
	want := all.On(models.Definition{TenantID: "acme", Key: "k", Version: 1, CreatedAt: got.CreatedAt, UpdatedAt: got.UpdatedAt})
	if !got.Same(want) || got.Version != 1 {
		t.Errorf("%+v", got)
	}
	var change string
	h.d.Scan(t, `SELECT change_id::text FROM definition_versions WHERE tenant_id = 'acme' AND key = 'k'`, nil, &change)
	if change != c.ID {
		t.Errorf("it was made by %s", change)
	}
	h.did("acme", "QA", set("k", "5"))
	_, err := h.submit("author", "acme", "QA", set("k", "0"))
	h.want(err, models.CodeInvalid)

	all.Description = "Places"
	h.did("acme", "QA", changes.Edit{Key: "k", Op: models.OpDefine, Definition: &all, BaseVersion: new(int64(1))})
	for name, tt := range map[string]struct {
		layer string
		edit  changes.Edit
		want  models.Code
	}{
		"a base that moved":   {"acme", changes.Edit{Key: "k", Op: models.OpDefine, Definition: &all, BaseVersion: new(int64(1))}, models.CodeConflict},
		"new, but it is not":  {"acme", changes.Edit{Key: "k", Op: models.OpDefine, Definition: &all, BaseVersion: new(int64(0))}, models.CodeConflict},
		"another type":        {"acme", define("k", models.Defines{Type: models.TypeString}), models.CodeInvalid},
		"another type above":  {enterprise, define("k", models.Defines{Type: models.TypeString}), models.CodeInvalid},
		"too strict":          {"acme", define("k", models.Defines{Schema: `{"minimum":6}`}), models.CodeInvalid},
		"no schema":           {"acme", define("k", models.Defines{Schema: `{"minimum":"x"}`}), models.CodeInvalid},
		"a merge of numbers":  {"acme", define("k", models.Defines{Merge: models.MergeDeep}), models.CodeInvalid},
		"a merge of secrets":  {"acme", define("new", models.Defines{Type: models.TypeJSON, Merge: models.MergeDeep, Sensitive: true}), models.CodeInvalid},
		"no definition":       {"acme", changes.Edit{Key: "k", Op: models.OpDefine}, models.CodeInvalid},
		"a value":             {"acme", changes.Edit{Key: "k", Op: models.OpDefine, Definition: &all, Value: "1"}, models.CodeInvalid},
		"a lock":              {"acme", changes.Edit{Key: "k", Op: models.OpDefine, Definition: &all, Locked: new(true)}, models.CodeInvalid},
		"of a delete":         {"acme", changes.Edit{Key: "k", Op: models.OpDelete, Definition: &all}, models.CodeInvalid},
		"a definition of set": {"acme", changes.Edit{Key: "k", Op: models.OpSet, Value: "6", Definition: &all}, models.CodeInvalid},
	} {
		if _, err := h.submit("author", tt.layer, "QA", tt.edit); codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	h.did(enterprise, "QA", define("k", models.Defines{Type: models.TypeNumber}))
	_, err = h.submit("author", "acme", "QA", define("k", all))
	h.want(err, models.CodeInvalid) // a layer above says what it is by now
	says(t, err, enterprise)
	if got := h.actions("acme"); got["definition.create"] != 1 || got["definition.update"] != 1 || got["change.submit"] != 3 {
		t.Errorf("entries %v", got)
	}
	h.sound()
}

func TestDefineWho(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("qa only", models.RoleEngineer, "acme")
	h.d.Admin(t, `UPDATE role_bindings SET environment = 'QA' WHERE subject = $1`, h.people["qa only"])
	h.person("insider", models.RoleEngineer, "acme")
	h.told()
	draft := changes.Draft{
		TenantID: "acme", Environment: "QA", Pointer: changes.ItemPointer,
		Items: []changes.Edit{define("k", models.Defines{Type: models.TypeNumber})},
	}
	of := func(tenant string) changes.Draft { d := draft; d.TenantID = tenant; return d }
	for name, tt := range map[string]struct {
		by   context.Context
		d    changes.Draft
		want models.Code
	}{
		"viewer":             {h.as("viewer"), draft, models.CodeForbidden},
		"in one environment": {h.as("qa only"), draft, models.CodeForbidden},
		"other tenant":       {h.as("outsider"), draft, models.CodeNotFound},
		"nobody":             {t.Context(), draft, models.CodeUnauthenticated},
		"for the tier":       {h.as("insider"), of(enterprise), models.CodeNotFound},
		"insider":            {h.as("insider"), draft, ""},
	} {
		if _, err := h.Submit(tt.by, tt.d); codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	waits := h.waits("author", "acme", "Production", set("k", "1"))
	_, err := h.Revise(h.as("qa only"), changes.Revise{ChangeID: waits.ID, Items: draft.Items})
	h.want(err, models.CodeForbidden)
	if n := h.count(`SELECT count(*) FROM definitions`); n != 1 {
		t.Errorf("%d definitions", n)
	}
}

// A definition that moves live values asks all environments in which it does; one that moves none asks nobody.
func TestDefineWaitsWhereItMoves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.d.Admin(t, `UPDATE policies SET stages = '[{"name":"peer","role":"engineer","required":1}]' WHERE environment = 'Staging'`)
	secret := models.Defines{Type: models.TypeString, Sensitive: true}
	h.did("acme", "QA", set("low", `"x"`))
	h.did("acme", "QA", define("low", secret))
	h.pass(h.waits("author", "acme", "Staging", set("mid", `"x"`)))
	h.pass(h.waits("author", "acme", "Production", set("top", `"x"`)))
	h.pass(h.waits("author", "acme", "Production", set("both", `"x"`)))
	h.pass(h.waits("author", "acme", "Staging", set("both", `"x"`)))
	h.pass(h.waits("author", "acme", "Production", set("text", `"x"`)))

	for key, last := range map[string]string{"mid": "Staging", "top": "Production", "both": "Production"} {
		for _, e := range []string{"Development", "QA", "Staging"} {
			if e == last {
				break
			}
			_, err := h.submit("author", "acme", e, define(key, secret))
			h.want(err, models.CodeInvalid)
			says(t, err, last)
		}
	}
	for key, want := range map[string][]string{
		"mid": {"peer"}, "top": {"engineer", "manager", "compliance"}, "both": {"engineer", "manager", "compliance", "peer"},
	} {
		environment := "Production"
		if key == "mid" {
			environment = "Staging"
		}
		c := h.waits("author", "acme", environment, define(key, secret))
		if got := stageNames(c); len(got) != len(want) || !slices.Contains(got, "peer") == slices.Contains(want, "peer") {
			t.Errorf("%s asks %v, want %v", key, got, want)
		}
		if key != "both" {
			h.pass(c)
		}
		h.reads("acme", environment, key, map[bool]models.Value{true: `"x"`}[key == "both"])
	}

	// What is for people is not asked for, nor is what nobody reads yet.
	made, err := h.Redefine(h.as("author"), "acme", "text", definitions.Patch{Owner: new("us"), Tags: new([]string{"b", "a"})}, "")
	h.must(err)
	if made.Change != nil || made.Definition.Version != 2 || made.Definition.Tags != "a,b" {
		t.Errorf("%+v", made)
	}
	made, err = h.Define(h.as("author"), definitions.In{TenantID: "acme", Key: "later", Type: models.TypeString, Sensitive: true})
	h.must(err)
	if made.Change != nil || made.Definition.Version != 1 {
		t.Errorf("%+v", made)
	}
	made, err = h.Redefine(h.as("author"), "acme", "text", definitions.Patch{Sensitive: new(true), Description: new("d")}, "")
	h.must(err)
	if made.Change == nil || made.Change.Environment != "Production" || made.Definition.Description != "d" || h.defined("acme", "text").Sensitive {
		t.Errorf("%+v", made)
	}
	h.pass(*made.Change)
	if d := h.defined("acme", "text"); !d.Sensitive || d.Owner != "us" || d.Version != 3 {
		t.Errorf("%+v", d)
	}
	made, err = h.Redefine(h.as("author"), "acme", "low", definitions.Patch{Merge: new(models.MergeDeep)}, "")
	h.want(err, models.CodeInvalid)
	if pointer := fieldOf(err); pointer != "/merge" {
		t.Errorf("it points at %q of %+v", pointer, made)
	}
	h.sound()
}

func fieldOf(err error) string {
	if e, ok := errors.AsType[*models.Error](err); ok && len(e.Fields) > 0 {
		return e.Fields[0].Pointer
	}
	return ""
}

// A definition above is held against all that is below, when it is written and again when it is applied.
func TestDefineAbove(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i, tenant := range []string{"acme", "globex", "initech"} {
		h.did(tenant, "QA", set("limit", models.Int(int64(i+1))))
	}
	_, err := h.submit("author", models.Platform, "QA", define("limit", models.Defines{Type: models.TypeNumber, Schema: `{"minimum":3}`}))
	h.want(err, models.CodeInvalid)
	says(t, err, "2 live values")
	if fieldOf(err) != "/items/0/definition/schema" {
		t.Errorf("it points at %s", fieldOf(err))
	}
	_, err = h.submit("author", enterprise, "QA", define("limit", models.Defines{Type: models.TypeNumber, Schema: `{"minimum":3}`}))
	says(t, err, "2 live values")
	_, err = h.submit("author", models.Platform, "QA", changes.Edit{
		Key: "limit", Op: models.OpSet, Value: "5", Definition: &models.Defines{Type: models.TypeNumber, Schema: `{"minimum":3}`},
	})
	h.want(err, models.CodeInvalid) // a first value that brings its definition is no way round
	says(t, err, "2 live values")

	waits := func(key string, schema models.Value) models.Change {
		t.Helper()
		out, err := h.Submit(h.as("author"), changes.Draft{
			TenantID: models.Platform, Environment: "QA", AlwaysReview: true, Pointer: changes.ItemPointer,
			Items: []changes.Edit{define(key, models.Defines{Type: models.TypeNumber, Schema: schema}), set("beside-"+key, "1")},
		})
		h.must(err)
		return out.Change
	}
	c := waits("limit", `{"minimum":1}`)
	h.did("globex", "QA", set("limit", "0"))
	h.refusedLast(c, models.CodeInvalid)
	c = waits("other", `{"minimum":1}`)
	h.did("globex", "QA", set("other", `"text"`))
	h.refusedLast(c, models.CodeInvalid)
	if n := h.count(`SELECT count(*) FROM definitions WHERE tenant_id = '@platform'`); n != 0 {
		t.Errorf("%d definitions were half applied", n)
	}
	h.did("globex", "QA", op("other", models.OpDelete))
	_, err = h.approve("engineer", c) // its definition still says another type
	h.want(err, models.CodeInvalid)

	h.did("globex", "QA", set("limit", "1"))
	h.pass(waits("limit", `{"minimum":1}`))
	for _, tenant := range []string{"acme", "globex", "initech"} {
		_, err := h.submit("author", tenant, "Development", set("limit", "0"))
		h.want(err, models.CodeInvalid)
	}
	h.sound()
}

// A definition above never takes a secret, or a merge, from a layer below.
func TestDefineAboveOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.did("acme", "QA", define("token", models.Defines{Type: models.TypeString, Sensitive: true}))
	h.did("acme", "QA", set("token", `"geheim"`))
	h.did(enterprise, "QA", define("shape", models.Defines{Type: models.TypeJSON, Merge: models.MergeDeep}))
	h.did(enterprise, "QA", set("shape", `{"a":1}`))
	h.did("acme", "QA", set("shape", `{"b":2}`))
	h.reads("acme", "QA", "shape", `{"a":1,"b":2}`)
	for name, tt := range map[string]struct {
		edit    changes.Edit
		pointer string
	}{
		"no secret":               {define("token", models.Defines{Type: models.TypeString}), "/items/0/definition/sensitive"},
		"a value of none":         {set("token", `"x"`), "/items/0/definition/sensitive"},
		"no merge":                {define("shape", models.Defines{Type: models.TypeJSON}), "/items/0/definition/merge"},
		"a value without a merge": {set("shape", `{"c":3}`), "/items/0/definition/merge"},
		"a value with a merge": {changes.Edit{
			Key: "shape", Op: models.OpSet, Value: `{"c":3}`, Definition: &models.Defines{Type: models.TypeJSON, Merge: models.MergeDeep},
		}, "/items/0/definition"},
	} {
		_, err := h.submit("author", models.Platform, "QA", tt.edit)
		if codeOf(err) != models.CodeInvalid || fieldOf(err) != tt.pointer {
			t.Errorf("%s: %v at %s", name, err, fieldOf(err))
		}
	}
	h.did(models.Platform, "QA", define("shape", models.Defines{Type: models.TypeJSON, Merge: models.MergeDeep}))
	h.did(models.Platform, "QA", set("shape", `{"c":3}`))
	h.reads("acme", "QA", "shape", `{"a":1,"b":2,"c":3}`)

	h.did(models.Platform, "QA", define("token", models.Defines{Type: models.TypeString, Sensitive: true}))
	_, err := h.submit("admin", models.Platform, "QA", define("token", models.Defines{Type: models.TypeString}))
	h.want(err, models.CodeInvalid) // acme still calls it a secret
	if n := h.count(`SELECT count(*) FROM config_versions WHERE value LIKE '%geheim%'`); n != 0 {
		t.Error("the secret was opened")
	}
}

// The first value of a key brings its definition; where that would move what is live, it is no way round the stages.
func TestSetWithDefinition(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	with := func(key string, v models.Value, d models.Defines) changes.Edit {
		return changes.Edit{Key: key, Op: models.OpSet, Value: v, Definition: &d}
	}
	h.did("acme", "QA", with("limit", "5", models.Defines{Description: "Seats", Schema: `{"maximum":9}`, Owner: "us", Tags: "a"}))
	if d := h.defined("acme", "limit"); d.Type != models.TypeNumber || d.Schema != `{"maximum":9}` || d.Owner != "us" || d.Tags != "a" || d.Merge != models.MergeReplace {
		t.Errorf("%+v", d)
	}
	for name, e := range map[string]changes.Edit{
		"against its own schema": with("new", "5", models.Defines{Schema: `{"maximum":4}`}),
		"another type":           with("new", "5", models.Defines{Type: models.TypeBoolean}),
		"a merge of numbers":     with("new", "5", models.Defines{Merge: models.MergeDeep}),
		"no schema":              with("new", "5", models.Defines{Schema: `{"maximum":"x"}`}),
		"defined already":        with("limit", "5", models.Defines{Type: models.TypeNumber, Owner: "them"}),
	} {
		if _, err := h.submit("author", "acme", "QA", e); codeOf(err) != models.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := h.did("acme", "QA", with("token", `"geheim"`, models.Defines{Sensitive: true}))
	if c.Items[0].Value != models.Masked || !h.defined("acme", "token").Sensitive {
		t.Errorf("%+v", c.Items[0])
	}
	h.pass(h.waits("author", "acme", "Production", set("open", `"seen"`)))
	_, err := h.submit("author", models.Platform, "Development", with("open", `"x"`, models.Defines{Sensitive: true}))
	h.want(err, models.CodeInvalid)
	says(t, err, "Production")
	h.reads("acme", "Production", "open", `"seen"`)

	// A change below that waits holds a value of what becomes a secret.
	waits := h.waits("author", "acme", "Production", set("later", `"canary"`))
	h.did(models.Platform, "Development", with("later", `"x"`, models.Defines{Type: models.TypeString, Sensitive: true}))
	if n := h.count(`SELECT count(*) FROM change_items WHERE value LIKE '%canary%'`); n != 0 {
		t.Error("a change that waits holds the value in clear")
	}
	h.refusedLast(waits, models.CodeConflict)
	anew, err := h.Rebase(h.as("author"), waits.ID, "")
	h.must(err)
	h.pass(anew)
	got, err := h.resolved("acme", "Production", true)
	h.must(err)
	if got["later"] != `"canary"` {
		t.Errorf("who may read it reads %s", got["later"])
	}
	h.sound()
}

// Several writers of a definition are told apart by its version, also between what was looked at and what is applied.
func TestDefineTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.pass(h.waits("author", "acme", "Production", set("k", `"x"`)))
	secret := define("k", models.Defines{Type: models.TypeString, Sensitive: true})
	first, second := h.waits("author", "acme", "Production", secret), h.waits("author", "acme", "Production", secret)
	h.pass(first)
	h.refusedLast(second, models.CodeConflict)
	_, err := h.Rebase(h.as("author"), second.ID, "")
	h.must(err) // says the same by now and moves nothing more: what was asked stays asked
	if got, err := h.Get(h.as("viewer"), second.ID); err != nil || got.Status != models.ChangePending || got.Items[0].BaseVersion != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = h.Redefine(h.as("author"), "acme", "k", definitions.Patch{Owner: new("us")}, `"1"`)
	h.want(err, models.CodePreconditionFailed)
}
