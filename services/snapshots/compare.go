package snapshots

import (
	"context"
	"slices"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// CompareIn asks how two environments of a tenant or layer differ.
type CompareIn struct {
	TenantID string
	From, To string // environments
	Equal    bool   // keys with the same value as well
}

// Status is what becomes of a key on the way from one environment to the other.
type Status string

// The results of a comparison.
const (
	StatusAdded   Status = "added"   // it has a value in To only
	StatusRemoved Status = "removed" // it has a value in From only
	StatusChanged Status = "changed"
	StatusEqual   Status = "equal"
)

// Difference is one key in two environments. The status is true to sensitive values, too: it tells that they
// differ, never what they are.
type Difference struct {
	Key       string
	Type      models.ValueType
	Sensitive bool
	Status    Status
	From, To  models.Value // empty for none
	Masked    bool         // at least one of the two is

	FromLayer, ToLayer string // where the values are set
	ConfigID           string // of From, if the value is set on the tenant or layer that is looked at
	ToConfigID         string // of To, likewise

	FromVersion, ToVersion int64 // live versions of those configs; 0 for none
}

// Compare lays two environments side by side, by key. invalid at /from or /to: there is no such environment.
func (s *Service) Compare(ctx context.Context, in CompareIn) ([]Difference, error) {
	tenant, actor, err := s.viewed(ctx, in.TenantID)
	if err != nil {
		return nil, err
	}
	from, err := s.side(ctx, tenant, in.From, "/from", actor)
	if err != nil {
		return nil, err
	}
	to, err := s.side(ctx, tenant, in.To, "/to", actor)
	if err != nil {
		return nil, err
	}
	out := []Difference{}
	eachKey([]column{from, to}, func(key string, values []*configs.Resolved) {
		if status := statusOf(values[0], values[1]); in.Equal || status != StatusEqual {
			out = append(out, difference(key, status, []column{from, to}, values))
		}
	})
	return out, nil
}

// side is one of the two environments.
func (s *Service) side(ctx context.Context, tenant models.Tenant, environment, pointer string, actor models.Actor) (column, error) {
	all, err := s.environmentsNow(ctx)
	if err != nil {
		return column{}, err
	}
	if !slices.Contains(all, environment) {
		return column{}, models.Invalid(pointer, "there is no such environment")
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", tenant.ID, environment); err != nil {
		return column{}, err
	}
	return s.column(ctx, tenant, environment, actor)
}

func statusOf(from, to *configs.Resolved) Status {
	switch {
	case from == nil:
		return StatusAdded
	case to == nil:
		return StatusRemoved
	case differ(from, to):
		return StatusChanged
	default:
		return StatusEqual
	}
}

func difference(key string, status Status, columns []column, values []*configs.Resolved) Difference {
	d := Difference{Key: key, Status: status}
	d.Type, d.Sensitive = kindOf(values)
	if r, c := values[0], columns[0]; r != nil {
		d.From, d.FromLayer, d.ConfigID, d.Masked = c.shown(r), r.Layer, c.own(r), c.masked(r)
		d.FromVersion = c.ownVersion(r)
	}
	if r, c := values[1], columns[1]; r != nil {
		d.To, d.ToLayer, d.ToConfigID, d.Masked = c.shown(r), r.Layer, c.own(r), d.Masked || c.masked(r)
		d.ToVersion = c.ownVersion(r)
	}
	return d
}
