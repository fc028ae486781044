package models

// Head tells where the values of one layer in one environment stand. It moves in the transaction that
// moves anything a reader could see.
type Head struct {
	TenantID    string `gorm:"primaryKey"`
	Environment string `gorm:"primaryKey"`
	Revision    int64  // orders
	Token       string // identifies: a random UUID
}

// The names under which control data keeps its heads. Environments may not be called that.
const (
	HeadTenant = ""      // a tenant's tier and status
	HeadKeys   = "keys"  // of the platform: all API keys
	HeadRoles  = "roles" // of the platform: all bindings and people
)

// HeadKey addresses a head.
type HeadKey struct{ TenantID, Environment string }

// Key is the head's address.
func (h Head) Key() HeadKey { return HeadKey{h.TenantID, h.Environment} }
