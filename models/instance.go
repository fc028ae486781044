package models

import (
	"cmp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// The lengths of what an instance says of itself, in characters.
const (
	MaxUnit     = 128
	MaxRevision = 128
	MaxClient   = 128
)

// InstanceKey names an instance. A unit is a name that its application chose: it means something only together with
// the tenant and the environment.
type InstanceKey struct{ TenantID, Environment, Unit string }

// Compare orders keys as lists show them.
func (k InstanceKey) Compare(other InstanceKey) int {
	return cmp.Or(cmp.Compare(k.TenantID, other.TenantID), cmp.Compare(k.Environment, other.Environment), cmp.Compare(k.Unit, other.Unit))
}

// Instance is one running copy of an application and the revision that it holds.
type Instance struct {
	InstanceKey

	Revision    string     // as the bulk read named it
	Client      string     // the program that reports, such as "hotswap-go/1.4"; may be empty
	Current     *bool      // it holds the revision of now; nil: nobody can tell at the moment
	CurrentAt   *time.Time // when it last reported the revision that was the one of now; nil: never
	FirstSeenAt *time.Time // nil: not known at the moment
	LastSeenAt  time.Time
}

// CheckInstance tells whether an instance may call itself so: printable characters, at most so many. invalid otherwise.
func CheckInstance(unit, revision, client string) error {
	var fields []FieldError
	if unit == "" || !printable(unit, MaxUnit) {
		fields = append(fields, FieldError{Pointer: "/unit", Message: "1 to 128 printable characters"})
	}
	if revision == "" || !printable(revision, MaxRevision) {
		fields = append(fields, FieldError{Pointer: "/revision", Message: "the revision that the resolved read answered"})
	}
	if !printable(client, MaxClient) {
		fields = append(fields, FieldError{Pointer: "/client", Message: "at most 128 printable characters"})
	}
	return InvalidFields(fields)
}

// printable tells whether people can see all of the text: nothing in it is hidden, and the only space is the ordinary one.
func printable(text string, limit int) bool {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > limit {
		return false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// InstancePlace is where an instance belongs that names its tenant and environment, or leaves either out because its
// credential reads just one. invalid: it would have to say.
func (a Actor) InstancePlace(tenantID, environment string) (Place, error) {
	place := Place{Tenant: tenantID, Environment: environment}
	reads := a.Places(PermResolve)
	if tenantID == "" {
		place.Tenant = only(reads, func(p Place) string { return p.Tenant })
	}
	if environment == "" {
		reads = slices.DeleteFunc(reads, func(p Place) bool { return p.Tenant != "" && p.Tenant != place.Tenant })
		place.Environment = only(reads, func(p Place) string { return p.Environment })
	}
	var fields []FieldError
	if place.Tenant == "" {
		fields = append(fields, FieldError{Pointer: "/tenantId", Message: "your credential reads more than one tenant; name this one"})
	}
	if place.Environment == "" {
		fields = append(fields, FieldError{Pointer: "/environment", Message: "your credential reads more than one environment; name this one"})
	}
	return place, InvalidFields(fields)
}

// only is the one text that all places have; empty when there is none.
func only(places []Place, text func(Place) string) string {
	if len(places) == 0 {
		return ""
	}
	first := text(places[0])
	if slices.ContainsFunc(places, func(p Place) bool { return text(p) != first }) {
		return ""
	}
	return first
}
