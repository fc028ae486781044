package snapshots_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// How a line to Redis behaves.
const (
	straight int32 = iota
	silent         // takes everything and never answers
	cut            // ends connections, and every new one at once
	shifted        // answers each GET with what was the answer to the one before
)

// line is a way to Redis that a test can disturb.
type line struct {
	mode atomic.Int32
	gets atomic.Int64 // that reached the line
	to   string

	mu    sync.Mutex
	last  []byte // reply to a GET
	conns map[net.Conn]bool
	addr  string
}

// lay opens a line to the Redis of the URL.
func lay(t *testing.T, url string) *line {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{to: strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "/0"), conns: map[net.Conn]bool{}, addr: listener.Addr().String()}
	t.Cleanup(func() {
		_ = listener.Close()
		l.hangUp()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(t.Context(), conn)
		}
	}()
	return l
}

func (l *line) url() string { return "redis://" + l.addr + "/0" }

// become changes the behaviour, of connections that are there too.
func (l *line) become(mode int32) {
	l.mode.Store(mode)
	if mode == cut {
		l.hangUp()
	}
}

func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
}

func (l *line) hold(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.conns[c] = true
	}
}

func (l *line) carry(ctx context.Context, from net.Conn) {
	defer from.Close()
	if l.mode.Load() == cut {
		return
	}
	to, err := new(net.Dialer).DialContext(ctx, "tcp", l.to)
	if err != nil {
		return
	}
	defer to.Close()
	l.hold(from, to)
	commands, replies := bufio.NewReader(from), bufio.NewReader(to)
	for {
		command, err := readRESP(commands)
		if err != nil {
			return
		}
		if l.mode.Load() == silent {
			_, _ = io.Copy(io.Discard, commands)
			return
		}
		if _, err := to.Write(command); err != nil {
			return
		}
		if named(command, "subscribe") {
			l.follow(from, replies)
			return
		}
		reply, err := readRESP(replies)
		if err != nil {
			return
		}
		if named(command, "get") {
			reply = l.answer(reply)
		}
		if _, err := from.Write(reply); err != nil {
			return
		}
	}
}

// follow carries what a subscriber hears.
func (l *line) follow(to io.Writer, replies *bufio.Reader) {
	for {
		reply, err := readRESP(replies)
		if err != nil {
			return
		}
		if l.mode.Load() == silent {
			continue
		}
		if _, err := to.Write(reply); err != nil {
			return
		}
	}
}

func (l *line) answer(reply []byte) []byte {
	l.gets.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.last
	l.last = reply
	if l.mode.Load() == shifted && before != nil {
		return before
	}
	return reply
}

func named(command []byte, name string) bool {
	parts := bytes.SplitN(command, []byte("\r\n"), 4)
	return len(parts) == 4 && strings.EqualFold(string(parts[2]), name)
}

// readRESP reads one whole command or reply as it is on the wire.
func readRESP(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(string(bytes.TrimSpace(head[1:])))
	switch head[0] {
	case '$', '=', '!':
		if n < 0 {
			return head, nil
		}
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		return append(head, body...), err
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return head, nil
	}
	for range n {
		part, err := readRESP(r)
		if err != nil {
			return nil, err
		}
		head = append(head, part...)
	}
	return head, nil
}
