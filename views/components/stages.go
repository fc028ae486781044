package components

import (
	"strconv"
	"time"

	"github.com/hotswap/hotswap/models"
)

// step is one mark on the way of a change, with the decisions that were made there.
type step struct {
	title, said string
	tone        Tone // of what is said
	class, icon string
	who         *models.ActorRef
	at          *time.Time
	decisions   []models.Decision
}

// steps are the way of a change: who wrote it, the stages in their order, and how it ends.
func steps(c models.Change) []step {
	out := []step{{title: "Written by", class: "is-approved", icon: "edit", who: &c.Author, at: &c.CreatedAt}}
	for i, s := range c.Stages {
		out = append(out, stageStep(&c, i, s))
	}
	return append(out, lastStep(c))
}

func stageStep(c *models.Change, i int, s models.Stage) step {
	out := step{title: s.Name}
	approved := 0
	for _, d := range c.Decisions {
		if d.Stage != s.Name {
			continue
		}
		out.decisions = append(out.decisions, d)
		if d.Voided == "" && d.Verdict == models.Approve {
			approved++
		}
	}
	switch c.StageStatus(i) {
	case models.StageApproved:
		out.said, out.tone, out.class, out.icon = "approved", Good, "is-approved", "circle-check"
	case models.StageRejected:
		out.said, out.tone, out.class, out.icon = "rejected", Bad, "is-rejected", "circle-x"
	case models.StageOpen:
		out.said, out.tone, out.class, out.icon = "waits for a decision", Waiting, "is-open", "circle-dot"
	default:
		out.said, out.class, out.icon = notAsked(c.Status), "is-waiting", "circle-dashed"
	}
	if s.Required > 1 {
		out.said += ", " + strconv.Itoa(approved) + " of " + strconv.Itoa(s.Required)
	}
	return out
}

// notAsked says of a stage without its approvals whether its turn comes.
func notAsked(s models.ChangeStatus) string {
	switch s {
	case models.ChangePending, models.ChangeApproved, models.ChangeScheduled:
		return "comes later"
	case models.ChangeDraft:
		return "is asked when the draft is submitted"
	default:
		return "was not asked"
	}
}

// lastStep is how the change ends, or would.
func lastStep(c models.Change) step {
	switch c.Status {
	case models.ChangeDeployed:
		return step{title: "Live", class: "is-approved", icon: "rocket", at: &c.UpdatedAt}
	case models.ChangeDraft, models.ChangePending, models.ChangeApproved, models.ChangeScheduled:
		return step{title: "Goes live", said: strategySaid(c.Strategy), class: "is-waiting", icon: "rocket"}
	case models.ChangeDeploying:
		return step{title: "Going live", said: strategySaid(c.Strategy), tone: Waiting, class: "is-open", icon: "rocket"}
	case models.ChangeExpired:
		return step{title: "Expired", said: "nobody decided in time", class: "is-waiting", icon: "clock", at: c.ExpiresAt}
	default:
		return step{title: statusTitle(c.Status), class: "is-rejected", icon: "ban", at: &c.UpdatedAt}
	}
}

func statusTitle(s models.ChangeStatus) string {
	switch s {
	case models.ChangeRejected:
		return "Rejected"
	case models.ChangeCancelled:
		return "Cancelled"
	case models.ChangeRolled:
		return "Rolled back"
	default:
		return "Failed"
	}
}

// strategySaid is how values reach those who read them.
func strategySaid(s models.Strategy) string {
	if s.Name == models.StrategyDirect {
		return "at once, for everybody"
	}
	return "by the strategy " + s.Name
}

// voidedSaid tells why a decision no longer counts.
func voidedSaid(d models.Decision) string {
	if d.Voided == models.VoidStruck {
		return "no longer counts: the right to decide was lost"
	}
	return "no longer counts: the change was edited afterwards"
}

func verdictSaid(v models.Verdict) string {
	if v == models.Reject {
		return "rejected"
	}
	return "approved"
}
