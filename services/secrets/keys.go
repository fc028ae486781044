package secrets

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

const (
	// actorName is the system actor that makes and reads data keys; the row-level policies name it.
	actorName = "secrets"
	// readyTimeout bounds the making or reading of a data key: two calls of the master key and two transactions.
	readyTimeout = 2*masterTimeout + 4*time.Second
	// foreignKeyViolation is what Postgres says of a tenant that does not exist.
	foreignKeyViolation = "23503"
)

// wrapped is a row of tenant_keys.
type wrapped struct {
	Master     string
	Keyset     []byte
	Commitment []byte
	Version    int64
	Settled    bool // whether the keys that seal no more were replaced long ago
}

// Ready puts the data key of a tenant or layer into memory, and makes it if there is none. It opens transactions of its
// own, and calls the master key outside of them. conflict: the tenant's secrets were shredded; not_found: there is no
// such tenant; unavailable: the database or the master key does not answer.
func (s *Service) Ready(ctx context.Context, tenantID string) error {
	if r, ok := s.rings.GetIfPresent(tenantID); ok && !r.stale() {
		return nil
	}
	return s.load(ctx, tenantID)
}

// load reads the data key once for all who wait. Whoever waits first must not end that for the others when it goes away.
func (s *Service) load(ctx context.Context, tenantID string) error {
	done := s.loads.DoChan(tenantID, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		return nil, s.loadNow(ctx, tenantID)
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return fmt.Errorf("wait for a data key: %w", ctx.Err())
	}
}

// loadNow reads the data key, and makes one when there is none.
func (s *Service) loadNow(ctx context.Context, tenantID string) error {
	doubt := &atomic.Bool{}
	s.loading.Store(tenantID, doubt)
	defer s.loading.Delete(tenantID)
	unknown := map[uint32]struct{}{}
	if old, ok := s.rings.GetIfPresent(tenantID); ok {
		unknown = old.sought()
	}
	row, found, err := s.readOrKept(ctx, tenantID)
	if err != nil {
		return err
	}
	if !found {
		row, err = s.begin(ctx, tenantID)
		if err != nil {
			return err
		}
	}
	return s.keep(ctx, tenantID, row, unknown, doubt)
}

// keep opens a row into memory. What was sought there and is not in it need not be sought again.
func (s *Service) keep(ctx context.Context, tenantID string, row wrapped, unknown map[uint32]struct{}, doubt *atomic.Bool) error {
	if row.Keyset == nil {
		s.Forget(tenantID)
		return destroyed()
	}
	r, err := s.unwrap(ctx, tenantID, row)
	if err != nil {
		return err // what is in memory stays: it opens what it did before
	}
	s.kept.keep(tenantID, row)
	for id := range unknown {
		if r.holds(id) {
			delete(unknown, id)
		}
	}
	r.absent = unknown
	s.rings.Set(tenantID, r)
	if doubt.Load() { // its tenant's head moved meanwhile, and Raise may have found only the ring before
		r.doubted.Store(true)
	}
	return nil
}

// Forget takes a tenant's data key out of this node's memory, after it was shredded.
func (s *Service) Forget(tenantID string) {
	s.rings.Invalidate(tenantID)
	s.kept.forget(tenantID)
}

func (s *Service) unwrap(ctx context.Context, tenantID string, row wrapped) (*ring, error) {
	master := s.master
	if s.other != nil && row.Master == s.other.name {
		master = s.other
	}
	return unwrap(ctx, master, tenantID, row)
}

// unwrap opens a row with a master key, and tells which one is needed where that is another.
func unwrap(ctx context.Context, master *Master, tenantID string, row wrapped) (*ring, error) {
	plain, err := master.unwrap(ctx, row.Keyset, bound(boundKeyset, tenantID))
	if err == nil {
		var commitment []byte
		if commitment, err = master.unwrap(ctx, row.Commitment, bound(boundCommitment, tenantID)); err == nil {
			return readRing(plain, commitment, row.Version)
		}
	}
	if row.Master != master.name {
		return nil, fmt.Errorf("the data key is wrapped by the master key %q, not by %q: %w", row.Master, master.name, err)
	}
	return nil, err
}

// wrap is the ring as a row of tenant_keys.
func (s *Service) wrap(ctx context.Context, tenantID string, r *ring) (wrapped, error) {
	plain, err := r.clear()
	if err != nil {
		return wrapped{}, err
	}
	row := wrapped{Master: s.master.name, Version: r.version}
	if row.Keyset, err = s.master.wrap(ctx, plain, bound(boundKeyset, tenantID)); err != nil {
		return wrapped{}, err
	}
	row.Commitment, err = s.master.wrap(ctx, r.commitment, bound(boundCommitment, tenantID))
	return row, err
}

