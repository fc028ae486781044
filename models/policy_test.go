package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

func stage(name string, role models.Role, required int) models.Stage {
	return models.Stage{Name: name, Role: role, Required: required}
}

func TestStrictest(t *testing.T) {
	t.Parallel()
	base := models.Policy{
		Stages:          []models.Stage{stage("engineer", models.RoleEngineer, 1), stage("manager", models.RoleManager, 1)},
		DefaultStrategy: "direct", AllowedStrategies: []string{"direct", "canary"}, ExpiresIn: 7 * 24 * time.Hour,
	}
	strict := models.Policy{
		Stages:          []models.Stage{stage("engineer", models.RoleEngineer, 2), stage("security", models.RoleCompliance, 1), stage("manager", models.RoleManager, 1), stage("compliance", models.RoleCompliance, 1)},
		DefaultStrategy: "canary", AllowedStrategies: []string{"canary"}, ExpiresIn: 24 * time.Hour, RequirePrevious: true, MinSoak: time.Hour,
	}
	got := models.Strictest([]models.Policy{base, strict})
	want := strict
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(base.Stages) != 2 || base.Stages[0].Required != 1 || len(base.AllowedStrategies) != 2 {
		t.Errorf("the policy itself changed: %+v", base)
	}
	other := models.MergeStages([]models.Stage{stage("engineer", models.RoleEngineer, 1)}, []models.Stage{stage("engineer", models.RoleManager, 1)})
	if len(other) != 2 || other[0].Name == other[1].Name {
		t.Errorf("one name for two roles: %v", other)
	}
}

// Whatever any policy asks for, the strictest asks for, and in every policy's own order.
func TestStrictestProperty(t *testing.T) {
	t.Parallel()
	all := []models.Stage{
		stage("engineer", models.RoleEngineer, 1), stage("manager", models.RoleManager, 1),
		stage("compliance", models.RoleCompliance, 1), stage("security", models.RoleCompliance, 1),
	}
	rapid.Check(t, func(t *rapid.T) {
		policies := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) models.Policy {
			var p models.Policy
			for _, s := range all {
				if rapid.Bool().Draw(t, s.Name) {
					s.Required = rapid.IntRange(1, 3).Draw(t, "required")
					p.Stages = append(p.Stages, s)
				}
			}
			return p
		}), 1, 4).Draw(t, "policies")
		got := models.Strictest(policies).Stages
		for _, p := range policies {
			at := -1
			for _, s := range p.Stages {
				i := indexOf(got, s.Name)
				if i <= at || got[i].Required < s.Required {
					t.Fatalf("%v does not satisfy %v", got, p.Stages)
				}
				at = i
			}
		}
	})
}

func indexOf(stages []models.Stage, name string) int {
	for i, s := range stages {
		if s.Name == name {
			return i
		}
	}
	return -1
}

func TestPolicyValidate(t *testing.T) {
	t.Parallel()
	good := func() models.Policy {
		return models.Policy{
			Stages: []models.Stage{stage("engineer", models.RoleEngineer, 1)}, DefaultStrategy: "direct",
			AllowedStrategies: []string{"direct"}, ExpiresIn: models.DefaultExpiry,
		}
	}
	tests := map[string]struct {
		edit func(*models.Policy)
		ok   bool
	}{
		"good":                {func(*models.Policy) {}, true},
		"no stages":           {func(p *models.Policy) { p.Stages = nil }, true},
		"an admin decides":    {func(p *models.Policy) { p.Stages[0].Role = models.RolePlatformAdmin }, false},
		"nobody is needed":    {func(p *models.Policy) { p.Stages[0].Required = 0 }, false},
		"a crowd":             {func(p *models.Policy) { p.Stages[0].Required = 11 }, false},
		"no name":             {func(p *models.Policy) { p.Stages[0].Name = "" }, false},
		"one name twice":      {func(p *models.Policy) { p.Stages = append(p.Stages, p.Stages[0]) }, false},
		"unknown strategy":    {func(p *models.Policy) { p.AllowedStrategies = append(p.AllowedStrategies, "x") }, false},
		"default not allowed": {func(p *models.Policy) { p.AllowedStrategies = nil }, false},
		"expires at once":     {func(p *models.Policy) { p.ExpiresIn = time.Hour }, false},
		"never expires":       {func(p *models.Policy) { p.ExpiresIn = 31 * 24 * time.Hour }, false},
		"negative soak":       {func(p *models.Policy) { p.MinSoak = -1 }, false},
	}
	for name, tt := range tests {
		p := good()
		tt.edit(&p)
		if err := p.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
