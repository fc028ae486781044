package views_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/views/components"
)

// waiting is a change of one number that waits for its manager.
func waiting() models.Change {
	expires := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	return models.Change{
		TenantID: "acme", ID: "c1", Environment: "Production", Title: "Raise the limit", Status: models.ChangePending,
		Digest: strings.Repeat("a", 64), ExpiresAt: &expires,
		Stages: []models.Stage{{Name: "engineer", Role: models.RoleEngineer, Required: 1}, {Name: "manager", Role: models.RoleManager, Required: 1}},
		Items:  []models.Item{{Key: "limit", Op: models.OpSet, Value: "5", Previous: "4", BaseVersion: 3}},
		Decisions: []models.Decision{{
			Stage: "engineer", Verdict: models.Approve, Person: models.ActorRef{ID: "p", Name: "Erin"}, Comment: "fine",
		}},
	}
}

func TestChangeItems(t *testing.T) {
	t.Parallel()
	moved := map[string]views.MovedKey{"gone": {}, "moved": {Version: 7, Value: "9"}}
	tests := map[string]struct {
		item models.Item
		want views.ChangeItem
	}{
		"changed": {
			models.Item{Key: "k", Op: models.OpSet, Value: "2", Previous: "1", BaseVersion: 3},
			views.ChangeItem{Op: "changed", From: "1", To: "2", Base: "written against version 3"},
		},
		"added": {
			models.Item{Key: "k", Op: models.OpSet, Value: "2", Defines: &models.Defines{Type: models.TypeNumber, Description: "How many."}},
			views.ChangeItem{Op: "added", Tone: components.Good, To: "2", Base: "no value is set here yet", Defines: "Defines the key as number. How many."},
		},
		"removed": {
			models.Item{Key: "k", Op: models.OpDelete, Previous: "1", BaseVersion: 1},
			views.ChangeItem{Op: "removed", Tone: components.Bad, From: "1", Base: "written against version 1"},
		},
		"a secret": {
			models.Item{Key: "k", Op: models.OpSet, Value: models.Masked, Previous: models.Masked, BaseVersion: 1, Sensitive: true},
			views.ChangeItem{Op: "changed", From: models.Masked, To: models.Masked, Masked: true, Base: "written against version 1"},
		},
		"a secret in clear": {
			models.Item{Key: "k", Op: models.OpSet, Value: `"a"`, Previous: `"b"`, BaseVersion: 1, Sensitive: true},
			views.ChangeItem{Op: "changed", From: `"b"`, To: `"a"`, Base: "written against version 1"},
		},
		"stars that are no secret": {
			models.Item{Key: "k", Op: models.OpSet, Value: models.Masked, Previous: `"b"`, BaseVersion: 1},
			views.ChangeItem{Op: "changed", From: `"b"`, To: models.Masked, Base: "written against version 1"},
		},
		"moved": {
			models.Item{Key: "moved", Op: models.OpSet, Value: "2", Previous: "1", BaseVersion: 3},
			views.ChangeItem{Op: "changed", From: "1", To: "2", Base: "written against version 3", Moved: "Version 7 is live by now:", Live: "9"},
		},
		"gone": {
			models.Item{Key: "gone", Op: models.OpSet, Value: "2", Previous: "1", BaseVersion: 3},
			views.ChangeItem{Op: "changed", From: "1", To: "2", Base: "written against version 3", Moved: "Nothing is live here any more."},
		},
	}
	for name, tt := range tests {
		c := waiting()
		c.Items = []models.Item{tt.item}
		tt.want.Key, tt.want.URL = tt.item.Key, "/tenants/acme/keys/"+tt.item.Key+"?environment=Production"
		got := views.Change{Change: c, Standing: &views.ChangeStanding{Moved: moved}}.Items()
		if len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, tt.want)
		}
	}
}

func TestChangeState(t *testing.T) {
	t.Parallel()
	refused := models.Forbidden("this stage needs the role manager")
	tests := map[models.ChangeStatus]string{
		models.ChangeDraft: "A draft", models.ChangePending: "Waits for manager", models.ChangeApproved: "Approved",
		models.ChangeScheduled: "Scheduled", models.ChangeDeploying: "Going live", models.ChangeDeployed: "Went live",
		models.ChangeRejected: "Rejected", models.ChangeCancelled: "Cancelled", models.ChangeExpired: "Expired",
		models.ChangeRolled: "Rolled back", models.ChangeFailed: "Failed",
	}
	for status, want := range tests {
		c := views.Change{Change: waiting(), Rights: views.ChangeRights{Decide: refused}}
		c.Status = status
		if got := c.State(); got.Title != want || got.Text == "" {
			t.Errorf("%s: %+v", status, got)
		}
	}
	c := views.Change{Change: waiting(), Rights: views.ChangeRights{Decide: refused}}
	if got := c.State().Text; got != "This stage needs the role manager." {
		t.Error(got)
	}
}

