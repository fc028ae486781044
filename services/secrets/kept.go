package secrets

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// keptAfter is how long a database may take before what was kept of it is used.
const keptAfter = 200 * time.Millisecond

// rememberTimeout bounds asking for all that was kept; what is not answered then is asked later.
const rememberTimeout = 2 * time.Second

// Kept is a data key as the database holds it: wrapped by a master key, and of no use without that.
type Kept struct {
	TenantID   string
	Master     string
	Keyset     []byte
	Commitment []byte
	Version    int64
}

// keeper remembers wrapped data keys, for when the database cannot be asked for them.
type keeper struct {
	mu      sync.Mutex
	rows    map[string]wrapped
	doubted map[string]bool // those that may have been shredded since
	moves   int64           // counts what was altered
}

// begin makes the keeper one that can hold rows. It is locked.
func (k *keeper) begin() {
	if k.rows == nil {
		k.rows, k.doubted = map[string]wrapped{}, map[string]bool{}
	}
}

func (k *keeper) keep(tenantID string, row wrapped) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begin()
	delete(k.doubted, tenantID)
	if old, ok := k.rows[tenantID]; ok && old.Version == row.Version && old.Master == row.Master {
		return
	}
	k.rows[tenantID] = row
	k.moves++
}

// add takes a row where there is none, and tells whether it did. A doubted one does not serve until it is trusted.
func (k *keeper) add(tenantID string, row wrapped, doubted bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begin()
	if _, ok := k.rows[tenantID]; ok {
		return false
	}
	k.rows[tenantID] = row
	if doubted {
		k.doubted[tenantID] = true
	}
	k.moves++
	return true
}

func (k *keeper) forget(tenantID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.rows[tenantID]; ok {
		delete(k.rows, tenantID)
		delete(k.doubted, tenantID)
		k.moves++
	}
}

func (k *keeper) doubt(tenantID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.rows[tenantID]; ok {
		k.doubted[tenantID] = true
	}
}

func (k *keeper) doubtAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for tenantID := range k.rows {
		k.doubted[tenantID] = true
	}
}

// trust says that the database still holds the row as it is here.
func (k *keeper) trust(tenantID string, version int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if row, ok := k.rows[tenantID]; ok && row.Version == version {
		delete(k.doubted, tenantID)
	}
}

// find is a data key that nothing speaks against.
func (k *keeper) find(tenantID string) (wrapped, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	row, ok := k.rows[tenantID]
	return row, ok && !k.doubted[tenantID]
}

func (k *keeper) versions() map[string]int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make(map[string]int64, len(k.rows))
	for tenantID, row := range k.rows {
		out[tenantID] = row.Version
	}
	return out
}

// Keep makes sure that the wrapped data key of a tenant or layer is among those that Kept lists. It does not ask the
// master key.
func (s *Service) Keep(ctx context.Context, tenantID string) error {
	if _, ok := s.kept.find(tenantID); ok {
		return nil
	}
	row, found, err := s.read(ctx, tenantID)
	switch {
	case err != nil:
		return err
	case !found || row.Keyset == nil:
		s.kept.forget(tenantID)
	default:
		s.kept.keep(tenantID, row)
	}
	return nil
}

// Kept lists the wrapped data keys that this node has come across.
func (s *Service) Kept() (keys []Kept) {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	for tenantID, r := range s.kept.rows {
		keys = append(keys, Kept{tenantID, r.Master, r.Keyset, r.Commitment, r.Version})
	}
	return keys
}

// Moves counts how often the list of Kept was altered.
func (s *Service) Moves() int64 {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return s.kept.moves
}

// readOrKept is a data key as the database holds it. Where that does not answer, and nothing is in memory yet, it is the
// one that was kept.
func (s *Service) readOrKept(ctx context.Context, tenantID string) (row wrapped, found bool, err error) {
	kept, ok := s.kept.find(tenantID)
	if _, held := s.rings.GetIfPresent(tenantID); !ok || held {
		return s.read(ctx, tenantID)
	}
	asking, cancel := context.WithTimeout(ctx, keptAfter)
	defer cancel()
	if row, found, err = s.read(asking, tenantID); store.Unavailable(err) {
		return kept, true, nil
	}
	return row, found, err
}

// Restore takes wrapped data keys that another run of this node kept, where none is known yet. They serve while the
// database cannot be asked.
func (s *Service) Restore(keys []Kept) {
	for _, k := range keys {
		s.kept.add(k.TenantID, k.row(), false)
	}
}

// Remember is Restore while the database is there: what was served can be served again, though nobody has asked this run
// for it yet. A key counts once the database was asked whether it was rotated or shredded since; what it does not answer
// in time is asked by Run.
func (s *Service) Remember(ctx context.Context, keys []Kept) {
	ctx, cancel := context.WithTimeout(ctx, rememberTimeout)
	defer cancel()
	var added []string
	for _, k := range keys {
		if s.kept.add(k.TenantID, k.row(), true) {
			added = append(added, k.TenantID)
		}
	}
	for chunk := range slices.Chunk(added, lookBatch) {
		stored, err := s.versions(ctx, chunk)
		if err != nil {
			s.log.WarnContext(ctx, "data keys that were kept are not compared with the database yet", "error", err)
			return
		}
		for _, tenantID := range chunk {
			s.kept.trust(tenantID, stored[tenantID])
		}
	}
}

// RestorePlatform takes the wrapped data key of the platform, which opens all else that was kept, and opens it.
// unavailable: the master key does not answer.
func (s *Service) RestorePlatform(ctx context.Context, k Kept) error {
	r, err := s.unwrap(ctx, models.Platform, k.row())
	if err != nil {
		return err
	}
	s.kept.keep(models.Platform, k.row())
	if _, held := s.rings.GetIfPresent(models.Platform); !held {
		s.rings.Set(models.Platform, r)
	}
	return nil
}

func (k Kept) row() wrapped {
	return wrapped{Master: k.Master, Keyset: k.Keyset, Commitment: k.Commitment, Version: k.Version}
}

// BlobKey identifies the key that seals blobs now; false when it is not in memory.
func (s *Service) BlobKey() (uint32, bool) {
	r, ok := s.ring(models.Platform)
	if !ok {
		return 0, false
	}
	return r.handle.KeysetInfo().GetPrimaryKeyId(), true
}
