package configs

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// KeyView is all there is to know of one key of a tenant or layer.
type KeyView struct {
	Tenant     models.Tenant
	Key        string
	Type       models.ValueType
	Sensitive  bool
	Definition *models.Definition // the one that counts; nil for none
	Places     []KeyPlace         // one per environment that the actor may view, in their order
	Overrides  Overrides
}

// KeyPlace is what the key comes to in one environment, and why.
type KeyPlace struct {
	Environment string
	Set         bool // if not, only Environment and ConfigID say something
	Value       models.Value
	Masked      bool
	Layer       string // where the value is set
	Version     int64
	ChangeID    string
	Author      models.ActorRef
	ApprovedBy  []models.ActorRef // of a layer above: only for who sees that layer
	LiveFrom    time.Time
	Hides       []HiddenValue // topmost first
	Own         bool          // it is set on the tenant or layer that is looked at
	ConfigID    string        // of the tenant's or layer's own config, even when its value was deleted; empty: it never had one
}

// HiddenValue is a value that a nearer one covers.
type HiddenValue struct {
	Layer   string
	Version int64
	Value   models.Value
	Masked  bool
}

// Overrides are the layers below that set the key themselves, as far as the actor may see them.
type Overrides struct {
	Count int
	First []Override // the first maxOverrides, by id
}

// Override is a layer below with the environments in which it sets the key.
type Override struct {
	TenantID, Name string
	Environments   []string
}

// maxOverrides is how many overrides are named; the rest is counted.
const maxOverrides = 50

// KeyView looks at one key of a tenant or layer. not_found: it has neither values, past ones included, nor a
// definition that the actor may see.
func (s *Service) KeyView(ctx context.Context, tenantID, key string) (view KeyView, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return view, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewConfigs, "tenant", tenantID, ""); err != nil {
		return view, err
	}
	view.Key = key
	err = s.db.Snapshot(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if view.Tenant, err = tenants.Read(tx, tenantID); err != nil {
			return err
		}
		return s.readKey(ctx, tx, &view, actor)
	})
	if err != nil {
		return view, err
	}
	name, err := s.names(ctx)
	if err != nil {
		return view, err
	}
	for i := range view.Places {
		p := &view.Places[i]
		p.Author = name(p.Author)
		rename(p.ApprovedBy, name)
	}
	return view, nil
}

func (s *Service) readKey(ctx context.Context, tx *gorm.DB, view *KeyView, actor models.Actor) error {
	environments, err := visible(tx, Filter{TenantID: view.Tenant.ID}, actor)
	if err != nil {
		return err
	}
	if view.Overrides, err = overrides(tx, view, environments, actor); err != nil {
		return err
	}
	chain := view.Tenant.Chain()
	approved, err := approvals(tx, chain, environments, view.Key) // in the actor's whole scope: that decides who sees them
	if err != nil {
		return err
	}
	if err := store.Narrow(ctx, chain); err != nil {
		return err
	}
	defined, err := definitions.Topmost(tx, chain, []string{view.Key})
	if err != nil {
		return err
	}
	rows, err := keyRows(tx, chain, environments, view.Key)
	if err != nil {
		return err
	}
	if d, ok := defined[view.Key]; ok {
		view.Definition, view.Type, view.Sensitive = &d, d.Type, d.Sensitive
	} else if len(rows) == 0 && view.Overrides.Count == 0 {
		return models.NotFound("key")
	}
	for _, e := range environments {
		view.add(e, rows, approved, actor)
	}
	return nil
}

// keyRow is a config of the key on one layer of the chain, live or not.
type keyRow struct {
	TenantID    string
	Environment string
	ID          string
	Live        *int64
	Value       models.Value
	ChangeID    string
	Author      string
	LiveFrom    time.Time
}

func keyRows(tx *gorm.DB, chain, environments []string, key string) (rows []keyRow, err error) {
	return rows, tx.Raw(`
		SELECT c.tenant_id, c.environment, c.id, c.live, coalesce(v.value, '') AS value,
		       coalesce(v.change_id::text, '') AS change_id, coalesce(v.author, '') AS author, coalesce(v.live_from, c.created_at) AS live_from
		FROM `+rowFrom+` WHERE c.tenant_id IN ? AND c.environment IN ? AND c.key = ?`, chain, environments, key).Scan(&rows).Error
}

