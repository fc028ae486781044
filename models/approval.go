package models

import (
	"slices"
	"time"
)

// Verdict is what a decision says.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Reject  Verdict = "reject"
)

// Decision is one person's approve or reject of a change, bound to the digest they saw.
type Decision struct {
	ID      string
	Stage   string
	Person  ActorRef
	Verdict Verdict
	Digest  string
	Comment string
	At      time.Time
	Voided  string // why it no longer counts; empty while it does
}

// Why decisions stop counting.
const (
	VoidEdited = "edited" // the change was edited afterwards
	VoidStruck = "struck" // the decider lost the right before the change was applied
)

// StageStatus is where a stage of a change stands.
type StageStatus string

// The states of a stage.
const (
	StageWaiting  StageStatus = "waiting"
	StageOpen     StageStatus = "open"
	StageApproved StageStatus = "approved"
	StageRejected StageStatus = "rejected"
)

// Identity tells who a person id is: two ids with one verified e-mail have one identity.
type Identity func(personID string) string

// StageStatus tells where the i-th stage stands.
func (c *Change) StageStatus(i int) StageStatus {
	switch {
	case c.verdicts(i, Reject) > 0:
		return StageRejected
	case c.verdicts(i, Approve) >= c.Stages[i].Required:
		return StageApproved
	case c.Status == ChangePending && c.openStage() == i:
		return StageOpen
	default:
		return StageWaiting
	}
}

func (c *Change) verdicts(stage int, v Verdict) (n int) {
	for _, d := range c.Decisions {
		if d.Voided == "" && d.Stage == c.Stages[stage].Name && d.Verdict == v {
			n++
		}
	}
	return n
}

// openStage is the first stage that lacks approvals, or -1.
func (c *Change) openStage() int {
	for i, s := range c.Stages {
		if c.verdicts(i, Approve) < s.Required {
			return i
		}
	}
	return -1
}

// CurrentStage is the stage that waits for decisions, if the change is pending.
func (c *Change) CurrentStage() (Stage, bool) {
	if i := c.openStage(); c.Status == ChangePending && i >= 0 {
		return c.Stages[i], true
	}
	return Stage{}, false
}

// Satisfied tells whether every stage has its approvals.
func (c *Change) Satisfied() bool { return c.openStage() < 0 }

// TouchedBy tells whether the person wrote any of it: as author or editor, or by answering for a
// service that did. One person is one, over all accounts and keys.
func (c *Change) TouchedBy(person string, who Identity) bool {
	me := who(person)
	for _, ref := range append([]ActorRef{c.Author}, c.Editors...) {
		if ref.Kind == ActorPerson && who(ref.ID) == me {
			return true
		}
	}
	return slices.ContainsFunc(c.Responsible, func(id string) bool { return who(id) == me })
}

// DecidedBy tells whether the person has a decision that counts.
func (c *Change) DecidedBy(person string, who Identity) bool {
	me := who(person)
	return slices.ContainsFunc(c.Decisions, func(d Decision) bool { return d.Voided == "" && who(d.Person.ID) == me })
}

// Barrier is why a change is not somebody's to decide now; empty when it is.
type Barrier string

// The barriers, in the order in which they are told.
const (
	BarrierNone    Barrier = ""
	BarrierService Barrier = "service" // only people decide
	BarrierAuthor  Barrier = "author"  // wrote some of it, or answers for the service that did
	BarrierDecided Barrier = "decided" // has decided already; one person counts once
	BarrierStatus  Barrier = "status"  // it waits for no decision, or no longer
	BarrierExpired Barrier = "expired"
	BarrierRole    Barrier = "role" // lacks the role of the open stage
)

// Barrier tells what keeps this actor from deciding on the change now.
func (c *Change) Barrier(by Actor, who Identity, now time.Time) Barrier {
	if b := c.barred(by, who, now); b != BarrierNone {
		return b
	}
	return c.atStage(by)
}

// MayDecide is Barrier as an error: nil when the change is the actor's to decide now, else forbidden or conflict.
func (c *Change) MayDecide(by Actor, who Identity, now time.Time) error {
	return c.denial(c.Barrier(by, who, now))
}

// barred is why no stage of the change is the actor's to decide.
func (c *Change) barred(by Actor, who Identity, now time.Time) Barrier {
	switch {
	case by.Kind != ActorPerson:
		return BarrierService
	case c.TouchedBy(by.ID, who):
		return BarrierAuthor
	case c.DecidedBy(by.ID, who):
		return BarrierDecided
	case c.Status == ChangeExpired || c.Status == ChangePending && c.expired(now):
		return BarrierExpired
	case c.Status != ChangePending:
		return BarrierStatus
	default:
		return BarrierNone
	}
}

