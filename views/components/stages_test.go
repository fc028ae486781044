package components_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

func TestStages(t *testing.T) {
	t.Parallel()
	stages := []models.Stage{{Name: "engineer", Role: models.RoleEngineer, Required: 2}, {Name: "manager", Role: models.RoleManager, Required: 1}}
	erin := models.ActorRef{ID: "e", Kind: models.ActorPerson, Name: "Erin"}
	decision := func(stage string, v models.Verdict, voided string) models.Decision {
		return models.Decision{Stage: stage, Person: erin, Verdict: v, At: now, Voided: voided, Comment: "because"}
	}
	tests := map[string]struct {
		status    models.ChangeStatus
		decisions []models.Decision
		want      []string
		lacks     string
	}{
		"nobody yet": {models.ChangePending, nil, []string{"waits for a decision, 0 of 2", "comes later", "Goes live", "at once, for everybody"}, "because"},
		"one of two": {
			models.ChangePending,
			[]models.Decision{decision("engineer", models.Approve, "")},
			[]string{"waits for a decision, 1 of 2", "Erin", "approved", "because"},
			"<s>",
		},
		"edited": {
			models.ChangePending,
			[]models.Decision{decision("engineer", models.Approve, models.VoidEdited)},
			[]string{"0 of 2", "<s>", "no longer counts: the change was edited afterwards"},
			"right to decide",
		},
		"struck": {
			models.ChangePending,
			[]models.Decision{decision("engineer", models.Approve, models.VoidStruck)},
			[]string{"0 of 2", "<s>", "no longer counts: the right to decide was lost"},
			"edited afterwards",
		},
		"rejected":  {models.ChangeRejected, []models.Decision{decision("engineer", models.Reject, "")}, []string{"is-rejected", "rejected, 0 of 2", "was not asked", "Rejected"}, "Goes live"},
		"draft":     {models.ChangeDraft, nil, []string{"is asked when the draft is submitted"}, "comes later"},
		"deploying": {models.ChangeDeploying, nil, []string{"Going live"}, "Goes live"},
		"cancelled": {models.ChangeCancelled, nil, []string{"Cancelled", "was not asked"}, "Goes live"},
		"expired":   {models.ChangeExpired, nil, []string{"Expired", "nobody decided in time"}, "Goes live"},
		"rolled":    {models.ChangeRolled, nil, []string{"Rolled back"}, "Goes live"},
		"failed":    {models.ChangeFailed, nil, []string{"Failed"}, "Goes live"},
		"deployed": {
			models.ChangeDeployed,
			[]models.Decision{decision("engineer", models.Approve, ""), decision("engineer", models.Approve, "")},
			[]string{"approved, 2 of 2", "Live"},
			"Goes live",
		},
	}
	for name, tt := range tests {
		strategy, _ := models.StrategyNamed(models.StrategyDirect)
		got := draw(t, components.Stages(models.Change{
			Author: models.ActorRef{Name: "Emil"}, Editors: []models.ActorRef{{Name: "Ada"}, {Name: "Bo"}},
			Status: tt.status, Stages: stages, Decisions: tt.decisions, Strategy: strategy, ExpiresAt: &now,
		}))
		for _, want := range append(tt.want, "Written by", "Emil", "edited by", "Ada", "Bo") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in %s", name, want, got)
			}
		}
		if strings.Contains(got, tt.lacks) {
			t.Errorf("%s: %q is in %s", name, tt.lacks, got)
		}
	}
}