// add resolves the key in one environment by the rule that readers are answered by.
func (view *KeyView) add(environment string, rows []keyRow, approved map[[2]string][]models.ActorRef, actor models.Actor) {
	place := KeyPlace{Environment: environment}
	var sets []*LayerSet
	for _, layer := range view.Tenant.Chain() {
		var entries []Entry
		for _, r := range rows {
			if r.TenantID != layer || r.Environment != environment {
				continue
			}
			if layer == view.Tenant.ID {
				place.ConfigID = r.ID
			}
			if r.Live != nil {
				entries = append(entries, r.entry(view.Key))
			}
		}
		sets = append(sets, NewLayerSet(models.Head{TenantID: layer, Environment: environment}, entries, view.kinds(layer)))
	}
	for _, r := range Resolve(sets) {
		place.fill(r, view.Tenant.ID, actor)
		place.ApprovedBy = approved[[2]string{r.Layer, environment}]
		if view.Type == "" {
			view.Type = r.Type
		}
	}
	view.Places = append(view.Places, place)
}

func (r keyRow) entry(key string) Entry {
	return Entry{
		Key: key, Value: r.Value, Version: *r.Live, ConfigID: r.ID, ChangeID: r.ChangeID, Author: r.Author, LiveFrom: r.LiveFrom.UTC(),
	}
}

// kinds is what the layer says the key is, if its definition is the one that counts.
func (view *KeyView) kinds(layer string) map[string]Kind {
	if d := view.Definition; d != nil && d.TenantID == layer {
		return map[string]Kind{view.Key: {Type: d.Type, Sensitive: d.Sensitive}}
	}
	return nil
}

func (p *KeyPlace) fill(r Resolved, tenantID string, actor models.Actor) {
	p.Set, p.Layer, p.Version, p.ChangeID, p.LiveFrom = true, r.Layer, r.Version, r.ChangeID, r.LiveFrom
	p.Own, p.Author = r.Layer == tenantID, models.ParseActorRef(r.Author)
	p.Masked = r.Sensitive && !actor.Can(models.PermReadSecrets, tenantID, p.Environment)
	p.Value = maskedIf(p.Masked, r.Value)
	for _, h := range r.Hides {
		p.Hides = append(p.Hides, HiddenValue{h.Layer, h.Version, maskedIf(p.Masked, h.Value), p.Masked})
	}
}

// approvals are the people who approved what is live of the key, by layer and environment.
func approvals(tx *gorm.DB, chain, environments []string, key string) (map[[2]string][]models.ActorRef, error) {
	var rows []struct{ TenantID, Environment, ApprovedBy string }
	err := tx.Raw(`
		SELECT c.tenant_id, c.environment, `+approvedBy+` AS approved_by
		FROM `+rowFrom+` WHERE c.tenant_id IN ? AND c.environment IN ? AND c.key = ? AND c.live IS NOT NULL`,
		chain, environments, key).Scan(&rows).Error
	out := map[[2]string][]models.ActorRef{}
	for _, r := range rows {
		out[[2]string{r.TenantID, r.Environment}] = people(r.ApprovedBy)
	}
	return out, err
}

// overrides finds the layers below that set the key, of those the actor may view.
func overrides(tx *gorm.DB, view *KeyView, environments []string, actor models.Actor) (out Overrides, err error) {
	if !models.IsLayer(view.Tenant.ID) {
		return out, nil
	}
	var rows []struct {
		TenantID, Name, Environments string
		Total                        int
	}
	set := store.Within(tx.Table("configs"), actor.Places(models.PermViewConfigs)).
		Select("tenant_id, string_agg(environment, ',') AS environments").
		Where("key = ? AND live IS NOT NULL AND environment IN ?", view.Key, environments).Group("tenant_id")
	q := tx.Table("(?) AS o", set).Joins("JOIN tenants t ON t.tenant_id = o.tenant_id AND t.status <> 'deleted'").
		Select("t.tenant_id, t.name, o.environments, count(*) OVER () AS total").Order("t.tenant_id").Limit(maxOverrides)
	if err := definitions.Below(q, "t.tenant_id", view.Tenant).Scan(&rows).Error; err != nil {
		return out, err
	}
	for _, r := range rows {
		out.Count = r.Total
		in := strings.Split(r.Environments, ",")
		slices.SortFunc(in, func(a, b string) int { return slices.Index(environments, a) - slices.Index(environments, b) })
		out.First = append(out.First, Override{r.TenantID, r.Name, in})
	}
	return out, nil
}
