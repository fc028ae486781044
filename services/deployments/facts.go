package deployments

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// MovedError says that control data which a write relied on before its locks is older than this head: the
// caller notes the head, and locks again.
type MovedError struct{ Head models.Head }

func (m MovedError) Error() string {
	return "control data moved: " + m.Head.TenantID + "/" + m.Head.Environment
}

// The two statements read all that a change is checked against in one statement, after its locks. Keys and layers
// hold no comma, so they travel as one text each. Their start costs more than its run, and grows with every
// table named, so what only layers need is not in that of tenants.
const (
	factsOfTenant = factsHead + ofTenant + factsTail + `)`
	factsOfLayer  = factsHead + ofLayer + factsTail + belowLayer + `)`
)

const factsHead = `
WITH k AS (SELECT string_to_array(@keys, ',') AS keys, string_to_array(@chain, ',') AS chain),
     env AS (SELECT name, position FROM environments WHERE name = @environment),
     prior AS (SELECT e.name FROM environments e, env WHERE e.position < env.position ORDER BY e.position DESC LIMIT 1)
SELECT json_build_object(
  'at', clock_timestamp(),
  'environment', (SELECT name FROM env),
  'previous', (SELECT name FROM prior),
  'layer', (SELECT json_build_object('id', tenant_id, 'name', name, 'tier', tier, 'status', status)
            FROM tenants WHERE tenant_id = @own),
  'policies', (SELECT json_agg(p) FROM policies p WHERE p.environment = @environment AND (`

const factsTail = `)),
  'definitions', (SELECT json_agg(d) FROM definitions d
                  WHERE d.tenant_id = ANY ((SELECT chain FROM k)::text[]) AND d.key = ANY ((SELECT keys FROM k)::text[])),
  'live', (SELECT json_agg(json_build_object('environment', c.environment, 'key', c.key, 'id', c.id, 'last', c.last,
             'version', coalesce(c.live, 0), 'value', v.value, 'from', v.live_from, 'size', c.size, 'locked', c.locked))
           FROM configs c LEFT JOIN config_versions v
             ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
           WHERE c.tenant_id = @own AND c.environment IN (SELECT name FROM env UNION ALL SELECT name FROM prior)
             AND c.key = ANY ((SELECT keys FROM k)::text[])),
  'locks', (SELECT json_agg(json_build_object('key', c.key, 'layer', c.tenant_id)) FROM configs c
            WHERE c.tenant_id = ANY ((SELECT chain FROM k)::text[]) AND c.tenant_id <> @own AND c.environment = @environment
              AND c.key = ANY ((SELECT keys FROM k)::text[]) AND c.locked),
  'size', (SELECT json_build_object('keys', count(*), 'bytes', coalesce(sum(size), 0)) FROM configs
           WHERE tenant_id = @own AND environment = @environment AND live IS NOT NULL),
  'heads', (SELECT json_agg(json_build_object('tenant', tenant_id, 'environment', environment, 'revision', revision,
              'token', token, 'moved', moved_at)) FROM heads
            WHERE tenant_id IN (@own, '@platform') AND environment IN (@environment, '', 'roles'))`

// The parts of factsSQL in which tenants and layers differ.
const (
	ofTenant = `p.tenant_id = ANY ((SELECT chain FROM k)::text[])`
	ofLayer  = ofTenant + ` OR @own = '@platform' AND p.tenant_id IN (
                 SELECT l.tenant_id FROM tenants l WHERE l.tenant_id LIKE '@tier.%'
                   AND EXISTS (SELECT FROM tenants t WHERE t.tier = l.name AND t.status <> 'deleted'))`
	belowLayer = `,
  'below', (SELECT json_agg(DISTINCT jsonb_build_object('key', d.key, 'type', d.type)) FROM definitions d
            WHERE d.key = ANY ((SELECT keys FROM k)::text[]) AND d.tenant_id <> ALL ((SELECT chain FROM k)::text[])
              AND (@own = '@platform' OR d.tenant_id IN (
                SELECT t.tenant_id FROM tenants t JOIN tenants l ON l.name = t.tier WHERE l.tenant_id = @own)))`
)

