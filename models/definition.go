package models

import (
	"slices"
	"strings"
	"time"
)

// Merge is how the values of a key on several layers come together.
type Merge string

// The ways to merge.
const (
	MergeReplace Merge = "replace" // the nearest value wins
	MergeDeep    Merge = "deep"    // objects are merged member by member; arrays, null and all else replace
)

// Definition is what a key is, for all environments. The topmost layer that defines a key defines it for all below.
type Definition struct {
	TenantID    string
	Key         string
	Type        ValueType
	Schema      string // JSON Schema as canonical JSON; empty for none
	Description string
	Owner       string // a team or person, as people write it
	Tags        Tags
	Sensitive   bool
	Merge       Merge
	ExpiresAt   *time.Time // from when on a temporary key is overdue; nil for a lasting one
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// full tells whether the item asks for more than a type and a description.
func (d *Defines) full() bool {
	return d != nil && *d != Defines{Type: d.Type, Description: d.Description}
}

// On is the definition that the item leaves behind where that one was, the zero Definition for none.
func (d *Defines) On(before Definition) Definition {
	out := before
	out.Type, out.Description, out.Schema, out.Owner = d.Type, d.Description, string(d.Schema), d.Owner
	out.Tags, out.Sensitive, out.Merge, out.ExpiresAt = d.Tags, d.Sensitive, d.Merge, d.ExpiresAt
	if out.Merge == "" {
		out.Merge = MergeReplace
	}
	return out
}

// Defines is the definition as an item makes it.
func (d Definition) Defines() *Defines {
	return &Defines{
		Type: d.Type, Description: d.Description, Schema: Value(d.Schema), Owner: d.Owner, Tags: d.Tags,
		Sensitive: d.Sensitive, Merge: d.Merge, ExpiresAt: d.ExpiresAt,
	}
}

// Tags are words that group definitions: sorted, each once, divided by commas. Only NewTags makes them.
type Tags string

// The bounds of tags.
const (
	maxTags = 20
	maxTag  = 40 // characters
)

// NewTags sorts words and drops what is there twice; false when there are too many, or one is empty, too long or holds
// a comma or a character that is none for people.
func NewTags(words []string) (Tags, bool) {
	sorted := slices.Compact(slices.Sorted(slices.Values(words)))
	for _, w := range sorted {
		if strings.TrimSpace(w) != w || w == "" || strings.Contains(w, ",") || !ValidText(w, maxTag) {
			return "", false
		}
	}
	return Tags(strings.Join(sorted, ",")), len(sorted) <= maxTags
}

// List is the words, never nil.
func (t Tags) List() []string {
	if t == "" {
		return []string{}
	}
	return strings.Split(string(t), ",")
}

// Accept converts the value to the definition's type when nothing is lost, else it is invalid.
// The JSON Schema is checked by services/definitions.
func (d Definition) Accept(v Value, pointer string) (Value, error) {
	if out, ok := v.As(d.Type); ok {
		return out, nil
	}
	return "", Invalid(pointer, "the key "+d.Key+" is defined as "+string(d.Type))
}

// Same tells whether two states of a definition say the same; versions and times do not count.
func (d Definition) Same(o Definition) bool {
	return d.Facets() == o.Facets() && sameTime(d.ExpiresAt, o.ExpiresAt)
}

// Facets are what a definition says, in a form that compares; without its expiry.
func (d Definition) Facets() Definition {
	return Definition{
		TenantID: d.TenantID, Key: d.Key, Type: d.Type, Schema: d.Schema, Description: d.Description,
		Owner: d.Owner, Tags: d.Tags, Sensitive: d.Sensitive, Merge: d.Merge,
	}
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// Moves tells whether readers of live values see a difference between two states of a definition: values merge in
// another way, or hide. before is the zero Definition for a key that the layer did not define.
func (d Definition) Moves(before Definition) bool {
	deep := func(d Definition) bool { return d.Merge == MergeDeep }
	return deep(d) != deep(before) || d.Sensitive != before.Sensitive
}

// Uncovers tells whether what was a secret is none any more; forbidden for who may not reveal it.
func (d Definition) Uncovers(before Definition, by Actor) (bool, error) {
	uncovers := before.Sensitive && !d.Sensitive
	if uncovers && !by.Everywhere(PermReveal, d.TenantID) {
		return true, Forbidden("what makes a secret readable needs the permission " + string(PermReveal) + " in all environments")
	}
	return uncovers, nil
}

// Overdue tells whether a temporary key has outlived its purpose.
func (d Definition) Overdue(now time.Time) bool {
	return d.ExpiresAt != nil && !now.Before(*d.ExpiresAt)
}

// Tag is the ETag of the definition.
func (d Definition) Tag() string { return VersionTag(d.Version) }
