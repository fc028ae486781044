package demo

import (
	"context"
	"fmt"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// The accounts that act.
const (
	admin      = "admin"
	engineer   = "engineer"
	engineer2  = "engineer2"
	manager    = "manager"
	compliance = "compliance"
)

// The environments, in their order.
const (
	development = "Development"
	qa          = "QA"
	staging     = "Staging"
	production  = "Production"
)

// ending is what becomes of a change.
type ending int

const (
	live      ending = iota // every stage approves
	waiting                 // as many stages approve as have said something
	rejected                // the last who says something rejects
	cancelled               // its author takes it back after what was said
)

// step is a change on its way.
type step struct {
	place

	by     string // the account that writes it
	reason string
	edits  []edit
	said   []string // the deciders' comments, in the order of the stages; later ones say nothing
	end    ending
}

// place is where a change is found again: the demo gives no title twice in one environment of a layer.
type place struct{ layer, environment, title string }

// edit sets a key to JSON text; the empty text deletes, and lock, which is no JSON, locks what is live.
type edit struct{ key, value string }

const lock = "lock"

// item is the edit as the service takes it.
func (e edit) item() (changes.Edit, error) {
	switch e.value {
	case "":
		return changes.Edit{Key: e.key, Op: models.OpDelete}, nil
	case lock:
		return changes.Edit{Key: e.key, Op: models.OpLock}, nil
	}
	value, err := parse(e.value)
	if err != nil {
		return changes.Edit{}, fmt.Errorf("the value of %s: %w", e.key, err)
	}
	return changes.Edit{Key: e.key, Op: models.OpSet, Value: value}, nil
}

// carry takes the change to its end, from wherever an earlier start left it.
func (s *seeder) carry(ctx context.Context, st step) (err error) {
	c, known := s.made[st.place]
	if !known {
		if c, err = s.submit(ctx, st); err != nil {
			return err
		}
	}
	for c.Status == models.ChangePending && !st.decided(len(c.Decisions)) {
		if c, err = s.decide(ctx, st, c); err != nil {
			return err
		}
	}
	if st.end == cancelled && c.Status == models.ChangePending {
		_, err = s.Changes.Cancel(s.as(ctx, st.by), c.ID, "")
	}
	return err
}

// decided tells whether nobody else has a say after so many decisions.
func (st step) decided(decisions int) bool { return st.end != live && decisions >= len(st.said) }

func (s *seeder) submit(ctx context.Context, st step) (models.Change, error) {
	draft := changes.Draft{
		TenantID: st.layer, Environment: st.environment, Title: st.title, Reason: st.reason,
		Origin: models.OriginEdit, Pointer: changes.ItemPointer,
	}
	for _, e := range st.edits {
		item, err := e.item()
		if err != nil {
			return models.Change{}, err
		}
		draft.Items = append(draft.Items, item)
	}
	out, err := s.Changes.Submit(s.as(ctx, st.by), draft)
	return out.Change, err
}

// decide has the next in line say what they say.
func (s *seeder) decide(ctx context.Context, st step, c models.Change) (models.Change, error) {
	n := len(c.Decisions)
	in := changes.Decide{ChangeID: c.ID, Verdict: models.Approve, Digest: c.Digest}
	if n < len(st.said) {
		in.Comment = st.said[n]
	}
	if st.end == rejected && n == len(st.said)-1 {
		in.Verdict = models.Reject
	}
	stage, _ := c.CurrentStage()
	return s.Changes.Decide(s.as(ctx, decider(stage.Role, st.by)), in)
}

// decider is somebody of the role who did not write the change.
func decider(role models.Role, author string) string {
	switch {
	case role == models.RoleManager:
		return manager
	case role == models.RoleCompliance:
		return compliance
	case author == engineer:
		return engineer2
	default:
		return engineer
	}
}
