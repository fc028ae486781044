package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
)

// listen opens the port of the last time when it is free, else any other, and keeps the choice for the next time.
func (p *place) listen(ctx context.Context) (net.Listener, error) {
	l, err := p.listenAgain(ctx)
	if err != nil {
		l, err = listenOn(ctx, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("find a free port for %s: %w", p.name, err)
	}
	if err := p.keep("port", strconv.Itoa(portOf(l))); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// freePort is for programs that open the port themselves. Another process can take it in between, so their start
// is tried more than once.
func (p *place) freePort(ctx context.Context) (int, error) {
	l, err := p.listen(ctx)
	if err != nil {
		return 0, err
	}
	return portOf(l), l.Close()
}

func (p *place) listenAgain(ctx context.Context) (net.Listener, error) {
	text, err := os.ReadFile(p.file("port"))
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil {
		return nil, err
	}
	return listenOn(ctx, int(port))
}

func listenOn(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// keep writes a small private file in one step, so a crash leaves the old one or the new one.
func (p *place) keep(kind, text string) error {
	name := p.file(kind)
	if err := os.WriteFile(name+".new", []byte(text+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the %s of %s: %w", kind, p.name, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("keep the %s of %s: %w", kind, p.name, err)
	}
	return nil
}

// kept returns what keep wrote, or makes and keeps it on first use.
func (p *place) kept(kind string, fresh func() (string, error)) (string, error) {
	text, err := os.ReadFile(p.file(kind))
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the %s of %s: %w", kind, p.name, err)
	}
	made, err := fresh()
	if err != nil {
		return "", fmt.Errorf("make the %s of %s: %w", kind, p.name, err)
	}
	return strings.TrimSpace(made), p.keep(kind, strings.TrimSpace(made))
}
