//go:build !unix

package read

import (
	"errors"
	"syscall"
)

var errWouldWait = errors.New("writing would wait")

// socket knows of no call here that never waits: all is written in goroutines.
type socket struct{}

func (s *socket) init() {}

func (s *socket) write(syscall.RawConn, []byte) (int, error) { return 0, errWouldWait }

// gone: a caller who is gone shows when a heartbeat does not arrive.
func (s *socket) gone(syscall.RawConn) bool { return false }
