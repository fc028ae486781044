package views

import (
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// TenantLife is the page on which a tenant is suspended, moved to another tier, made active again, or deleted.
type TenantLife struct {
	Tenant models.Tenant
	Holds  TenantHolds
	Stages []models.Stage // that a change of the tenant waits for; none: it holds at once
	Tiers  []TierChoice   // but its own
	Form   LifeForm
	Now    time.Time
}

// TenantHolds is what a tenant has, in numbers.
type TenantHolds struct{ Values, Keys, Bindings, OpenChanges int }

// TierChoice is a tier that a tenant can move to.
type TierChoice struct {
	Layer   models.Tenant
	Differ  int    // keys that have another value there than in the tenant's own tier
	Compare string // the address that shows them; empty for none
}

// LifeForm is a form of the page that came back, with what was wrong with it by pointer.
type LifeForm struct {
	Of                    models.Op // the form; of a deletion OpDelete, empty for that of activation
	Reason, Tier, Confirm string
	Errors                map[string]string
}

// LifeURL is the page of a tenant's life.
func LifeURL(id string) string { return TenantURL(id) + "/life" }

func (l TenantLife) act(name string) string { return TenantURL(l.Tenant.ID) + "/" + name }

// fault is what is wrong with a field of a form.
func (l TenantLife) fault(of models.Op, pointer string) string {
	if l.Form.Of != of {
		return ""
	}
	return Capital(l.Form.Errors[pointer])
}

// problems are what is wrong, but for what fields say themselves.
func (l TenantLife) problems() []string {
	rest := map[string]string{}
	for pointer, text := range l.Form.Errors {
		if pointer != "/reason" && pointer != "/tier" && pointer != "/confirm" {
			rest[pointer] = Capital(text)
		}
	}
	return Problems(rest)
}

// suspends says what a suspension does.
func (l TenantLife) suspends() []string {
	return []string{
		"Its applications get no values any more: every read is refused, wherever it comes from.",
		"What it has stays: " + counted(l.Holds.Values, "live value") + ", " + counted(l.Holds.Keys, "API key") + " and " +
			counted(l.Holds.Bindings, "role") + ". People still see and edit it.",
		"It can be made active again at any time, at once.",
	}
}

// deletes says what a deletion does.
func (l TenantLife) deletes() []string {
	return []string{
		counted(l.Holds.Values, "live value") + " in all environments can no longer be read or seen by anybody.",
		counted(l.Holds.Keys, "API key") + " and " + counted(l.Holds.Bindings, "role") + " stop working.",
		counted(l.Holds.OpenChanges, "open change") + " " + was(l.Holds.OpenChanges) + " cancelled, deployments are aborted.",
		"Until " + l.Now.Add(models.DeletionUndo).UTC().Format("2006-01-02") + " that can be undone. Then all of it is gone for good, and the key of its secrets destroyed.",
	}
}

func was(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// waits says what a change of the tenant waits for.
func (l TenantLife) waits(both bool) string {
	switch {
	case len(l.Stages) == 0 && !both:
		return "It holds at once: no environment asks for an approval."
	case len(l.Stages) == 0:
		return "It holds at once, unless the other tier asks for approvals."
	case both:
		return "It becomes a change that waits for approval by " + Approvers(l.Stages) + ", and by whom the other tier asks for."
	default:
		return "It becomes a change that waits for approval by " + Approvers(l.Stages) + "."
	}
}

// tierOptions are the tiers to move to.
func (l TenantLife) tierOptions() []components.Option {
	options := []components.Option{{Label: "Choose a tier"}}
	for _, t := range l.Tiers {
		options = append(options, components.Option{Value: t.Layer.Slug(), Label: t.Layer.Name, Selected: t.Layer.Slug() == l.Form.Tier})
	}
	return options
}

// moves says what inherits another value in a tier.
func (t TierChoice) moves(from string) string {
	if t.Differ == 0 {
		return "the same values as " + from
	}
	return counted(t.Differ, "key") + " " + verb(t.Differ, "differ") + " from " + from
}

// undo is until when a deletion can be undone; the zero time for what is not deleted.
func (l TenantLife) undo() time.Time {
	if l.Tenant.DeletedAt == nil {
		return time.Time{}
	}
	return l.Tenant.DeletedAt.Add(models.DeletionUndo)
}

// TenantSaid is a sentence about a tenant by its name: "Suspended Acme."
func TenantSaid(t models.Tenant, words string) string {
	return strings.ReplaceAll(words, "%", tenantTitle(t))
}

// pageOf is where a tenant of the list leads: of a deleted one there is nothing but its life.
func pageOf(t models.Tenant) string {
	if t.Status == models.TenantDeleted {
		return LifeURL(t.ID)
	}
	return TenantURL(t.ID)
}

// reason is the one that came back with a form.
func (l TenantLife) reason(of models.Op) string {
	if l.Form.Of != of {
		return ""
	}
	return l.Form.Reason
}
