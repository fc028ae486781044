package definitions

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/secrets"
)

// unknownAbove makes sure that no layer of the chain defines the key: conflict if the layer itself does,
// invalid if one above does.
func unknownAbove(tx *gorm.DB, layer models.Tenant, key string) error {
	var holders []string
	err := tx.Raw(`SELECT tenant_id FROM definitions WHERE tenant_id IN ? AND key = ?`, layer.Chain(), key).Scan(&holders).Error
	switch {
	case err != nil:
		return err
	case slices.Contains(holders, layer.ID):
		return models.Conflict("the layer defines this key already")
	case len(holders) > 0:
		return models.Invalid("/key", "the layer "+holders[0]+" defines this key")
	default:
		return nil
	}
}

// Below confines a query over rows with a tenant_id to the layers below; a tenant has none.
func Below(q *gorm.DB, column string, layer models.Tenant) *gorm.DB {
	switch {
	case layer.ID == models.Platform:
		return q.Where(column+" <> ?", layer.ID)
	case models.IsLayer(layer.ID):
		return q.Where(column+" IN (SELECT t.tenant_id FROM tenants t WHERE t.tier = ?)", layer.Name)
	default:
		return q.Where("false")
	}
}

// agreesBelow makes sure that a definition contradicts no other below: one of another type, one that is sensitive where
// it is not, and, if it is new, one whose values it would no longer merge.
func agreesBelow(tx *gorm.DB, layer models.Tenant, w Write) error {
	var found struct{ Other, Secret, Deep int }
	d := w.Definition
	q := tx.Table("definitions d").Select(`count(*) FILTER (WHERE d.type <> ?) AS other, count(*) FILTER (WHERE d.sensitive) AS secret,
		count(*) FILTER (WHERE d.merge = 'deep') AS deep`, d.Type).Where("d.key = ?", d.Key)
	if err := Below(q, "d.tenant_id", layer).Scan(&found).Error; err != nil {
		return err
	}
	switch {
	case found.Other > 0:
		return models.Invalid("/type", fmt.Sprintf("%d layers below define this key with another type", found.Other))
	case found.Secret > 0 && !d.Sensitive:
		return models.Invalid("/sensitive", fmt.Sprintf("%d layers below define this key as sensitive", found.Secret))
	case found.Deep > 0 && d.Merge != models.MergeDeep && w.Before.Version == 0:
		return models.Invalid("/merge", fmt.Sprintf("%d layers below merge the values of this key", found.Deep))
	default:
		return nil
	}
}

// valuesFit makes sure that every live value of the key on the layer and below satisfies the definition.
func (s *Service) valuesFit(ctx context.Context, tx *gorm.DB, layer models.Tenant, d models.Definition) error {
	var rows []stored
	for _, q := range []*gorm.DB{
		liveValues(tx, d.Key).Where("c.tenant_id = ?", layer.ID),
		Below(liveValues(tx, d.Key), "c.tenant_id", layer),
	} {
		var found []stored
		if err := tx.Raw(`SELECT v.*, `+ciphertext+` FROM (?) v`, d.Key, q).Scan(&found).Error; err != nil {
			return err
		}
		rows = append(rows, found...)
	}
	broken := 0
	err := s.opened(d.Key, rows, func(r stored, v models.Value) error {
		if !s.fits(d, v) {
			broken += r.Count
		}
		return ctx.Err() // a slow schema times many values
	})
	if err == nil && broken > 0 {
		err = models.Invalid("/schema", fmt.Sprintf("%d live values on this layer or below do not satisfy it", broken))
	}
	return err
}

// stored is a value as it is kept, and how often. Whose it is matters to sensitive ones alone.
type stored struct {
	TenantID   string
	Value      models.Value
	Ciphertext []byte
	Count      int
}

// liveValues counts the different live values of a key, and those that are sealed by tenant.
func liveValues(tx *gorm.DB, key string) *gorm.DB {
	return tx.Table("configs c").
		Select("CASE WHEN v.value LIKE 'sealed:%' THEN c.tenant_id ELSE '' END AS tenant_id, v.value, count(*) AS count").
		Joins("JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live").
		Where("c.key = ? AND c.live IS NOT NULL", key).Group("1, 2")
}

// ciphertext is what holds the value of a row v of that key, if it is sealed. As a join it would be looked for among all
// secrets of the tenant: below row-level security a condition that takes a text apart finds nothing by an index.
const ciphertext = `(
	SELECT s.ciphertext FROM sealed_values s WHERE s.tenant_id = v.tenant_id AND s.key = ?
	  AND s.id = CASE WHEN v.value LIKE 'sealed:%' THEN split_part(v.value, ':', 2)::uuid END) AS ciphertext`

// opened visits values in clear. Data keys that are not in memory are named together: secrets.NotReadyError.
func (s *Service) opened(key string, rows []stored, visit func(stored, models.Value) error) error {
	var missing []error
	for _, r := range rows {
		v := r.Value
		if v.IsSealed() {
			secret, err := s.secrets.Open(r.TenantID, key, v, r.Ciphertext)
			if _, notReady := errors.AsType[secrets.NotReadyError](err); notReady {
				missing = append(missing, err)
				continue
			}
			if err != nil {
				return err
			}
			v = secret.Reveal()
		}
		if err := visit(r, v); err != nil {
			return err
		}
	}
	return errors.Join(missing...)
}

// fits tells whether a value that is stored already needs no conversion and satisfies the schema.
func (s *Service) fits(d models.Definition, v models.Value) bool {
	same, ok := v.As(d.Type)
	return ok && same == v && s.validator.Validate(d, v, "") == nil
}
