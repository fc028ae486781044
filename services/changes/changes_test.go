package changes_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

func TestSetLiveAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	out := h.set("author", "acme", "Development", "feature.x", `"true"`)
	if !out.Live() || out.Config == nil || out.Config.Version != 1 || out.Config.Type != models.TypeString {
		t.Fatalf("%+v", out)
	}
	second := h.set("author", "acme", "Development", "feature.x", `"false"`)
	if second.Config.ID != out.Config.ID || second.Config.Version != 2 {
		t.Errorf("the next version is %+v", second.Config)
	}
	got, err := h.configs.Get(h.as("viewer"), out.Config.ID)
	h.must(err)
	if got.Value != `"false"` || got.UpdatedBy.Name != "author" {
		t.Errorf("live is %+v", got)
	}
	want := map[string]int{"tenant.create": 1, "change.submit": 2, "config.set": 2, "deployment.step": 2, "definition.create": 1}
	if diff := cmp.Diff(want, h.actions("acme")); diff != "" {
		t.Error(diff)
	}
	_, err = h.configs.Get(h.as("outsider"), out.Config.ID)
	h.want(err, models.CodeNotFound)
}

func TestSetWho(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, tt := range map[string]struct {
		by   context.Context
		want models.Code
	}{
		"engineer":     {h.as("author"), ""},
		"viewer":       {h.as("viewer"), models.CodeForbidden},
		"other tenant": {h.as("outsider"), models.CodeNotFound},
		"nobody":       {t.Context(), models.CodeUnauthenticated},
	} {
		_, err := h.Set(tt.by, changes.Set{TenantID: "acme", Environment: "QA", Key: "k", Value: "1"})
		if got := codeOf(err); got != tt.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, tt.want, err)
		}
	}
	_, err := h.Set(h.as("author"), changes.Set{TenantID: "unknown", Environment: "QA", Key: "k", Value: "1"})
	h.want(err, models.CodeNotFound)
}

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

