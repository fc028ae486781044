package changes_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// pointers lists what an error points at.
func pointers(err error) (out []string) {
	if known, ok := errors.AsType[*models.Error](err); ok {
		for _, f := range known.Fields {
			out = append(out, f.Pointer)
		}
	}
	return out
}

// named are keys to promote that nobody looked at.
func named(keys ...string) []changes.PromoteKey {
	out := make([]changes.PromoteKey, len(keys))
	for i, key := range keys {
		out[i].Key = key
	}
	return out
}

// seen is a key as it was looked at.
func seen(key string, from, to int64) changes.PromoteKey {
	return changes.PromoteKey{Key: key, From: &from, To: &to}
}

func (h *house) promote(who, tenant, from, to string, keys ...string) (changes.Outcome, error) {
	h.t.Helper()
	return h.PromoteKeys(h.as(who), changes.PromoteKeys{TenantID: tenant, From: from, To: to, Keys: named(keys...), Reason: "ready"})
}

func TestPromoteKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "acme", "QA", "limit", "10")
	h.set("author", "acme", "QA", "name", `"new"`)
	h.set("author", "acme", "Staging", "name", `"old"`)
	h.set("author", "acme", "Staging", "gone", "true")
	h.set("author", "acme", "Staging", "kept", "1")

	out, err := h.PromoteKeys(h.as("author"), changes.PromoteKeys{
		TenantID: "acme", From: "QA", To: "Staging", Reason: "ready",
		Keys: []changes.PromoteKey{seen("limit", 1, 0), seen("name", 1, 1), seen("gone", 0, 1)},
	})
	h.must(err)
	c := out.Change
	if !out.Live() || c.Origin != models.OriginPromote || c.Environment != "Staging" || c.Reason != "ready" ||
		c.Title != "Promote limit, name, gone to Staging" {
		t.Fatalf("%+v", c)
	}
	for i, want := range []models.Item{
		{Key: "limit", Op: models.OpSet, Value: "10"},
		{Key: "name", Op: models.OpSet, Value: `"new"`, Previous: `"old"`, BaseVersion: 1},
		{Key: "gone", Op: models.OpDelete, Previous: "true", BaseVersion: 1},
	} {
		got := c.Items[i]
		if got.Key != want.Key || got.Op != want.Op || got.Value != want.Value || got.Previous != want.Previous || got.BaseVersion != want.BaseVersion {
			t.Errorf("item %d is %+v, want %+v", i, got, want)
		}
	}
	var live int
	h.d.Scan(t, `SELECT count(*) FROM configs WHERE tenant_id = 'acme' AND environment = 'Staging' AND live IS NOT NULL`, nil, &live)
	if live != 3 { // limit, name, kept
		t.Errorf("%d keys are live in Staging", live)
	}

	waits, err := h.promote("author", "acme", "Staging", "Production", "limit", "name")
	h.must(err)
	if waits.Live() || len(waits.Change.Items) != 2 || waits.Change.Status != models.ChangePending {
		t.Errorf("%+v", waits.Change)
	}
}

func TestPromoteKeysRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "acme", "QA", "own", "1")
	h.set("author", models.Platform, "QA", "above", "1")
	h.set("author", "@tier.enterprise", "QA", "tier", "1")
	h.set("author", "acme", "Staging", "tier", "2")
	h.person("staging only", models.RoleEngineer, "acme")
	h.d.Admin(t, `UPDATE role_bindings SET environment = 'Staging' WHERE subject = $1`, h.people["staging only"])
	h.told()
	in := func(from, to string, keys ...string) changes.PromoteKeys {
		return changes.PromoteKeys{TenantID: "acme", From: from, To: to, Keys: named(keys...)}
	}
	author := h.as("author")
	tests := map[string]struct {
		by   context.Context
		in   changes.PromoteKeys
		want models.Code
		at   []string
	}{
		"nobody":             {t.Context(), in("QA", "Staging", "own"), models.CodeUnauthenticated, nil},
		"other tenant":       {h.as("outsider"), in("QA", "Staging", "own"), models.CodeNotFound, nil},
		"viewer":             {h.as("viewer"), in("QA", "Staging", "own"), models.CodeForbidden, nil},
		"no right at origin": {h.as("staging only"), in("QA", "Staging", "own"), models.CodeForbidden, nil},
		"no such tenant":     {author, changes.PromoteKeys{TenantID: "umbrella", From: "QA", To: "Staging", Keys: named("own")}, models.CodeNotFound, nil},
		"no key":             {author, in("QA", "Staging"), models.CodeInvalid, []string{"/keys"}},
		"too many keys":      {author, in("QA", "Staging", make([]string, models.MaxChangeItems+1)...), models.CodeInvalid, []string{"/keys"}},
		"bad keys":           {author, in("QA", "Staging", "own", "A b", "own"), models.CodeInvalid, []string{"/keys/1", "/keys/2"}},
		"backwards":          {author, in("Staging", "QA", "tier"), models.CodeInvalid, []string{"/to"}},
		"to itself":          {author, in("QA", "QA", "own"), models.CodeInvalid, []string{"/to"}},
		"from nowhere":       {author, in("Moon", "Staging", "own"), models.CodeInvalid, []string{"/from"}},
		"from no name":       {author, in("\x00", "Staging", "own"), models.CodeInvalid, []string{"/from"}},
		"to nowhere":         {author, in("QA", "Moon", "own"), models.CodeInvalid, []string{"/environment"}},
		"to no name":         {author, in("QA", "\x00", "own"), models.CodeInvalid, []string{"/to"}},
		"inherited":          {author, in("QA", "Staging", "own", "above"), models.CodeInvalid, []string{"/keys/1"}},
		"inherited over own": {author, in("QA", "Staging", "tier"), models.CodeInvalid, []string{"/keys/0"}},
		"nothing to promote": {author, in("QA", "Staging", "own", "never", "above"), models.CodeInvalid, []string{"/keys/1", "/keys/2"}},
	}
	for name, tt := range tests {
		_, err := h.PromoteKeys(tt.by, tt.in)
		if got := codeOf(err); got != tt.want || !slices.Equal(pointers(err), tt.at) {
			t.Errorf("%s: %q at %v, want %q at %v (%v)", name, got, pointers(err), tt.want, tt.at, err)
		}
	}
	if got := h.actions("acme"); got["change.submit"] != 2 {
		t.Errorf("a refused promotion was written: %v", got)
	}
}

// What is not any more as the caller saw it is not promoted, and nothing is deleted that nobody asked for.
func TestPromoteKeysAsTheyWereSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "acme", "QA", "both", "1")
	h.set("author", "acme", "Staging", "both", "2")
	config := h.set("author", "acme", "QA", "fades", "1").Config
	h.set("author", "acme", "Staging", "fades", "2")
	_, err := h.Delete(h.as("author"), config.ID, "")
	h.must(err)
	zero := int64(0)
	tests := map[string]struct {
		keys []changes.PromoteKey
		want models.Code
		at   []string
	}{
		"moved here":            {[]changes.PromoteKey{seen("both", 2, 1)}, models.CodeConflict, []string{"/keys/0"}},
		"moved there":           {[]changes.PromoteKey{seen("both", 1, 0)}, models.CodeConflict, []string{"/keys/0"}},
		"gone here":             {[]changes.PromoteKey{seen("both", 1, 1), seen("fades", 1, 1)}, models.CodeConflict, []string{"/keys/1"}},
		"both":                  {[]changes.PromoteKey{seen("fades", 1, 1), seen("both", 1, 7)}, models.CodeConflict, []string{"/keys/0", "/keys/1"}},
		"a deletion not meant":  {named("both", "fades"), models.CodeInvalid, []string{"/keys/1"}},
		"only there was seen":   {[]changes.PromoteKey{{Key: "fades", To: new(int64(1))}}, models.CodeInvalid, []string{"/keys/0"}},
		"deleted there, unseen": {[]changes.PromoteKey{{Key: "fades", From: &zero, To: &zero}}, models.CodeConflict, []string{"/keys/0"}},
	}
	for name, tt := range tests {
		_, err := h.PromoteKeys(h.as("author"), changes.PromoteKeys{TenantID: "acme", From: "QA", To: "Staging", Keys: tt.keys})
		if codeOf(err) != tt.want || !slices.Equal(pointers(err), tt.at) {
			t.Errorf("%s: %v at %v, want %q at %v", name, err, pointers(err), tt.want, tt.at)
		}
	}
	out, err := h.PromoteKeys(h.as("author"), changes.PromoteKeys{
		TenantID: "acme", From: "QA", To: "Staging", Keys: []changes.PromoteKey{seen("both", 1, 1), {Key: "fades", From: &zero}},
	})
	h.must(err)
	if out.Change.Items[0].Op != models.OpSet || out.Change.Items[1].Op != models.OpDelete {
		t.Errorf("%+v", out.Change.Items)
	}
}

