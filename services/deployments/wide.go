package deployments

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// wideSQL reads what definitions, tiers and statuses are checked against besides: they hold in all environments.
const wideSQL = `
WITH k AS (SELECT string_to_array(@keys, ',') AS keys, string_to_array(@layers, ',') AS layers)
SELECT json_build_object(
  'environments', (SELECT json_agg(name ORDER BY position, name) FROM environments),
  'policies', (SELECT json_agg(p) FROM policies p
               WHERE p.tenant_id = ANY ((SELECT layers FROM k)::text[]) OR @own = '@platform' AND p.tenant_id IN (
                 SELECT l.tenant_id FROM tenants l WHERE l.tenant_id LIKE '@tier.%'
                   AND EXISTS (SELECT FROM tenants t WHERE t.tier = l.name AND t.status <> 'deleted'))),
  'live', (SELECT json_agg(DISTINCT jsonb_build_object('key', c.key, 'environment', c.environment)) FROM configs c
           WHERE c.key = ANY ((SELECT keys FROM k)::text[]) AND c.live IS NOT NULL AND (c.tenant_id = @own OR @own = '@platform'
             OR c.tenant_id IN (SELECT t.tenant_id FROM tenants t JOIN tenants l ON l.name = t.tier WHERE l.tenant_id = @own))),
  'moved', (SELECT max(moved_at) FROM heads WHERE tenant_id = @own))`

// wideRow is the document of wideSQL.
type wideRow struct {
	Environments []string
	Policies     []policyRow
	Live         []struct{ Key, Environment string }
	Moved        time.Time
}

// WithReach prepares to read as well what a change is checked against that reaches over all environments; tier is the
// layer of the tier that the tenant is to move to, empty for none.
func (r *Reading) WithReach(keys []string, tier string) *Reading {
	layers := slices.Clone(r.chain)
	if tier != "" {
		layers = append(layers, tier)
	}
	r.tier, r.statements = tier, append(r.statements, store.Statement{
		SQL: wideSQL,
		Args: map[string]any{
			"own": r.chain[len(r.chain)-1], "keys": strings.Join(keys, ","), "layers": strings.Join(layers, ","),
		},
		Into: []any{&r.wide},
	})
	return r
}

// widen adds what WithReach has read.
func (r *Reading) widen(f *models.Facts) error {
	if r.wide == "" {
		return nil
	}
	var row wideRow
	if err := json.Unmarshal([]byte(r.wide), &row); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	f.At = instant(f.At, row.Moved)
	f.Wide = &models.Wide{Environments: row.Environments, Policies: map[string][]models.Policy{}, Live: map[string][]string{}}
	for _, environment := range row.Environments {
		f.Wide.Policies[environment] = row.heirs(environment, r.chain, r.tier)
		for _, live := range row.Live {
			if live.Environment == environment {
				f.Wide.Live[live.Key] = append(f.Wide.Live[live.Key], environment)
			}
		}
	}
	return nil
}

// heirs are the policies of an environment for the kinds of heirs: see factsRow.policies. A tenant on its way to
// another tier is of both.
func (r wideRow) heirs(environment string, chain []string, tier string) []models.Policy {
	of := func(tier string) []models.Policy {
		var rows factsRow
		for _, p := range r.Policies {
			if p.Environment == environment && (chain[len(chain)-1] == models.Platform || p.Tenant == models.Platform || p.Tenant == tier) {
				rows.Policies = append(rows.Policies, p)
			}
		}
		return rows.policies(chain[len(chain)-1])
	}
	own := ""
	if len(chain) > 1 {
		own = chain[1]
	}
	out := of(own)
	if tier != "" {
		out = append(out, of(tier)...)
	}
	return out
}
