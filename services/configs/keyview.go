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

	known bool // some layer of the chain has, or had, a value
}

// KeyPlace is what the key comes to in one environment, and why.
type KeyPlace struct {
	Environment string
	Set         bool // if not, only Environment and ConfigID say something
	Value       models.Value
	AsSet       models.Value // as Layer sets it: where values were merged, only what it contributes
	Masked      bool
	Merge       models.Merge // how values of the layers come together; empty for a key without a definition
	Layer       string       // where the value is set; of a merged one the nearest that contributes
	LockedBy    string       // the layer whose lock makes it win; empty for none
	Version     int64
	ChangeID    string
	ChangeTitle string // as ApprovedBy: only for who sees the layer
	Author      models.ActorRef
	ApprovedBy  []models.ActorRef // of a layer above, as Approvals and DeploymentID: only for who sees that layer
	Approvals   []Approval        // the same with their stages and times
	Deployment  string            // id of the deployment that made it live
	LiveFrom    time.Time
	Hides       []HiddenValue // topmost first
	Own         bool          // it is set on the tenant or layer that is looked at
	ConfigID    string        // of the tenant's or layer's own config, even when its value was deleted; empty: it never had one
}

// HiddenValue is a value that is not the one readers get.
type HiddenValue struct {
	Layer   string
	Version int64
	Value   models.Value
	Masked  bool
	Why     Why
}

// Approval is one person's approval of the change that made a value.
type Approval struct {
	Actor models.ActorRef
	Stage string
	At    time.Time
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
		view.Places[i].rename(name)
	}
	return view, nil
}

func (p *KeyPlace) rename(name func(models.ActorRef) models.ActorRef) {
	p.Author = name(p.Author)
	rename(p.ApprovedBy, name)
	for i := range p.Approvals {
		p.Approvals[i].Actor = name(p.Approvals[i].Actor)
	}
}

func (s *Service) readKey(ctx context.Context, tx *gorm.DB, view *KeyView, actor models.Actor) error {
	environments, err := visible(tx, Filter{TenantID: view.Tenant.ID}, actor)
	if err != nil {
		return err
	}
	if view.Overrides, err = overrides(tx, view, environments, actor); err != nil {
		return err
	}
	look := keyLook{environments: environments, today: view.Tenant.Chain()}
	if err := view.read(ctx, tx, look); err != nil {
		return err
	}
	if view.Definition == nil && !view.known && view.Overrides.Count == 0 {
		return models.NotFound("key")
	}
	return nil
}

// keyLook says where and when to look at a key.
type keyLook struct {
	environments []string
	today        []string   // the chain of the tenant as it is today
	at           *time.Time // nil for now
}

// read resolves the key in each of the environments, in a transaction that still has the actor's whole scope: that
// decides whose approvals are seen.
func (view *KeyView) read(ctx context.Context, tx *gorm.DB, look keyLook) error {
	chain := view.Tenant.Chain()
	behind, err := provenances(tx, chain, look, view.Key)
	if err != nil {
		return err
	}
	if err := store.Narrow(ctx, reach(chain, look.today)); err != nil {
		return err
	}
	if err := view.define(tx, chain, look); err != nil {
		return err
	}
	rows, err := keyRows(tx, chain, look, view.Key)
	if err != nil {
		return err
	}
	view.known = len(rows) > 0
	for _, e := range look.environments {
		view.add(e, rows, behind)
	}
	return nil
}

// define finds the definition that counts, then or now. A key is a secret if those of then or of today say so.
func (view *KeyView) define(tx *gorm.DB, chain []string, look keyLook) error {
	if look.at == nil {
		defined, err := definitions.Topmost(tx, chain, []string{view.Key})
		if d, ok := defined[view.Key]; ok {
			view.Definition, view.Type, view.Sensitive = &d, d.Type, d.Sensitive
		}
		return err
	}
	keys := []string{view.Key}
	rows, err := definedAt(tx, chain, keys, *look.at)
	if err != nil {
		return err
	}
	secret := false
	for _, layer := range slices.Backward(chain) { // the topmost is written last and stays
		for _, r := range rows {
			if r.TenantID == layer {
				secret, view.Type = secret || r.Sensitive, r.Type
				view.Definition = &models.Definition{
					TenantID: layer, Key: r.Key, Type: r.Type, Sensitive: secret, Merge: r.Merge, Version: r.Version,
				}
			}
		}
	}
	today, err := secretToday(tx, reach(chain, look.today), keys)
	view.Sensitive = secret || today[view.Key]
	return err
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
	Locked      bool
}

