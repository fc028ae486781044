package changes

import (
	"context"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// Promote sends a live value to a later environment.
type Promote struct {
	ConfigID     string
	Target       string
	AlwaysReview bool // approvalRequired
	Strategy     string
	Reason       string
}

// Promote is a promotion of one key. invalid: the target is not a later environment;
// not_found: the config is not live or not the actor's.
func (s *Service) Promote(ctx context.Context, in Promote) (Outcome, error) {
	config, err := s.locate(ctx, in.ConfigID)
	if err != nil {
		return Outcome{}, err
	}
	return s.promote(ctx, Draft{
		TenantID: config.TenantID, Environment: in.Target, Reason: in.Reason, Strategy: in.Strategy,
		AlwaysReview: in.AlwaysReview, Pointer: func(int) string { return "/targetEnvironment" },
	}, promotion{from: config.Environment, target: "/targetEnvironment", live: true}, config.Key)
}

// PromoteKeys sends the values that several keys of a tenant or layer have in one environment to a later one.
type PromoteKeys struct {
	TenantID     string
	From, To     string // environments
	Keys         []PromoteKey
	Title        string
	Reason       string
	Strategy     string
	AlwaysReview bool // approvalRequired
}

// PromoteKey is a key to promote, and the live versions of the tenant's own layer that the caller saw of it: 0 where
// there was none, nil where the caller did not look.
type PromoteKey struct {
	Key      string
	From, To *int64
}

// PromoteKeys is one change with an item for each key: it sets what the tenant's own layer has in From, and deletes
// what only To has where the caller saw that From has nothing. invalid: To is not later than From, a key's value in
// From is inherited, or a deletion was not asked for; conflict: a key is not what the caller saw, or the policy asks for
// the same value in the environment directly before To. See Submit for its other errors.
func (s *Service) PromoteKeys(ctx context.Context, in PromoteKeys) (Outcome, error) {
	if err := in.validate(); err != nil {
		return Outcome{}, err
	}
	return s.promote(ctx, Draft{
		TenantID: in.TenantID, Environment: in.To, Title: in.Title, Reason: in.Reason, Strategy: in.Strategy,
		AlwaysReview: in.AlwaysReview, Pointer: keyPointer,
	}, promotion{from: in.From, target: "/to", seen: in.seen()}, in.names()...)
}

func (in PromoteKeys) names() []string {
	out := make([]string, len(in.Keys))
	for i, k := range in.Keys {
		out[i] = k.Key
	}
	return out
}

func (in PromoteKeys) seen() map[string]models.Seen {
	out := make(map[string]models.Seen, len(in.Keys))
	for _, k := range in.Keys {
		out[k.Key] = models.Seen{From: k.From, To: k.To}
	}
	return out
}

func keyPointer(i int) string { return "/keys/" + strconv.Itoa(i) }

// validate points at the keys as the caller wrote them; the rest is the draft's to check.
func (in PromoteKeys) validate() error {
	switch {
	case !models.ValidEnvironmentName(in.From):
		return models.Invalid("/from", "there is no such environment")
	case !models.ValidEnvironmentName(in.To):
		return models.Invalid("/to", "there is no such environment")
	case len(in.Keys) == 0:
		return models.Invalid("/keys", "name at least one key")
	case len(in.Keys) > models.MaxChangeItems:
		return models.Invalid("/keys", "a change has at most 2,000 items")
	}
	var bad []models.FieldError
	seen := map[string]bool{}
	for i, key := range in.names() {
		switch {
		case !models.ValidKey(key):
			bad = append(bad, models.FieldError{Pointer: keyPointer(i), Message: "this is no key"})
		case seen[key]:
			bad = append(bad, models.FieldError{Pointer: keyPointer(i), Message: "the key is named twice"})
		}
		seen[key] = true
	}
	return models.InvalidFields(bad)
}

// promotion is where a draft takes its values from, under the locks.
type promotion struct {
	from   string                 // environment
	target string                 // names the target environment in the caller's input
	live   bool                   // the caller named a live config: when that is gone, there is nothing to promote
	seen   map[string]models.Seen // by key: what the caller saw of it
}

// promote submits a draft whose values are read under the locks.
func (s *Service) promote(ctx context.Context, d Draft, p promotion, keys ...string) (Outcome, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return Outcome{}, models.Unauthenticated()
	}
	if err := p.may(actor, d.TenantID); err != nil {
		return Outcome{}, err
	}
	d.Origin, d.promotes = models.OriginPromote, &p
	for _, key := range keys {
		d.Items = append(d.Items, Edit{Key: key, Op: models.OpSet, Value: models.Null})
	}
	return s.Submit(ctx, d)
}

// may tells whether the actor may look at what is promoted.
func (p promotion) may(actor models.Actor, tenantID string) error {
	return actor.Require(models.PermViewConfigs, "tenant", tenantID, p.from)
}

// fill puts what is live under the locks into the promotion.
func (p promotion) fill(tx *gorm.DB, by models.Actor, c *models.Change, f models.Facts, pointer func(int) string) error {
	if err := p.may(by, c.TenantID); err != nil {
		return err
	}
	if err := p.checkOrder(tx, f); err != nil {
		return err
	}
	origins, err := p.origins(tx, c, f)
	if err != nil {
		return err
	}
	var moved, bad []models.FieldError
	for i := range c.Items {
		item := &c.Items[i]
		from, there, seen := origins[item.Key], f.Live[item.Key], p.seen[item.Key]
		if p.live && from.Own == "" {
			return models.NotFound("config")
		}
		moved = append(moved, item.Moved(seen, from, there, pointer(i))...)
		bad = append(bad, item.Promote(from, p.from, there, seen, pointer(i))...)
	}
	if err := models.ConflictFields(moved); err != nil {
		return err
	}
	return models.InvalidFields(bad)
}

// checkOrder makes sure that the target, which the facts know, is later than where the values come from.
func (p promotion) checkOrder(tx *gorm.DB, f models.Facts) error {
	var later []bool
	err := tx.Raw(`
		SELECT target.position > origin.position FROM environments origin, environments target
		WHERE origin.name = ? AND target.name = ?`, p.from, f.Environment).Scan(&later).Error
	switch {
	case err != nil:
		return err
	case len(later) == 0:
		return models.Invalid("/from", "there is no such environment")
	case !later[0]:
		return models.Invalid(p.target, "a value is promoted to a later environment")
	default:
		return nil
	}
}

// origins reads where the keys stand on the layer and above it. Keys and layers hold no comma, so they travel as
// one text each.
func (p promotion) origins(tx *gorm.DB, c *models.Change, f models.Facts) (map[string]models.Origin, error) {
	var rows []struct {
		TenantID, Key, Value string
		Version              int64
	}
	err := tx.Raw(`
		SELECT c.tenant_id, c.key, v.value, v.version
		FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
		WHERE c.tenant_id = ANY (string_to_array(?, ',')) AND c.environment = ? AND c.key = ANY (string_to_array(?, ','))`,
		strings.Join(f.Layer.Chain(), ","), p.from, strings.Join(c.Keys(), ",")).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	origins := map[string]models.Origin{}
	for _, r := range rows {
		o := origins[r.Key]
		if r.TenantID == c.TenantID {
			o.Own, o.Version = models.Value(r.Value), r.Version
		} else {
			o.Inherited = true
		}
		origins[r.Key] = o
	}
	return origins, nil
}
