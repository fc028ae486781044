package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// orphan describes a child that an earlier process of ours may have left behind when it was killed.
type orphan struct {
	pidFile string // its first line is the process id
	program string // name of the executable
	flag    string // the argument that precedes the data directory
	data    string
}

// end stops the orphan if there is one. It holds the process by a handle before it looks at the arguments, so a
// process id that was given to somebody else in between is never signalled.
func (o orphan) end(ctx context.Context, log *slog.Logger, steps ...step) error {
	pid, ok := o.pid()
	if !ok {
		return nil
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("look for process %d: %w", pid, err)
	}
	defer process.Release() //nolint:errcheck // only frees the handle
	if o.isAt(pid) {
		log.WarnContext(ctx, "ending a child that an earlier run left behind", "program", o.program, "pid", pid)
		return escalate(ctx, process, func() bool { return !o.isAt(pid) }, steps...)
	}
	return o.forget(process)
}

func (o orphan) pid() (int, bool) {
	text, err := os.ReadFile(o.pidFile)
	if err != nil {
		return 0, false
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line)))
	return pid, err == nil && pid > 1
}

// isAt reports whether the process is the program on our data. The arguments of a process are world-readable,
// unlike its executable, and empty once it is a zombie.
func (o orphan) isAt(pid int) bool {
	args := arguments(pid)
	if len(args) == 0 || filepath.Base(args[0]) != o.program {
		return false
	}
	at := slices.Index(args, o.flag)
	return at > 0 && at+1 < len(args) && sameFile(args[at+1], o.data)
}

// forget removes a process id file that now names a stranger: Postgres would take it for a running postmaster
// of the same user. One that names nobody stays, as Postgres then also looks for its old backends. Where
// processes cannot be looked at, nothing is touched.
func (o orphan) forget(process *os.Process) error {
	alive := process.Signal(syscall.Signal(0)) == nil
	if !alive || len(arguments(process.Pid)) == 0 {
		return nil
	}
	if err := os.Remove(o.pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove a stale process id: %w", err)
	}
	return nil
}

func arguments(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(text) == 0 {
		return nil
	}
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte{0}), []byte{0}) {
		args = append(args, string(arg))
	}
	return args
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
