package read

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// outlet is where a stream's bytes leave; writing waits.
type outlet interface {
	io.WriteCloser
	SetWriteDeadline(at time.Time) error
}

// start takes the connection from net/http, which keeps a goroutine and buffers for each, or else stays in the request
// until the stream is over.
func (s *stream) start(c echo.Context) error {
	conn, _, err := http.NewResponseController(c.Response()).Hijack()
	if err != nil {
		return s.stay(c)
	}
	s.out = conn
	if _, encrypted := conn.(*tls.Conn); !encrypted {
		if socket, ok := conn.(syscall.Conn); ok {
			s.raw, _ = socket.SyscallConn() // without it writing may wait
		}
	}
	c.Response().Committed, c.Response().Status = true, http.StatusOK
	s.ready(append(head(c.Response().Header(), s.streams.options.Now()), retryFrame(soonestRetry, latestRetry)...))
	return nil
}

// stay writes from the request's own goroutine: a stream of HTTP/2 cannot be taken.
func (s *stream) stay(c echo.Context) error {
	control := http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(time.Time{}) // the server's would end the request; who cannot set it has none
	s.out, s.pump = answering{c.Response(), control}, make(chan struct{}, 1)
	c.Response().WriteHeader(http.StatusOK)
	s.ready(retryFrame(soonestRetry, latestRetry))
	gone := c.Request().Context().Done()
	for {
		select {
		case <-gone:
			s.fail()
		case <-s.pump:
			if frames := s.take(); len(frames) > 0 {
				s.spill(frames)
			}
		}
		if s.closeIfDone() {
			return nil
		}
	}
}

// answering is the answer of a request that goes on.
type answering struct {
	io.Writer

	control *http.ResponseController
}

// Write sends at once.
func (a answering) Write(p []byte) (int, error) {
	n, err := a.Writer.Write(p)
	if err == nil {
		err = a.control.Flush()
	}
	return n, err
}

// SetWriteDeadline moves the server's.
func (a answering) SetWriteDeadline(at time.Time) error {
	if err := a.control.SetWriteDeadline(at); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// Close does nothing: the request ends with its handler.
func (a answering) Close() error { return nil }

// ready begins to write, with the text before all else.
func (s *stream) ready(first []byte) {
	s.shard.join(s)
	s.mu.Lock()
	s.waiting = append([][]byte{first}, s.waiting...)
	s.bytes += len(first)
	s.started = true
	s.call()
	s.mu.Unlock()
	switch ending, ended := s.streams.ending(); { // those that are looked for then may not have found this one
	case ended:
		s.cut()
	case ending:
		s.finish(snapshots.End{Reason: snapshots.EndShutdown, Code: models.CodeUnavailable}, nil)
	}
}

// head is the answer's head as it goes over the wire. The connection serves nothing afterwards.
func head(header http.Header, now time.Time) []byte {
	header.Set("Connection", "close")
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	out := headBuffer("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&out) // it takes everything
	return append(out, "\r\n"...)
}

type headBuffer []byte

// Write appends.
func (b *headBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// spill writes, and waits where it must, until nothing is left. Who calls it took the frames.
func (s *stream) spill(frames [][]byte) {
	for len(frames) > 0 {
		for _, frame := range frames {
			if err := s.out.SetWriteDeadline(s.streams.options.Now().Add(s.streams.options.Stall)); err != nil || s.isCut() {
				s.fail()
				return
			}
			if _, err := s.out.Write(frame); err != nil {
				s.lost(err)
				return
			}
			s.streams.metrics.frames.Inc()
		}
		_ = s.out.SetWriteDeadline(time.Time{}) // one that is broken shows at the next write
		frames = s.take()
	}
}

// lost says that a write failed.
func (s *stream) lost(err error) {
	if s.fail() && errors.Is(err, os.ErrDeadlineExceeded) {
		s.streams.metrics.ended.WithLabelValues(snapshots.EndSlow).Inc()
	}
}
