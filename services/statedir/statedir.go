// Package statedir is a directory in which one node keeps files that are whole or not there. What is in them, and that
// nobody can read or alter it, is the business of who writes them.
package statedir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	privateDir  = 0o700
	privateFile = 0o600
	forOthers   = 0o077
	// unfinished ends the names of files that are being written.
	unfinished = ".new"
	lockName   = "lock"
	// maxBytes is more than anything that is kept takes, and bounds what is read.
	maxBytes = 256 << 20
)

// ErrInUse says that another process works in the directory.
var ErrInUse = errors.New("another process works in it")

// Dir is a directory that belongs to this process until it is closed.
type Dir struct {
	path string
	lock *os.File
}

// Open takes the directory for this process, and makes it where it is not there. Nobody but its owner may be able to
// read it.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, privateDir); err != nil {
		return nil, cause(err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, cause(err)
	case info.Mode().Perm()&forOthers != 0:
		return nil, fmt.Errorf("others than its owner may read or write it (mode %04o): it must be 0700", info.Mode().Perm())
	}
	lock, err := take(filepath.Join(path, lockName))
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lock}
	return d, d.clear()
}

// take locks the file. The kernel frees it when the process ends, however it ends.
func take(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, privateFile) //nolint:gosec // the operator names it
	if err != nil {
		return nil, cause(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	return nil, errors.Join(err, f.Close())
}

// clear removes what a process that was killed left half written.
func (d *Dir) clear() error {
	names, err := d.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, unfinished) {
			err = errors.Join(err, d.Remove(name))
		}
	}
	return err
}

// Close leaves the directory to others.
func (d *Dir) Close() error {
	if d == nil {
		return nil
	}
	return d.lock.Close()
}

// Write puts a file in place whole, and for good: who reads the name sees what was there before, or all of this.
func (d *Dir) Write(name string, data []byte) (err error) {
	path := filepath.Join(d.path, name)
	defer func() {
		if err != nil {
			_ = os.Remove(path + unfinished) // what is left of it is cleared away by the next start
		}
	}()
	if err := writeThrough(path+unfinished, data); err != nil {
		return cause(err)
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return cause(err)
	}
	return cause(syncDir(d.path))
}

func writeThrough(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes a rename last.
func syncDir(path string) (err error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// Read is what was written; fs.ErrNotExist when there is no such file.
func (d *Dir) Read(name string) (_ []byte, err error) {
	f, err := os.Open(filepath.Join(d.path, name)) //nolint:gosec // names are our own
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBytes))
}

// Remove takes a file away; one that is not there is no error.
func (d *Dir) Remove(name string) error {
	err := os.Remove(filepath.Join(d.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return cause(err)
}

// List is the names of all files that were written and begin so.
func (d *Dir) List(prefix string) ([]string, error) {
	names, err := d.list()
	var out []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) && name != lockName && !strings.HasSuffix(name, unfinished) {
			out = append(out, name)
		}
	}
	return out, err
}

func (d *Dir) list() ([]string, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	return names, cause(err)
}

// cause is the error without the path, which only the operator's own log need know.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
