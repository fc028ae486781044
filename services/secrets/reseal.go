package secrets

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/services/store"
)

const (
	// resealBatch is how many values one transaction seals anew.
	resealBatch = 100
	// lowestID is below every id.
	lowestID = "00000000-0000-0000-0000-000000000000"
)

// prefix is what begins all that the key seals.
func prefix(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte{tinkVersion}, id) }

// reseal seals all values anew that another key sealed than the one that seals now.
func (s *Service) reseal(ctx context.Context, tenantID string, r *ring, done *Rotated) error {
	for after := lowestID; ; {
		var rows, anew []Row
		err := s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
			err := tx.Raw(`
				SELECT id, key, ciphertext FROM sealed_values
				WHERE tenant_id = ? AND id > ? AND substring(ciphertext FROM 1 FOR 5) <> ?
				ORDER BY id LIMIT ? FOR UPDATE`, tenantID, after, prefix(r.primary()), resealBatch).Scan(&rows).Error
			if err != nil {
				return err
			}
			if anew, err = s.sealedAnew(ctx, tenantID, r, rows); err != nil || len(anew) == 0 {
				return err
			}
			return store.Send(ctx, exchange(tenantID, anew))
		})
		if err != nil {
			return err
		}
		done.Values, done.Unopened = done.Values+len(anew), done.Unopened+len(rows)-len(anew)
		if len(rows) < resealBatch {
			return nil
		}
		after = rows[len(rows)-1].ID
	}
}

// sealedAnew is the rows that open, sealed by the key that seals now.
func (s *Service) sealedAnew(ctx context.Context, tenantID string, r *ring, rows []Row) ([]Row, error) {
	out := make([]Row, 0, len(rows))
	for _, row := range rows {
		associated := bound(boundValue, tenantID, row.Key, row.ID)
		plain, err := r.aead.Decrypt(row.Ciphertext, associated)
		if err != nil {
			s.log.ErrorContext(ctx, "a sealed value does not open and stays as it is", "tenantId", tenantID, "id", row.ID)
			continue
		}
		if row.Ciphertext, err = r.aead.Encrypt(plain, associated); err != nil {
			return nil, fmt.Errorf("seal a value: %w", err)
		}
		out = append(out, row)
	}
	return out, nil
}

// exchange stores other ciphertexts of the same values.
func exchange(tenantID string, rows []Row) store.Statement {
	ids, ciphertexts := make([]string, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		ids[i], ciphertexts[i] = r.ID, r.Ciphertext
	}
	return store.Statement{
		SQL: `
			UPDATE sealed_values v SET ciphertext = n.ciphertext
			FROM unnest(CAST(@ids AS uuid[]), CAST(@ciphertexts AS bytea[])) AS n (id, ciphertext)
			WHERE v.tenant_id = @tenant AND v.id = n.id`,
		Args: map[string]any{"tenant": tenantID, "ids": ids, "ciphertexts": ciphertexts}, Rows: int64(len(rows)),
	}
}

// drop takes the keys out of the ring that seal nothing any more, but for the one that was replaced last.
func (s *Service) drop(ctx context.Context, tenantID string, r *ring, last uint32) (int, error) {
	var inUse [][]byte
	err := s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(`SELECT DISTINCT substring(ciphertext FROM 1 FOR 5) FROM sealed_values WHERE tenant_id = ?`, tenantID).Scan(&inUse).Error
	})
	if err != nil {
		return 0, err
	}
	manager := keyset.NewManagerFromHandle(r.handle)
	dropped := 0
	for _, id := range r.ids {
		used := slices.ContainsFunc(inUse, func(p []byte) bool { return slices.Equal(p, prefix(id)) })
		if used || id == last || id == r.primary() {
			continue
		}
		if err := manager.Delete(id); err != nil {
			return 0, fmt.Errorf("drop a data key: %w", err)
		}
		dropped++
	}
	if dropped == 0 {
		return 0, nil
	}
	next, err := r.with(manager)
	if err != nil {
		return 0, err
	}
	return dropped, s.replace(ctx, tenantID, next, rewrite{})
}