// factsRow is the document of factsSQL.
type factsRow struct {
	At          time.Time
	Environment *string
	Previous    *string
	Layer       *struct{ ID, Name, Tier, Status string }
	Policies    []policyRow
	Definitions []definitionRow
	Below       []struct{ Key, Type string }
	Live        []liveRow
	Locks       []struct{ Key, Layer string }
	Size        struct{ Keys, Bytes int64 }
	Heads       []headRow
}

type headRow struct {
	Tenant, Environment, Token string
	Revision                   int64
	Moved                      time.Time
}

// head is one of the heads read; the zero row if there is none.
func (r factsRow) head(tenantID, environment string) headRow {
	for _, h := range r.Heads {
		if h.Tenant == tenantID && h.Environment == environment {
			return h
		}
	}
	return headRow{}
}

type policyRow struct {
	Tenant          string `json:"tenant_id"`
	Environment     string
	Stages          []models.Stage
	DefaultStrategy string        `json:"default_strategy"`
	Allowed         []string      `json:"allowed_strategies"`
	RequirePrevious bool          `json:"require_previous"`
	MinSoak         time.Duration `json:"min_soak"`   // seconds
	ExpiresIn       time.Duration `json:"expires_in"` // seconds
}

type definitionRow struct {
	Tenant      string `json:"tenant_id"`
	Key         string
	Type        models.ValueType
	Schema      string
	Description string
	Owner       string
	Tags        models.Tags
	Sensitive   bool
	Merge       models.Merge
	ExpiresAt   *time.Time `json:"expires_at"`
	Version     int64
}

// definition is what a layer says of a key; what a layer below calls a secret stays one.
func (d definitionRow) definition(secret bool) models.Definition {
	return models.Definition{
		TenantID: d.Tenant, Key: d.Key, Type: d.Type, Schema: d.Schema, Description: d.Description, Owner: d.Owner,
		Tags: d.Tags, Sensitive: d.Sensitive || secret, Merge: d.Merge, ExpiresAt: d.ExpiresAt, Version: d.Version,
	}
}

type liveRow struct {
	Environment, Key, ID string
	Last, Version, Size  int64
	Value                string
	From                 *time.Time
	Locked               bool
}

// Reading is one reading of the facts: its statements go to the database under the locks of the chain.
type Reading struct {
	chain          []string
	tier           string // the layer of the tier that the tenant is to move to
	document, wide string
	statements     []store.Statement
}

// Statements read the facts.
func (r *Reading) Statements() []store.Statement { return r.statements }

// Read prepares to read what a change of these keys is checked against.
func Read(chain []string, environment string, keys []string) *Reading {
	r := &Reading{chain: chain}
	sql := factsOfTenant
	if models.IsLayer(chain[len(chain)-1]) {
		sql = factsOfLayer
	}
	r.statements = []store.Statement{{
		SQL: sql,
		Args: map[string]any{
			"own": chain[len(chain)-1], "chain": strings.Join(chain, ","),
			"environment": environment, "keys": strings.Join(keys, ","),
		},
		Into: []any{&r.document},
	}}
	return r
}

// Facts are what was read. If the layer has another chain by now the error is a MovedError.
// invalid: no such environment.
func (r *Reading) Facts() (models.Facts, error) {
	var row factsRow
	if err := json.Unmarshal([]byte(r.document), &row); err != nil {
		return models.Facts{}, fmt.Errorf("read facts: %w", err)
	}
	f, err := row.facts(r.chain[len(r.chain)-1], r.chain)
	if err != nil {
		return f, err
	}
	return f, r.widen(&f)
}

