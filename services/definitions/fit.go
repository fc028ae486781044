package definitions

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
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

// fitsBelow makes sure that a new definition contradicts nothing on its layer or below: no definition of
// another type, none that is sensitive where it is not, and no live value.
func (s *Service) fitsBelow(tx *gorm.DB, layer models.Tenant, d models.Definition) error {
	var found struct{ Other, Secret int }
	q := tx.Table("definitions d").Select("count(*) FILTER (WHERE d.type <> ?) AS other, count(*) FILTER (WHERE d.sensitive) AS secret", d.Type).
		Where("d.key = ?", d.Key)
	if err := Below(q, "d.tenant_id", layer).Scan(&found).Error; err != nil {
		return err
	}
	switch {
	case found.Other > 0:
		return models.Invalid("/type", fmt.Sprintf("%d layers below define this key with another type", found.Other))
	case found.Secret > 0 && !d.Sensitive:
		return models.Invalid("/sensitive", fmt.Sprintf("%d layers below define this key as sensitive", found.Secret))
	}
	if d.Sensitive {
		if err := hidesNothing(tx, layer, d.Key); err != nil {
			return err
		}
	}
	return s.valuesFit(tx, layer, d)
}

// hidesNothing makes sure that the key has no live value on the layer or below: who reviews what becomes of a
// live value would not have seen it hidden.
func hidesNothing(tx *gorm.DB, layer models.Tenant, key string) error {
	live := func() *gorm.DB {
		return tx.Table("configs c").Select("count(*)").Where("c.key = ? AND c.live IS NOT NULL", key)
	}
	for _, q := range []*gorm.DB{live().Where("c.tenant_id = ?", layer.ID), Below(live(), "c.tenant_id", layer)} {
		var found int
		if err := q.Scan(&found).Error; err != nil {
			return err
		}
		if found > 0 {
			return models.Invalid("/sensitive",
				"a key that has live values becomes sensitive by a change, which is not available yet")
		}
	}
	return nil
}

// valuesFit makes sure that every live value of the key on the layer and below satisfies the definition.
func (s *Service) valuesFit(tx *gorm.DB, layer models.Tenant, d models.Definition) error {
	broken := 0
	for _, q := range []*gorm.DB{
		liveValues(tx, d.Key).Where("c.tenant_id = ?", layer.ID),
		Below(liveValues(tx, d.Key), "c.tenant_id", layer),
	} {
		var rows []struct {
			Value models.Value
			Count int
		}
		if err := q.Scan(&rows).Error; err != nil {
			return err
		}
		for _, row := range rows {
			if err := tx.Statement.Context.Err(); err != nil { // a slow schema times many values
				return err
			}
			if !s.fits(d, row.Value) {
				broken += row.Count
			}
		}
	}
	if broken > 0 {
		return models.Invalid("/schema", fmt.Sprintf("%d live values on this layer or below do not satisfy it", broken))
	}
	return nil
}

// liveValues counts the different live values of a key.
func liveValues(tx *gorm.DB, key string) *gorm.DB {
	return tx.Table("configs c").Select("v.value, count(*) AS count").
		Joins("JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live").
		Where("c.key = ? AND c.live IS NOT NULL", key).Group("v.value")
}

// fits tells whether a value that is stored already needs no conversion and satisfies the schema.
func (s *Service) fits(d models.Definition, v models.Value) bool {
	same, ok := v.As(d.Type)
	return ok && same == v && s.validator.Validate(d, v, "") == nil
}
