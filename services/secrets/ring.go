package secrets

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/hotswap/hotswap/models"
)

// What a ciphertext is bound to begins with what it is, so that nothing opens as something else.
const (
	boundValue      = "value"
	boundBlob       = "blob"
	boundMark       = "mark"
	boundKeyset     = "keyset"
	boundCommitment = "commitment"
)

// bound is associated data: each part with its length before it, so that no two lists of parts are the same bytes.
func bound(parts ...string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p))) //nolint:gosec // keys and ids, far below 4 GiB
		out = append(out, p...)
	}
	return out
}

const (
	// commitmentSize is the length in bytes of a key of commitments.
	commitmentSize = 32
	// prefixSize is what Tink writes before a ciphertext: a version and the key's id.
	prefixSize  = 5
	tinkVersion = 1
	// maxUnknown is how many key ids that a ring does not hold are worth a look at the database.
	maxUnknown = 64
)

// keyID is the id of the key that sealed the ciphertext, as Tink writes it before it.
func keyID(ciphertext []byte) (uint32, bool) {
	if len(ciphertext) < prefixSize || ciphertext[0] != tinkVersion {
		return 0, false
	}
	return binary.BigEndian.Uint32(ciphertext[1:prefixSize]), true
}

// ring is a tenant's data key in memory: the key that seals and those that still open.
type ring struct {
	handle     *keyset.Handle
	aead       tink.AEAD
	commitment []byte
	version    int64 // of the row
	ids        []uint32
	doubted    atomic.Bool // whether it still is the tenant's has to be asked first

	mu     sync.Mutex
	wanted map[uint32]struct{} // ids that ciphertexts name and that the ring does not hold: another node may have rotated
	absent map[uint32]struct{} // those of them that the database did not hold either
}

// newRing makes the keys of a tenant that has none yet.
func newRing() (*ring, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a data key: %w", err)
	}
	return ringOf(handle, random(commitmentSize), 1)
}

func ringOf(handle *keyset.Handle, commitment []byte, version int64) (*ring, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use a data key: %w", err)
	}
	r := &ring{handle: handle, aead: primitive, commitment: commitment, version: version}
	for _, k := range handle.KeysetInfo().GetKeyInfo() {
		r.ids = append(r.ids, k.GetKeyId())
	}
	return r, nil
}

// clear is the keyset without protection, for the master key to wrap.
func (r *ring) clear() ([]byte, error) {
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(r.handle, keyset.NewBinaryWriter(&out)); err != nil {
		return nil, fmt.Errorf("write a data key: %w", err)
	}
	return out.Bytes(), nil
}

// readRing undoes clear.
func readRing(plain, commitment []byte, version int64) (*ring, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(plain)))
	if err != nil {
		return nil, fmt.Errorf("read a data key: %w", err)
	}
	if len(commitment) != commitmentSize { // a service that answers with nothing must not lead to a key of nothing
		return nil, errors.New("read a data key: the key of commitments is not whole")
	}
	return ringOf(handle, commitment, version)
}

func (r *ring) holds(id uint32) bool { return slices.Contains(r.ids, id) }

// commit is equal for equal values of one key, and tells nothing to who lacks the commitment key. The key's name is in
// it: two keys that hold one password do not show that.
func (r *ring) commit(key string, v models.Secret) string {
	mac := hmac.New(sha256.New, r.commitment)
	mac.Write(bound(boundValue, key, string(v.Reveal())))
	return hex.EncodeToString(mac.Sum(nil))
}

// want notes a key id that the ring does not hold and tells whether a look at the database may find it. Each id is
// worth one look, so a heap of damaged ciphertexts does not become a heap of queries.
func (r *ring) want(id uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.absent[id]; known || len(r.absent)+len(r.wanted) >= maxUnknown {
		return false
	}
	if r.wanted == nil {
		r.wanted = map[uint32]struct{}{}
	}
	r.wanted[id] = struct{}{}
	return true
}

// stale tells whether the database is to be asked for a newer ring.
func (r *ring) stale() bool {
	if r.doubted.Load() {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.wanted) > 0
}

// sought lists the ids that the next load is to find, and those that none will.
func (r *ring) sought() map[uint32]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := maps.Clone(r.absent)
	if out == nil {
		out = map[uint32]struct{}{}
	}
	maps.Copy(out, r.wanted)
	return out
}
