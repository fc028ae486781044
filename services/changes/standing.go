package changes

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/store"
)

// Standing is how a change stands against what is live at this moment.
type Standing struct {
	Types   map[string]models.ValueType // of the keys that are defined
	Moved   map[string]Moved            // by key: what is live is no longer what the change was written against
	Problem error                       // what else would keep the change from being applied now; nil: nothing
}

// Moved is what is live of a key now.
type Moved struct {
	Version int64        // 0: nothing is
	Value   models.Value // models.Masked where it is due
}

// Standing looks how a change stands, without a lock: applying it looks again. What it finds is of use while the
// change waits. not_found and forbidden as Get.
func (s *Service) Standing(ctx context.Context, id string) (out Standing, err error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return out, err
	}
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermViewChanges, "change", c.TenantID, c.Environment); err != nil {
		return out, err
	}
	f, problem, err := s.factsNow(ctx, &c)
	if err != nil {
		return out, err
	}
	c.Classify(f)
	out = Standing{Types: map[string]models.ValueType{}, Moved: map[string]Moved{}}
	for key, d := range f.Definitions {
		out.Types[key] = d.Type
	}
	for _, i := range c.Items {
		live := f.Live[i.Key]
		if i.Op.Reaches() || live.Version == i.BaseVersion {
			continue
		}
		moved := Moved{Version: live.Version, Value: live.Value}
		if i.Sensitive && live.Value != "" {
			moved.Value = models.Masked
		}
		out.Moved[i.Key] = moved
	}
	if len(out.Moved) > 0 {
		return out, nil // the rules are about what is live; they are looked at when the change is written anew
	}
	out.Problem = problem
	return out, nil
}

// factsNow reads the facts of a change on one picture of the database, and what would keep it from being applied on it.
func (s *Service) factsNow(ctx context.Context, c *models.Change) (f models.Facts, problem, err error) {
	err = s.glance(ctx, c.TenantID, func(ctx context.Context, tx *gorm.DB, chain []string) error {
		f, problem, err = s.look(ctx, tx, chain, c)
		return err
	})
	return f, problem, err
}

// glance runs fn on one unmoving picture of the database, without a lock, with the chain that the tenant has on it.
func (s *Service) glance(ctx context.Context, tenantID string, fn func(ctx context.Context, tx *gorm.DB, chain []string) error) error {
	for range retries {
		tenant, err := s.Tenants.Get(ctx, tenantID)
		if err != nil {
			return err
		}
		err = s.Secrets.Retry(ctx, func() error {
			return s.DB.Snapshot(ctx, func(ctx context.Context, tx *gorm.DB) error { return fn(ctx, tx, tenant.Chain()) })
		})
		moved, again := errors.AsType[deployments.MovedError](err)
		if !again {
			return err
		}
		s.Tenants.Raise([]models.Head{moved.Head})
	}
	return models.Unavailable("the tenant is being changed", time.Second)
}

// look reads the facts and checks the change on them. A problem is what the caller of an approval would be told.
func (s *Service) look(ctx context.Context, tx *gorm.DB, chain []string, c *models.Change) (f models.Facts, problem, err error) {
	if err := store.Narrow(ctx, with(chain, c.TierLayer())); err != nil {
		return f, nil, err
	}
	if f, err = deployments.ReadFor(c, chain).Now(ctx); err != nil {
		return f, nil, err
	}
	if err := s.open(ctx, c); err != nil {
		return f, nil, err
	}
	problem = s.Deployments.Check(ctx, tx, c, f, ItemPointer)
	if _, ours := errors.AsType[*models.Error](problem); problem != nil && !ours {
		return f, nil, problem
	}
	return f, problem, nil
}
