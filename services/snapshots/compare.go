package snapshots

import (
	"context"
	"slices"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// CompareIn asks how two resolved sets of values differ: of two environments, tenants or instants, or any mix of them.
type CompareIn struct {
	TenantID     string
	ToTenantID   string     // empty for the same
	From, To     string     // environments
	FromAt, ToAt *time.Time // nil for now
	Equal        bool       // keys with the same value as well
}

// Status is what becomes of a key on the way from one side to the other.
type Status string

// The results of a comparison.
const (
	StatusAdded   Status = "added"   // it has a value in To only
	StatusRemoved Status = "removed" // it has a value in From only
	StatusChanged Status = "changed"
	StatusEqual   Status = "equal"
)

// Difference is one key on two sides. The status is true to sensitive values, too: it tells that they
// differ, never what they are.
type Difference struct {
	Key       string
	Type      models.ValueType
	Sensitive bool
	Status    Status
	From, To  models.Value // empty for none
	Masked    bool         // at least one of the two is

	FromLayer, ToLayer string // where the values are set
	ConfigID           string // of From, if the value is set on the tenant or layer of that side
	ToConfigID         string // of To, likewise

	FromVersion, ToVersion int64 // live versions of those configs; 0 for none
}

// Compare lays two environments, of one tenant or of two, now or at instants, side by side, by key. invalid at /from or
// /to: there is no such environment; at /fromAt or /toAt: the instant is still to come. not_found: a tenant that the
// actor does not see, or that was not there at the instant.
func (s *Service) Compare(ctx context.Context, in CompareIn) ([]Difference, error) {
	if in.ToTenantID == "" {
		in.ToTenantID = in.TenantID
	}
	from, err := s.side(ctx, in.TenantID, in.From, "/from", instant{in.FromAt, "/fromAt"})
	if err != nil {
		return nil, err
	}
	to, err := s.side(ctx, in.ToTenantID, in.To, "/to", instant{in.ToAt, "/toAt"})
	if err != nil {
		return nil, err
	}
	out := []Difference{}
	eachKey([]column{from, to}, func(key string, values []*configs.Resolved) {
		if status := s.statusOf(ctx, values[0], values[1]); in.Equal || status != StatusEqual {
			out = append(out, difference(key, status, []column{from, to}, values))
		}
	})
	return out, nil
}

// side is one of the two.
func (s *Service) side(ctx context.Context, tenantID, environment, pointer string, when instant) (column, error) {
	tenant, actor, err := s.viewed(ctx, tenantID)
	if err != nil {
		return column{}, err
	}
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
	return s.column(ctx, tenant, environment, when)
}

func (s *Service) statusOf(ctx context.Context, from, to *configs.Resolved) Status {
	switch {
	case from == nil:
		return StatusAdded
	case to == nil:
		return StatusRemoved
	case s.differ(ctx, from, to):
		return StatusChanged
	default:
		return StatusEqual
	}
}

func difference(key string, status Status, columns []column, values []*configs.Resolved) Difference {
	d := Difference{Key: key, Status: status}
	d.Type, d.Sensitive = kindOf(values)
	if r, c := values[0], columns[0]; r != nil {
		d.From, d.FromLayer, d.ConfigID, d.Masked = shown(r), r.Layer, c.own(r), r.Sensitive
		d.FromVersion = c.ownVersion(r)
	}
	if r, c := values[1], columns[1]; r != nil {
		d.To, d.ToLayer, d.ToConfigID, d.Masked = shown(r), r.Layer, c.own(r), d.Masked || r.Sensitive
		d.ToVersion = c.ownVersion(r)
	}
	return d
}
