package configs

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// PastIn asks for the values of a tenant or layer as they were at an instant.
type PastIn struct {
	Tenant      models.Tenant // as it is today
	Environment string
	At          time.Time
	Pointer     string // what is invalid when the instant is still to come
}

// Past is the values of a chain as they were.
type Past struct {
	sets    []*LayerSet     // topmost first; their heads are not known any more
	secrets map[string]bool // keys that are secrets by the definitions of today
}

// LoadPast reads the layer sets of the chain that the tenant had at the instant, in one unmoving picture. invalid: the
// instant is in the future; not_found: the tenant was not there then. Writes that are being committed just now may still
// begin in the last moments.
func LoadPast(ctx context.Context, db *store.DB, in PastIn) (*Past, error) {
	past := &Past{}
	ctx = models.WithActor(ctx, models.System("scan"))
	err := db.Snapshot(ctx, func(_ context.Context, tx *gorm.DB) error {
		then, err := tenantAt(tx, in.Tenant.ID, in.At, in.Pointer)
		if err != nil {
			return err
		}
		chain := then.Chain()
		defined, err := definedAt(tx, chain, nil, in.At)
		if err != nil {
			return err
		}
		if past.secrets, err = secretToday(tx, reach(chain, in.Tenant.Chain()), nil); err != nil {
			return err
		}
		past.sets, err = setsAt(tx, chain, in.Environment, in.At, kindsAt(defined))
		return err
	})
	return past, err
}

// Resolve lays the sets over each other as they were laid then. A key is sensitive if the definitions of then or those of
// today say so.
func (p *Past) Resolve() []Resolved {
	out := Resolve(p.sets)
	for i := range out {
		out[i].Sensitive = out[i].Sensitive || p.secrets[out[i].Key]
	}
	return out
}

// Open puts values in clear in the place of sealed ones whose key was no secret then, so that they merge, and have the
// types, that they had. Their keys stay secrets. What open leaves as it is, stays sealed.
func (p *Past) Open(open func(layer string, e Entry) (models.Value, error)) error {
	for _, set := range p.sets {
		for key, e := range set.Entries {
			if !e.Value.IsSealed() || kindOf(p.sets, key).Sensitive {
				continue
			}
			value, err := open(set.Head.TenantID, *e)
			if err != nil {
				return err
			}
			e.Value, p.secrets[key] = value, true // nobody else has these entries
		}
	}
	return nil
}

// tenantAt is the tenant or layer as it was, without what versions do not keep; not_found before it existed and while it
// was deleted, invalid at the pointer while the instant is still to come by the database's clock.
func tenantAt(tx *gorm.DB, tenantID string, at time.Time, pointer string) (t models.Tenant, err error) {
	var row struct {
		Future bool
		Name   string
		Tier   string
		Status models.TenantStatus
	}
	err = tx.Raw(`
		SELECT clock_timestamp() < ? AS future, coalesce(v.name, '') AS name, coalesce(v.tier, '') AS tier, coalesce(v.status, 'deleted') AS status
		FROM (SELECT) one LEFT JOIN LATERAL (
		  SELECT name, tier, status, live_to FROM tenant_versions WHERE tenant_id = ? AND live_from <= ? ORDER BY version DESC LIMIT 1
		) v ON v.live_to IS NULL OR v.live_to > ?`, at, tenantID, at, at).Scan(&row).Error
	switch {
	case err != nil:
		return t, err
	case row.Future:
		return t, models.Invalid(pointer, "the instant is still to come")
	case row.Status == models.TenantDeleted:
		return t, models.NotFound("tenant")
	}
	return models.Tenant{ID: tenantID, Name: row.Name, Tier: row.Tier, Status: row.Status}, nil
}

