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
    base bigint, next bigint, size bigint, locked boolean, type text, description text, schema text, owner text, tags text,
    sensitive boolean, merge text, expires timestamptz)
), defined AS (
  INSERT INTO definitions (tenant_id, key, type, schema, description, owner, tags, sensitive, merge, expires_at, created_at, updated_at)
  SELECT @own, key, type, schema, description, owner, tags, sensitive, merge, expires, @at, @at FROM item WHERE type <> ''
), defined_versions AS (
  INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, owner, tags, sensitive, merge, expires_at, author, change_id, live_from)
  SELECT @own, key, 1, type, schema, description, owner, tags, sensitive, merge, expires, @author, @change, @at FROM item WHERE type <> ''
), made AS (
  INSERT INTO configs (tenant_id, id, environment, key, last, live, size, locked, created_at)
  SELECT @own, config, @environment, key, next, next, size, locked, @at FROM item WHERE fresh
), moved AS (
  UPDATE configs c SET last = i.next, live = CASE WHEN i.op <> 'delete' THEN i.next END, size = i.size, locked = i.locked
  FROM item i WHERE c.tenant_id = @own AND c.id = i.config AND NOT i.fresh AND c.id = ANY (ARRAY(SELECT config FROM item))
), ended AS (
  UPDATE config_versions v SET live_to = @at
  FROM item i WHERE v.tenant_id = @own AND v.config_id = i.config AND v.version = i.base
    AND v.live_to IS NULL AND v.config_id = ANY (ARRAY(SELECT config FROM item))
), written AS (
  INSERT INTO config_versions (tenant_id, config_id, version, value, locked, change_id, author, live_from)
  SELECT @own, config, next, value, locked, @change, @author, @at FROM item WHERE op <> 'delete'
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
	Locked      bool             `json:"locked"`
	Type        models.ValueType `json:"type"` // with all that follows: the definition made; empty for none
	Description string           `json:"description"`
	Schema      string           `json:"schema"`
	Owner       string           `json:"owner"`
	Tags        models.Tags      `json:"tags"`
	Sensitive   bool             `json:"sensitive"`
	Merge       models.Merge     `json:"merge"`
	Expires     *time.Time       `json:"expires"`
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

// rows are the items that write values; definitions, tiers and statuses are written before.
func rows(c *models.Change, f models.Facts) []itemRow {
	out := []itemRow{}
	for n := range c.Items {
		if i := &c.Items[n]; !i.Op.Reaches() {
			out = append(out, row(i, f))
		}
	}
	return out
}

func row(i *models.Item, f models.Facts) itemRow {
	live, known := f.Live[i.Key]
	out := itemRow{
		Key: i.Key, Op: i.Op, Value: string(i.Value), Config: i.ConfigID, Fresh: !known,
		Base: i.BaseVersion, Next: live.Last, Size: len(i.Value), Locked: i.NextLock(live),
	}
	if i.Op != models.OpDelete {
		out.Next++
	}
	if i.Makes(f) {
		d := i.Defines.On(models.Definition{})
		out.Type, out.Description, out.Schema, out.Owner, out.Tags = d.Type, d.Description, d.Schema, d.Owner, d.Tags
		out.Sensitive, out.Merge, out.Expires = d.Sensitive, d.Merge, d.ExpiresAt
	}
	return out
}
