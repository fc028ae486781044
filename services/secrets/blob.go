package secrets

import (
	"context"
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
