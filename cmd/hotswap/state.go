package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hotswap/hotswap/services/statedir"
)

// Bounds of HOTSWAP_MAX_STALE.
const (
	shortestMaxStale = time.Minute
	longestMaxStale  = 30 * 24 * time.Hour
)

// readMaxStale does not repeat what it cannot read.
func readMaxStale(name, value string) (time.Duration, error) {
	longest, err := time.ParseDuration(value)
	if err != nil || longest < shortestMaxStale || longest > longestMaxStale {
		return 0, errors.New(name + " is not a duration from 1m to 720h, such as 24h")
	}
	return longest, nil
}

// checkStateDir asks for a place that does not depend on where the process happens to be started.
func checkStateDir(name, value string) error {
	if value != "" && !filepath.IsAbs(value) {
		return errors.New(name + " is not an absolute path")
	}
	return nil
}

// openState takes the state directory; without a path there is none, which it says once. The caller closes it.
func (n *node) openState(ctx context.Context, path string) (err error) {
	if path == "" {
		n.log.InfoContext(ctx, "no state directory: this node cannot start while the database does not answer")
		return nil
	}
	if n.state, err = statedir.Open(path); err != nil {
		return fmt.Errorf("HOTSWAP_STATE_DIR: %w", err)
	}
	return nil
}
