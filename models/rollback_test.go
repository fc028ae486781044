package models_test

import (
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

// TestLane takes one condition of the lane away at a time.
func TestLane(t *testing.T) {
	t.Parallel()
	asked := []models.Stage{{Name: "engineer", Role: models.RoleEngineer, Required: 1}, {Name: "manager", Role: models.RoleManager, Required: 2}}
	type scene struct {
		last models.Replaced
		to   int64
		f    models.Facts
		by   models.Actor
	}
	for name, tt := range map[string]struct {
		flip func(*scene)
		want bool
	}{
		"all of them":            {func(*scene) {}, true},
		"at the last moment":     {func(s *scene) { s.last.At = noon.Add(-models.RollbackWindow) }, true},
		"too late":               {func(s *scene) { s.last.At = noon.Add(-models.RollbackWindow - time.Microsecond) }, false},
		"an older version":       {func(s *scene) { s.to = 2 }, false},
		"nothing was replaced":   {func(s *scene) { s.last.Version = 0 }, false},
		"a rollback itself":      {func(s *scene) { s.last.RollsBack = "c0" }, false},
		"unsure content":         {func(s *scene) { s.last.Unsure = true }, false},
		"no change at all":       {func(s *scene) { s.last.ChangeID = "" }, false},
		"fewer approvals":        {func(s *scene) { s.last.Stages[1].Required = 1 }, false},
		"a stage is missing":     {func(s *scene) { s.last.Stages = s.last.Stages[:1] }, false},
		"never approved":         {func(s *scene) { s.last.Stages = nil }, false},
		"another name":           {func(s *scene) { s.last.Stages[0].Name = "peer" }, true},
		"more approvals":         {func(s *scene) { s.last.Stages[1].Required = 3 }, true},
		"nothing is asked":       {func(s *scene) { s.last.Stages, s.f.Policies[0].Stages = nil, nil }, true},
		"who only looks":         {func(s *scene) { s.by.Grants[0].Role = models.RoleManager }, false},
		"who is denied it":       {func(s *scene) { s.by.Denied = []models.Permission{models.PermRollback} }, false},
		"who may in another one": {func(s *scene) { s.by.Grants[0].Environment = "QA" }, false},
		"other tenant":           {func(s *scene) { s.by.Grants[0].Tenant = "globex" }, false},
		"nobody":                 {func(s *scene) { s.by = models.Actor{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scene{
				last: models.Replaced{ChangeID: "c1", At: noon.Add(-time.Hour), Version: 1, Stages: append([]models.Stage{}, asked...)},
				to:   1, f: facts(), by: models.Actor{Grants: []models.Grant{{Role: models.RoleEngineer, Tenant: "acme"}}},
			}
			s.f.Policies[0].Stages = asked
			tt.flip(&s)
			c := change(models.Item{Key: "flag", Op: models.OpSet})
			if got := c.Lane(s.last, s.to, s.f, s.by); got != tt.want {
				t.Errorf("the lane is open: %t", got)
			}
		})
	}
}
