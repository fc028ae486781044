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
	f, err := s.factsNow(ctx, &c)
	if err != nil {
		return out, err
	}
	c.Classify(f)
	out = Standing{Types: map[string]models.ValueType{}, Moved: map[string]Moved{}}
	for key, d := range f.Definitions {
		out.Types[key] = d.Type
	}
	hide := !actor.Can(models.PermReadSecrets, c.TenantID, c.Environment)
	for _, i := range c.Items {
		live := f.Live[i.Key]
		if live.Version == i.BaseVersion {
			continue
		}
		moved := Moved{Version: live.Version, Value: live.Value}
		if hide && i.Sensitive && live.Value != "" {
			moved.Value = models.Masked
		}
		out.Moved[i.Key] = moved
	}
	if len(out.Moved) > 0 {
		return out, nil // the rules are about what is live; they are looked at when the change is written anew
	}
	out.Problem = s.Deployments.Check(ctx, &c, f, ItemPointer)
	if _, ours := errors.AsType[*models.Error](out.Problem); out.Problem != nil && !ours {
		return out, out.Problem
	}
	return out, nil
}

// factsNow reads the facts of a change on one picture of the database.
func (s *Service) factsNow(ctx context.Context, c *models.Change) (f models.Facts, err error) {
	for range retries {
		tenant, err := s.Tenants.Get(ctx, c.TenantID)
		if err != nil {
			return f, err
		}
		err = s.DB.Snapshot(ctx, func(ctx context.Context, _ *gorm.DB) error {
			if err := store.Narrow(ctx, tenant.Chain()); err != nil {
				return err
			}
			f, err = deployments.Facts(ctx, tenant.Chain(), c.Environment, c.Keys())
			return err
		})
		moved, again := errors.AsType[deployments.MovedError](err)
		if !again {
			return f, err
		}
		s.Tenants.Raise([]models.Head{moved.Head})
	}
	return f, models.Unavailable("the tenant is being changed", time.Second)
}
