package snapshots

import (
	"context"
	"crypto/sha256"
	"hash"
	"strconv"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// Past is a tenant's resolved values as they were at an instant, to the microsecond, read from Postgres. invalid at /at:
// the instant is still to come; not_found: the tenant is unknown or deleted, or was at that instant; forbidden: it is
// suspended today and the actor is an application. The caller has checked the actor's rights.
func (s *Service) Past(ctx context.Context, tenantID, environment string, at time.Time, inClear bool) (*Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	tenant, err := s.tenants.Get(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	switch tenant.Status {
	case models.TenantDeleted:
		return nil, models.NotFound("tenant")
	case models.TenantSuspended:
		if actor, _ := models.ActorFrom(ctx); !actor.Can(models.PermViewConfigs, tenantID, environment) {
			return nil, models.Forbidden("the tenant is suspended")
		}
	case models.TenantActive:
	}
	if err := s.CheckEnvironment(ctx, environment); err != nil {
		return nil, err
	}
	at = at.UTC().Truncate(time.Microsecond) // what Postgres keeps
	past, err := configs.LoadPast(ctx, s.db, configs.PastIn{Tenant: tenant, Environment: environment, At: at, Pointer: "/at"})
	if err != nil {
		return nil, err
	}
	made := &Snapshot{TenantID: tenantID, Environment: environment, At: &at}
	if err := s.show(ctx, made, past, inClear); err != nil {
		return nil, err
	}
	return made, nil
}

// show fills in a snapshot of the past.
func (s *Service) show(ctx context.Context, made *Snapshot, past *configs.Past, inClear bool) error {
	if inClear {
		err := past.Open(func(layer string, e configs.Entry) (models.Value, error) {
			r, _, err := s.opened(ctx, configs.Resolved{Entry: &e, Layer: layer})
			return r.Value, err
		})
		if err != nil {
			return err
		}
	}
	resolved := past.Resolve()
	identity := identify(made, resolved)
	got, err := s.readable(ctx, resolved, inClear)
	if err != nil {
		return err
	}
	s.metrics.unopened.Add(float64(got.unopened))
	s.finish(made, identity, inClear, got)
	return nil
}

// identify is a digest of the instant and of the versions that are laid over each other there: heads of the past are not
// known any more.
func identify(of *Snapshot, resolved []configs.Resolved) []byte {
	out := sha256.New()
	note(out, of.TenantID, of.Environment, of.At.Format(time.RFC3339Nano))
	for _, r := range resolved {
		note(out, r.Key, string(r.Type), strconv.FormatBool(r.Sensitive), r.Layer, strconv.FormatInt(r.Version, 10))
		for _, h := range r.Hides {
			note(out, h.Layer, strconv.FormatInt(h.Version, 10), string(h.Why))
		}
		note(out, "")
	}
	return out.Sum(nil)
}

// note adds texts that hold no NUL.
func note(out hash.Hash, texts ...string) {
	for _, t := range texts {
		out.Write([]byte(t + "\x00"))
	}
}
