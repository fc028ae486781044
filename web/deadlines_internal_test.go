package web

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// told is a connection that writes down what it is told of a deadline.
type told []time.Time

func (d *told) tell(at time.Time) error { *d = append(*d, at); return nil }

func TestDeadline(t *testing.T) {
	t.Parallel()
	var heard told
	d := deadline{tell: heard.tell}
	now := time.Now()
	soon := now.Add(time.Minute)
	for _, step := range []struct {
		name string
		do   func()
		want int // how often the connection was told by now
	}{
		{"one to come is no news", func() { _ = d.set(soon) }, 0},
		{"nor is it before it passes", func() { d.look(soon) }, 0},
		{"none is none", func() { _ = d.set(time.Time{}); d.look(soon.Add(time.Hour)) }, 0},
		{"one that passed is told", func() { _ = d.set(soon); d.look(soon.Add(1)) }, 1},
		{"and once", func() { d.look(soon.Add(2)) }, 1},
		{"until it is moved", func() { _ = d.set(soon.Add(time.Hour)) }, 2},
		{"one long ago is told at once", func() { _ = d.set(time.Unix(1, 0)) }, 3},
		{"and again", func() { _ = d.set(time.Unix(1, 0)) }, 4},
		{"and taken back", func() { _ = d.set(time.Time{}) }, 5},
	} {
		if step.do(); len(heard) != step.want {
			t.Errorf("%s: told %d times, want %d", step.name, len(heard), step.want)
		}
	}
	if !heard[1].IsZero() || !heard[4].IsZero() {
		t.Errorf("a deadline that moved still holds: %v", heard)
	}
}

// The loop over all deadlines goes on until the listener is closed and nobody is connected; synctest waits for its end.
func TestDeadlinesAreWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched()
		var heard atomic.Int64
		c := &atOnceConn{watched: w, spoke: true}
		c.read.tell = func(time.Time) error { heard.Add(1); return nil }
		w.add(c)
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
		close(w.ended)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if heard.Load() != 0 {
			t.Error("a deadline passed before its time")
		}
		time.Sleep(lookEvery)
		synctest.Wait()
		if heard.Load() != 1 {
			t.Error("a deadline passed and nobody heard of it")
		}
		w.remove(c)
		time.Sleep(lookEvery) // it ends now
	})
}

// net/http's own bounds hold on these connections: who begins a request and says no more is cut off. Who says nothing
// yet is idle.
func TestSlowCallersAreCutOff(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- s.Serve(AtOnceListener(l)) }()
	t.Cleanup(func() { _, _ = s.Close(), <-served })
	dial := func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(4 * headTimeout))
		return c
	}
	ahead, slow := dial(), dial()
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost:"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := io.ReadAll(slow); err != nil {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if took := time.Since(began); took < headTimeout {
		t.Errorf("cut off after %s", took)
	}
	if _, err := io.WriteString(ahead, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(ahead); err != nil || len(answer) == 0 {
		t.Errorf("a connection that was opened ahead: %q, %v", answer, err)
	}
}

// A connection that was opened long before its first request leaves that as much time as any other.
func TestFirstRequestHasItsTime(t *testing.T) {
	t.Parallel()
	plain, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := AtOnceListener(plain)
	t.Cleanup(func() { _ = l.Close() })
	caller, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caller.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	c := accepted.(*atOnceConn)
	c.began = c.began.Add(-time.Minute)
	if _, err := io.WriteString(caller, "P"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []time.Duration{15 * time.Second, -45 * time.Second} { // the second one is another request's
		if err := c.SetReadDeadline(c.began.Add(15 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(c.read.at); left > want || left < want-10*time.Second {
			t.Errorf("a request has %s, want %s", left, want)
		}
	}
}
