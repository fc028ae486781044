package changes_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

func TestProductionAsksItsStages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	out := h.set("author", "acme", "Production", "limit", "10")
	if out.Live() || out.Change.Status != models.ChangePending || len(out.Change.Stages) != 3 {
		t.Fatalf("%+v", out.Change)
	}
	c := out.Change
	for _, step := range []struct {
		who  string
		want models.Code
	}{
		{"author", models.CodeForbidden},
		{"manager", models.CodeForbidden},
		{"admin", models.CodeForbidden},
		{"outsider", models.CodeNotFound},
		{"engineer", ""},
		{"engineer", models.CodeForbidden},
		{"compliance", models.CodeForbidden},
		{"manager", ""},
		{"compliance", ""},
		{"compliance", models.CodeForbidden},
	} {
		got, err := h.approve(step.who, c)
		if codeOf(err) != step.want {
			t.Fatalf("%s: %v, want %q", step.who, err, step.want)
		}
		if err == nil {
			c = got
		}
	}
	if c.Status != models.ChangeDeployed || c.DeploymentID == "" {
		t.Fatalf("%+v", c)
	}
	live, err := h.configs.Get(h.as("viewer"), c.Items[0].ConfigID)
	h.must(err)
	if live.Value != "10" {
		t.Errorf("live is %s", live.Value)
	}
	want := map[string]int{"tenant.create": 1, "change.submit": 1, "change.approve": 3, "config.set": 1, "deployment.step": 1, "definition.create": 1}
	if diff := cmp.Diff(want, h.actions("acme")); diff != "" {
		t.Error(diff)
	}
	d, err := h.deploy.Get(h.as("viewer"), c.DeploymentID)
	h.must(err)
	if d.Percent != 100 || d.Status != models.DeploymentSucceeded || d.ChangeID != c.ID {
		t.Errorf("%+v", d)
	}
}

func TestStagesByTier(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for tenant, want := range map[string]int{"initech": 2, "acme": 3, "@tier.enterprise": 3, "@tier.free": 2, "@tier.pro": 2, models.Platform: 3} {
		c := h.set("author", tenant, "Production", "k-"+strconv.Itoa(want), "1").Change
		if len(c.Stages) != want {
			t.Errorf("%s asks %v", tenant, c.Stages)
		}
	}
}

func TestReviewWhereNoneIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	config := h.set("author", "acme", "Development", "k", "1").Config
	out, err := h.Promote(h.as("author"), changes.Promote{ConfigID: config.ID, Target: "Staging", AlwaysReview: true})
	h.must(err)
	stage, ok := out.Change.CurrentStage()
	if !ok || stage.Role != models.RoleEngineer || len(out.Change.Stages) != 1 {
		t.Fatalf("%+v", out.Change)
	}
	c, err := h.approve("engineer", out.Change)
	h.must(err)
	if c.Status != models.ChangeDeployed {
		t.Error(c.Status)
	}
}

func TestStaleDecisions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	_, err := h.Decide(h.as("engineer"), changes.Decide{ChangeID: c.ID, Verdict: models.Approve, Digest: c.Digest[:63] + "x"})
	h.want(err, models.CodeConflict)

	first, err := h.approve("engineer", c)
	h.must(err)
	title := "Another title"
	edited, err := h.Revise(h.as("author"), changes.Revise{ChangeID: c.ID, Title: &title})
	h.must(err)
	if edited.Digest == c.Digest || edited.Decisions[0].Voided != models.VoidEdited || edited.Status != models.ChangePending {
		t.Fatalf("%+v", edited)
	}
	_, err = h.approve("manager", first)
	h.want(err, models.CodeConflict)
	_, err = h.approve("engineer", c)
	h.want(err, models.CodeConflict)
	if _, err = h.approve("engineer", edited); err != nil {
		t.Errorf("a voided decision cannot be given anew: %v", err)
	}
}

func TestEditorCannotDecide(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	c, err := h.Revise(h.as("engineer"), changes.Revise{
		ChangeID: c.ID, Items: []changes.Edit{{Key: "k", Op: models.OpSet, Value: "2"}, {Key: "l", Op: models.OpSet, Value: "3"}},
	})
	h.must(err)
	if len(c.Items) != 2 || c.Items[0].Value != "2" || len(c.Editors) != 1 {
		t.Fatalf("%+v", c)
	}
	_, err = h.approve("engineer", c)
	h.want(err, models.CodeForbidden)
}

