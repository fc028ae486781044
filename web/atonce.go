package web

import (
	"context"
	"net"
	"net/http"
	"syscall"
)

// smallAnswer is what leaves in one write anyway: net/http gathers 4 KiB of headers and body.
const smallAnswer = 3 << 10

// AtOnceListener makes connections on which an answer can leave in one write, however long it is. net/http fills a
// buffer of 4 KiB first and sends the rest by itself: two system calls, and they are what an answer costs most.
func AtOnceListener(l net.Listener) net.Listener { return atOnceListener{l} }

type atOnceListener struct{ net.Listener }

// Accept waits for the next connection.
func (l atOnceListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &atOnceConn{Conn: tcp, tcp: tcp}, nil
	}
	return c, err
}

// atOnceConn holds back what is written until a body that was announced is there, too. It has no ReadFrom, by which
// net/http would go past it. An answer is written by one goroutine at a time.
type atOnceConn struct {
	net.Conn
	tcp *net.TCPConn

	held   []byte
	coming int // at least so many bytes will be written yet; 0: hold nothing back
}

// Write sends what is held back together with what completes it.
func (c *atOnceConn) Write(p []byte) (int, error) {
	if c.coming > len(c.held)+len(p) {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	c.coming = 0
	if len(c.held) == 0 {
		return c.tcp.Write(p)
	}
	parts := net.Buffers{c.held, p}
	_, err := parts.WriteTo(c.tcp)
	c.held = c.held[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close sends what was held back for a body that did not come.
func (c *atOnceConn) Close() error {
	if len(c.held) > 0 {
		_, _ = c.tcp.Write(c.held) // the connection is given up anyway
		c.held = nil
	}
	return c.tcp.Close()
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
