package statedir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hotswap/hotswap/services/statedir"
)

func TestFilesAreWholeAndPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	d, err := statedir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second, longer", "3"} {
		if err := d.Write("a", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Read("a"); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	for name, mode := range map[string]fs.FileMode{"": 0o700, "a": 0o600, "lock": 0o600} {
		if info, err := os.Stat(filepath.Join(path, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
	if err := errors.Join(d.Write("b", nil), d.Remove("b"), d.Remove("never")); err != nil {
		t.Error(err)
	}
	if _, err := d.Read("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was removed: %v", err)
	}
	if got, err := d.List(""); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := d.Write("no/where", nil); err == nil {
		t.Error("a file was written where it cannot be")
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if _, err := statedir.Open(path); err == nil {
		t.Error("a directory that others may read was taken")
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := statedir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statedir.Open(path); !errors.Is(err, statedir.ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	if err := os.WriteFile(filepath.Join(path, "half.new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = statedir.Open(path); err != nil {
		t.Fatalf("after it was left: %v", err)
	}
	defer d.Close()
	if _, err := os.Stat(filepath.Join(path, "half.new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was half written: %v", err)
	}
}