// begin makes the tenant's first data key. Of two nodes that do so at once both take the one that was stored.
func (s *Service) begin(ctx context.Context, tenantID string) (stored wrapped, err error) {
	r, err := newRing()
	if err != nil {
		return stored, err
	}
	row, err := s.wrap(ctx, tenantID, r)
	if err != nil {
		return stored, err
	}
	err = s.system(ctx, func(_ context.Context, tx *gorm.DB) error {
		err := tx.Exec(`
			INSERT INTO tenant_keys (tenant_id, master, keyset, commitment) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant_id) DO NOTHING`, tenantID, row.Master, row.Keyset, row.Commitment).Error
		if err != nil {
			return noTenant(err)
		}
		return tx.Raw(wrappedSQL, tenantID).Scan(&stored).Error
	})
	return stored, err
}

// noTenant tells a tenant that does not exist from other failures.
func noTenant(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == foreignKeyViolation {
		return models.NotFound("tenant")
	}
	return err
}

// wrappedSQL reads a data key. A key that seals no more is kept for a day: nothing that a node's memory, Redis or a disk
// holds sealed under it is older.
const wrappedSQL = `
	SELECT master, keyset, commitment, version, coalesce(rotated_at < clock_timestamp() - interval '24 hours', false) AS settled
	FROM tenant_keys WHERE tenant_id = ?`

func (s *Service) read(ctx context.Context, tenantID string) (row wrapped, found bool, err error) {
	err = s.system(ctx, func(_ context.Context, tx *gorm.DB) error {
		r := tx.Raw(wrappedSQL, tenantID).Scan(&row)
		found = r.RowsAffected > 0
		return r.Error
	})
	return row, found, err
}

// system runs fn in a transaction of the system actor secrets.
func (s *Service) system(ctx context.Context, fn func(context.Context, *gorm.DB) error) error {
	return s.db.Tx(models.WithActor(ctx, models.System(actorName)), fn)
}

// stored reads the ciphertext of one value as it is now.
func (s *Service) stored(ctx context.Context, tenantID string, v models.Value) (out map[string][]byte, err error) {
	err = s.system(ctx, func(ctx context.Context, _ *gorm.DB) error {
		out, err = Read(ctx, tenantID, v)
		return err
	})
	return out, err
}

// Insert stores rows that Seal made, in the transaction that stores the texts which name them.
func Insert(tenantID string, rows []Row) store.Statement {
	ids, keys, ciphertexts := make([]string, len(rows)), make([]string, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		ids[i], keys[i], ciphertexts[i] = r.ID, r.Key, r.Ciphertext
	}
	return store.Statement{
		SQL: `
			INSERT INTO sealed_values (tenant_id, id, key, ciphertext)
			SELECT @tenant, v.id::uuid, v.key, v.ciphertext
			FROM unnest(CAST(@ids AS text[]), CAST(@keys AS text[]), CAST(@ciphertexts AS bytea[])) AS v (id, key, ciphertext)`,
		Args: map[string]any{"tenant": tenantID, "ids": ids, "keys": keys, "ciphertexts": ciphertexts},
		Rows: int64(len(rows)),
	}
}

// Read is the ciphertexts of the sealed ones among values, by id, in the transaction of the context.
func Read(ctx context.Context, tenantID string, values ...models.Value) (map[string][]byte, error) {
	var wanted, ids []string
	var ciphertexts [][]byte
	for _, v := range values {
		if sealed, ok := v.Sealed(); ok {
			wanted = append(wanted, sealed.ID)
		}
	}
	if wanted == nil {
		return nil, nil
	}
	err := store.Send(ctx, store.Statement{
		SQL: `
			SELECT coalesce(array_agg(id::text), '{}'), coalesce(array_agg(ciphertext), '{}')
			FROM sealed_values WHERE tenant_id = @tenant AND id = ANY (CAST(@ids AS uuid[]))`,
		Args: map[string]any{"tenant": tenantID, "ids": wanted},
		Into: []any{&ids, &ciphertexts},
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(ids))
	for i, id := range ids {
		out[id] = ciphertexts[i]
	}
	return out, nil
}

// random is that many bytes from the system's source, which never fails.
func random(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.Read(out) // ends the process rather than fail
	return out
}
