package secrets

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	vault "github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// errScheme says what a master key may be; it does not repeat what was given.
var errScheme = errors.New("the master key is a file, or a URI that begins with aws-kms://, gcp-kms:// or hcvault://")

// openService opens the key of a service. Nothing is asked of the service yet. Only tests have options.
func openService(ctx context.Context, scheme, uri string, google ...gcpkms.Option) (*Master, error) {
	var primitive tink.AEADWithContext
	var err error
	_, name, _ := strings.Cut(uri, "://")
	if strings.ContainsAny(name, "@?#") {
		return nil, errors.New("the URI of a master key holds no credentials and no parameters")
	}
	switch scheme {
	case "aws-kms":
		primitive, err = awskms.NewAEADWithContext(ctx, name)
	case "gcp-kms":
		primitive, err = gcpkms.GetAEADWithContext(ctx, uri, google...)
	case "hcvault":
		primitive, err = openVault(uri)
	default:
		return nil, errScheme
	}
	if err != nil {
		return nil, fmt.Errorf("the key management service: %w", err)
	}
	return &Master{name: uri, aead: primitive}, nil
}

// openVault opens a key of Vault's transit engine: hcvault://host:port/mount/keys/name. The token and the certificate
// authority are those that Vault's own tools take from the environment.
func openVault(uri string) (tink.AEADWithContext, error) {
	config := vault.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, errors.New("it is not of the form hcvault://host:port/mount/keys/name")
	}
	config.Address = "https://" + u.Host
	config.Timeout = masterTimeout
	config.MaxRetries = 0 // whoever waits for a data key tries again
	client, err := vault.NewClient(config)
	if err != nil {
		return nil, err
	}
	primitive, err := hcvault.NewAEAD(u.EscapedPath(), client.Logical())
	if err != nil {
		return nil, err
	}
	return patient{primitive}, nil
}

// patient is a primitive whose calls know no context: they end by their own time-out, and who waits ends by the context.
type patient struct{ tink.AEAD }

// EncryptWithContext seals.
func (p patient) EncryptWithContext(ctx context.Context, plain, associated []byte) ([]byte, error) {
	return await(ctx, func() ([]byte, error) { return p.Encrypt(plain, associated) })
}

// DecryptWithContext opens.
func (p patient) DecryptWithContext(ctx context.Context, sealed, associated []byte) ([]byte, error) {
	return await(ctx, func() ([]byte, error) { return p.Decrypt(sealed, associated) })
}

func await(ctx context.Context, do func() ([]byte, error)) ([]byte, error) {
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := do()
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
