package views

import (
	"github.com/hotswap/hotswap/models"
)

// The tabs of the approvals.
const (
	TabMine    = "mine"
	TabOthers  = "others"
	TabDecided = "decided"
)

// Approvals is one tab of what waits for decisions.
type Approvals struct {
	Tab    string
	Items  []QueueItem
	Cursor string // of this page; empty on the first
	Next   string // cursor
}

// QueueItem is a change in a queue of somebody.
type QueueItem struct {
	models.Change
	Why      models.Barrier   // why it is not theirs to decide
	Decision *models.Decision // theirs
	Mine     bool             // it is theirs to decide
}

// Tab is one of the queues.
type Tab struct {
	Label, Href string
	Current     bool
}

// Tabs are the queues, with the one that is shown.
func (a Approvals) Tabs() []Tab {
	return []Tab{
		{"Waiting for me", "/approvals", a.Tab == TabMine},
		{"Waiting for others", "/approvals?tab=" + TabOthers, a.Tab == TabOthers},
		{"Decided by me", "/approvals?tab=" + TabDecided, a.Tab == TabDecided},
	}
}

// Label is the name of the queue that is shown.
func (a Approvals) Label() string {
	for _, t := range a.Tabs() {
		if t.Current {
			return t.Label
		}
	}
	return ""
}

// URL is the address of the same queue at another place.
func (a Approvals) URL(cursor string) string {
	tab := a.Tab
	if tab == TabMine {
		tab = ""
	}
	return address("/approvals", "tab", tab, "cursor", cursor)
}

// FirstURL is the address of the first page, empty on it.
func (a Approvals) FirstURL() string {
	if a.Cursor == "" {
		return ""
	}
	return a.URL("")
}

// NextURL is the address of the page after this one, empty on the last.
func (a Approvals) NextURL() string {
	if a.Next == "" {
		return ""
	}
	return a.URL(a.Next)
}

// What of a change a list shows whole: more than that is approved on the change's own page, where all of it is seen.
const (
	listedItems = 3
	listedBytes = 600
)

// Whole tells whether the list shows all of the change. What a definition replaces is on the change's own page only.
func (q QueueItem) Whole() bool {
	size := 0
	for _, i := range q.Change.Items {
		if i.Op == models.OpDefine {
			return false
		}
		size += len(i.Value) + len(i.Previous)
	}
	return len(q.Change.Items) <= listedItems && size <= listedBytes
}

// Items are what the change does, as far as a list shows it: nothing of one that it cannot show whole.
func (q QueueItem) Items() []ChangeItem {
	if !q.Whole() {
		return nil
	}
	out := make([]ChangeItem, len(q.Change.Items))
	for n, i := range q.Change.Items {
		out[n] = changeItem(q.Change, i)
	}
	return out
}

// WhyNot says why the change is not theirs to decide.
func (q QueueItem) WhyNot() string {
	switch q.Why {
	case models.BarrierAuthor:
		return "You wrote some of it, so others decide."
	case models.BarrierDecided:
		return "You have decided; the next stage needs somebody else."
	case models.BarrierService:
		return "Only people decide."
	case models.BarrierRole:
		stage, _ := q.CurrentStage()
		return "This stage needs the role " + string(stage.Role) + " here."
	default:
		return ""
	}
}

// Said is what they decided.
func (q QueueItem) Said() string {
	word := "You approved it"
	if q.Decision.Verdict == models.Reject {
		word = "You rejected it"
	}
	switch q.Decision.Voided {
	case models.VoidEdited:
		return word + "; it was edited since then, so that no longer counts"
	case models.VoidStruck:
		return word + "; the right to decide was lost since then, so that no longer counts"
	default:
		return word
	}
}
