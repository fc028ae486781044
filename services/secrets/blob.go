package secrets

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/hotswap/hotswap/models"
)

// SealBlob seals something that leaves the database whole, such as a layer set in Redis, under the data key of the
// platform. It opens with the same associated data only, and never as a value. Call it outside transactions.
func (s *Service) SealBlob(ctx context.Context, plain, associated []byte) (sealed []byte, err error) {
	err = s.Retry(ctx, func() error {
		r, ok := s.ring(models.Platform)
		if !ok {
			return NotReadyError{models.Platform}
		}
		sealed, err = r.aead.Encrypt(plain, bound(boundBlob, string(associated)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("seal a blob: %w", err)
	}
	return sealed, nil
}

// OpenBlob undoes SealBlob. ErrUnopened: it is not what it claims to be. Call it outside transactions.
func (s *Service) OpenBlob(ctx context.Context, sealed, associated []byte) (plain []byte, err error) {
	err = s.Retry(ctx, func() error {
		plain, err = s.open(models.Platform, sealed, bound(boundBlob, string(associated)))
		return err
	})
	return plain, err
}

// Mark is equal for equal digests, on every node and over rotations, and tells nothing of what was digested to who lacks
// the platform's commitment key: a digest of something short could be found by trying. Call it outside transactions.
func (s *Service) Mark(ctx context.Context, digest []byte) (mark []byte, err error) {
	err = s.Retry(ctx, func() error {
		r, ok := s.ring(models.Platform)
		if !ok {
			return NotReadyError{models.Platform}
		}
		mac := hmac.New(sha256.New, r.commitment)
		mac.Write(bound(boundMark, string(digest)))
		mark = mac.Sum(nil)
		return nil
	})
	return mark, err
}
