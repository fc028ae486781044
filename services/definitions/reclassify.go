package definitions

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
)

// maxReclassified bounds the different values that one definition seals or opens.
const maxReclassified = 20_000

// reclassify seals all that is stored of a key which becomes a secret, on the layer and below: values of versions, and
// those of changes. Of a key that is none any more it opens them. What the audit log says stays as it was said.
// invalid: it would be more than 20,000 values; secrets.NotReadyError.
func (s *Service) reclassify(ctx context.Context, tx *gorm.DB, layer models.Tenant, d models.Definition) error {
	rows, err := everStored(tx, layer, d.Key)
	if err != nil || len(rows) == 0 {
		return err
	}
	if len(rows) > maxReclassified {
		return models.Invalid("/sensitive", "more than 20,000 values are stored of this key")
	}
	texts, sealed, err := s.turn(d, rows)
	if err != nil || len(texts) == 0 { // all have the form already
		return err
	}
	for tenantID, rows := range sealed {
		if err := store.Send(ctx, secrets.Insert(tenantID, rows)); err != nil {
			return err
		}
	}
	return rewrite(ctx, tx, d.Key, texts)
}

// everStored are the different texts stored of a key on the layer and below, now and before.
func everStored(tx *gorm.DB, layer models.Tenant, key string) (rows []stored, err error) {
	within := func(q *gorm.DB, column string) *gorm.DB {
		return tx.Raw("? UNION ?", q.Session(&gorm.Session{}).Where(column+" = ?", layer.ID), Below(q.Session(&gorm.Session{}), column, layer))
	}
	versions := within(tx.Table("configs c").Select("c.tenant_id, v.value").
		Joins("JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id").Where("c.key = ?", key), "c.tenant_id")
	item := func(column string) *gorm.DB {
		return within(tx.Table("change_items i").Select("i.tenant_id, i."+column+" AS value").
			Where("i.key = ? AND i.op <> 'define' AND i."+column+" IS NOT NULL", key), "i.tenant_id")
	}
	return rows, tx.Raw(`
		SELECT v.tenant_id, v.value, 1 AS count, `+ciphertext+` FROM (? UNION ? UNION ?) v`,
		key, versions, item("value"), item("previous")).Scan(&rows).Error
}

// turned is a stored text and the one that takes its place.
type turned struct {
	TenantID string `json:"tenant_id"`
	Before   string `json:"before"`
	After    string `json:"after"`
}

// turn seals the values of a secret, or opens those of a key that is none.
func (s *Service) turn(d models.Definition, rows []stored) (texts []turned, sealed map[string][]secrets.Row, err error) {
	sealed = map[string][]secrets.Row{}
	err = s.opened(d.Key, rows, func(r stored, clear models.Value) error {
		if r.Value.IsSealed() == d.Sensitive {
			return nil
		}
		after := clear
		if d.Sensitive {
			text, row, err := s.secrets.Seal(r.TenantID, d.Key, models.NewSecret(clear))
			if err != nil {
				return err
			}
			after, sealed[r.TenantID] = text, append(sealed[r.TenantID], row)
		}
		texts = append(texts, turned{r.TenantID, string(r.Value), string(after)})
		return nil
	})
	return texts, sealed, err
}

// rewrite puts the other texts in place, and moves the heads of all layers that it touched.
func rewrite(ctx context.Context, tx *gorm.DB, key string, texts []turned) error {
	document, err := json.Marshal(texts)
	if err != nil {
		return fmt.Errorf("write values: %w", err)
	}
	const turns = `jsonb_to_recordset(CAST(? AS jsonb)) AS m(tenant_id text, before text, after text)`
	for _, sql := range []string{
		`UPDATE config_versions v SET value = m.after FROM configs c, ` + turns + `
			WHERE c.key = ? AND c.tenant_id = m.tenant_id AND v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.value = m.before`,
		`UPDATE change_items i SET value = m.after, sensitive = true FROM ` + turns + `
			WHERE i.key = ? AND i.tenant_id = m.tenant_id AND i.value = m.before`,
		`UPDATE change_items i SET previous = m.after, sensitive = true FROM ` + turns + `
			WHERE i.key = ? AND i.tenant_id = m.tenant_id AND i.previous = m.before`,
	} {
		args := []any{string(document), key}
		if err := tx.Exec(sql, args...).Error; err != nil {
			return err
		}
	}
	return moveTouched(ctx, tx, key, texts)
}

func moveTouched(ctx context.Context, tx *gorm.DB, key string, texts []turned) error {
	layers := map[string]bool{}
	for _, t := range texts {
		layers[t.TenantID] = true
	}
	var heads []models.Head
	err := tx.Raw(`
		UPDATE heads h SET revision = h.revision + 1, token = gen_random_uuid(), xid = pg_current_xact_id(), moved_at = clock_timestamp()
		FROM (SELECT DISTINCT c.tenant_id, c.environment FROM configs c
		      JOIN unnest(string_to_array(?, ',')) AS m(tenant_id) ON m.tenant_id = c.tenant_id WHERE c.key = ?) t
		WHERE h.tenant_id = t.tenant_id AND h.environment = t.environment
		RETURNING h.tenant_id, h.environment, h.revision, h.token`,
		strings.Join(slices.Sorted(maps.Keys(layers)), ","), key).Scan(&heads).Error
	store.Moved(ctx, heads...)
	return err
}
