package views

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Audit is a part of the audit log.
type Audit struct {
	Query   AuditQuery
	Entries []AuditEntry
	Next    string // cursor
	Fault   string // what is wrong with the filters; nothing is listed then
	Tenants TenantChoices
	Actors  []models.ActorRef // those to choose from
}

// AuditQuery is what the log is narrowed to, as the address says it.
type AuditQuery struct {
	Tenant, Actor, Action, Resource, From, To, Cursor string
}

// URL is the address of the same part of the log at another place.
func (q AuditQuery) URL(cursor string) string {
	return address("/audit", "tenant", q.Tenant, "actor", q.Actor, "action", q.Action, "resource", q.Resource,
		"from", q.From, "to", q.To, "cursor", cursor)
}

// First is the address of the first page, empty on it.
func (q AuditQuery) First() string {
	if q.Cursor == "" {
		return ""
	}
	return q.URL("")
}

// Narrowed tells whether any filter is set.
func (q AuditQuery) Narrowed() bool {
	q.Cursor = ""
	return q != AuditQuery{}
}

// Period reads both ends, in UTC; invalid for what is no time. A day as the end includes that day.
func (q AuditQuery) Period() (from, to time.Time, err error) {
	from, _, okFrom := parseMoment(q.From)
	to, day, okTo := parseMoment(q.To)
	switch {
	case !okFrom:
		return from, to, models.Invalid("/from", "the beginning is no time; write it like 2026-03-31 14:30, in UTC")
	case !okTo:
		return from, to, models.Invalid("/to", "the end is no time; write it like 2026-03-31 14:30, in UTC")
	case day:
		to = to.AddDate(0, 0, 1)
	}
	return from, to, nil
}

// parseMoment reads what browsers send for dates and times, and what people type where there is no picker. The empty
// text is the zero time.
func parseMoment(text string) (at time.Time, day, ok bool) {
	if text == "" {
		return time.Time{}, false, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), false, true
		}
	}
	at, err := time.Parse(time.DateOnly, text)
	return at, true, err == nil
}

// NextURL is the address of the page after this one, empty on the last.
func (a Audit) NextURL() string {
	if a.Next == "" {
		return ""
	}
	return a.Query.URL(a.Next)
}

// actorOptions are those to choose from, and the chosen one in any case.
func (a Audit) actorOptions() []components.Option {
	options := []components.Option{{Label: "Anybody"}}
	known := a.Query.Actor == ""
	for _, ref := range a.Actors {
		known = known || ref.ID == a.Query.Actor
		options = append(options, components.Option{Value: ref.ID, Label: actorLabel(ref), Selected: ref.ID == a.Query.Actor})
	}
	if !known {
		options = append(options, components.Option{Value: a.Query.Actor, Label: a.Query.Actor, Selected: true})
	}
	return options
}

func actorLabel(ref models.ActorRef) string {
	switch {
	case ref.Name == "":
		return string(ref.Kind) + " " + ref.ID
	case ref.Kind == models.ActorPerson:
		return ref.Name
	default:
		return ref.Name + " (" + string(ref.Kind) + ")"
	}
}

// AuditActors are all who may be chosen: those given first, and then those of the entries. Each comes once.
func AuditActors(first []models.ActorRef, entries []models.Entry) []models.ActorRef {
	out := slices.Clone(first)
	for _, e := range entries {
		if e.Actor.ID != "" && !slices.ContainsFunc(out, func(ref models.ActorRef) bool { return ref.ID == e.Actor.ID }) {
			out = append(out, e.Actor)
		}
	}
	return out
}

// actionGroup is the choices of one noun.
type actionGroup struct {
	label   string
	options []components.Option
}

// actionGroups are all actions by noun; one that is not known here is a group of its own when it is chosen.
func actionGroups(selected string) []actionGroup {
	var groups []actionGroup
	known := selected == ""
	for _, n := range auditNouns {
		all := n.name + "."
		known = known || all == selected
		group := actionGroup{n.label, []components.Option{{Value: all, Label: "All of " + n.name + ".*", Selected: all == selected}}}
		for _, v := range n.verbs {
			action := all + v.name
			known = known || action == selected
			group.options = append(group.options, components.Option{Value: action, Label: v.did, Selected: action == selected})
		}
		groups = append(groups, group)
	}
	if !known {
		groups = append(groups, actionGroup{"Other", []components.Option{{Value: selected, Label: selected, Selected: true}}})
	}
	return groups
}

// EntryURL is the page of an entry of the log.
func EntryURL(id string) string { return "/audit/" + url.PathEscape(id) }

func (e AuditEntry) leaf() string { return hex.EncodeToString(e.LeafHash) }

func (e AuditEntry) number() string { return strconv.FormatInt(e.Number, 10) }

// exactly is the time as the leaf hash covers it.
func (e AuditEntry) exactly() string { return e.At.UTC().Format(time.RFC3339Nano) }

// Title names the entry.
func (e AuditEntry) Title() string {
	return "Entry " + e.number() + " of " + components.LayerName(e.TenantID)
}
