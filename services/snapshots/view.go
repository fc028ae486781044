package snapshots

import (
	"context"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// viewed is the tenant or layer that somebody looks at, who may view its configs. Unlike applications, people
// still see one that is suspended; one that is deleted is not_found.
func (s *Service) viewed(ctx context.Context, tenantID string) (models.Tenant, models.Actor, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Tenant{}, actor, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", tenantID, ""); err != nil {
		return models.Tenant{}, actor, err
	}
	tenant, err := s.tenants.Get(ctx, tenantID)
	if err == nil && tenant.Status == models.TenantDeleted {
		err = models.NotFound("tenant")
	}
	return tenant, actor, err
}

// column is what a tenant's keys come to in one environment, with sensitive values as they are stored: whoever shows one
// masks it.
type column struct {
	tenantID    string
	environment string
	values      []configs.Resolved // by key
}

// instant is when to look at something: nil for now. The pointer is what is invalid while it is still to come.
type instant struct {
	at      *time.Time
	pointer string
}

// column resolves anew, from the layer sets in memory or, for an instant, from Postgres.
func (s *Service) column(ctx context.Context, tenant models.Tenant, environment string, when instant) (column, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	values, err := s.resolved(ctx, tenant, environment, when)
	if err != nil {
		return column{}, err
	}
	return column{tenantID: tenant.ID, environment: environment, values: values}, nil
}

func (s *Service) resolved(ctx context.Context, tenant models.Tenant, environment string, when instant) ([]configs.Resolved, error) {
	if when.at == nil {
		sets, err := s.setsOf(ctx, s.chain(tenant, environment))
		return configs.Resolve(sets), err
	}
	past, err := configs.LoadPast(ctx, s.db, configs.PastIn{
		Tenant: tenant, Environment: environment, At: *when.at, Pointer: when.pointer,
	})
	if err != nil {
		return nil, err
	}
	return past.Resolve(), nil
}

// shown is the value as it may be seen: nobody who looks at configs sees secrets.
func shown(r *configs.Resolved) models.Value {
	if r.Sensitive {
		return models.Masked
	}
	return r.Value
}

// own is the id of the config of this very layer, empty if the value is another layer's.
func (c column) own(r *configs.Resolved) string {
	if r.Layer != c.tenantID {
		return ""
	}
	return r.ConfigID
}

// ownVersion is the live version of the config of this very layer, 0 if the value is another layer's.
func (c column) ownVersion(r *configs.Resolved) int64 {
	if r.Layer != c.tenantID {
		return 0
	}
	return r.Version
}

// eachKey walks the columns in step: every key that any of them has, in order, with its value in each column,
// nil where it has none. The slice is reused.
func eachKey(columns []column, visit func(key string, values []*configs.Resolved)) {
	next := make([]int, len(columns))
	values := make([]*configs.Resolved, len(columns))
	for {
		key, any := "", false
		for i, c := range columns {
			if next[i] < len(c.values) && (!any || c.values[next[i]].Key < key) {
				key, any = c.values[next[i]].Key, true
			}
		}
		if !any {
			return
		}
		for i, c := range columns {
			values[i] = nil
			if next[i] < len(c.values) && c.values[next[i]].Key == key {
				values[i] = &c.values[next[i]]
				next[i]++
			}
		}
		visit(key, values)
	}
}

// kindOf is the type of a key, and whether it is a secret, of its values in several environments. Types differ
// only where nothing defines the key; then it is the first one.
func kindOf(values []*configs.Resolved) (t models.ValueType, sensitive bool) {
	for _, r := range values {
		if r == nil {
			continue
		}
		if t == "" {
			t = r.Type
		}
		sensitive = sensitive || r.Sensitive
	}
	return t, sensitive
}
