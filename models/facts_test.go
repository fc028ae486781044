package models_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

func facts() models.Facts {
	return models.Facts{
		At: noon, Environment: "Staging", Previous: "QA", Policies: []models.Policy{{AllowedStrategies: []string{"direct"}, DefaultStrategy: "direct"}},
		Definitions: map[string]models.Definition{
			"flag": {TenantID: models.Platform, Key: "flag", Type: models.TypeBoolean, Version: 3},
			"pin":  {TenantID: "acme", Key: "pin", Type: models.TypeString, Sensitive: true, Version: 1},
		},
		Live: map[string]models.Live{
			"flag": {ConfigID: "id-flag", Last: 7, Version: 7, Value: "false", Size: 5},
			"gone": {ConfigID: "id-gone", Last: 2},
		},
		Below: map[string][]models.ValueType{"below": {models.TypeNumber}},
		Keys:  1, Bytes: 5,
	}
}

func change(items ...models.Item) models.Change {
	return models.Change{TenantID: "acme", Environment: "Staging", Items: items}
}

func at(int) string { return "" }

func TestBind(t *testing.T) {
	t.Parallel()
	typed := func(v models.ValueType) *models.Defines { return &models.Defines{Type: v} }
	tests := map[string]struct {
		item    models.Item
		want    models.Code
		value   models.Value
		defines models.ValueType
	}{
		"a defined key":               {item: models.Item{Key: "flag", Op: models.OpSet, Value: "true", BaseVersion: -1}, value: "true"},
		"a string that is a boolean":  {item: models.Item{Key: "flag", Op: models.OpSet, Value: `"true"`}, value: "true"},
		"a string that is none":       {item: models.Item{Key: "flag", Op: models.OpSet, Value: `"yes"`}, want: models.CodeInvalid},
		"another type":                {item: models.Item{Key: "flag", Op: models.OpSet, Value: "true", Defines: typed(models.TypeString)}, want: models.CodeInvalid},
		"the same type":               {item: models.Item{Key: "flag", Op: models.OpSet, Value: "true", Defines: typed(models.TypeBoolean)}, value: "true"},
		"a new key":                   {item: models.Item{Key: "new", Op: models.OpSet, Value: `"true"`}, value: `"true"`, defines: models.TypeString},
		"a new key of a type":         {item: models.Item{Key: "new", Op: models.OpSet, Value: `"1"`, Defines: typed(models.TypeNumber)}, value: "1", defines: models.TypeNumber},
		"a new key of the wrong type": {item: models.Item{Key: "new", Op: models.OpSet, Value: `"x"`, Defines: typed(models.TypeNumber)}, want: models.CodeInvalid},
		"null":                        {item: models.Item{Key: "new", Op: models.OpSet, Value: "null"}, value: "null", defines: models.TypeJSON},
		"a key that heirs hold":       {item: models.Item{Key: "below", Op: models.OpSet, Value: `"x"`}, want: models.CodeInvalid},
		"as heirs hold it":            {item: models.Item{Key: "below", Op: models.OpSet, Value: "1"}, value: "1", defines: models.TypeNumber},
		"delete":                      {item: models.Item{Key: "flag", Op: models.OpDelete}},
		"delete nothing":              {item: models.Item{Key: "new", Op: models.OpDelete}, want: models.CodeInvalid},
		"delete what is gone":         {item: models.Item{Key: "gone", Op: models.OpDelete}, want: models.CodeInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := change(tt.item)
			err := c.Bind(facts(), at)
			if codeOf(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err != nil {
				return
			}
			got := c.Items[0]
			if got.Value != tt.value {
				t.Errorf("value %s, want %s", got.Value, tt.value)
			}
			if (got.Defines != nil) != (tt.defines != "") || got.Defines != nil && got.Defines.Type != tt.defines {
				t.Errorf("defines %+v, want %q", got.Defines, tt.defines)
			}
		})
	}
}

