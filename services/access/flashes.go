package access

import (
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"
)

// maxFlashes is how many sentences wait for a next page; where nobody looks at pages, later ones are dropped.
const maxFlashes = 20

// AddFlash keeps a sentence for the next page of a session. Without a living one it does nothing.
func (s *Service) AddFlash(ctx context.Context, token Token, text string) error {
	hash, ok := token.hash()
	if !ok {
		return nil
	}
	return s.asAuth(ctx, func(_ context.Context, tx *gorm.DB) error {
		return tx.Exec(`
			UPDATE sessions SET flashes = array_append(flashes, ?)
			WHERE hash = ? AND person_id IS NOT NULL AND cardinality(flashes) < ?`, text, hash, maxFlashes).Error
	})
}

// TakeFlashes returns the sentences that were kept, in their order: of several calls only one has each of them.
func (s *Service) TakeFlashes(ctx context.Context, token Token) (kept []string, err error) {
	hash, ok := token.hash()
	if !ok {
		return nil, nil
	}
	err = s.asAuth(ctx, func(_ context.Context, tx *gorm.DB) error {
		var taken texts[string]
		// RETURNING knows the new row only, so the old one is locked and read first.
		err := tx.Raw(`
			UPDATE sessions SET flashes = '{}'
			FROM (SELECT hash, flashes FROM sessions
				WHERE hash = ? AND person_id IS NOT NULL AND flashes <> '{}' FOR UPDATE) AS before
			WHERE sessions.hash = before.hash
			RETURNING before.flashes`, hash).Row().Scan(&taken)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // another page was quicker
		}
		kept = taken
		return err
	})
	return kept, err
}
