package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Entry is one line of a tenant's audit log.
type Entry struct {
	TenantID   string
	Number     int64 // without gap from 0 within the tenant
	ID         string
	At         time.Time
	Actor      ActorRef // empty once erased
	Address    string
	SubjectRef string // random; what the leaf names instead of the actor
	Commitment string // hex
	Action     string // noun.verb
	Resource   string // noun/id
	Before     Value  // empty for none
	After      Value  // empty for none
	RequestID  string
	LeafHash   []byte
}

// Act is what a service reports about one thing it did; audit makes an Entry of it.
type Act struct {
	Action   string
	Resource string
	Before   Value
	After    Value
}

// Commit binds an entry to who stands behind it without naming them: HMAC-SHA256 over the canonical form,
// under a salt that is destroyed when the person is erased.
func Commit(actor ActorRef, address string, salt []byte) (string, error) {
	text, err := Canonical(map[string]string{
		"address": address, "id": actor.ID, "kind": string(actor.Kind), "name": actor.Name,
	})
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// Leaf is the RFC 6962 leaf hash of the entry: SHA-256 over 0x00 and the canonical form of all that
// must not change. The number is not in it: it is the leaf's place in the tree.
func (e Entry) Leaf() ([]byte, error) {
	text, err := Canonical(map[string]string{
		"action": e.Action, "after": string(e.After), "at": e.At.UTC().Format(time.RFC3339Nano),
		"before": string(e.Before), "commitment": e.Commitment, "id": e.ID, "requestId": e.RequestID,
		"resource": e.Resource, "subject": e.SubjectRef, "tenantId": e.TenantID,
	})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte{0}, text...))
	return sum[:], nil
}
