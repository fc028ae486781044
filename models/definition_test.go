package models_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

func TestTags(t *testing.T) {
	t.Parallel()
	many := make([]string, 21)
	for i := range many {
		many[i] = "t" + strconv.Itoa(i)
	}
	for name, tt := range map[string]struct {
		words []string
		want  models.Tags
		ok    bool
	}{
		"none":              {nil, "", true},
		"sorted, each once": {[]string{"b", "a", "b"}, "a,b", true},
		"inner space":       {[]string{"two words"}, "two words", true},
		"20":                {many[:20], "", true},
		"21":                {many, "", false},
		"21, one twice":     {append([]string{"t0"}, many[:20]...), "", true},
		"empty":             {[]string{""}, "", false},
		"a comma":           {[]string{"a,b"}, "", false},
		"a leading space":   {[]string{" a"}, "", false},
		"NUL":               {[]string{"a\x00"}, "", false},
		"40 characters":     {[]string{strings.Repeat("é", 40)}, models.Tags(strings.Repeat("é", 40)), true},
		"41 characters":     {[]string{strings.Repeat("é", 41)}, "", false},
	} {
		got, ok := models.NewTags(tt.words)
		if ok != tt.ok || ok && tt.want != "" && got != tt.want {
			t.Errorf("%s: %q, %t", name, got, ok)
		}
		if list := got.List(); ok && (list == nil || !slices.IsSorted(list) || len(tt.words) == 0 && len(list) != 0) {
			t.Errorf("%s: the list is %q", name, list)
		}
	}
}

func TestDefinitionSameAndMoves(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	base := models.Definition{TenantID: "acme", Key: "k", Type: models.TypeJSON, Merge: models.MergeReplace, Tags: "a,b", Version: 2}
	for name, tt := range map[string]struct {
		edit        func(*models.Definition)
		same, moves bool
	}{
		"nothing":        {func(*models.Definition) {}, true, false},
		"version":        {func(d *models.Definition) { d.Version, d.UpdatedAt = 3, expires }, true, false},
		"description":    {func(d *models.Definition) { d.Description = "x" }, false, false},
		"owner":          {func(d *models.Definition) { d.Owner = "x" }, false, false},
		"tags":           {func(d *models.Definition) { d.Tags = "a" }, false, false},
		"schema":         {func(d *models.Definition) { d.Schema = "{}" }, false, false},
		"expiry":         {func(d *models.Definition) { d.ExpiresAt = &expires }, false, false},
		"secret":         {func(d *models.Definition) { d.Sensitive = true }, false, true},
		"merge":          {func(d *models.Definition) { d.Merge = models.MergeDeep }, false, true},
		"merge, said so": {func(d *models.Definition) { d.Merge = "" }, false, false},
	} {
		after := base
		tt.edit(&after)
		if after.Same(base) != tt.same || base.Same(after) != tt.same || after.Moves(base) != tt.moves || base.Moves(after) != tt.moves {
			t.Errorf("%s: same %t, moves %t", name, after.Same(base), after.Moves(base))
		}
	}
	elsewhere := expires.In(time.FixedZone("", 3600))
	a, b := base, base
	a.ExpiresAt, b.ExpiresAt = &expires, &elsewhere
	if !a.Same(b) {
		t.Error("one instant in two zones is two")
	}
	if !a.Overdue(expires) || a.Overdue(expires.Add(-1)) || base.Overdue(expires) {
		t.Error("overdue too early or too late")
	}
}

// What an item says replaces all that was said; what stays is where, since when and in which version.
func TestDefinesOn(t *testing.T) {
	t.Parallel()
	before := models.Definition{
		TenantID: "acme", Key: "k", Type: models.TypeJSON, Schema: "{}", Description: "d", Owner: "o", Tags: "t",
		Merge: models.MergeDeep, Version: 4, CreatedAt: noon, ExpiresAt: &noon,
	}
	if got := before.Defines().On(before); got != before {
		t.Errorf("there and back: %+v", got)
	}
	got := (&models.Defines{Type: models.TypeJSON}).On(before)
	want := models.Definition{TenantID: "acme", Key: "k", Type: models.TypeJSON, Merge: models.MergeReplace, Version: 4, CreatedAt: noon}
	if got != want {
		t.Errorf("%+v", got)
	}
}

func TestUncovers(t *testing.T) {
	t.Parallel()
	secret, open := models.Definition{TenantID: "acme", Sensitive: true}, models.Definition{TenantID: "acme"}
	who := func(role models.Role, tenant, environment string) models.Actor {
		return models.Actor{Grants: []models.Grant{{Role: role, Tenant: tenant, Environment: environment}}}
	}
	for name, tt := range map[string]struct {
		after, before models.Definition
		by            models.Actor
		uncovers      bool
		want          models.Code
	}{
		"an engineer":              {open, secret, who(models.RoleEngineer, "acme", ""), true, models.CodeForbidden},
		"a tenant-admin":           {open, secret, who(models.RoleTenantAdmin, "acme", ""), true, ""},
		"in one environment":       {open, secret, who(models.RoleTenantAdmin, "acme", "QA"), true, models.CodeForbidden},
		"other tenant":             {open, secret, who(models.RoleTenantAdmin, "globex", ""), true, models.CodeForbidden},
		"nobody":                   {open, secret, models.Actor{}, true, models.CodeForbidden},
		"becomes one, an engineer": {secret, open, who(models.RoleEngineer, "acme", ""), false, ""},
		"stays one, an engineer":   {secret, secret, who(models.RoleEngineer, "acme", ""), false, ""},
	} {
		if got, err := tt.after.Uncovers(tt.before, tt.by); got != tt.uncovers || codeOf(err) != tt.want {
			t.Errorf("%s: %t, %v", name, got, err)
		}
	}
}
