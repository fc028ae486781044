package models

import "context"

// KeepClaims is how long a call is remembered under its Idempotency-Key, in hours.
const KeepClaims = 24

// MaxClaimKey is how many characters an Idempotency-Key may have.
const MaxClaimKey = 255

// Claim names one call, so that the same call is known when it comes again: its Idempotency-Key, and what the key
// is good for.
type Claim struct {
	Credential string // kind:id of the actor, and the id of the API key
	Method     string
	Path       string
	Key        string
	Digest     []byte // of query and body: SHA-256 as it comes, an HMAC of that where it is kept

	Spent bool // a transaction of this call has committed it; later ones of the same call are not the call again
}

// ValidClaimKey tells whether the text can be an Idempotency-Key: 1 to 255 visible ASCII characters.
func ValidClaimKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= MaxClaimKey
}

// WithClaim puts the claim of the call into the context: the transaction that does what the call asks for spends it.
func WithClaim(ctx context.Context, c *Claim) context.Context {
	return context.WithValue(ctx, claimKey, c)
}

// ClaimFrom returns the claim of the call; nil when it has none.
func ClaimFrom(ctx context.Context) *Claim {
	c, _ := ctx.Value(claimKey).(*Claim)
	return c
}

// RepeatedError says that the call was carried out before, and what it made or moved then.
type RepeatedError struct {
	Layer    string // the tenant or layer in whose log it is
	Resource string // noun/id, as the log names it
}

// Error is for the log: callers are answered what the first call was.
func (e RepeatedError) Error() string { return "the call was carried out before: " + e.Resource }
