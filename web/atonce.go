package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// smallAnswer is what leaves in one write anyway: net/http gathers 4 KiB of headers and body.
const smallAnswer = 3 << 10

// AtOnceListener makes connections on which an answer can leave in one write, however long it is. net/http fills a
// buffer of 4 KiB first and sends the rest by itself: two system calls, and they are what an answer costs most.
func AtOnceListener(l net.Listener) net.Listener {
	return &atOnceListener{Listener: l, watched: newWatched()}
}

type atOnceListener struct {
	net.Listener
	watched *watched
	closing sync.Once
}

// Accept waits for the next connection.
func (l *atOnceListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, err
	}
	own := &atOnceConn{Conn: tcp, tcp: tcp, watched: l.watched, began: time.Now()} //nolint:forbidigo // net/http's deadlines are by this clock
	own.read.tell, own.write.tell = tcp.SetReadDeadline, tcp.SetWriteDeadline
	l.watched.add(own)
	return own, nil
}

// Close lets no connection come any more. Those that are there stay.
func (l *atOnceListener) Close() error {
	l.closing.Do(func() { close(l.watched.ended) })
	return l.Listener.Close()
}

// atOnceConn holds back what is written until a body that was announced is there, too. It has no ReadFrom, by which
// net/http would go past it. An answer is written by one goroutine at a time.
type atOnceConn struct {
	net.Conn
	tcp *net.TCPConn

	watched     *watched
	read, write deadline
	began       time.Time
	spoke       bool          // the other side sent something; who reads first is alone with the connection
	waited      time.Duration // how long that took, until the first request's deadline was moved by it

	mu     sync.Mutex // of held, which is changed by who writes and looked at by who closes
	held   []byte
	coming int // at least so many bytes will be written yet; 0: hold nothing back
}

// Write sends what is held back together with what completes it.
func (c *atOnceConn) Write(p []byte) (int, error) {
	if c.coming > len(c.held)+len(p) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.held = append(c.held, p...)
		return len(p), nil
	}
	c.coming = 0
	if len(c.held) == 0 {
		return c.tcp.Write(p)
	}
	held := c.swap(nil)
	parts := net.Buffers{held, p}
	_, err := parts.WriteTo(c.tcp)
	c.swap(held[:0])
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// swap puts another buffer in place of what is held back.
func (c *atOnceConn) swap(held []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.held
	c.held = held
	return was
}

// Close sends what was held back for a body that did not come. The server closes connections while they write, too.
func (c *atOnceConn) Close() error {
	c.watched.remove(c)
	if held := c.kept(); len(held) > 0 {
		_, _ = c.tcp.Write(held) // the connection is given up anyway
	}
	return c.tcp.Close()
}

func (c *atOnceConn) kept() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// Read notes the first byte: from then on the head of a request is awaited.
func (c *atOnceConn) Read(p []byte) (int, error) {
	n, err := c.tcp.Read(p)
	if n > 0 && !c.spoke {
		now := time.Now() //nolint:forbidigo // as above
		c.spoke, c.waited = true, now.Sub(c.began)
		_ = c.read.set(now.Add(headTimeout))
	}
	return n, err
}

// SetReadDeadline bounds reads, to lookEvery. A connection that was opened ahead, as pools and browsers do, counts as
// idle until it says something: net/http would give it no longer than the head of a request takes.
func (c *atOnceConn) SetReadDeadline(at time.Time) error {
	switch own := at.After(longAgo); {
	case own && !c.spoke:
		at = at.Add(idleTimeout - headTimeout)
	case own && c.waited > 0: // that of the whole first request: net/http counts from the connection's beginning
		at, c.waited = at.Add(c.waited), 0
	}
	return c.read.set(at)
}

// SetWriteDeadline bounds writes, to lookEvery.
func (c *atOnceConn) SetWriteDeadline(at time.Time) error { return c.write.set(at) }

// SetDeadline bounds both.
func (c *atOnceConn) SetDeadline(at time.Time) error {
	return errors.Join(c.SetReadDeadline(at), c.write.set(at))
}

// CloseWrite is what net/http asks for when it wants the caller to read the last answer.
func (c *atOnceConn) CloseWrite() error { return c.tcp.CloseWrite() }

// SyscallConn is the connection itself, for those who took it over.
func (c *atOnceConn) SyscallConn() (syscall.RawConn, error) { return c.tcp.SyscallConn() }

// connKey finds the connection of a request.
type connKey struct{}

// withConn lets handlers find the connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*atOnceConn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}

// AtOnce announces that the answer has a body of n bytes, before any of it is written. The handler must write all of it.
func AtOnce(r *http.Request, n int) {
	if n <= smallAnswer || r.Method == http.MethodHead || IsHead(r.Context()) {
		return
	}
	if c, ok := r.Context().Value(connKey{}).(*atOnceConn); ok {
		c.coming = n
	}
}
