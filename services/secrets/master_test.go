package secrets_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"

	"github.com/hotswap/hotswap/services/secrets"
)

func TestMasterFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.json")
	if err := secrets.CreateMasterFile(path, false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	if err := secrets.CreateMasterFile(path, true); err == nil {
		t.Error("a key was written over")
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file changed")
	}
	one, err := secrets.OpenMaster(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := secrets.OpenMaster(t.Context(), path)
	if err != nil || one.Name() != two.Name() || one.Development() || one.Check(t.Context()) != nil {
		t.Errorf("%q and %q, %v", one.Name(), two.Name(), err)
	}
	h := newHouse(t)
	text, row := sealed(t, h.node(one), "acme", "a", canary)
	if got, err := h.node(two).Reveal(t.Context(), "acme", "a", text, row.Ciphertext); err != nil || got.Reveal() != canary {
		t.Errorf("after a start anew: %v", err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.OpenMaster(t.Context(), path); err != nil {
		t.Errorf("read-only: %v", err)
	}
}

func TestDevelopmentMaster(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.json")
	if err := secrets.CreateMasterFile(path, true); err != nil {
		t.Fatal(err)
	}
	if m, err := secrets.OpenMaster(t.Context(), path); err != nil || !m.Development() {
		t.Errorf("%v", err)
	}
}

// What cannot be a master key is refused, without its text and its path.
func TestOpenMasterRefuses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "canary-directory")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good")
	if err := secrets.CreateMasterFile(good, false); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := keyset.NewHandle(mac.HMACSHA256Tag256KeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	var notAEAD bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&notAEAD)); err != nil {
		t.Fatal(err)
	}
	file := func(name string, mode os.FileMode, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // past the umask
			t.Fatal(err)
		}
		return path
	}
	for name, ref := range map[string]string{
		"missing":          filepath.Join(dir, "canary-missing"),
		"empty name":       "",
		"a directory":      dir,
		"for the group":    file("group", 0o640, text),
		"for the world":    file("world", 0o604, text),
		"group may write":  file("write", 0o620, text),
		"empty":            file("empty", 0o600, nil),
		"no JSON":          file("text", 0o600, []byte("canary-text")),
		"no keyset":        file("json", 0o600, []byte(`{"canary":"canary"}`)),
		"cut off":          file("cut", 0o600, text[:len(text)/2]),
		"another kind":     file("mac", 0o600, notAEAD.Bytes()),
		"unknown service":  "canary-kms://key",
		"credentials":      "hcvault://canary:canary@vault.example.com/transit/keys/a",
		"parameters":       "gcp-kms://projects/p?token=canary",
		"vault, no key":    "hcvault://vault.example.com/canary",
		"vault, no server": "hcvault:///transit/keys/canary",
		"aws, no key":      "aws-kms://canary",
	} {
		_, err := secrets.OpenMaster(t.Context(), ref)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckEndsInTime(t *testing.T) {
	t.Parallel()
	m, err := secrets.OpenMaster(t.Context(), "hcvault://192.0.2.1:9/transit/keys/a") // a place that never answers
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Check(ctx); err == nil {
		t.Error("nobody answered, and that was well")
	}
}