// atStage is why the actor cannot decide the stage that is open. The place is the change's layer and environment.
func (c *Change) atStage(by Actor) Barrier {
	stage, ok := c.CurrentStage()
	switch {
	case !ok:
		return BarrierStatus
	case !by.Holds(stage.Role, c.TenantID, c.Environment):
		return BarrierRole
	default:
		return BarrierNone
	}
}

// denial says what a barrier means for this change.
func (c *Change) denial(b Barrier) error {
	switch b {
	case BarrierNone:
		return nil
	case BarrierService:
		return Forbidden("only people decide; a service's key never does")
	case BarrierAuthor:
		return Forbidden("you cannot decide on a change you wrote")
	case BarrierDecided:
		return Forbidden("you have decided on this change already; one person counts once")
	case BarrierExpired:
		return Conflict("the change has expired")
	case BarrierRole:
		stage, _ := c.CurrentStage()
		return Forbidden("this stage needs the role " + string(stage.Role))
	case BarrierStatus:
		if c.Status == ChangePending {
			return Conflict("the change waits for no decision")
		}
	}
	return c.already()
}

func (c *Change) expired(now time.Time) bool { return c.ExpiresAt != nil && !now.Before(*c.ExpiresAt) }

// Decide records a person's verdict. forbidden: it is not theirs to decide; conflict: it is no longer
// what they looked at. The decision's stage is filled in.
func (c *Change) Decide(d Decision, by Actor, who Identity, now time.Time) error {
	if err := c.denial(c.barred(by, who, now)); err != nil {
		return err
	}
	if d.Digest != c.Digest { // before the role: an edit may have opened another stage
		return Conflict("the digest is not the change's: was it edited after you opened it?")
	}
	if err := c.denial(c.atStage(by)); err != nil {
		return err
	}
	stage, _ := c.CurrentStage()
	d.Stage, d.Person, d.At = stage.Name, by.ActorRef, now
	c.Decisions = append(c.Decisions, d)
	if d.Verdict == Reject {
		c.Status = ChangeRejected
	} else if c.Satisfied() {
		c.Status = ChangeApproved
	}
	return nil
}

// Void ends every decision so far, because what they were about is no longer the same.
func (c *Change) Void(why string) {
	for i := range c.Decisions {
		if c.Decisions[i].Voided == "" {
			c.Decisions[i].Voided = why
		}
	}
}

// Recheck strikes approvals whose person no longer holds the stage's role, or turned out to be an author or
// another approver; adds stages that today's policy asks for and the change was not asked before; and tells
// whether it may be applied. If not, it is pending again.
func (c *Change) Recheck(stages []Stage, holds func(personID string, role Role) bool, who Identity) (struck []Decision, may bool) {
	c.Stages = MergeStages(c.Stages, stages)
	seen := map[string]bool{}
	for i := range c.Decisions {
		d := &c.Decisions[i]
		if d.Voided != "" || d.Verdict != Approve {
			continue
		}
		me := who(d.Person.ID)
		if seen[me] || c.TouchedBy(d.Person.ID, who) || !holds(d.Person.ID, c.stageRole(d.Stage)) {
			d.Voided = VoidStruck
			struck = append(struck, *d)
		}
		seen[me] = true
	}
	if c.Satisfied() {
		return struck, true
	}
	c.Status = ChangePending
	return struck, false
}

func (c *Change) stageRole(name string) Role {
	for _, s := range c.Stages {
		if s.Name == name {
			return s.Role
		}
	}
	return ""
}

// Edited marks what an edit means: earlier decisions are void, the editor counts as an author.
func (c *Change) Edited(by Actor) {
	c.Void(VoidEdited)
	c.wroteBy(by)
	if by.String() != c.Author.String() && !slices.ContainsFunc(c.Editors, func(e ActorRef) bool {
		return e.String() == by.String()
	}) {
		c.Editors = append(c.Editors, by.ActorRef)
	}
}

// wroteBy notes the people who answer for the service that writes.
func (c *Change) wroteBy(by Actor) {
	for _, id := range by.Responsible {
		if !slices.Contains(c.Responsible, id) {
			c.Responsible = append(c.Responsible, id)
		}
	}
}

// Written starts a change in the name of its author.
func (c *Change) Written(by Actor) {
	c.Author = by.ActorRef
	c.wroteBy(by)
}