func keyRows(tx *gorm.DB, chain []string, look keyLook, key string) (rows []keyRow, err error) {
	from, args := versionsAt(look.at)
	return rows, tx.Raw(`
		SELECT c.tenant_id, c.environment, c.id, v.version AS live, coalesce(v.value, '') AS value, coalesce(v.change_id::text, '') AS change_id,
		       coalesce(v.author, '') AS author, coalesce(v.live_from, c.created_at) AS live_from, coalesce(v.locked, false) AS locked
		FROM `+from+` WHERE c.tenant_id IN ? AND c.environment IN ? AND c.key = ?`,
		append(args, chain, look.environments, key)...).Scan(&rows).Error
}

// add resolves the key in one environment by the rule that readers are answered by.
func (view *KeyView) add(environment string, rows []keyRow, behind map[[2]string]provenance) {
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
		place.fill(r, view)
		from := behind[[2]string{r.Layer, environment}]
		place.Deployment, place.Approvals, place.ChangeTitle = from.deployment, from.approvals, from.title
		place.AsSet = maskedIf(place.Masked, asSet(rows, r.Layer, environment))
		for _, a := range from.approvals {
			place.ApprovedBy = append(place.ApprovedBy, a.Actor)
		}
		if view.Type == "" {
			view.Type = r.Type
		}
	}
	view.Places = append(view.Places, place)
}

// asSet is the value of a layer as it is set there, before anything is merged.
func asSet(rows []keyRow, layer, environment string) models.Value {
	i := slices.IndexFunc(rows, func(r keyRow) bool { return r.TenantID == layer && r.Environment == environment })
	return rows[i].Value // the key was resolved from these rows
}

func (r keyRow) entry(key string) Entry {
	return Entry{
		Key: key, Value: r.Value, Version: *r.Live, ConfigID: r.ID, ChangeID: r.ChangeID, Author: r.Author, LiveFrom: r.LiveFrom.UTC(), Locked: r.Locked,
	}
}

// kinds is what the layer says the key is, if its definition is the one that counts.
func (view *KeyView) kinds(layer string) map[string]Kind {
	if d := view.Definition; d != nil && d.TenantID == layer {
		return map[string]Kind{view.Key: {Type: d.Type, Sensitive: d.Sensitive, Merge: d.Merge}}
	}
	return nil
}

func (p *KeyPlace) fill(r Resolved, view *KeyView) {
	p.Set, p.Layer, p.Version, p.ChangeID, p.LiveFrom = true, r.Layer, r.Version, r.ChangeID, r.LiveFrom
	p.Own, p.Author = r.Layer == view.Tenant.ID, models.ParseActorRef(r.Author)
	p.Merge, p.LockedBy = r.Merge, r.LockedBy
	p.Masked = r.Sensitive || view.Sensitive
	p.Value = maskedIf(p.Masked, r.Value)
	for _, h := range r.Hides {
		masked := hidden(p.Masked, h.Value)
		p.Hides = append(p.Hides, HiddenValue{h.Layer, h.Version, maskedIf(masked, h.Value), masked, h.Why})
	}
}

// provenance is what stands behind a value that is live, as far as the actor sees its layer.
type provenance struct {
	title      string // of the change
	deployment string
	approvals  []Approval
}

// provenances are by layer and environment.
func provenances(tx *gorm.DB, chain []string, look keyLook, key string) (map[[2]string]provenance, error) {
	var rows []struct {
		TenantID, Environment, Title, Deployment, Person, Stage string
		At                                                      *time.Time
	}
	from, args := versionsAt(look.at)
	err := tx.Raw(`
		SELECT c.tenant_id, c.environment, coalesce(h.title, '') AS title, coalesce(p.id::text, '') AS deployment,
		       coalesce(d.person_id::text, '') AS person, coalesce(d.stage, '') AS stage, d.at
		FROM `+from+`
		LEFT JOIN changes h ON h.tenant_id = v.tenant_id AND h.id = v.change_id
		LEFT JOIN decisions d ON d.tenant_id = v.tenant_id AND d.change_id = v.change_id AND d.decision = 'approve' AND d.voided = ''
		LEFT JOIN LATERAL (
		  SELECT id FROM deployments o WHERE o.tenant_id = v.tenant_id AND o.change_id = v.change_id ORDER BY o.started_at DESC LIMIT 1
		) p ON true
		WHERE c.tenant_id IN ? AND c.environment IN ? AND c.key = ? AND v.version IS NOT NULL ORDER BY d.at, d.id`,
		append(args, chain, look.environments, key)...).Scan(&rows).Error
	out := map[[2]string]provenance{}
	for _, r := range rows {
		place := [2]string{r.TenantID, r.Environment}
		p := out[place]
		p.title, p.deployment = r.Title, r.Deployment
		if r.At != nil {
			person := models.ActorRef{ID: r.Person, Kind: models.ActorPerson}
			p.approvals = append(p.approvals, Approval{Actor: person, Stage: r.Stage, At: r.At.UTC()})
		}
		out[place] = p
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
