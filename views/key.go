package views

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Key is the page of one key of a tenant or layer.
type Key struct {
	Tenant     models.Tenant
	Name       string
	Type       models.ValueType
	Sensitive  bool
	Definition *models.Definition // nil for none
	Places     []KeyPlace
	Below      KeyOverrides
	History    KeyHistory
}

// KeyPlace is what the key comes to in one environment, and why.
type KeyPlace struct {
	Environment string
	Set         bool // if not, only Environment, MayEdit and Promotion say something
	Own         bool // it is set on the tenant or layer that is looked at
	Value       models.Value
	AsSet       models.Value // as Layer sets it: of a merged value what it contributes
	Masked      bool
	MayReveal   bool         // whether who looks may have the value in clear
	Revealed    models.Value // the value in clear, in the answer to who asked for it; else empty
	Layer       string
	LayerKey    bool   // whether who looks may open the key on that layer
	LockedBy    string // the layer whose lock makes the value win; empty for none
	Version     int64
	ChangeID    string // empty when it is nothing for who looks, as then are ChangeTitle and Approvals
	ChangeTitle string
	Author      models.ActorRef
	Approvals   []KeyApproval
	LiveFrom    time.Time
	Hides       []HiddenValue // topmost first
	MayEdit     bool          // and no layer above locks it
	Promotion   *Promotion    // nil: nothing to promote, nowhere to, or not by who looks
}

// KeyApproval is one person's approval of the change that made a value.
type KeyApproval struct {
	Who   models.ActorRef
	Stage string
	At    time.Time
}

// HiddenValue is a value that is not the one readers get.
type HiddenValue struct {
	Layer   string
	Version int64
	Value   models.Value
	Masked  bool
	Fate    Fate
}

// Fate is what became of a value that readers do not get as it is set.
type Fate int

// The fates of values.
const (
	Covered    Fate = iota // a nearer value takes its place
	MergedIn               // its members are in the value
	UnderALock             // a layer above locked the key
)

// KeyOverrides are the layers below that set the key themselves.
type KeyOverrides struct {
	Count int
	First []KeyOverride
}

// KeyOverride is a layer below with the environments in which it sets the key.
type KeyOverride struct {
	TenantID, Name string
	Environments   []string
}

// More is how many overrides are counted, but not named.
func (o KeyOverrides) More() int { return o.Count - len(o.First) }

// where names the environments in which an override is.
func (k Key) where(o KeyOverride) string {
	if len(o.Environments) == len(k.Places) {
		return "all environments"
	}
	return listed(o.Environments)
}

// Promotion is what the next environment would get, and the form that sends it there.
type Promotion struct {
	From, To string
	Takes    bool // the key has no value in From: promoting that takes away the value of To
	Here     KeyPlace
	There    KeyPlace
	Stages   []models.Stage // that it waits for; none: it goes live at once
	PromotionForm
}

// PromotionForm is what somebody wrote about a promotion, and what was wrong with it.
type PromotionForm struct {
	Reason   string
	Problems []string
	Open     bool
}

// Arrange finds what can be promoted from each environment to the next.
func (k *Key) Arrange() {
	for i := range k.Places[:max(len(k.Places)-1, 0)] {
		k.Places[i].Promotion = nextPromotion(k.Places[i], k.Places[i+1])
	}
}

// Reveal puts a value in clear into its place, if that is still the one that is live.
func (k *Key) Reveal(c *models.Config) {
	for i := range k.Places {
		if p := &k.Places[i]; c != nil && p.Own && p.Environment == c.Environment && p.Version == c.Version {
			p.Revealed = c.Value
		}
	}
}

// Ask tells the page's forms who must approve what they send, and gives the promotion from one environment back as it
// was written.
func (k *Key) Ask(policies []models.Policy, from string, form PromotionForm) {
	for _, place := range k.Places {
		p := place.Promotion
		if p == nil {
			continue
		}
		p.Stages = StagesIn(policies, k.Tenant, p.To)
		if p.From == from {
			p.PromotionForm = form
		}
	}
	if b := k.History.Back; b != nil {
		b.Stages = StagesIn(policies, k.Tenant, k.History.Query.Environment)
	}
}

// SentOn says where a change went that is not live at once.
func SentOn(c models.Change) string {
	return "Nothing is live yet: the change waits for approval in " + c.Environment + " by " + Approvers(c.Stages) + "."
}

// nextPromotion is what can be promoted from one environment to the next; nil for nothing. A value that is inherited
// belongs to its layer, and what is the same in both is there already.
func nextPromotion(from, to KeyPlace) *Promotion {
	switch {
	case !to.MayEdit:
		return nil
	case from.Set && !from.Own:
		return nil
	case !from.Set && (!to.Set || !to.Own):
		return nil
	case from.Set && to.Set && to.Own && !from.Masked && !to.Masked && from.AsSet == to.AsSet:
		return nil
	default:
		return &Promotion{From: from.Environment, To: to.Environment, Takes: !from.Set, Here: from, There: to}
	}
}

// Seen are the versions that the page shows of both, for the form.
func (p Promotion) Seen() string { return seenAs(p.Here.ownVersion(), p.There.ownVersion()) }

// ownVersion is the live version of the layer that is looked at; 0 if it sets none.
func (p KeyPlace) ownVersion() int64 {
	if !p.Own {
		return 0
	}
	return p.Version
}

// Masked tells whether the values are hidden from who looks.
func (p Promotion) Masked() bool { return p.Here.Masked || p.There.Masked }

// Then is what shows through once the value of To is taken away; nil for nothing.
func (p Promotion) Then() *HiddenValue {
	if n := len(p.There.Hides); p.Takes && n > 0 {
		return &p.There.Hides[n-1]
	}
	return nil
}

// URL is the page of a key of a tenant or layer.
func (k Key) URL() string { return KeyURL(k.Tenant.ID, k.Name) }

// EditURL leads to the editor for one environment.
func (k Key) EditURL(environment string) string {
	return address(TenantURL(k.Tenant.ID)+"/edit", "environment", environment, "key", k.Name)
}

// CompareURL leads to the comparison of an environment with the one before it; empty for the first.
func (k Key) CompareURL(i int) string {
	if i == 0 {
		return ""
	}
	return CompareURL(k.Tenant.ID, k.Places[i-1].Environment, k.Places[i].Environment)
}

// Differs names the environment before, if the value is another one there; empty when they are the same or not shown.
func (k Key) Differs(i int) string {
	if i == 0 {
		return ""
	}
	before, here := k.Places[i-1], k.Places[i]
	if before.Masked || here.Masked || before.Set == here.Set && before.Value == here.Value {
		return ""
	}
	return before.Environment
}

// KeyURL is the page of a key.
func KeyURL(tenantID, key string) string { return TenantURL(tenantID) + "/keys/" + url.PathEscape(key) }

// ChangeURL is the page of a change.
func ChangeURL(id string) string { return "/changes/" + url.PathEscape(id) }

// Problems are the sentences about a form that come back with it, in a steady order.
func Problems(said map[string]string) []string {
	var out []string
	for _, pointer := range slices.Sorted(maps.Keys(said)) {
		if text := said[pointer]; !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// longValue is from how many lines on a value scrolls within a box.
const longValue = 14

func long(v models.Value) bool {
	return strings.Count(components.Indent(v), "\n") >= longValue || len(v) > 1200
}
