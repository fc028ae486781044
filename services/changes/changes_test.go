package changes_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

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

func TestEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.set("author", "acme", "Production", "k", "1").Change
	_, err := h.Cancel(h.as("viewer"), c.ID, "")
	h.want(err, models.CodeForbidden)
	_, err = h.Cancel(h.as("outsider"), c.ID, "")
	h.want(err, models.CodeNotFound)
	got, err := h.Cancel(h.as("author"), c.ID, "")
	h.must(err)
	if got.Status != models.ChangeCancelled {
		t.Error(got.Status)
	}
	for _, again := range []func() error{
		func() error { _, err := h.Cancel(h.as("author"), c.ID, ""); return err },
		func() error { _, err := h.approve("engineer", c); return err },
		func() error { _, err := h.Rebase(h.as("author"), c.ID, ""); return err },
		func() error { _, err := h.SubmitDraft(h.as("author"), c.ID, ""); return err },
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
	c, err := h.SubmitDraft(h.as("author"), out.Change.ID, "")
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
	c, err := h.SubmitDraft(h.as("author"), out.Change.ID, "")
	h.must(err)
	for _, who := range []string{"engineer", "manager"} {
		c, err = h.approve(who, c)
		h.must(err)
	}
	if c.Status != models.ChangeDeployed {
		t.Error(c.Status)
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
