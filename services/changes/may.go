package changes

import (
	"context"
	"slices"

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

// mayWrite tells whether the actor may write a change of these operations there: values by the right to edit,
// definitions by that right in all environments, what moves the tenant by the right to manage tenants; what stops being
// a secret is a reveal as well, see mayUncover.
func mayWrite(by models.Actor, what, tenantID, environment string, ops []models.Op) error {
	if slices.ContainsFunc(ops, models.Op.OnTenant) {
		return mayMove(by, what, tenantID)
	}
	if err := by.Require(models.PermEditConfigs, what, tenantID, environment); err != nil {
		return err
	}
	if slices.Contains(ops, models.OpDefine) && !by.Everywhere(models.PermEditConfigs, tenantID) {
		return models.Forbidden("a definition needs the permission " + string(models.PermEditConfigs) + " in all environments")
	}
	return nil
}

// mayEdit tells whether the actor may do to a change what only those may who could have written it.
func mayEdit(by models.Actor, c *models.Change) error {
	ops := make([]models.Op, len(c.Items))
	for i, item := range c.Items {
		ops[i] = item.Op
	}
	return mayWrite(by, "change", c.TenantID, c.Environment, ops)
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
	m.Edit = mayEdit(actor, &c)
	m.Submit = m.Edit
	if m.Edit == nil {
		m.Edit, m.Submit = c.Editable(), c.IsDraft()
	}
	m.Cancel = m.Edit
	return m, nil
}
