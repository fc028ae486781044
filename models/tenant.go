package models

import (
	"regexp"
	"strings"
	"time"
)

// Platform is the layer of the defaults for all tenants; as a scope it stands for all tenants.
const Platform = "@platform"

const tierPrefix = "@tier."

// TenantStatus is the state of a tenant's life.
type TenantStatus string

// The states of a tenant.
const (
	TenantActive    TenantStatus = "active"
	TenantSuspended TenantStatus = "suspended"
	TenantDeleted   TenantStatus = "deleted"
)

// Tenant is a customer of the SaaS company, or a layer above customers (Platform, "@tier.<slug>").
type Tenant struct {
	ID        string       `gorm:"column:tenant_id;primaryKey"`
	Name      string       // for a tier's layer the tier's name
	Tier      string       // the tier's name as its members hold it; empty for layers
	Status    TenantStatus // layers are always active
	Metadata  string       // canonical JSON object
	Version   int64        // counts edits of this row; the ETag
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time // of a deleted one
}

// DeletionUndo is how long after its deletion a tenant can be had back. Then its values are purged.
const DeletionUndo = 30 * 24 * time.Hour

// Deletable tells whether the tenant can be deleted: nothing reads it any more; conflict if not.
func (t Tenant) Deletable() error {
	if t.Status != TenantSuspended {
		return Conflict("only a suspended tenant can be deleted; this one is " + string(t.Status))
	}
	return nil
}

// Activatable tells whether the tenant can be made active; conflict when it is.
func (t Tenant) Activatable() error {
	if t.Status == TenantActive {
		return Conflict("the tenant is active already")
	}
	return nil
}

var tenantPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ValidTenantID tells whether a customer may be called that. Layers have names of their own.
func ValidTenantID(id string) bool { return tenantPattern.MatchString(id) }

// IsLayer tells whether the id names a layer above customers.
func IsLayer(id string) bool { return strings.HasPrefix(id, "@") }

// TierSlug makes "enterprise" of "Enterprise" and "small-business" of "Small Business"; empty if nothing is left.
func TierSlug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// TierLayer is the layer that holds a tier's values: "Enterprise" has "@tier.enterprise".
func TierLayer(name string) string { return tierPrefix + TierSlug(name) }

// Slug is the tier's slug of a tier layer, or of the tier a tenant belongs to.
func (t Tenant) Slug() string {
	if s, ok := strings.CutPrefix(t.ID, tierPrefix); ok {
		return s
	}
	return TierSlug(t.Tier)
}

// Chain lists the layers a tenant's values come from, topmost first, itself last.
func (t Tenant) Chain() []string {
	switch {
	case t.ID == Platform:
		return []string{Platform}
	case IsLayer(t.ID):
		return []string{Platform, t.ID}
	default:
		return []string{Platform, TierLayer(t.Tier), t.ID}
	}
}

// Tag is the ETag of the tenant.
func (t Tenant) Tag() string { return VersionTag(t.Version) }
