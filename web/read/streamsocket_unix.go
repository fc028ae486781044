//go:build unix

package read

import "syscall"

// errWouldWait says that a socket takes nothing more now.
const errWouldWait = syscall.EAGAIN

// socket makes system calls that never wait. It belongs to one loop; what the calls need is made once.
type socket struct {
	out  []byte
	in   [1]byte
	n    int
	err  error
	send func(uintptr) bool
	peek func(uintptr) bool
}

func (s *socket) init() {
	s.send = func(fd uintptr) bool {
		for s.n, s.err = syscall.Write(int(fd), s.out); s.err == syscall.EINTR; { //nolint:errorlint // system calls return it bare
			s.n, s.err = syscall.Write(int(fd), s.out)
		}
		return true
	}
	s.peek = func(fd uintptr) bool {
		s.n, _, s.err = syscall.Recvfrom(int(fd), s.in[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	}
}

// write writes what the socket takes at once.
func (s *socket) write(raw syscall.RawConn, p []byte) (int, error) {
	s.out = p
	err := raw.Write(s.send)
	s.out = nil
	if err != nil {
		return 0, err
	}
	return max(s.n, 0), s.err
}

// gone tells whether the other side has closed. Whoever still sends is there.
func (s *socket) gone(raw syscall.RawConn) bool {
	if raw.Read(s.peek) != nil {
		return true
	}
	return s.n == 0 && s.err == nil || s.err != nil && s.err != syscall.EAGAIN && s.err != syscall.EINTR //nolint:errorlint // system calls return them bare
}