func TestLostRole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	for _, who := range []string{"engineer", "manager"} {
		var err error
		c, err = h.approve(who, c)
		h.must(err)
	}
	h.lose("engineer")
	c, err := h.approve("compliance", c)
	h.must(err)
	stage, _ := c.CurrentStage()
	if c.Status != models.ChangePending || stage.Name != "engineer" || c.Decisions[0].Voided != models.VoidStruck {
		t.Fatalf("%+v", c)
	}
	h.person("fresh", models.RoleEngineer, models.Platform)
	h.told()
	c, err = h.approve("fresh", c)
	h.must(err)
	if c.Status != models.ChangeDeployed {
		t.Errorf("the change is %s", c.Status)
	}
	if got := h.actions("acme"); got["change.strike"] != 1 || got["config.set"] != 1 {
		t.Error(got)
	}
}

// A base that moved while the change waited is a conflict at the last approval, and nothing changes.
func TestMovedBase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	review := func(v models.Value) models.Change { return h.set("author", "initech", "Production", "k", v).Change }
	one, two := review("1"), review("2")
	both := func(c models.Change) (models.Change, error) {
		c, err := h.approve("engineer", c)
		h.must(err)
		return h.approve("manager", c)
	}
	if c, err := both(one); err != nil || c.Status != models.ChangeDeployed {
		t.Fatal(c.Status, err)
	}
	_, err := both(two)
	h.want(err, models.CodeConflict)
	waiting, err := h.Get(h.as("viewer"), two.ID)
	h.must(err)
	if stage, _ := waiting.CurrentStage(); stage.Name != "manager" || len(waiting.Decisions) != 1 {
		t.Errorf("%+v", waiting)
	}
	rebased, err := h.Rebase(h.as("author"), two.ID, "")
	h.must(err)
	if rebased.Items[0].BaseVersion != 1 || rebased.Items[0].Previous != "1" {
		t.Errorf("%+v", rebased.Items)
	}
	if c, err := both(rebased); err != nil || c.Status != models.ChangeDeployed {
		t.Error(c.Status, err)
	}
}

// A definition that a change makes over what tenants hold is checked again when it is applied.
func TestHeirsMovedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "@tier.free", "Production", "limit", "1").Change
	h.set("author", "initech", "Development", "limit", `"a"`)
	c, err := h.approve("engineer", c)
	h.must(err)
	_, err = h.approve("manager", c)
	h.want(err, models.CodeConflict)
}

// Somebody who lost the role on another node cannot even reject.
func TestRightsOfThisMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	engineer := h.as("engineer") // as the call came in
	h.lose("engineer")
	_, err := h.Decide(engineer, changes.Decide{ChangeID: c.ID, Verdict: models.Reject, Digest: c.Digest})
	if code := codeOf(err); code != models.CodeForbidden && code != models.CodeNotFound {
		t.Errorf("rejected: %v", err)
	}
	author := h.as("author")
	h.lose("author")
	_, err = h.Set(author, changes.Set{TenantID: "acme", Environment: "QA", Key: "k", Value: "1"})
	if err == nil {
		t.Error("wrote without a right")
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	h.ahead.Store(int64(8 * 24 * time.Hour))
	shown, err := h.Get(h.as("viewer"), c.ID)
	h.must(err)
	if shown.Status != models.ChangeExpired {
		t.Errorf("shown as %s", shown.Status)
	}
	h.ahead.Store(0)
	h.d.Admin(t, `UPDATE changes SET expires_at = now() - interval '1 second' WHERE id = $1`, c.ID)
	_, err = h.approve("engineer", c)
	h.want(err, models.CodeConflict)
	expirer := &changes.Expirer{Changes: h.Service}
	for range 2 { // a job may run twice
		h.must(expirer.Expire(t.Context(), changes.Expire{TenantID: "acme", ChangeID: c.ID}))
	}
	var status string
	h.d.Scan(t, `SELECT status FROM changes WHERE id = $1`, []any{c.ID}, &status)
	if status != "expired" || h.actions("acme")["change.expire"] != 1 {
		t.Error(status, h.actions("acme"))
	}
	var jobs int
	h.d.Scan(t, `SELECT count(*) FROM river_job WHERE kind = 'change_expire'`, nil, &jobs)
	if jobs != 1 {
		t.Errorf("%d jobs", jobs)
	}
	other := h.set("author", "acme", "Production", "l", "1").Change
	h.must(expirer.Expire(t.Context(), changes.Expire{TenantID: "acme", ChangeID: other.ID})) // too early: nothing happens
	if got, err := h.Get(h.as("viewer"), other.ID); err != nil || got.Status != models.ChangePending {
		t.Error(got.Status, err)
	}
}
