package views

import (
	"strconv"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Change is the page of one change.
type Change struct {
	models.Change
	Rights      ChangeRights
	Standing    *ChangeStanding              // nil: it waits no more
	Before      map[string]models.Definition // that its items replace, by key
	Deployments []models.Deployment
	Form        DecideForm
	Notice      string // why an act did not happen
	Page        int    // of the items, from 0
}

// ChangeRights are why the actor may not do something; nil where it may.
type ChangeRights struct{ Decide, Edit, Cancel, Submit error }

// ChangeStanding is how a change that waits stands against what is live.
type ChangeStanding struct {
	Moved   map[string]MovedKey // by key
	Problem error               // nil: nothing else is in the way
}

// MovedKey is what is live of a key that moved since the change was written.
type MovedKey struct {
	Version int64 // 0: nothing is live
	Value   models.Value
}

// DecideForm is the form of a decision, with what was typed and what was wrong with it.
type DecideForm struct {
	Digest  string // of the change as it was looked at; empty for other acts
	Comment string
	Error   string
}

// itemsPage is how many keys a page shows.
const itemsPage = 50

// Turn opens a page of the keys; beyond the last one it is the last. A page of another state than the pages before was
// not read as a whole: then nothing is decided here.
func (c Change) Turn(page int, digest string) Change {
	c.Page = min(max(page, 0), max(0, len(c.Change.Items)-1)/itemsPage)
	if digest != "" && digest != c.Digest && c.Rights.Decide == nil {
		c.Rights.Decide = models.Conflict("the change was edited since you began to read it; begin again at its first page")
	}
	return c
}

// Items are the edits of this page.
func (c Change) Items() []ChangeItem {
	from := min(c.Page*itemsPage, len(c.Change.Items))
	to := min(from+itemsPage, len(c.Change.Items))
	out := make([]ChangeItem, 0, to-from)
	for _, i := range c.Change.Items[from:to] {
		item := changeItem(c.Change, i)
		if i.Op == models.OpDefine {
			item = item.over(c.Before[i.Key], i)
		}
		if c.Standing != nil {
			if moved, ok := c.Standing.Moved[i.Key]; ok {
				item.Moved, item.Live = movedSaid(moved), moved.Value
			}
		}
		out = append(out, item)
	}
	return out
}

func movedSaid(m MovedKey) string {
	if m.Version == 0 {
		return "Nothing is live here any more."
	}
	return "Version " + strconv.FormatInt(m.Version, 10) + " is live by now:"
}

// PageSaid tells which keys are shown, when they are not all of them.
func (c Change) PageSaid() string {
	all := len(c.Change.Items)
	if all <= itemsPage {
		return ""
	}
	from := min(c.Page*itemsPage, all)
	return "Keys " + strconv.Itoa(from+1) + " to " + strconv.Itoa(min(from+itemsPage, all)) + " of " + strconv.Itoa(all)
}

// FirstURL leads to the first keys, NextURL to those after these; empty where there is nothing to lead to.
func (c Change) FirstURL() string {
	if c.Page == 0 {
		return ""
	}
	return ChangeURL(c.ID)
}

// NextURL leads to the keys after these, of the same state of the change.
func (c Change) NextURL() string {
	if (c.Page+1)*itemsPage >= len(c.Change.Items) {
		return ""
	}
	return address(ChangeURL(c.ID), "page", strconv.Itoa(c.Page+1), "digest", c.Digest)
}

// actURL is where a form of the change goes.
func actURL(id, act string) string { return ChangeURL(id) + "/" + act }

// Summary says what the change is about, in a line.
func (c Change) Summary() string {
	return c.what() + " of " + components.LayerName(c.TenantID) + " in " + c.where()
}

// State is where the change stands, for who decides nothing on it.
type State struct {
	Tone        components.Tone
	Title, Text string
}

// State tells where the change stands and what comes next.
func (c Change) State() State {
	kept := "What was live before stays live."
	switch c.Status {
	case models.ChangeDraft:
		return State{components.Neutral, "A draft", "Nobody is asked for a decision before it is submitted."}
	case models.ChangePending:
		return State{components.Waiting, "Waits for " + waitsFor(c.Change), sentenceOf(c.Rights.Decide)}
	case models.ChangeApproved:
		return State{components.Good, "Approved", "It goes live by itself as soon as nothing is in its way."}
	case models.ChangeScheduled:
		return State{components.Waiting, "Scheduled", "It goes live at its time."}
	case models.ChangeDeploying:
		return State{components.Waiting, "Going live", "The deployment is below."}
	case models.ChangeDeployed:
		return State{components.Good, "Went live", "Applications read its values since then, until a later change."}
	case models.ChangeRejected:
		return State{components.Bad, "Rejected", kept}
	case models.ChangeCancelled:
		return State{components.Neutral, "Cancelled", kept}
	case models.ChangeExpired:
		return State{components.Neutral, "Expired", "Nobody decided in time. " + kept}
	case models.ChangeRolled:
		return State{components.Bad, "Rolled back", "What was live before is live again."}
	default:
		return State{components.Bad, "Failed", kept}
	}
}

// sentenceOf makes a sentence of an error that people may read.
func sentenceOf(err error) string {
	if err == nil {
		return ""
	}
	return Capital(err.Error()) + "."
}

// Check is one of the things that are looked at before a change may go live.
type Check struct {
	Good bool
	Text string
}

// Checks are what was looked at just now; none for a change that waits no more.
func (c Change) Checks() []Check {
	if c.Standing == nil {
		return nil
	}
	moved := len(c.Standing.Moved)
	switch {
	case moved == 1:
		return []Check{{Text: "1 key moved since the change was written."}}
	case moved > 1:
		return []Check{{Text: counted(moved, "key") + " moved since the change was written."}}
	case c.Standing.Problem != nil:
		return []Check{{Good: true, Text: basesLive}, {Text: sentenceOf(c.Standing.Problem)}}
	default:
		return []Check{{Good: true, Text: basesLive}, {Good: true, Text: "Types, schemas and limits are kept."}}
	}
}

// Trouble warns who decides that the change could not go live as it is; empty when nothing is in its way.
func (c Change) Trouble() string {
	for _, check := range c.Checks() {
		if !check.Good {
			return check.Text + " It cannot go live before its author has rebased or edited it."
		}
	}
	return ""
}

const basesLive = "What it was written against is still live."

// MayRebase tells whether writing the change anew is of use, and the actor's to do.
func (c Change) MayRebase() bool {
	return c.Rights.Edit == nil && c.Standing != nil && (len(c.Standing.Moved) > 0 || c.Standing.Problem != nil)
}

// decisions are how many count now.
func decisions(c models.Change) (n int) {
	for _, d := range c.Decisions {
		if d.Voided == "" {
			n++
		}
	}
	return n
}

// LostDecisions says what an edit means for the decisions so far.
func LostDecisions(c models.Change) string {
	switch n := decisions(c); {
	case c.Status == models.ChangeDraft:
		return ""
	case n == 0:
		return "Whoever edits it counts as an author and cannot decide on it."
	case n == 1:
		return "The decision made so far no longer counts then, and whoever edits it cannot decide on it."
	default:
		return "The " + strconv.Itoa(n) + " decisions made so far no longer count then, and whoever edits it cannot decide on it."
	}
}

// CancelSaid tells what cancelling means.
func (c Change) CancelSaid() string {
	verb := " stay"
	if len(c.Change.Items) == 1 {
		verb = " stays"
	}
	return "It ends for good. " + Capital(c.what()) + " of " + components.LayerName(c.TenantID) + verb +
		" in " + c.where() + " as now. The change and what was said about it are kept."
}

// Decided is what happened by a decision, for who made it.
func Decided(c models.Change, v models.Verdict) string {
	switch {
	case v == models.Reject:
		return "Rejected. What was live before stays live."
	case c.Status == models.ChangePending:
		return "Approved. It now waits for " + waitsFor(c) + "."
	case c.Status == models.ChangeDeployed:
		return "Approved and live."
	default:
		return "Approved. It goes live as soon as nothing is in its way."
	}
}

// Sent is what became of a change that was submitted, edited or written anew.
func Sent(c models.Change) string {
	switch c.Status {
	case models.ChangePending:
		return "It now waits for " + waitsFor(c) + "."
	case models.ChangeDeployed:
		return "It is live."
	case models.ChangeDraft:
		return "It is still a draft."
	default:
		return "It is " + components.StatusName(c.Status) + "."
	}
}

// class marks the panel of a state.
func (s State) class() string {
	return [...]string{"", "is-good", "is-bad", "is-wait"}[s.Tone]
}

// Undone says why an act did not happen, above the change as it is now.
func (c Change) Undone(err *models.Error) string {
	if c.Form.Digest != "" && c.Form.Digest != c.Digest {
		return "Nothing was decided: somebody edited the change after you opened it. Below is the change as it is now."
	}
	if err.Code == models.CodePreconditionFailed {
		return "Nothing was done: somebody edited the change, or decided on it, after you opened it. Below is the change as it is now."
	}
	return "Nothing was done: " + err.Message + ". Below is the change as it is now."
}

// Saved is what became of an edited change.
func Saved(c models.Change, edited bool) string {
	if !edited {
		return "Nothing was different, so nothing was saved."
	}
	return "Saved. " + Sent(c)
}
