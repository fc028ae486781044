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
		unnamed := r.c.DefaultTitle()
		r.c.Title, r.c.Reason = d.Title, d.Reason
		if in.Items != nil {
			r.c.Items = nil
			for _, item := range d.Items {
				r.c.Items = append(r.c.Items, item.item())
			}
			r.c.Retitle(unnamed)
		}
		if in.Strategy != nil {
			var err error
			if r.c.Strategy, err = strategy(*in.Strategy, r.f.Policy()); err != nil {
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

// SubmitDraft sends a draft on its way. conflict: it is no draft; precondition_failed as Rebase.
func (s *Service) SubmitDraft(ctx context.Context, id, ifMatch string) (models.Change, error) {
	return s.revise(ctx, id, models.PermEditConfigs, func(r *revision) error {
		if err := r.c.IsDraft(); err != nil {
			return err
		}
		if err := models.CheckTag(ifMatch, r.c.Tag()); err != nil {
			return err
		}
		if err := s.fit(r.ctx, r.c, r.f, ItemPointer); err != nil {
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

// draft is the edited change as a caller would have written it.
func (in Revise) draft(c *models.Change) Draft {
	d := Draft{Title: c.Title, Reason: c.Reason, Items: in.Items, Pointer: ItemPointer}
	if in.Title != nil {
		d.Title = *in.Title
	}
	if in.Reason != nil {
		d.Reason = *in.Reason
	}
	if in.Items == nil {
		for _, i := range c.Items {
			d.Items = append(d.Items, Edit{Key: i.Key, Op: i.Op, Value: i.Value})
		}
	}
	return d
}

// rewrite fits an edited change to the facts and writes it: a draft stays one, any other waits anew.
func (r *revision) rewrite(action string) error {
	f, err := deployments.Facts(r.ctx, r.f.Layer.Chain(), r.c.Environment, r.c.Keys())
	if err != nil {
		return err
	}
	r.f = f
	before := summary(r.c)
	r.c.Edited(r.by)
	if err := r.s.fit(r.ctx, r.c, r.f, ItemPointer); err != nil {
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
