package models_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

// TestCheckAgain holds bound items against facts that moved since.
func TestCheckAgain(t *testing.T) {
	t.Parallel()
	typed := func(v models.ValueType) *models.Defines { return &models.Defines{Type: v} }
	same := func(*models.Facts) {}
	locks := func(key string) func(*models.Facts) {
		return func(f *models.Facts) { f.Locks = map[string]string{key: models.Platform} }
	}
	tests := map[string]struct {
		item  models.Item
		facts func(*models.Facts)
		want  models.Code
	}{
		"set, locked above":        {models.Item{Key: "flag", Op: models.OpSet, Value: "true", BaseVersion: 7}, locks("flag"), models.CodeConflict},
		"lock, locked above":       {models.Item{Key: "flag", Op: models.OpLock, Value: "true", BaseVersion: 7}, locks("flag"), models.CodeConflict},
		"unlock, locked above":     {models.Item{Key: "held", Op: models.OpUnlock, Value: "1", BaseVersion: 4}, locks("held"), ""},
		"delete, locked above":     {models.Item{Key: "flag", Op: models.OpDelete, BaseVersion: 7}, locks("flag"), ""},
		"another key is locked":    {models.Item{Key: "flag", Op: models.OpSet, Value: "true", BaseVersion: 7}, locks("other"), ""},
		"lock, moved":              {models.Item{Key: "flag", Op: models.OpLock, Value: "true", BaseVersion: 6}, same, models.CodeConflict},
		"unlock, moved":            {models.Item{Key: "held", Op: models.OpUnlock, Value: "1", BaseVersion: 3}, same, models.CodeConflict},
		"became a secret":          {models.Item{Key: "pin", Op: models.OpSet, Value: `"x"`}, same, models.CodeConflict},
		"is a secret":              {models.Item{Key: "pin", Op: models.OpSet, Value: "sealed:1:c", Clear: models.NewSecret(`"x"`), Sensitive: true}, same, ""},
		"is no secret any more":    {models.Item{Key: "flag", Op: models.OpSet, Value: "true", BaseVersion: 7, Sensitive: true}, same, models.CodeConflict},
		"a secret of another type": {models.Item{Key: "pin", Op: models.OpSet, Value: "sealed:1:c", Clear: models.NewSecret("5"), Sensitive: true}, same, models.CodeConflict},
		"heirs agree":              {models.Item{Key: "below", Op: models.OpSet, Value: "1", Defines: typed(models.TypeNumber)}, same, ""},
		"heirs disagree":           {models.Item{Key: "below", Op: models.OpSet, Value: `"1"`, Defines: typed(models.TypeString)}, same, models.CodeConflict},
		"define, as it was":        {models.Item{Key: "pin", Op: models.OpDefine, BaseVersion: 1, Defines: typed(models.TypeString)}, same, ""},
		"define, moved":            {models.Item{Key: "pin", Op: models.OpDefine, BaseVersion: 2, Defines: typed(models.TypeString)}, same, models.CodeConflict},
		"define, made above": {models.Item{Key: "pin", Op: models.OpDefine, BaseVersion: 1, Defines: typed(models.TypeString)}, func(f *models.Facts) {
			f.Definitions["pin"] = models.Definition{TenantID: models.Platform, Version: 1}
		}, models.CodeConflict},
		"define, made meanwhile": {models.Item{Key: "flag", Op: models.OpDefine, Defines: typed(models.TypeBoolean)}, same, models.CodeConflict},
		"suspend":                {models.Item{Op: models.OpSuspend}, same, ""},
		"suspend, suspended":     {models.Item{Op: models.OpSuspend}, func(f *models.Facts) { f.Layer.Status = models.TenantSuspended }, models.CodeConflict},
		"retier":                 {models.Item{Op: models.OpRetier, Value: `"Pro"`, Previous: `"Free"`}, same, ""},
		"retier, moved":          {models.Item{Op: models.OpRetier, Value: `"Pro"`, Previous: `"Gold"`}, same, models.CodeConflict},
		"retier, there already":  {models.Item{Op: models.OpRetier, Value: `"Free"`, Previous: `"Pro"`}, same, models.CodeConflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := lockedFacts(), change(tt.item)
			tt.facts(&f)
			if err := c.Check(f); codeOf(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The promotion rule holds secrets against each other by their commitments, and does not ask a rollback.
func TestCheckPromotes(t *testing.T) {
	t.Parallel()
	here := models.Sealed{ID: "1", Commitment: "same"}.Value()
	item := models.Item{Key: "pin", Op: models.OpSet, Value: here, Clear: models.NewSecret(`"x"`), Sensitive: true}
	for commitment, want := range map[string]models.Code{"same": "", "other": models.CodeConflict} {
		f, c := facts(), change(item)
		f.Policies[0].RequirePrevious = true
		f.Before = map[string]models.Live{"pin": {Version: 1, Value: models.Sealed{ID: "2", Commitment: commitment}.Value()}}
		if err := c.Check(f); codeOf(err) != want {
			t.Errorf("%s: %v", commitment, err)
		}
		c.RollsBack = "some change"
		if err := c.Check(f); err != nil {
			t.Errorf("a rollback is asked: %v", err)
		}
	}
}

// wideFacts are facts of a change that reaches over environments; "flag" is live in QA and Production.
func wideFacts() models.Facts {
	f := lockedFacts()
	stage := func(names ...models.Role) []models.Policy {
		p := models.Policy{}
		for _, n := range names {
			p.Stages = append(p.Stages, models.Stage{Name: string(n), Role: n, Required: 1})
		}
		return []models.Policy{p}
	}
	f.Environment = "Staging"
	f.Wide = &models.Wide{
		Environments: []string{"Development", "QA", "Staging", "Production"},
		Policies: map[string][]models.Policy{
			"Development": stage(), "QA": stage(models.RoleEngineer), "Staging": stage(),
			"Production": stage(models.RoleManager, models.RoleCompliance),
		},
		Live: map[string][]string{"pin": {"QA"}, "wide": {"QA", "Production"}, "here": {"Staging"}},
	}
	return f
}

func TestStagesOfWhatReaches(t *testing.T) {
	t.Parallel()
	of := func(key string, d models.Defines) models.Item {
		return models.Item{Key: key, Op: models.OpDefine, Defines: &d}
	}
	secret := models.Defines{Type: models.TypeString, Sensitive: true}
	deep := models.Defines{Type: models.TypeJSON, Merge: models.MergeDeep}
	for name, tt := range map[string]struct {
		items []models.Item
		want  string
		last  string // environment to which the change has to belong
	}{
		"text":                   {[]models.Item{of("wide", models.Defines{Type: models.TypeString, Owner: "me"})}, "", "Development"},
		"a schema":               {[]models.Item{of("wide", models.Defines{Type: models.TypeString, Schema: "{}"})}, "", "Development"},
		"a secret":               {[]models.Item{of("wide", secret)}, "engineer manager compliance", "Production"},
		"a merge":                {[]models.Item{of("wide", deep)}, "engineer manager compliance", "Production"},
		"a secret without value": {[]models.Item{of("new", secret)}, "", "Development"},
		"where nobody decides":   {[]models.Item{of("here", secret)}, "", "Staging"},
		"a secret that is one":   {[]models.Item{of("pin", secret)}, "", "Development"},
		"no secret any more":     {[]models.Item{of("pin", models.Defines{Type: models.TypeString})}, "engineer", "QA"},
		"two of them":            {[]models.Item{of("pin", models.Defines{Type: models.TypeString}), of("here", deep)}, "engineer", "Staging"},
		"suspend":                {[]models.Item{{Op: models.OpSuspend}}, "engineer manager compliance", "Production"},
		"retier":                 {[]models.Item{{Op: models.OpRetier, Value: `"Pro"`, Previous: `"Free"`}}, "engineer manager compliance", "Production"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := wideFacts(), change(tt.items...)
			if got := roles(f.StagesFor(&c)); got != tt.want {
				t.Errorf("stages %q, want %q", got, tt.want)
			}
			for i := range c.Items {
				c.Items[i].BaseVersion = f.Definitions[c.Items[i].Key].Version
			}
			before := true
			for _, environment := range f.Wide.Environments {
				before = before && environment != tt.last
				c.Environment = environment
				if err := c.Check(f); (codeOf(err) == models.CodeInvalid) != before || err != nil && pointerOf(err) != "/environment" {
					t.Errorf("in %s: %v", environment, err)
				}
			}
		})
	}
}

func roles(stages []models.Stage) string {
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = s.Name
	}
	return strings.Join(names, " ")
}
