package hotswap

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// fileMark begins every file, with the version of its form.
	fileMark = "hotswap.last-known-good.1\n"
	saltSize = 16
	// fileEvery is how often the file is written at most.
	fileEvery = 5 * time.Second
)

// file keeps the last known good configuration, sealed: a value may be a secret, and whoever holds the key may read it
// anyway. The seal is bound to what the values are of, so a file of another tenant, environment or server does not open.
//
// Its form is mark, salt, and one AES-256-GCM message with its nonce before it; the key comes from salt and secret by
// HKDF-SHA-256.
type file struct {
	path   string
	of     []byte
	wake   chan struct{}
	cipher func(salt []byte) (cipher.AEAD, error) // knows the secret, so that it cannot be printed
}

// saved is what is sealed.
type saved struct {
	At   time.Time `json:"at"` // when the server was last heard of
	Body body      `json:"body"`
}

func newFile(o Options) (*file, error) {
	of, err := json.Marshal([]string{o.URL, o.Tenant, o.Environment})
	if err != nil {
		return nil, err
	}
	secret := []byte(o.FileKey)
	return &file{path: o.File, of: of, wake: make(chan struct{}, 1), cipher: func(salt []byte) (cipher.AEAD, error) {
		key, err := hkdf.Key(sha256.New, secret, salt, fileMark, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCMWithRandomNonce(block)
	}}, nil
}

// read is what the file holds, nil where there is none.
func (f *file) read() (*Snapshot, time.Time, error) {
	opened, err := os.Open(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = opened.Close() }()
	data, err := bounded(opened)
	if err != nil {
		return nil, time.Time{}, err
	}
	rest, ok := strings.CutPrefix(string(data), fileMark)
	if !ok || len(rest) < saltSize {
		return nil, time.Time{}, errors.New("it is no file of this client")
	}
	seal, err := f.cipher([]byte(rest[:saltSize]))
	if err != nil {
		return nil, time.Time{}, err
	}
	text, err := seal.Open(nil, nil, []byte(rest[saltSize:]), f.of)
	if err != nil {
		return nil, time.Time{}, errors.New("it is damaged, sealed under another key, or of another server, tenant or environment")
	}
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, time.Time{}, err
	}
	return s.Body.snapshot(nil), s.At, nil
}

// write puts a whole new file in the place of the old one.
func (f *file) write(s *Snapshot, at time.Time) error {
	text, err := plain(saved{At: at, Body: s.body()})
	if err != nil {
		return err
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	seal, err := f.cipher(salt)
	if err != nil {
		return err
	}
	out := append([]byte(fileMark), salt...)
	return replace(f.path, seal.Seal(out, nil, text, f.of)) //nolint:gosec // the seal makes its nonces itself
}

// plain is JSON with every value as the server wrote it.
func plain(v any) ([]byte, error) {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(out.String()), err
}

// replace is atomic: at any moment there is the old file or the new one, whole.
func replace(path string, data []byte) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// keep writes what the client holds after it moved, and a last time at the end.
func (f *file) keep(ctx context.Context, c *Client) {
	defer f.save(c)
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		f.save(c)
		if !sleep(ctx, fileEvery) {
			return
		}
	}
}

// save leaves a file alone that says all that is known.
func (f *file) save(c *Client) {
	now := c.Status()
	if now.FromFile || now.Revision == "" {
		return
	}
	if err := f.write(c.Snapshot(), now.Heard); err != nil {
		c.failed(fmt.Errorf("hotswap: write the file: %w", err))
	}
}