func TestBindFillsIn(t *testing.T) {
	t.Parallel()
	c := change(
		models.Item{Key: "flag", Op: models.OpSet, Value: "true", BaseVersion: -1, ConfigID: "fresh"},
		models.Item{Key: "pin", Op: models.OpSet, Value: `"1"`, BaseVersion: -1, ConfigID: "fresh"},
	)
	if err := c.Bind(facts(), at); err != nil {
		t.Fatal(err)
	}
	flag, pin := c.Items[0], c.Items[1]
	if flag.ConfigID != "id-flag" || flag.BaseVersion != 7 || flag.Previous != "false" || flag.Definition != 3 {
		t.Errorf("%+v", flag)
	}
	if pin.ConfigID != "fresh" || pin.BaseVersion != 0 || !pin.Sensitive {
		t.Errorf("%+v", pin)
	}
	c.Mask()
	if c.Items[1].Value != models.Masked || c.Items[0].Value != "true" {
		t.Errorf("masked %+v", c.Items)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	set := func(key string, v models.Value, base int64) models.Item {
		return models.Item{Key: key, Op: models.OpSet, Value: v, BaseVersion: base}
	}
	previous := func(f *models.Facts) { f.Policies[0].RequirePrevious = true }
	tests := map[string]struct {
		item  models.Item
		facts func(*models.Facts)
		want  models.Code
	}{
		"as it was":           {item: set("flag", "true", 7)},
		"a moved base":        {item: set("flag", "true", 6), want: models.CodeConflict},
		"a base that is gone": {item: set("gone", "1", 2), want: models.CodeConflict},
		"a moved definition":  {item: set("flag", `"true"`, 7), want: models.CodeConflict},
		"too many keys":       {item: set("new", "1", 0), facts: func(f *models.Facts) { f.Keys = models.MaxKeysPerLayer }, want: models.CodeInvalid},
		"one of many keys":    {item: set("flag", "true", 7), facts: func(f *models.Facts) { f.Keys = models.MaxKeysPerLayer }},
		"too many bytes":      {item: set("flag", "\"123456\"", 7), facts: func(f *models.Facts) { f.Bytes = models.MaxLayerBytes; delete(f.Definitions, "flag") }, want: models.CodeInvalid},
		"not in QA":           {item: set("flag", "true", 7), facts: previous, want: models.CodeConflict},
		"another value in QA": {item: set("flag", "true", 7), facts: func(f *models.Facts) {
			previous(f)
			f.Before = map[string]models.Live{"flag": {Version: 1, Value: "false"}}
		}, want: models.CodeConflict},
		"in QA": {item: set("flag", "true", 7), facts: func(f *models.Facts) {
			previous(f)
			f.Before = map[string]models.Live{"flag": {Version: 1, Value: "true"}}
		}},
		"too short in QA": {item: set("flag", "true", 7), facts: func(f *models.Facts) {
			previous(f)
			f.Policies[0].MinSoak = time.Hour
			f.Before = map[string]models.Live{"flag": {Version: 1, Value: "true", LiveFrom: noon.Add(-time.Minute)}}
		}, want: models.CodeConflict},
		"the first of them":  {item: set("flag", "true", 7), facts: func(f *models.Facts) { previous(f); f.Previous = "" }},
		"delete needs no QA": {item: models.Item{Key: "flag", Op: models.OpDelete, BaseVersion: 7}, facts: previous},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := facts(), change(tt.item)
			if tt.facts != nil {
				tt.facts(&f)
			}
			if err := c.Check(f); codeOf(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestStagesFor(t *testing.T) {
	t.Parallel()
	f, c := facts(), change()
	if stages := f.StagesFor(&c); len(stages) != 0 {
		t.Errorf("%v", stages)
	}
	c.AlwaysReview = true
	if stages := f.StagesFor(&c); len(stages) != 1 || stages[0] != (models.Stage{Name: "engineer", Role: models.RoleEngineer, Required: 1}) {
		t.Errorf("%v", stages)
	}
	f.Policies[0].Stages = []models.Stage{{Name: "manager", Role: models.RoleManager, Required: 2}}
	if stages := f.StagesFor(&c); len(stages) != 1 || stages[0].Name != "manager" {
		t.Errorf("approvalRequired changed what the policy asks: %v", stages)
	}
}

func TestDefaultTitle(t *testing.T) {
	t.Parallel()
	c := change(models.Item{Key: "a", Op: models.OpSet}, models.Item{Key: "b"}, models.Item{Key: "c"}, models.Item{Key: "d"})
	if got := c.DefaultTitle(); got != "Set a, b, c and 1 more in Staging" {
		t.Error(got)
	}
	c.Items[0].Op = models.OpDelete
	if got := c.DefaultTitle(); !strings.HasPrefix(got, "Delete ") {
		t.Error(got)
	}
	c.Origin = models.OriginPromote
	if got := c.DefaultTitle(); !strings.HasPrefix(got, "Promote ") {
		t.Error(got)
	}
}
