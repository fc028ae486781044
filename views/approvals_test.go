package views_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views"
)

func TestOnlyWhatIsShownWholeIsApprovedFromAList(t *testing.T) {
	t.Parallel()
	item := models.Item{Key: "k", Op: models.OpSet, Value: "1"}
	large := models.Item{Key: "k", Op: models.OpSet, Value: models.Text(strings.Repeat("x", 601))}
	tests := map[string]struct {
		items []models.Item
		want  bool
	}{
		"one": {[]models.Item{item}, true}, "three": {[]models.Item{item, item, item}, true},
		"four": {[]models.Item{item, item, item, item}, false}, "a large one": {[]models.Item{large}, false},
	}
	for name, tt := range tests {
		q := views.QueueItem{Change: models.Change{Items: tt.items}}
		if q.Whole() != tt.want || tt.want && len(q.Items()) != len(tt.items) || !tt.want && q.Items() != nil {
			t.Errorf("%s: %t, %d items", name, q.Whole(), len(q.Items()))
		}
	}
}

func TestQueueWords(t *testing.T) {
	t.Parallel()
	for why, want := range map[models.Barrier]string{
		models.BarrierAuthor: "You wrote some of it", models.BarrierDecided: "You have decided", models.BarrierService: "Only people decide",
		models.BarrierRole: "This stage needs the role manager here.",
	} {
		if got := (views.QueueItem{Change: waiting(), Why: why}).WhyNot(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", why, got)
		}
	}
	for want, d := range map[string]models.Decision{
		"You approved it": {Verdict: models.Approve}, "You rejected it": {Verdict: models.Reject},
		"You approved it; it was edited since then, so that no longer counts":                {Verdict: models.Approve, Voided: models.VoidEdited},
		"You approved it; the right to decide was lost since then, so that no longer counts": {Verdict: models.Approve, Voided: models.VoidStruck},
	} {
		if got := (views.QueueItem{Decision: &d}).Said(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	a := views.Approvals{Tab: views.TabMine, Next: "n"}
	if a.URL("") != "/approvals" || a.FirstURL() != "" || a.NextURL() != "/approvals?cursor=n" {
		t.Error(a.URL(""), a.FirstURL(), a.NextURL())
	}
	a = views.Approvals{Tab: views.TabOthers, Cursor: "c"}
	if a.FirstURL() != "/approvals?tab=others" || a.NextURL() != "" || a.Label() != "Waiting for others" {
		t.Error(a.FirstURL(), a.NextURL(), a.Label())
	}
	q := views.ChangeQuery{Status: "open", Tenant: "acme", Environment: "QA", Mine: true, Cursor: "c"}
	if got := q.URL("d"); got != "/changes?cursor=d&environment=QA&mine=1&status=open&tenant=acme" || !q.Narrowed() {
		t.Error(got)
	}
	if (views.ChangeQuery{Cursor: "c"}).First() != "/changes" || (views.ChangeQuery{}).First() != "" || (views.ChangeQuery{}).Narrowed() {
		t.Error("the first page")
	}
	if (views.Changes{Next: "n"}).NextURL() != "/changes?cursor=n" || (views.Changes{}).NextURL() != "" {
		t.Error("the next page")
	}
}
