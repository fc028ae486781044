// Package secrets seals sensitive values: every tenant and layer has a data key of its own, wrapped by a master key
// that never leaves its file or key management service.
package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
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
	// readyAbreast is how many data keys one caller makes ready at a time.
	readyAbreast = 4
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

	rings   *otter.Cache[string, *ring]
	kept    keeper
	loads   singleflight.Group
	loading sync.Map // tenant → *atomic.Bool: whether what is being read may be of yesterday
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

// Retry runs fn, and again once the data keys are there that it found missing, be it one or several joined errors. Call
// it outside transactions; fn may open one.
func (s *Service) Retry(ctx context.Context, fn func() error) error {
	for range tries {
		err := fn()
		absent := missing(err)
		if len(absent) == 0 {
			return err
		}
		if err := s.readyAll(ctx, absent); err != nil {
			return err
		}
	}
	return models.Unavailable("the data key changes too fast", time.Second)
}

// missing lists the tenants whose data keys an error asks for.
func missing(err error) []string {
	if one, ok := err.(NotReadyError); ok { //nolint:errorlint // it takes the error apart itself
		return []string{one.TenantID}
	}
	var out []string
	switch wrapper := err.(type) { //nolint:errorlint // it takes the error apart itself
	case interface{ Unwrap() error }:
		out = missing(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range wrapper.Unwrap() {
			out = append(out, missing(e)...)
		}
	}
	return out
}

// readyAll is Ready for some tenants, a few at a time.
func (s *Service) readyAll(ctx context.Context, tenantIDs []string) error {
	var group errgroup.Group
	group.SetLimit(readyAbreast)
	for _, tenantID := range tenantIDs {
		group.Go(func() error { return s.Ready(ctx, tenantID) })
	}
	return group.Wait()
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
		if doubt, ok := s.loading.Load(h.TenantID); ok {
			doubt.(*atomic.Bool).Store(true) //nolint:forcetypeassert // the map holds nothing else
		}
		if r, ok := s.rings.GetIfPresent(h.TenantID); ok {
			r.doubted.Store(true)
		}
		s.kept.doubt(h.TenantID)
	}
}

// Doubt says that another database took the place of the one before: every data key in memory is compared with it before
// its next use.
func (s *Service) Doubt() {
	s.kept.doubtAll()
	for _, r := range s.rings.All() {
		r.doubted.Store(true)
	}
	s.loading.Range(func(_, doubt any) bool {
		doubt.(*atomic.Bool).Store(true) //nolint:forcetypeassert // the map holds nothing else
		return true
	})
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
func (s *Service) Reveal(ctx context.Context, tenantID, key string, v models.Value, ciphertext []byte) (models.Secret, error) {
	for range tries {
		out, err := s.openReady(ctx, tenantID, key, v, ciphertext)
		if !errors.Is(err, ErrUnopened) {
			return out, err
		}
		var newer bool
		if ciphertext, newer, err = s.newer(ctx, tenantID, v, ciphertext); err != nil {
			return models.Secret{}, err
		} else if !newer {
			break
		}
	}
	return models.Secret{}, ErrUnopened
}

func (s *Service) openReady(ctx context.Context, tenantID, key string, v models.Value, ciphertext []byte) (out models.Secret, err error) {
	err = s.Retry(ctx, func() error {
		out, err = s.Open(tenantID, key, v, ciphertext)
		return err
	})
	return out, err
}

// newer is the ciphertext that is stored now, if it is another. Who kept one in memory over two rotations holds one that
// was sealed under a key that is gone, of a value that is there.
func (s *Service) newer(ctx context.Context, tenantID string, v models.Value, held []byte) ([]byte, bool, error) {
	found, err := s.stored(ctx, tenantID, v)
	if err != nil {
		return nil, false, err
	}
	sealed, _ := v.Sealed()
	now, ok := found[sealed.ID]
	return now, ok && !bytes.Equal(now, held), nil
}