func TestPromote(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	config := h.set("author", "acme", "QA", "k", `{"a":1}`).Config
	promote := func(target string) (changes.Outcome, error) {
		return h.Promote(h.as("author"), changes.Promote{ConfigID: config.ID, Target: target})
	}
	for _, target := range []string{"Development", "QA", "Nowhere"} {
		_, err := promote(target)
		h.want(err, models.CodeInvalid)
	}
	out, err := promote("Staging")
	h.must(err)
	if !out.Live() || out.Config.Value != `{"a":1}` || out.Config.Environment != "Staging" {
		t.Errorf("%+v", out)
	}
	out, err = promote("Production")
	h.must(err)
	if out.Live() || out.Change.Items[0].Value != `{"a":1}` || out.Change.Origin != models.OriginPromote {
		t.Errorf("%+v", out.Change)
	}
	_, err = h.Delete(h.as("author"), config.ID, "")
	h.must(err)
	_, err = promote("Staging")
	h.want(err, models.CodeNotFound)
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
	rebased, err := h.Rebase(h.as("author"), two.ID)
	h.must(err)
	if rebased.Items[0].BaseVersion != 1 || rebased.Items[0].Previous != "1" {
		t.Errorf("%+v", rebased.Items)
	}
	if c, err := both(rebased); err != nil || c.Status != models.ChangeDeployed {
		t.Error(c.Status, err)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	_, err := h.Cancel(h.as("viewer"), c.ID)
	h.want(err, models.CodeForbidden)
	_, err = h.Cancel(h.as("outsider"), c.ID)
	h.want(err, models.CodeNotFound)
	got, err := h.Cancel(h.as("author"), c.ID)
	h.must(err)
	if got.Status != models.ChangeCancelled {
		t.Error(got.Status)
	}
	for _, again := range []func() error{
		func() error { _, err := h.Cancel(h.as("author"), c.ID); return err },
		func() error { _, err := h.approve("engineer", c); return err },
		func() error { _, err := h.Rebase(h.as("author"), c.ID); return err },
		func() error { _, err := h.SubmitDraft(h.as("author"), c.ID); return err },
	} {
		h.want(again(), models.CodeConflict)
	}
	c = h.set("author", "acme", "Production", "k", "1").Change
	got, err = h.Decide(h.as("engineer"), changes.Decide{ChangeID: c.ID, Verdict: models.Reject, Digest: c.Digest, Comment: "no"})
	h.must(err)
	if got.Status != models.ChangeRejected || got.Decisions[0].Comment != "no" {
		t.Errorf("%+v", got)
	}
}

func TestDraft(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	draft := changes.Draft{
		TenantID: "acme", Environment: "Development", Origin: models.OriginEdit, Pointer: changes.ItemPointer, Draft: true,
		Items: []changes.Edit{{Key: "k", Op: models.OpSet, Value: "1"}},
	}
	out, err := h.Submit(h.as("author"), draft)
	h.must(err)
	if out.Change.Status != models.ChangeDraft {
		t.Fatal(out.Change.Status)
	}
	c, err := h.SubmitDraft(h.as("author"), out.Change.ID)
	h.must(err)
	if c.Status != models.ChangeDeployed {
		t.Error(c.Status)
	}
}

// A draft is fitted anew when it is submitted: what is approved is what is kept.
func TestDraftAfterTheKeyWasDefined(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	out, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "initech", Environment: "Production", Origin: models.OriginEdit, Pointer: changes.ItemPointer, Draft: true,
		Items: []changes.Edit{{Key: "k", Op: models.OpSet, Value: "1"}},
	})
	h.must(err)
	h.set("author", "initech", "Development", "k", "2")
	c, err := h.SubmitDraft(h.as("author"), out.Change.ID)
	h.must(err)
	for _, who := range []string{"engineer", "manager"} {
		c, err = h.approve(who, c)
		h.must(err)
	}
	if c.Status != models.ChangeDeployed {
		t.Error(c.Status)
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

func TestLongKeysHaveATitle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	long := func(c string) changes.Edit {
		return changes.Edit{Key: strings.Repeat(c, 128), Op: models.OpSet, Value: "1"}
	}
	out, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "acme", Environment: "Production", Origin: models.OriginEdit, Pointer: changes.ItemPointer,
		Items: []changes.Edit{long("a"), long("b"), long("c")},
	})
	h.must(err)
	reason := "why"
	c, err := h.Revise(h.as("author"), changes.Revise{ChangeID: out.Change.ID, Reason: &reason})
	h.must(err)
	c, err = h.Revise(h.as("author"), changes.Revise{ChangeID: c.ID, Items: []changes.Edit{{Key: "other", Op: models.OpSet, Value: "1"}}})
	h.must(err)
	if c.Title != "Set other in Production" {
		t.Errorf("the title is %q", c.Title)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.actions("acme")
	out, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "acme", Environment: "Development", Origin: models.OriginEdit, Pointer: changes.ItemPointer, DryRun: true,
		Items: []changes.Edit{{Key: "k", Op: models.OpSet, Value: "1"}},
	})
	h.must(err)
	if len(out.Change.Items) != 1 || len(out.Change.Digest) != 64 {
		t.Errorf("%+v", out.Change)
	}
	_, err = h.Get(h.as("author"), out.Change.ID)
	h.want(err, models.CodeNotFound)
	if diff := cmp.Diff(before, h.actions("acme")); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidSubmits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	set := func(key string) changes.Edit { return changes.Edit{Key: key, Op: models.OpSet, Value: "1"} }
	many := make([]changes.Edit, models.MaxChangeItems+1)
	for i := range many {
		many[i] = set(fmt.Sprintf("k%d", i))
	}
	base := int64(3)
	for name, tt := range map[string]struct {
		edit func(*changes.Draft)
		want models.Code
	}{
		"no items":            {func(d *changes.Draft) { d.Items = nil }, models.CodeInvalid},
		"too many items":      {func(d *changes.Draft) { d.Items = many }, models.CodeInvalid},
		"a key twice":         {func(d *changes.Draft) { d.Items = []changes.Edit{set("a"), set("a")} }, models.CodeInvalid},
		"a key with spaces":   {func(d *changes.Draft) { d.Items[0].Key = "a b" }, models.CodeInvalid},
		"an unknown op":       {func(d *changes.Draft) { d.Items[0].Op = "burn" }, models.CodeInvalid},
		"delete with a value": {func(d *changes.Draft) { d.Items[0].Op = models.OpDelete }, models.CodeInvalid},
		"set without a value": {func(d *changes.Draft) { d.Items[0].Value = "" }, models.CodeInvalid},
		"an unknown type":     {func(d *changes.Draft) { d.Items[0].Type = "int" }, models.CodeInvalid},
		"no such environment": {func(d *changes.Draft) { d.Environment = "Moon" }, models.CodeInvalid},
		"no such strategy":    {func(d *changes.Draft) { d.Strategy = "yolo" }, models.CodeInvalid},
		"a stale base":        {func(d *changes.Draft) { d.Items[0].BaseVersion = &base }, models.CodeConflict},
		"a stale tag":         {func(d *changes.Draft) { d.Items[0].IfMatch = `"3"` }, models.CodePreconditionFailed},
		"NUL in the title":    {func(d *changes.Draft) { d.Title = "\x00" }, models.CodeInvalid},
	} {
		d := changes.Draft{TenantID: "acme", Environment: "QA", Origin: models.OriginEdit, Pointer: changes.ItemPointer, Items: []changes.Edit{set("k")}}
		tt.edit(&d)
		if _, err := h.Submit(h.as("author"), d); codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if got := h.actions("acme"); len(got) != 1 {
		t.Errorf("something was written: %v", got)
	}
}

func TestDeleteAndSetAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.set("author", "acme", "QA", "k", "1").Config
	out, err := h.Delete(h.as("author"), first.ID, `"1"`)
	h.must(err)
	if !out.Live() {
		t.Error(out.Change.Status)
	}
	_, err = h.configs.Get(h.as("author"), first.ID)
	h.want(err, models.CodeNotFound)
	_, err = h.Update(h.as("author"), changes.Update{ConfigID: first.ID, Value: "2"})
	h.want(err, models.CodeNotFound)
	again := h.set("author", "acme", "QA", "k", "3").Config
	if again.ID != first.ID || again.Version != 2 {
		t.Errorf("%+v", again)
	}
	if got := h.actions("acme"); got["config.delete"] != 1 || got["config.set"] != 2 {
		t.Error(got)
	}
}

// Versions of one key never overlap and never end before they begin, however many write at once.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var wg sync.WaitGroup
	for i := range 24 {
		by := h.as("author")
		wg.Go(func() {
			_, err := h.Set(by, changes.Set{TenantID: "acme", Environment: "QA", Key: fmt.Sprintf("k%d", i%3), Value: models.Int(int64(i))})
			if err != nil && codeOf(err) != models.CodeUnavailable {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var wrong, versions, live int
	h.d.Scan(t, `SELECT count(*) FILTER (WHERE live_to <= live_from), count(*), count(*) FILTER (WHERE live_to IS NULL) FROM config_versions`,
		nil, &wrong, &versions, &live)
	if wrong != 0 || live != 3 || versions != h.actions("acme")["config.set"] {
		t.Errorf("%d wrong, %d live, %d versions, %v", wrong, live, versions, h.actions("acme"))
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

func TestLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 5 {
		h.set("author", "acme", "Production", fmt.Sprintf("k%d", i), "1")
	}
	h.set("author", "globex", "Production", "g", "1")
	h.set("author", "acme", "QA", "q", "1")
	page := func(who string, f changes.Filter) (ids []string) {
		f.Page.Limit = 2
		for {
			got, err := h.List(h.as(who), f)
			h.must(err)
			for _, c := range got.Items {
				ids = append(ids, c.ID)
			}
			if f.Page.Cursor = got.Next; got.Next == "" {
				return ids
			}
		}
	}
	for _, tt := range []struct {
		who    string
		filter changes.Filter
		want   int
	}{
		{"viewer", changes.Filter{}, 7},
		{"outsider", changes.Filter{}, 1},
		{"viewer", changes.Filter{TenantID: "acme", Status: models.ChangePending}, 5},
		{"viewer", changes.Filter{Environment: "QA", Status: models.ChangeDeployed}, 1},
		{"viewer", changes.Filter{Status: models.ChangeExpired}, 0},
	} {
		ids := page(tt.who, tt.filter)
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != tt.want || len(seen) != tt.want {
			t.Errorf("%s %+v: %d, want %d", tt.who, tt.filter, len(ids), tt.want)
		}
	}
	_, err := h.List(h.as("outsider"), changes.Filter{TenantID: "acme", Page: models.Page{Limit: 2}})
	h.want(err, models.CodeNotFound)
	_, err = h.List(h.as("viewer"), changes.Filter{Status: "lost", Page: models.Page{Limit: 2}})
	h.want(err, models.CodeInvalid)
	for who, want := range map[string]int{"engineer": 6, "author": 0, "manager": 0, "outsider": 1} {
		got, err := h.Approvals(h.as(who), models.Page{Limit: 50})
		h.must(err)
		if len(got.Items) != want {
			t.Errorf("%s may decide %d, want %d", who, len(got.Items), want)
		}
	}
}