// A layer promotes what it sets itself; a tier inherits from the platform like any tenant.
func TestPromoteKeysOfLayers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", models.Platform, "QA", "base", "1")
	h.set("author", "@tier.free", "QA", "limit", "2")
	for _, tt := range []struct {
		layer, key string
		want       models.Code
	}{
		{models.Platform, "base", ""},
		{models.Platform, "limit", models.CodeInvalid}, // set below, not here
		{"@tier.free", "limit", ""},
		{"@tier.free", "base", models.CodeInvalid},
	} {
		out, err := h.promote("author", tt.layer, "QA", "Staging", tt.key)
		if codeOf(err) != tt.want || err == nil && !out.Live() {
			t.Errorf("%s of %s: %v, want %q", tt.key, tt.layer, err, tt.want)
		}
	}
	_, err := h.promote("outsider", "@tier.enterprise", "QA", "Staging", "limit")
	h.want(err, models.CodeNotFound)
}

// Where the policy asks for it, the value must be live in the environment directly before the target.
func TestPromoteKeysPastAnEnvironment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "initech", "QA", "k", "1")
	h.d.Admin(t, `UPDATE policies SET require_previous = true WHERE environment = 'Production'`)
	_, err := h.promote("author", "initech", "QA", "Production", "k")
	h.want(err, models.CodeConflict)
	_, err = h.promote("author", "initech", "QA", "Staging", "k")
	h.must(err)
	out, err := h.promote("author", "initech", "QA", "Production", "k") // Staging has the same value by now
	h.must(err)
	if out.Change.Status != models.ChangePending {
		t.Error(out.Change.Status)
	}
}

// A secret travels as it is and is shown to nobody who may not read it.
func TestPromoteASecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.d.Define(t, "acme", "password", models.TypeString, true)
	config := h.set("author", "acme", "QA", "password", `"hush"`).Config
	out, err := h.promote("author", "acme", "QA", "Staging", "password")
	h.must(err)
	if out.Change.Items[0].Value != models.Masked || out.Config.Value != models.Masked {
		t.Errorf("%+v", out)
	}
	out, err = h.Promote(h.as("author"), changes.Promote{ConfigID: config.ID, Target: "Staging"})
	h.must(err)
	if out.Change.Items[0].Value != models.Masked || out.Config.Value != models.Masked {
		t.Errorf("%+v", out)
	}
	var kept string
	h.d.Scan(t, `SELECT v.value FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
		WHERE c.tenant_id = 'acme' AND c.environment = 'Staging'`, nil, &kept)
	if !models.Value(kept).IsSealed() {
		t.Errorf("kept %s", kept)
	}
}

// Who lost the right to look at the origin on another node promotes nothing from it.
func TestPromoteKeysByRightsOfThisMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "acme", "QA", "k", "1")
	h.person("mover", models.RoleEngineer, "acme")
	h.d.Admin(t, `UPDATE role_bindings SET environment = 'Staging' WHERE subject = $1`, h.people["mover"])
	h.d.Admin(t, `INSERT INTO role_bindings (tenant_id, id, role, environment, subject_kind, subject, created_by, created_at)
		VALUES ('acme', gen_random_uuid(), 'viewer', 'QA', 'person', $1, 'system:test', now())`, h.people["mover"])
	h.told()
	mover := h.as("mover") // as the call came in
	in := changes.PromoteKeys{TenantID: "acme", From: "QA", To: "Staging", Keys: named("k")}
	_, err := h.PromoteKeys(mover, in)
	h.must(err)
	h.d.Admin(t, `DELETE FROM role_bindings WHERE subject = $1 AND environment = 'QA'`, h.people["mover"])
	h.d.Admin(t, `SELECT control_moved('roles')`) // this node is not told
	_, err = h.PromoteKeys(mover, in)
	h.want(err, models.CodeForbidden)
}