// ReadFor prepares to read what that change is checked against.
func ReadFor(c *models.Change, chain []string) *Reading {
	keys := c.Keys()
	r := Read(chain, c.Environment, keys)
	if c.Reaches() {
		r.WithReach(keys, c.TierLayer())
	}
	return r
}

// Now reads in the transaction of the context, which holds the locks of the chain.
func (r *Reading) Now(ctx context.Context) (models.Facts, error) {
	if err := store.Send(ctx, r.statements...); err != nil {
		return models.Facts{}, err
	}
	return r.Facts()
}

func (r factsRow) facts(own string, chain []string) (models.Facts, error) {
	roles := r.head(models.Platform, models.HeadRoles)
	f := models.Facts{At: r.At.UTC(), Keys: r.Size.Keys, Bytes: r.Size.Bytes, Roles: models.Head{
		TenantID: models.Platform, Environment: models.HeadRoles, Revision: roles.Revision, Token: roles.Token,
	}}
	if r.Layer == nil || r.Layer.Status == string(models.TenantDeleted) {
		return f, models.NotFound("tenant")
	}
	f.Layer = models.Tenant{ID: own, Name: r.Layer.Name, Tier: r.Layer.Tier, Status: models.TenantStatus(r.Layer.Status)}
	if !slices.Equal(f.Layer.Chain(), chain) {
		return f, MovedError{models.Head{TenantID: own, Environment: models.HeadTenant, Revision: r.head(own, models.HeadTenant).Revision}}
	}
	if r.Environment == nil {
		return f, models.Invalid("/environment", "there is no such environment")
	}
	f.Environment = *r.Environment
	if r.Previous != nil {
		f.Previous = *r.Previous
	}
	f.At = instant(f.At, r.head(own, f.Environment).Moved)
	f.Policies = r.policies(own)
	r.keys(&f, chain)
	return f, nil
}

// policies are those of the heirs: for the platform its own and those of all tiers that have tenants, else
// the tier's if it has one, else the platform's.
func (r factsRow) policies(own string) []models.Policy {
	var out []models.Policy
	for _, p := range r.Policies {
		policy := models.Policy{
			TenantID: p.Tenant, Stages: p.Stages, DefaultStrategy: p.DefaultStrategy, AllowedStrategies: p.Allowed,
			RequirePrevious: p.RequirePrevious, MinSoak: p.MinSoak * time.Second, ExpiresIn: p.ExpiresIn * time.Second,
		}
		if p.Tenant == models.Platform {
			out = slices.Insert(out, 0, policy)
		} else {
			out = append(out, policy)
		}
	}
	if own != models.Platform && len(out) > 1 {
		return out[1:]
	}
	return out
}

func (r factsRow) keys(f *models.Facts, chain []string) {
	f.Definitions, f.Below = map[string]models.Definition{}, map[string][]models.ValueType{}
	f.Live, f.Before = map[string]models.Live{}, map[string]models.Live{}
	f.Locks = map[string]string{}
	for _, layer := range slices.Backward(chain) { // the topmost is written last and stays
		for _, d := range r.Definitions {
			if d.Tenant == layer {
				f.Definitions[d.Key] = d.definition(f.Definitions[d.Key].Sensitive)
			}
		}
		for _, lock := range r.Locks {
			if lock.Layer == layer {
				f.Locks[lock.Key] = layer
			}
		}
	}
	for _, b := range r.Below {
		f.Below[b.Key] = append(f.Below[b.Key], models.ValueType(b.Type))
	}
	for _, l := range r.Live {
		live := models.Live{ConfigID: l.ID, Last: l.Last, Version: l.Version, Value: models.Value(l.Value), Size: l.Size, Locked: l.Locked}
		if l.From != nil {
			live.LiveFrom = *l.From
		}
		if l.Environment == f.Environment {
			f.Live[l.Key] = live
		} else {
			f.Before[l.Key] = live
		}
	}
}
