package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/hotswap/hotswap/models"
)

// masterTimeout bounds one call of a key management service.
const masterTimeout = 5 * time.Second

// Master is the key that wraps all data keys: a keyset of our own, or a key that never leaves its service.
type Master struct {
	name        string
	development bool
	aead        tink.AEADWithContext
}

// NewMaster is a master key that exists in memory only: what it wraps is lost with it. It is for tests.
func NewMaster() (*Master, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a master key: %w", err)
	}
	return masterOf(handle, false)
}

func masterOf(handle *keyset.Handle, development bool) (*Master, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("the keyset is not one for AEAD")
	}
	name := fmt.Sprintf("keyset:%d", handle.KeysetInfo().GetPrimaryKeyId())
	return &Master{name: name, development: development, aead: local{primitive}}, nil
}

// OpenMaster opens a keyset file, or the key of a service by its URI: aws-kms://, gcp-kms:// or hcvault://. It asks no
// service yet; its credentials come from where the service's own tools take them.
func OpenMaster(ctx context.Context, ref string) (*Master, error) {
	if scheme, _, ok := strings.Cut(ref, "://"); ok {
		return openService(ctx, scheme, ref)
	}
	return openFile(ref)
}

// Name is what rows say about who wrapped them; nothing in it is secret.
func (m *Master) Name() string { return m.name }

// Development tells whether the key was made for a developer's machine and must not guard anything.
func (m *Master) Development() bool { return m.development }

func (m *Master) wrap(ctx context.Context, plain, associated []byte) ([]byte, error) {
	return m.call(ctx, plain, associated, m.aead.EncryptWithContext)
}

func (m *Master) unwrap(ctx context.Context, sealed, associated []byte) ([]byte, error) {
	return m.call(ctx, sealed, associated, m.aead.DecryptWithContext)
}

// Check makes sure that the master key answers and opens what it wraps.
func (m *Master) Check(ctx context.Context) error {
	const probe = "hotswap"
	sealed, err := m.wrap(ctx, []byte(probe), bound("probe"))
	if err != nil {
		return err
	}
	plain, err := m.unwrap(ctx, sealed, bound("probe"))
	if err == nil && string(plain) != probe {
		err = errors.New("the master key does not open what it wraps")
	}
	return err
}

func (m *Master) call(
	ctx context.Context, in, associated []byte, do func(context.Context, []byte, []byte) ([]byte, error),
) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, masterTimeout)
	defer cancel()
	out, err := do(ctx, in, associated)
	if err != nil {
		return nil, &masterError{models.Unavailable("the master key does not answer", masterTimeout), err}
	}
	return out, nil
}

// masterError shows the caller a sentence and keeps the cause for the log.
type masterError struct {
	shown *models.Error
	cause error
}

func (e *masterError) Error() string   { return e.shown.Message + ": " + e.cause.Error() }
func (e *masterError) Unwrap() []error { return []error{e.shown, e.cause} }

// local is a keyset in memory, which waits for nobody.
type local struct{ tink.AEAD }

// EncryptWithContext seals.
func (l local) EncryptWithContext(_ context.Context, plain, associated []byte) ([]byte, error) {
	return l.Encrypt(plain, associated)
}

// DecryptWithContext opens.
func (l local) DecryptWithContext(_ context.Context, sealed, associated []byte) ([]byte, error) {
	return l.Decrypt(sealed, associated)
}
