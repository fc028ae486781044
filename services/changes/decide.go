package changes

import (
	"context"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/deployments"
)

// Decide is one person's verdict on a change, bound to the digest they saw.
type Decide struct {
	ChangeID string
	Verdict  models.Verdict
	Digest   string
	Comment  string
}

// Decide records a verdict. The last approval applies the change in the same transaction, after everything
// was checked again: base versions, definitions, today's policy and the deciders' rights of this moment.
// forbidden: not theirs to decide; conflict: no longer what they saw, or no longer applicable.
func (s *Service) Decide(ctx context.Context, in Decide) (models.Change, error) {
	if !models.ValidText(in.Comment, maxReason) {
		return models.Change{}, models.Invalid("/comment", "at most 4,000 characters")
	}
	c, err := s.revise(ctx, in.ChangeID, models.PermViewChanges, func(r *revision) error {
		d := models.Decision{ID: s.NewID(), Verdict: in.Verdict, Digest: in.Digest, Comment: in.Comment}
		if err := r.c.Decide(d, r.by, r.who.Identity, r.f.At); err != nil {
			return err
		}
		act := models.Act{Action: "change." + string(in.Verdict), Resource: resource(r.c), After: decided(r.c)}
		if r.c.Status != models.ChangeApproved {
			return r.save(act)
		}
		return s.ready(r, act)
	})
	if err == nil {
		s.countDecision(c)
	}
	return c, err
}

func decided(c *models.Change) models.Value {
	d := c.Decisions[len(c.Decisions)-1]
	return models.Object(map[string]models.Value{
		"comment": models.Text(d.Comment), "digest": models.Text(d.Digest), "stage": models.Text(d.Stage),
	})
}

// ready applies a change whose stages are all approved, if it still may be.
func (s *Service) ready(r *revision, act models.Act) error {
	holds := func(personID string, role models.Role) bool {
		person, ok := r.who.Actor(personID, s.Now())
		return ok && person.Holds(role, r.c.TenantID, r.c.Environment)
	}
	if struck, may := r.c.Recheck(r.f.StagesFor(r.c), holds, r.who.Identity); !may {
		return r.save(append([]models.Act{act}, strikes(r.c, struck)...)...)
	}
	digest, err := r.c.ComputeDigest()
	if err != nil {
		return err
	}
	if digest != r.c.Digest {
		return models.Conflict("the change is not what was approved")
	}
	if err := s.open(r.ctx, r.c); err != nil {
		return err
	}
	if err := s.Deployments.Check(r.ctx, r.tx, r.c, r.f, ItemPointer); err != nil {
		return err
	}
	return s.start(r.ctx, r.tx, r.c, r.f, func() models.Act { return act })
}

// strikes logs approvals that no longer count because their person lost the right.
func strikes(c *models.Change, struck []models.Decision) (acts []models.Act) {
	for _, d := range struck {
		acts = append(acts, models.Act{
			Action: "change.strike", Resource: resource(c),
			After: models.Object(map[string]models.Value{
				"person": models.Text(d.Person.ID), "stage": models.Text(d.Stage),
			}),
		})
	}
	return acts
}

// revision is a change under the locks of its layer, with all it is checked against.
type revision struct {
	ctx context.Context
	tx  *gorm.DB
	s   *Service
	c   *models.Change
	f   models.Facts
	who *access.Directory // people and rights as of this transaction
	by  models.Actor      // who acts, with those rights
}

// save writes the change as it is now, and its entries.
func (r *revision) save(acts ...models.Act) error {
	return r.s.keep(r.ctx, r.c, r.f.At, acts...)
}

// revise finds a change, asks for the permission in its place and runs fn under the locks of its layer.
func (s *Service) revise(ctx context.Context, id string, p models.Permission, fn func(*revision) error) (models.Change, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Change{}, models.Unauthenticated()
	}
	found, err := s.find(ctx, id)
	if err != nil {
		return found, err
	}
	if err := actor.Require(p, "change", found.TenantID, found.Environment); err != nil {
		return models.Change{}, err
	}
	var c models.Change
	err = s.write(ctx, found.TenantID, found.TierLayer(), nil, func(ctx context.Context, tx *gorm.DB, at place) error {
		r, err := s.revision(ctx, tx, at, found)
		if err != nil {
			return err
		}
		if r.by, err = s.current(at, r.f, actor); err != nil {
			return err
		}
		if err := r.by.Require(p, "change", found.TenantID, found.Environment); err != nil {
			return err
		}
		if p == models.PermEditConfigs {
			if err := mayEdit(r.by, r.c); err != nil {
				return err
			}
		}
		c = *r.c
		r.c = &c
		return fn(r)
	})
	if err != nil {
		return models.Change{}, err
	}
	s.count(c)
	return s.shown(c), nil
}

// revision loads the change and its facts.
func (s *Service) revision(ctx context.Context, tx *gorm.DB, at place, found models.Change) (*revision, error) {
	c, err := locked(tx, at.who, found.TenantID, found.ID)
	if err != nil {
		return nil, err
	}
	f, err := deployments.ReadFor(&c, at.chain).Now(ctx)
	if err != nil {
		return nil, err
	}
	c.Classify(f)
	return &revision{ctx: ctx, tx: tx, s: s, c: &c, f: f, who: at.who}, nil
}

// current is the actor with the rights of this transaction. If those in memory are older, it is tried again.
func (s *Service) current(at place, f models.Facts, actor models.Actor) (models.Actor, error) {
	if f.Roles.Token != at.who.RolesToken() {
		return actor, deployments.MovedError{Head: f.Roles}
	}
	current, ok := at.who.Current(actor, s.Now())
	if !ok {
		return actor, models.Unauthenticated()
	}
	return current, nil
}
