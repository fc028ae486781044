// Package secrets seals sensitive values: every tenant and layer has a data key of its own, wrapped by a master key
// that never leaves its file or key management service.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
)

const (
	// maxRings is how many tenants' data keys are in memory at a time.
	maxRings = 20_000
	// tries is how often work is begun again that found a data key missing or of yesterday.
	tries = 4
)

// Options are what the service is made of.
type Options struct {
	DB      *store.DB
	Audit   *audit.Log // takes rotations and shreddings; nil where none is done
	Master  *Master
	Other   *Master // also opens data keys, while they go from one master key to the next; may be nil
	Now     func() time.Time
	NewID   func() string // of sealed values, as UUID
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: nobody looks
}

// Service seals and opens. Seal and Open need nothing but memory: Ready puts a tenant's data key there.
type Service struct {
	db      *store.DB
	audit   *audit.Log
	master  *Master
	other   *Master
	now     func() time.Time
	newID   func() string
	log     *slog.Logger
	metrics metrics

	rings *otter.Cache[string, *ring]
	loads singleflight.Group
}

// New has no data key in memory yet.
func New(o Options) *Service {
	return &Service{
		db: o.DB, audit: o.Audit, master: o.Master, other: o.Other, now: o.Now, newID: o.NewID, log: o.Log, metrics: newMetrics(o.Metrics),
		rings: otter.Must(&otter.Options[string, *ring]{MaximumSize: maxRings}),
	}
}

// NotReadyError says that the tenant's data key is not in memory, or an older one is than the ciphertext needs: call
// Ready outside the transaction and begin again, as Retry does.
type NotReadyError struct{ TenantID string }

// Error names no key.
func (e NotReadyError) Error() string { return "the data key of " + e.TenantID + " is not in memory" }

// ErrUnopened says that a ciphertext was not made for this place, was altered, or was sealed under a key that is gone.
var ErrUnopened = errors.New("a sealed value does not open")

// Retry runs fn, and again once the data keys are there that it found missing. Call it outside transactions; fn may
// open one.
func (s *Service) Retry(ctx context.Context, fn func() error) error {
	for range tries {
		err := fn()
		missing := missed(err)
		if len(missing) == 0 {
			return err
		}
		for _, tenantID := range missing {
			if err := s.Ready(ctx, tenantID); err != nil {
				return err
			}
		}
	}
	return models.Unavailable("the data key changes too fast", time.Second)
}

// missed are the tenants of all NotReadyErrors that the error holds: whoever needs several data keys joins them.
func missed(err error) (tenants []string) {
	switch held := err.(type) { //nolint:errorlint // the whole tree is walked here
	case nil:
		return nil
	case NotReadyError:
		return []string{held.TenantID}
	case interface{ Unwrap() []error }:
		for _, e := range held.Unwrap() {
			tenants = append(tenants, missed(e)...)
		}
		return tenants
	default:
		return missed(errors.Unwrap(err))
	}
}

// ring is the tenant's data key, if it is in memory and nothing speaks against it.
func (s *Service) ring(tenantID string) (*ring, bool) {
	r, ok := s.rings.GetIfPresent(tenantID)
	return r, ok && !r.doubted.Load()
}

// Raise hears of moved heads. That of a tenant as a whole moves when its data key is shredded: the key in memory is then
// compared with the database before its next use.
func (s *Service) Raise(moved []models.Head) {
	for _, h := range moved {
		if h.Environment != "" {
			continue
		}
		if r, ok := s.rings.GetIfPresent(h.TenantID); ok {
			r.doubted.Store(true)
		}
	}
}

// Row is a sealed value as it is stored.
type Row struct {
	ID, Key    string
	Ciphertext []byte
}

// Seal makes the text that stands for the value everywhere, and the row that holds its ciphertext. It needs memory
// only; NotReadyError when the tenant's data key is not there.
func (s *Service) Seal(tenantID, key string, v models.Secret) (models.Value, Row, error) {
	r, ok := s.ring(tenantID)
	if !ok {
		return "", Row{}, NotReadyError{tenantID}
	}
	id := s.newID()
	ciphertext, err := r.aead.Encrypt([]byte(v.Reveal()), bound(boundValue, tenantID, key, id))
	if err != nil {
		return "", Row{}, fmt.Errorf("seal a value: %w", err)
	}
	s.metrics.sealed.Inc()
	return models.Sealed{ID: id, Commitment: r.commit(key, v)}.Value(), Row{ID: id, Key: key, Ciphertext: ciphertext}, nil
}

// Open is the value that the ciphertext holds for exactly this tenant, key and stored text. It needs memory only;
// NotReadyError when the data key is not there; ErrUnopened when it can never be opened.
func (s *Service) Open(tenantID, key string, v models.Value, ciphertext []byte) (models.Secret, error) {
	sealed, ok := v.Sealed()
	if !ok {
		return models.Secret{}, errors.New("secrets: the value is not sealed")
	}
	plain, err := s.open(tenantID, ciphertext, bound(boundValue, tenantID, key, sealed.ID))
	if err != nil {
		return models.Secret{}, err
	}
	return models.NewSecret(models.Value(plain)), nil
}

func (s *Service) open(tenantID string, ciphertext, associated []byte) ([]byte, error) {
	r, ok := s.ring(tenantID)
	if !ok {
		return nil, NotReadyError{tenantID}
	}
	id, ok := keyID(ciphertext)
	if ok && !r.holds(id) && r.want(id) {
		return nil, NotReadyError{tenantID}
	}
	plain, err := r.aead.Decrypt(ciphertext, associated)
	if err != nil {
		s.metrics.failed.Inc()
		return nil, ErrUnopened // Tink's own words tell nothing more
	}
	s.metrics.opened.Inc()
	return plain, nil
}

// Reveal is Open that makes the data key ready first. Call it outside transactions. conflict: the tenant's secrets were
// shredded; unavailable: the master key or the database does not answer.
func (s *Service) Reveal(ctx context.Context, tenantID, key string, v models.Value, ciphertext []byte) (out models.Secret, err error) {
	err = s.Retry(ctx, func() error {
		out, err = s.Open(tenantID, key, v, ciphertext)
		return err
	})
	if !errors.Is(err, ErrUnopened) {
		return out, err
	}
	return s.revealFresh(ctx, tenantID, key, v)
}

// revealFresh opens what is stored now. Who kept a ciphertext in memory over two rotations holds one that was sealed
// under a key that is gone, of a value that is there.
func (s *Service) revealFresh(ctx context.Context, tenantID, key string, v models.Value) (out models.Secret, err error) {
	ciphertexts, err := s.stored(ctx, tenantID, v)
	if err != nil {
		return out, err
	}
	sealed, _ := v.Sealed()
	ciphertext, ok := ciphertexts[sealed.ID]
	if !ok {
		return out, ErrUnopened
	}
	err = s.Retry(ctx, func() error {
		out, err = s.Open(tenantID, key, v, ciphertext)
		return err
	})
	return out, err
}
