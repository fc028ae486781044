package secrets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

const (
	privateFile  = 0o600
	forOthers    = 0o077
	maxFileBytes = 1 << 20
	// developmentMember stands beside the members of Tink's keyset in files that dev makes.
	developmentMember = "development"
)

// openFile reads a keyset as Tink writes it in JSON. Nobody but the file's owner may be able to read it.
func openFile(path string) (*Master, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("the master key file: %w", err)
	}
	development, text, err := unmark(text)
	if err != nil {
		return nil, err
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, errors.New("the master key file is not a Tink keyset in JSON") // the cause may repeat the file
	}
	return masterOf(handle, development)
}

// readPrivate tells what is wrong with the file without its name.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a file")
	case info.Mode().Perm()&forOthers != 0:
		return nil, fmt.Errorf("others than its owner may read or write it (mode %04o): it must be 0600 or 0400", info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxFileBytes))
}

// unmark takes the mark of development keys out of the file's text, for Tink does not know it.
func unmark(text []byte) (development bool, rest []byte, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return false, nil, errors.New("the master key file is not JSON")
	}
	_, development = members[developmentMember]
	delete(members, developmentMember)
	rest, err = json.Marshal(members)
	return development, rest, err
}

// CreateMasterFile makes a new master key in a file of mode 0600 that must not exist yet. One for development is marked,
// so that no production node takes it.
func CreateMasterFile(path string, development bool) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return fmt.Errorf("write a master key: %w", err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text.Bytes(), &members); err != nil {
		return fmt.Errorf("write a master key: %w", err)
	}
	if development {
		members[developmentMember] = json.RawMessage("true")
	}
	marked, err := json.MarshalIndent(members, "", "  ")
	if err != nil {
		return fmt.Errorf("write a master key: %w", err)
	}
	return createPrivate(path, append(marked, '\n'))
}

// createPrivate never writes over a key: what it wrapped would be lost.
func createPrivate(path string, text []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile) //nolint:gosec // the operator names it
	if err != nil {
		return fmt.Errorf("the master key file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(text); err != nil {
		return fmt.Errorf("the master key file: %w", err)
	}
	return f.Sync()
}
