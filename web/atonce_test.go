package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web"
)

// atOnce serves the handler on connections that can hold back, and tells where.
func atOnce(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.NewHTTPServer(handler, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(web.AtOnceListener(l)) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// firstRead is what one read of a caller gets who waits until all is there that comes at once.
func firstRead(t testing.TB, address, request string) []byte {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnswersLeaveWhole(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	var short atomic.Bool // the handler breaks its word
	address := atOnce(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		web.AtOnce(r, n)
		if short.Load() {
			n /= 2
		}
		_, _ = w.Write(body[:n])
	})
	get := func(n int, more string) []byte {
		return firstRead(t, address, "GET /?n="+strconv.Itoa(n)+" HTTP/1.1\r\nHost: x\r\n"+more+"\r\n")
	}
	for _, n := range []int{0, 1, 3 << 10, 3<<10 + 1, 4000, 4095, 4096, 4097, 8192, 65536} {
		_, got, ok := bytes.Cut(get(n, "Connection: close\r\n"), []byte("\r\n\r\n"))
		if !ok || !bytes.Equal(got, body[:n]) {
			t.Errorf("%d bytes came as %d", n, len(got))
		}
	}
	// One connection for many answers, and one of them without a body.
	request := strings.Repeat("GET /?n=8192 HTTP/1.1\r\nHost: x\r\n\r\n", 3) + "HEAD /?n=8192 HTTP/1.1\r\nHost: x\r\n\r\n" +
		"GET /?n=5000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	all := firstRead(t, address, request)
	if got := bytes.Count(all, []byte("HTTP/1.1 200 OK")); got != 5 {
		t.Errorf("%d answers to five requests", got)
	}
	if !bytes.HasSuffix(all, body[:5000]) {
		t.Error("the last answer is not whole")
	}
	short.Store(true)
	if got := get(8192, ""); !bytes.HasSuffix(got, body[:4096]) {
		t.Errorf("of a body that did not come whole %d bytes arrive", len(got))
	}
}

// TestAnswersLeaveInOneWrite counts the system calls of an answer by what the peer finds in its first read.
func TestAnswersLeaveInOneWrite(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 8192)
	reads := 0
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.NewHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8192")
		web.AtOnce(r, 8192)
		_, _ = w.Write(body)
	}), slog.New(slog.DiscardHandler))
	go func() { _ = s.Serve(web.AtOnceListener(l)) }() // until it is closed
	t.Cleanup(func() { _ = s.Close() })
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := make([]byte, 64<<10)
	for range 50 {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < 8192; {
			n, err := c.Read(in)
			if err != nil {
				t.Fatal(err)
			}
			got += n
			reads++
		}
	}
	if reads > 60 { // two writes make two reads nearly always
		t.Errorf("50 answers took %d reads", reads)
	}
}
