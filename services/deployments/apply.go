package deployments

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// applySQL writes all of a direct deployment in one statement: definitions that first values make, configs,
// the end of the versions replaced, the versions, the deployment and, last, the head. The ids are named as an array
// as well as joined: for a join with a set of unknown size alone Postgres reads all that the tenant has.
const applySQL = `
WITH item AS (
  SELECT * FROM jsonb_to_recordset(CAST(@items AS jsonb)) AS x(key text, op text, value text, config uuid, fresh boolean,
    base bigint, next bigint, size bigint, type text, description text)
), defined AS (
  INSERT INTO definitions (tenant_id, key, type, description, created_at, updated_at)
  SELECT @own, key, type, description, @at, @at FROM item WHERE type <> ''
), defined_versions AS (
  INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, change_id, live_from)
  SELECT @own, key, 1, type, '', description, false, @author, @change, @at FROM item WHERE type <> ''
), made AS (
  INSERT INTO configs (tenant_id, id, environment, key, last, live, size, created_at)
  SELECT @own, config, @environment, key, next, next, size, @at FROM item WHERE fresh
), moved AS (
  UPDATE configs c SET last = i.next, live = CASE i.op WHEN 'set' THEN i.next END, size = i.size
  FROM item i WHERE c.tenant_id = @own AND c.id = i.config AND NOT i.fresh AND c.id = ANY (ARRAY(SELECT config FROM item))
), ended AS (
  UPDATE config_versions v SET live_to = @at
  FROM item i WHERE v.tenant_id = @own AND v.config_id = i.config AND v.version = i.base
    AND v.live_to IS NULL AND v.config_id = ANY (ARRAY(SELECT config FROM item))
), written AS (
  INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from)
  SELECT @own, config, next, value, @change, @author, @at FROM item WHERE op = 'set'
), deployed AS (
  INSERT INTO deployments (tenant_id, id, change_id, environment, strategy, status, step, percent, started_at, ended_at)
  VALUES (@own, @deployment, @change, @environment, @strategy, 'succeeded', 1, 100, @at, @at)
)
INSERT INTO heads AS h (tenant_id, environment, moved_at) VALUES (@own, @environment, @at)
ON CONFLICT (tenant_id, environment) DO UPDATE
SET revision = h.revision + 1, token = gen_random_uuid(), xid = pg_current_xact_id(), moved_at = @at
RETURNING revision, token`

// itemRow is one item as applySQL takes it.
type itemRow struct {
	Key         string           `json:"key"`
	Op          models.Op        `json:"op"`
	Value       string           `json:"value"`
	Config      string           `json:"config"`
	Fresh       bool             `json:"fresh"` // the key never had a value here
	Base        int64            `json:"base"`
	Next        int64            `json:"next"` // number of the newest version afterwards
	Size        int              `json:"size"`
	Type        models.ValueType `json:"type"` // with Description: the definition made; empty for none
	Description string           `json:"description"`
}

func apply(ctx context.Context, c *models.Change, f models.Facts) (store.Statement, error) {
	items, err := json.Marshal(rows(c, f))
	if err != nil {
		return store.Statement{}, fmt.Errorf("write items: %w", err)
	}
	strategy, err := json.Marshal(c.Strategy)
	if err != nil {
		return store.Statement{}, fmt.Errorf("write strategy: %w", err)
	}
	head := &models.Head{TenantID: c.TenantID, Environment: c.Environment}
	return store.Statement{
		SQL: applySQL,
		Args: map[string]any{
			"items": string(items), "own": c.TenantID, "environment": c.Environment, "change": c.ID,
			"author": c.Author.String(), "deployment": c.DeploymentID, "strategy": string(strategy),
			"at": f.At.Truncate(time.Microsecond),
		},
		Into: []any{&head.Revision, &head.Token},
		Then: func() { store.Moved(ctx, *head) },
	}, nil
}

func rows(c *models.Change, f models.Facts) []itemRow {
	out := make([]itemRow, len(c.Items))
	for n, i := range c.Items {
		live, known := f.Live[i.Key]
		row := itemRow{
			Key: i.Key, Op: i.Op, Value: string(i.Value), Config: i.ConfigID, Fresh: !known,
			Base: i.BaseVersion, Next: live.Last, Size: len(i.Value),
		}
		if i.Op == models.OpSet {
			row.Next++
		}
		if i.Makes(f) {
			row.Type, row.Description = i.Defines.Type, i.Defines.Description
		}
		out[n] = row
	}
	return out
}
