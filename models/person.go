package models

import "time"

// GroupTrust is how long a right from a group holds after the groups were last seen at a login.
const GroupTrust = 30 * 24 * time.Hour

// Person is somebody who signed in through the identity provider: issuer and subject.
type Person struct {
	ID            string
	Issuer        string
	Subject       string // empty until the first login of someone added by e-mail
	Email         string // lower case
	EmailVerified bool
	Name          string
	Groups        []string
	GroupsAt      *time.Time
	DisabledAt    *time.Time
	LastLoginAt   *time.Time
	CreatedAt     time.Time
}

// VerifiedEmail is the e-mail if the provider vouches for it, else empty.
func (p Person) VerifiedEmail() string {
	if p.EmailVerified {
		return p.Email
	}
	return ""
}

// Ref is the person as an actor without rights.
func (p Person) Ref() ActorRef {
	name := p.Name
	if name == "" {
		name = p.Email
	}
	return ActorRef{ID: p.ID, Kind: ActorPerson, Name: name}
}

// The kinds of subjects a role is bound to.
const (
	SubjectPerson = "person"
	SubjectGroup  = "group"
	SubjectKey    = "key"
)

// Binding gives a role to a person, a group of the identity provider or an API key.
type Binding struct {
	TenantID    string // Platform binds for all tenants
	ID          string
	Role        Role
	Environment string // empty for all
	SubjectKind string
	Subject     string // person id, group name or key id
	CreatedBy   ActorRef
	CreatedAt   time.Time
}

// APIKey is a credential of a service, or a personal one that acts as its person within its own role.
type APIKey struct {
	TenantID    string // Platform is a key for all tenants
	ID          string
	Name        string
	Role        Role
	Environment string   // empty for all
	PersonID    string   // whose personal key it is; empty for a service
	Responsible []string // ids of the people who answer for the service
	Grants      []Permission
	Denies      []Permission
	SecretHash  []byte // SHA-256 of the whole key
	CreatedBy   ActorRef
	CreatedAt   time.Time
	ExpiresAt   *time.Time
	RevokedAt   *time.Time
}

// Usable tells whether the key still opens anything.
func (k APIKey) Usable(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || now.Before(*k.ExpiresAt))
}
