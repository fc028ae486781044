package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// logLimit is where a log starts afresh; it is looked at once per start.
const logLimit = 8 << 20

// program is what to start and how it wants to be ended when this process dies.
type program struct {
	path  string
	args  []string
	user  *account // nil: as ourselves
	log   string   // file that takes its output
	death syscall.Signal
}

// child is a running program. It is in a process group of its own, so that Ctrl-C in a terminal reaches us alone
// and we end it in order.
type child struct {
	process  *os.Process
	done     chan struct{} // closed when it has ended
	err      error         // how it ended; read after done
	stopping atomic.Bool
	log      string
	offset   int64 // where this run's part of the log starts
}

func launch(ctx context.Context, p program) (*child, error) {
	out, offset, err := openLog(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own descriptor
	// The child outlives the start's context: Stop ends it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), p.path, p.args...) //nolint:gosec // our own programs
	cmd.Dir = "/"                                                             // ours may be closed to the child's user
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}     // no PGPORT, PGDATA and the like
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes(p.user, p.death)

	c := &child{done: make(chan struct{}), log: p.log, offset: offset}
	started := make(chan error)
	go c.hold(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.path, err)
	}
	return c, nil
}

// hold starts the child and waits for it on one thread: the kernel's parent-death signal comes when the thread
// that forked ends, not when the process does.
func (c *child) hold(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	c.process = cmd.Process
	started <- nil
	c.err = cmd.Wait()
	close(c.done)
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// stop ends the child, more firmly with each step.
func (c *child) stop(ctx context.Context, steps ...step) error {
	c.stopping.Store(true)
	return escalate(ctx, c.process, c.ended, steps...)
}

// watch says so when the child ends without having been asked to.
func (c *child) watch(ctx context.Context, name string, log *slog.Logger) {
	<-c.done
	if !c.stopping.Load() {
		log.ErrorContext(ctx, "a child ended by itself", "program", name, "how", c.how(), "log", c.log)
	}
}

func (c *child) how() string {
	if c.err == nil {
		return "exit status 0"
	}
	return c.err.Error()
}

// failure tells how the child ended and what it last said.
func (c *child) failure(name string) error {
	return fmt.Errorf("%s ended (%s), its last words: %s", name, c.how(), lastWords(c.log, c.offset))
}

// step is a signal and how long to wait for its effect.
type step struct {
	signal   syscall.Signal
	patience time.Duration
}

// escalate sends one signal after the other until the process is gone. When ctx ends it does not give up but
// goes on to the firmer signals, each with a second to work: a process left behind would be worse.
func escalate(ctx context.Context, p *os.Process, gone func() bool, steps ...step) error {
	for _, s := range steps {
		if err := p.Signal(s.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("send %s to process %d: %w", s.signal, p.Pid, err)
		}
		if waitGone(ctx, gone, s.patience) {
			return nil
		}
	}
	return fmt.Errorf("process %d does not end", p.Pid)
}

func waitGone(ctx context.Context, gone func() bool, patience time.Duration) bool {
	atLeast := time.Now().Add(time.Second)
	limit := time.Now().Add(patience)
	for time.Now().Before(limit) {
		if gone() {
			return true
		}
		if ctx.Err() != nil && time.Now().After(atLeast) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return gone()
}

func openLog(name string) (*os.File, int64, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(name); err == nil && info.Size() > logLimit {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the log: %w", err)
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open the log: %w", err), f.Close())
	}
	return f, end, nil
}

// lastWords are the last 2 KiB of a log, from offset on.
func lastWords(name string, offset int64) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	text = text[min(int(offset), len(text)):]
	return string(bytes.TrimSpace(text[max(0, len(text)-2048):]))
}
