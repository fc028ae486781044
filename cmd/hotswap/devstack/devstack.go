// Package devstack is a private Postgres, Redis and identity provider for `hotswap dev` and for tests.
//
// Postgres and Redis are the real programs, started as children that end with this process; the identity
// provider runs inside it. All three listen on 127.0.0.1 only and keep their ports and data below one directory.
package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// startLimit bounds a start beside the caller's context: a first start on a slow disk takes seconds, not minutes.
const startLimit = 90 * time.Second

// Options say where a service keeps its things and how careful it is with them.
type Options struct {
	Dir  string       // holds data, port, password and log; made with mode 0700 when missing
	Fast bool         // for tests: nothing has to survive a power cut
	Log  *slog.Logger // nil discards
}

// place is the directory as one service sees it, locked for that service.
type place struct {
	dir  string // absolute
	name string // the service: prefix of its files
	fast bool
	log  *slog.Logger
	lock *os.File
}

func enter(opts Options, name string) (*place, error) {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the directory of %s: %w", name, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of %s: %w", name, err)
	}
	p := &place{dir: dir, name: name, fast: opts.Fast, log: opts.Log}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.lock, err = lock(p.file("lock"), dir)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// leave gives the directory free. The lock file stays: removing it would let two later owners lock two files.
func (p *place) leave() error { return p.lock.Close() }

// data is the directory that belongs to the service's own program.
func (p *place) data() string { return filepath.Join(p.dir, p.name) }

// file is one of the files kept beside the data, such as postgres.port.
func (p *place) file(kind string) string { return filepath.Join(p.dir, p.name+"."+kind) }

// poll calls ready until it says yes or gives an error that ends the waiting, or until ctx ends.
func poll(ctx context.Context, every time.Duration, ready func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
