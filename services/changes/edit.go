package changes

import (
	"context"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/deployments"
)

// Revise says what of a waiting change is replaced; nil keeps what is there.
type Revise struct {
	ChangeID string
	Title    *string
	Reason   *string
	Strategy *string
	Items    []Edit // as a whole; nil keeps them
	IfMatch  string
}

// Revise edits a change that waits: decisions so far are void, the caller counts as an author.
// conflict: it no longer waits; precondition_failed: IfMatch names another state of it.
func (s *Service) Revise(ctx context.Context, in Revise) (models.Change, error) {
	return s.revise(ctx, in.ChangeID, models.PermEditConfigs, func(r *revision) error {
		if err := r.editable(in.IfMatch); err != nil {
			return err
		}
		d := in.draft(r.c)
		if err := d.validate(); err != nil {
			return err
		}
		if err := d.may(r.by, r.c.TenantID, r.c.Environment); err != nil {
			return err
		}
		if err := in.keepsTenant(r.c); err != nil {
			return err
		}
		unnamed := r.c.DefaultTitle()
		r.c.Title, r.c.Reason = d.Title, d.Reason
		if in.Items != nil {
			r.c.Items = in.items(r.c.Items)
			r.c.Retitle(unnamed)
		}
		if in.Strategy != nil {
			var err error
			if r.c.Strategy, err = strategy(*in.Strategy, r.c, r.f); err != nil {
				return err
			}
		}
		return r.rewrite("change.edit")
	})
}

// Rebase writes a change anew against what is live now. Decisions so far are void. conflict: it no longer waits;
// precondition_failed: ifMatch, unless empty, names another state of it.
func (s *Service) Rebase(ctx context.Context, id, ifMatch string) (models.Change, error) {
	return s.revise(ctx, id, models.PermEditConfigs, func(r *revision) error {
		if err := r.editable(ifMatch); err != nil {
			return err
		}
		for i := range r.c.Items {
			r.c.Items[i].BaseVersion = -1
		}
		return r.rewrite("change.rebase")
	})
}

// SubmitDraft sends a draft on its way. conflict: it is no draft; precondition_failed as Rebase; forbidden also where it
// makes a secret readable for who may not reveal it.
func (s *Service) SubmitDraft(ctx context.Context, id, ifMatch string) (models.Change, error) {
	return s.revise(ctx, id, models.PermEditConfigs, func(r *revision) error {
		if err := r.c.IsDraft(); err != nil {
			return err
		}
		if err := models.CheckTag(ifMatch, r.c.Tag()); err != nil {
			return err
		}
		if err := s.fit(r.ctx, r.tx, r.c, r.f, ItemPointer); err != nil {
			return err
		}
		if err := mayUncover(r.c, r.f, r.by); err != nil { // whoever wrote it only kept it
			return err
		}
		if err := replaceItems(r.tx, r.c); err != nil { // they were fitted to the facts of today
			return err
		}
		return s.route(r.ctx, r.tx, r.c, r.f, submitted(r.c))
	})
}

// Cancel ends a change that waits. conflict: it does not; precondition_failed as Rebase.
func (s *Service) Cancel(ctx context.Context, id, ifMatch string) (models.Change, error) {
	return s.revise(ctx, id, models.PermEditConfigs, func(r *revision) error {
		if err := r.editable(ifMatch); err != nil {
			return err
		}
		r.c.Status = models.ChangeCancelled
		return r.save(models.Act{Action: "change.cancel", Resource: resource(r.c), After: summary(r.c)})
	})
}

// editable tells whether the change still waits and is the one the caller read.
func (r *revision) editable(ifMatch string) error {
	r.c.Lapse(r.f.At)
	if err := r.c.Editable(); err != nil {
		return err
	}
	return models.CheckTag(ifMatch, r.c.Tag())
}

// keepsTenant makes sure that an edit brings nothing that moves a tenant, and leaves what does: such a change holds the
// locks of what it was written for.
func (in Revise) keepsTenant(c *models.Change) error {
	moves := in.Items != nil && c.Items[0].Op.OnTenant()
	for _, e := range in.Items {
		moves = moves || e.Op.OnTenant()
	}
	if moves {
		return models.Invalid("/items", "what moves a tenant is not edited: cancel the change and write another")
	}
	return nil
}

// draft is the edited change as a caller would have written it.
func (in Revise) draft(c *models.Change) Draft {
	d := Draft{Title: c.Title, Reason: c.Reason, Items: in.Items, Pointer: ItemPointer, keeps: in.Items == nil}
	if in.Title != nil {
		d.Title = *in.Title
	}
	if in.Reason != nil {
		d.Reason = *in.Reason
	}
	return d
}

// items are those that the edit brings. A mask in place of a secret keeps the secret: it is what the caller was shown.
func (in Revise) items(old []models.Item) []models.Item {
	out := make([]models.Item, len(in.Items))
	for n, e := range in.Items {
		out[n] = e.item()
		for _, was := range old {
			if was.Key == e.Key && was.Op == models.OpSet && was.Value.IsSealed() && e.Value == models.Masked {
				out[n].Value = was.Value
			}
		}
	}
	return out
}

// rewrite fits an edited change to the facts and writes it: a draft stays one, any other waits anew.
func (r *revision) rewrite(action string) error {
	f, err := deployments.ReadFor(r.c, r.f.Layer.Chain()).Now(r.ctx)
	if err != nil {
		return err
	}
	r.f = f
	before := summary(r.c)
	r.c.Edited(r.by)
	if err := r.s.fit(r.ctx, r.tx, r.c, r.f, ItemPointer); err != nil {
		return err
	}
	if err := mayUncover(r.c, r.f, r.by); err != nil {
		return err
	}
	if err := replaceItems(r.tx, r.c); err != nil {
		return err
	}
	did := func() models.Act {
		return models.Act{Action: action, Resource: resource(r.c), Before: before, After: summary(r.c)}
	}
	if r.c.Status == models.ChangeDraft {
		return r.save(did())
	}
	return r.s.route(r.ctx, r.tx, r.c, r.f, did)
}
