package changes

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// saveSQL writes a change with its items and decisions in one statement, whether it is new or not.
const saveSQL = `
WITH item AS (
  SELECT * FROM jsonb_to_recordset(CAST(@items AS jsonb)) AS x(position integer, key text, op text, value text, previous text,
    base bigint, config uuid, defines text, definition bigint, sensitive boolean, locked boolean)
), decision AS (
  SELECT * FROM jsonb_to_recordset(CAST(@decisions AS jsonb)) AS x(id uuid, stage text, person uuid, verdict text, digest text,
    comment text, at timestamptz, voided text)
), saved AS (
  INSERT INTO changes AS c (tenant_id, id, environment, title, reason, origin, author, editors, responsible, status, digest,
    strategy, always_review, stages, created_at, updated_at, expires_at, rolls_back)
  VALUES (@tenant, @id, @environment, @title, @reason, @origin, @author,
    ARRAY(SELECT jsonb_array_elements_text(CAST(@editors AS jsonb))),
    ARRAY(SELECT jsonb_array_elements_text(CAST(@responsible AS jsonb))::uuid),
    @status, @digest, @strategy, @always, CAST(@stages AS jsonb), @created, @at, @expires, CAST(@rolls AS uuid))
  ON CONFLICT (tenant_id, id) DO UPDATE SET title = excluded.title, reason = excluded.reason, editors = excluded.editors,
    responsible = excluded.responsible, status = excluded.status, digest = excluded.digest, strategy = excluded.strategy,
    always_review = excluded.always_review, stages = excluded.stages, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at, version = c.version + 1
  RETURNING c.version
), items AS (
  INSERT INTO change_items (tenant_id, change_id, position, key, op, value, previous, base_version, config_id, defines, definition, sensitive, locked)
  SELECT @tenant, @id, position, key, op, value, previous, base, config, defines, definition, sensitive, locked FROM item
  ON CONFLICT (tenant_id, change_id, position) DO NOTHING
), decided AS (
  INSERT INTO decisions (tenant_id, id, change_id, stage, person_id, decision, digest, comment, at, voided)
  SELECT @tenant, id, @id, stage, person, verdict, digest, comment, at, voided FROM decision
  ON CONFLICT (tenant_id, id) DO UPDATE SET voided = excluded.voided
)
SELECT version FROM saved`

// itemRow is an item as saveSQL takes it and loadSQL gives it; absent texts are null.
type itemRow struct {
	Position   int       `json:"position"`
	Key        string    `json:"key"`
	Op         models.Op `json:"op"`
	Value      *string   `json:"value"`
	Previous   *string   `json:"previous"`
	Base       int64     `json:"base"`
	Config     string    `json:"config"`
	Defines    *string   `json:"defines"`
	Definition int64     `json:"definition"`
	Sensitive  bool      `json:"sensitive"`
	Locked     *bool     `json:"locked"`
}

type decisionRow struct {
	ID      string         `json:"id"`
	Stage   string         `json:"stage"`
	Person  string         `json:"person"`
	Verdict models.Verdict `json:"verdict"`
	Digest  string         `json:"digest"`
	Comment string         `json:"comment"`
	At      time.Time      `json:"at"`
	Voided  string         `json:"voided"`
}

// save writes the change as it is now. The items of a saved change stay as they are: see replaceItems.
func save(c *models.Change, at time.Time) (store.Statement, error) {
	args := map[string]any{
		"tenant": c.TenantID, "id": c.ID, "environment": c.Environment, "title": c.Title, "reason": c.Reason,
		"origin": c.Origin, "author": c.Author.String(), "status": string(c.Status), "digest": c.Digest,
		"always": c.AlwaysReview, "created": c.CreatedAt, "at": at, "expires": c.ExpiresAt,
		"rolls": optional(c.RollsBack),
	}
	c.UpdatedAt = at
	parts := map[string]any{
		"items": itemRows(c), "decisions": decisionRows(c), "editors": refs(c.Editors),
		"responsible": append([]string{}, c.Responsible...), "strategy": c.Strategy,
		"stages": append([]models.Stage{}, c.Stages...),
	}
	for name, part := range parts {
		text, err := json.Marshal(part)
		if err != nil {
			return store.Statement{}, fmt.Errorf("write change: %w", err)
		}
		args[name] = string(text)
	}
	return store.Statement{SQL: saveSQL, Args: args, Into: []any{&c.Version}}, nil
}

// replaceItems makes room for other items of an edited change.
func replaceItems(tx *gorm.DB, c *models.Change) error {
	return tx.Exec(`DELETE FROM change_items WHERE tenant_id = ? AND change_id = ?`, c.TenantID, c.ID).Error
}

func itemRows(c *models.Change) []itemRow {
	out := make([]itemRow, len(c.Items))
	for n, i := range c.Items {
		out[n] = itemRow{
			Position: n, Key: i.Key, Op: i.Op, Value: optional(string(i.Value)), Previous: optional(string(i.Previous)),
			Base: i.BaseVersion, Config: i.ConfigID, Definition: i.Definition, Sensitive: i.Sensitive, Locked: i.Locked,
		}
		if i.Defines != nil {
			text, _ := json.Marshal(i.Defines) // texts, a flag and a time: cannot fail
			out[n].Defines = optional(string(text))
		}
	}
	return out
}

func decisionRows(c *models.Change) []decisionRow {
	out := make([]decisionRow, len(c.Decisions))
	for n, d := range c.Decisions {
		out[n] = decisionRow{d.ID, d.Stage, d.Person.ID, d.Verdict, d.Digest, d.Comment, d.At, d.Voided}
	}
	return out
}

func refs(actors []models.ActorRef) []string {
	out := make([]string, len(actors))
	for i, a := range actors {
		out[i] = a.String()
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