func TestChangeChecks(t *testing.T) {
	t.Parallel()
	one := map[string]views.MovedKey{"a": {}}
	two := map[string]views.MovedKey{"a": {}, "b": {}}
	tests := map[string]struct {
		standing *views.ChangeStanding
		want     string
		rebase   bool
	}{
		"waits no more": {nil, "", false},
		"all well":      {&views.ChangeStanding{}, "+What it was written against is still live. +Types, schemas and limits are kept.", false},
		"one moved":     {&views.ChangeStanding{Moved: one}, "-1 key moved since the change was written.", true},
		"two moved":     {&views.ChangeStanding{Moved: two}, "-2 keys moved since the change was written.", true},
		"a problem": {
			&views.ChangeStanding{Problem: models.Conflict("the definition of k moved")},
			"+What it was written against is still live. -The definition of k moved.", true,
		},
	}
	for name, tt := range tests {
		c := views.Change{Change: waiting(), Standing: tt.standing}
		var got []string
		for _, check := range c.Checks() {
			got = append(got, map[bool]string{true: "+", false: "-"}[check.Good]+check.Text)
		}
		if strings.Join(got, " ") != tt.want || c.MayRebase() != tt.rebase {
			t.Errorf("%s: %q, rebase %t", name, got, c.MayRebase())
		}
		if (c.Trouble() != "") != tt.rebase {
			t.Errorf("%s: who decides is warned by %q", name, c.Trouble())
		}
		c.Rights.Edit = models.Forbidden("no")
		if c.MayRebase() {
			t.Errorf("%s: who may not edit is offered a rebase", name)
		}
	}
}

func TestChangePages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		items, page, shown int
		said, first, next  string
	}{
		{50, 0, 50, "", "", ""},
		{51, 0, 50, "Keys 1 to 50 of 51", "", "/changes/c1?digest=d1&page=1"},
		{51, 1, 1, "Keys 51 to 51 of 51", "/changes/c1", ""},
		{120, 1, 50, "Keys 51 to 100 of 120", "/changes/c1", "/changes/c1?digest=d1&page=2"},
		{120, 7, 20, "Keys 101 to 120 of 120", "/changes/c1", ""},
		{1, math.MaxInt, 1, "", "", ""},
		{100, -1, 50, "Keys 1 to 50 of 100", "", "/changes/c1?digest=d1&page=1"},
	}
	for _, tt := range tests {
		c := views.Change{Change: waiting()}
		c.Change.Items, c.Digest = make([]models.Item, tt.items), "d1"
		c = c.Turn(tt.page, "")
		if len(c.Items()) != tt.shown || c.PageSaid() != tt.said || c.FirstURL() != tt.first || c.NextURL() != tt.next {
			t.Errorf("%+v: %d, %q, %q, %q", tt, len(c.Items()), c.PageSaid(), c.FirstURL(), c.NextURL())
		}
	}
}

func TestPagesOfOneState(t *testing.T) {
	t.Parallel()
	c := views.Change{Change: waiting()}
	c.Digest = "d2"
	if got := c.Turn(1, "d2").Rights.Decide; got != nil {
		t.Errorf("the same state cannot be decided: %v", got)
	}
	if got := c.Turn(1, "d1").Rights.Decide; got == nil {
		t.Error("what was edited while it was read can be decided")
	}
}

func TestWhatBecomesOfAChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status        models.ChangeStatus
		decided, sent string
	}{
		{models.ChangePending, "Approved. It now waits for manager.", "It now waits for manager."},
		{models.ChangeDeployed, "Approved and live.", "It is live."},
		{models.ChangeApproved, "Approved. It goes live as soon as nothing is in its way.", "It is approved."},
		{models.ChangeDraft, "Approved. It goes live as soon as nothing is in its way.", "It is still a draft."},
	}
	for _, tt := range tests {
		c := waiting()
		c.Status = tt.status
		if views.Decided(c, models.Approve) != tt.decided || views.Sent(c) != tt.sent {
			t.Errorf("%s: %q, %q", tt.status, views.Decided(c, models.Approve), views.Sent(c))
		}
		if got := views.Decided(c, models.Reject); !strings.HasPrefix(got, "Rejected.") {
			t.Error(got)
		}
	}
	if got := views.Saved(waiting(), false); got != "Nothing was different, so nothing was saved." {
		t.Error(got)
	}
	c := views.Change{Change: waiting()}
	if got := c.CancelSaid(); !strings.Contains(got, "1 key of acme stays in Production as now") {
		t.Error(got)
	}
	if got := views.LostDecisions(waiting()); !strings.HasPrefix(got, "The decision made so far no longer counts") {
		t.Error(got)
	}
	none := waiting()
	none.Decisions[0].Voided = models.VoidEdited
	if got := views.LostDecisions(none); !strings.HasPrefix(got, "Whoever edits it counts as an author") {
		t.Error(got)
	}
}

func TestUndone(t *testing.T) {
	t.Parallel()
	c := views.Change{Change: waiting()}
	err := models.Conflict("the change is already deployed")
	if got := c.Undone(err); got != "Nothing was done: the change is already deployed. Below is the change as it is now." {
		t.Error(got)
	}
	if got := c.Undone(models.PreconditionFailed()); !strings.Contains(got, "or decided on it, after you opened it") {
		t.Error(got)
	}
	c.Form.Digest = "another"
	if got := c.Undone(err); !strings.Contains(got, "edited the change after you opened it") {
		t.Error(got)
	}
}
