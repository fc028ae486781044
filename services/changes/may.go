package changes

import (
	"context"

	"github.com/hotswap/hotswap/models"
)

// May is what an actor may do with a change now: nil means yes, any other error is what the call would answer.
type May struct {
	Barrier models.Barrier // why not Decide, as a word
	Decide  error
	Edit    error // Revise and Rebase
	Cancel  error
	Submit  error // SubmitDraft
}

// May tells what the actor of the context may do with a change that Get or a list has shown it. The rights are those
// of the context's actor; a call checks them again.
func (s *Service) May(ctx context.Context, c models.Change) (May, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return May{}, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewChanges, "change", c.TenantID, c.Environment); err != nil {
		return May{}, err
	}
	who, err := s.Access.Directory(ctx)
	if err != nil {
		return May{}, err
	}
	now := s.Now()
	c.Lapse(now)
	m := May{Barrier: c.Barrier(actor, who.Identity, now), Decide: c.MayDecide(actor, who.Identity, now)}
	m.Edit = actor.Require(models.PermEditConfigs, "change", c.TenantID, c.Environment)
	m.Submit = m.Edit
	if m.Edit == nil {
		m.Edit, m.Submit = c.Editable(), c.IsDraft()
	}
	m.Cancel = m.Edit
	return m, nil
}
