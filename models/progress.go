package models

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Buckets is into how many parts units fall.
const Buckets = 10_000

// Bucket is where a unit falls, 0 to Buckets-1: the same for ever under one salt, and evenly over many units.
func Bucket(salt, unit string) int {
	sum := sha256.Sum256([]byte(salt + "\x00" + unit))
	return int(binary.BigEndian.Uint64(sum[:8]) % Buckets)
}

// Progress is how far a deployment in steps has come. It moves without any value moving.
type Progress struct {
	Threshold int      // of unit instance: buckets below it are on the candidate side
	Tenants   []string // of unit tenant: those on the candidate side, sorted
}

// Candidate tells whether a reader is on the candidate side of a deployment of that unit. Who names no unit is not.
func (p Progress) Candidate(unit, salt, tenantID, reader string) bool {
	switch unit {
	case UnitTenant:
		_, ok := slices.BinarySearch(p.Tenants, tenantID)
		return ok
	case UnitInstance:
		return reader != "" && Bucket(salt, reader) < p.Threshold
	default:
		return false
	}
}