// versionsAt joins configs c to the version v that was live at the instant, if one was; nil is now. The two bounds
// exclude nothing of the config's versions: as comparisons of rows they are for the primary key alone, which is read
// backwards. With equal signs Postgres takes the index of the exclusion constraint, and sorts (seven times as long).
func versionsAt(at *time.Time) (from string, args []any) {
	if at == nil {
		return rowFrom, nil
	}
	return `configs c LEFT JOIN LATERAL (
		SELECT o.* FROM (
		  SELECT * FROM config_versions w
		  WHERE (w.tenant_id, w.config_id, w.version) >= (c.tenant_id, c.id, 1)
		    AND (w.tenant_id, w.config_id, w.version) <= (c.tenant_id, c.id, c.last) AND w.live_from <= ?
		  ORDER BY w.tenant_id DESC, w.config_id DESC, w.version DESC LIMIT 1
		) o WHERE o.live_to IS NULL OR o.live_to > ?) v ON true`, []any{*at, *at}
}

// kindRow is a definition of a layer at an instant.
type kindRow struct {
	TenantID string
	Key      string
	Version  int64
	Kind
}

// definedAt reads what layers said of keys at the instant. No keys: all.
func definedAt(tx *gorm.DB, layers, keys []string, at time.Time) (rows []kindRow, err error) {
	q := tx.Table("definition_versions").Select("tenant_id, key, version, type, merge, sensitive").
		Where("tenant_id IN ? AND live_from <= ? AND (live_to IS NULL OR live_to > ?)", layers, at, at)
	return rows, ofKeys(q, keys).Scan(&rows).Error
}

// secretToday reads which keys any of the layers calls a secret today. No keys: of all.
func secretToday(tx *gorm.DB, layers, keys []string) (map[string]bool, error) {
	var rows []string
	q := tx.Table("definitions").Select("DISTINCT key").Where("tenant_id IN ? AND sensitive", layers)
	err := ofKeys(q, keys).Scan(&rows).Error
	secrets := make(map[string]bool, len(rows))
	for _, key := range rows {
		secrets[key] = true
	}
	return secrets, err
}

func ofKeys(q *gorm.DB, keys []string) *gorm.DB {
	if keys == nil {
		return q
	}
	return q.Where("key IN ?", keys)
}

// kindsAt is what each layer said of its keys.
func kindsAt(defined []kindRow) map[string]map[string]Kind {
	kinds := map[string]map[string]Kind{}
	for _, r := range defined {
		if kinds[r.TenantID] == nil {
			kinds[r.TenantID] = map[string]Kind{}
		}
		kinds[r.TenantID][r.Key] = r.Kind
	}
	return kinds
}

// reach is all layers of two chains of one tenant, itself last.
func reach(chain, today []string) []string {
	above := slices.Concat(chain[:len(chain)-1], today[:len(today)-1])
	return append(slices.Compact(slices.Sorted(slices.Values(above))), chain[len(chain)-1])
}

// setsAt are the values of a chain at the instant.
func setsAt(tx *gorm.DB, chain []string, environment string, at time.Time, kinds map[string]map[string]Kind) ([]*LayerSet, error) {
	var rows []struct {
		TenantID string
		Entry
	}
	from, args := versionsAt(&at)
	err := tx.Raw(`
		SELECT c.tenant_id, c.key, v.value, v.version, c.id AS config_id, v.change_id, v.author, v.live_from, v.locked, `+ciphertext+` AS sealed
		FROM `+from+`
		WHERE c.tenant_id IN ? AND c.environment = ? AND v.version IS NOT NULL`, append(args, chain, environment)...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	entries := map[string][]Entry{}
	for _, r := range rows {
		r.LiveFrom = r.LiveFrom.UTC()
		entries[r.TenantID] = append(entries[r.TenantID], r.Entry)
	}
	sets := make([]*LayerSet, len(chain))
	for i, layer := range chain {
		head := models.Head{TenantID: layer, Environment: environment}
		sets[i] = NewLayerSet(head, entries[layer], kinds[layer])
	}
	return sets, nil
}
