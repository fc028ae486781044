package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startLimit = 60 * time.Second // a first start makes a database; others use the machine too
	stopLimit  = 15 * time.Second
)

// about is dev.json.
type about struct {
	URL         string            `json:"url"`
	MetricsURL  string            `json:"metricsUrl"`
	DatabaseURL string            `json:"databaseUrl"`
	RedisURL    string            `json:"redisUrl"`
	Issuer      string            `json:"issuer"`
	APIKeys     map[string]string `json:"apiKeys"`
}

// stack is a running `hotswap dev`.
type stack struct {
	about

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	out  *output
	done chan struct{} // closed when it has ended
	err  error         // how; read after done
}

// room waits until n more stacks may run.
func room(t testing.TB, n int64) {
	t.Helper()
	if err := shared.stacks.Acquire(t.Context(), n); err != nil {
		t.Fatalf("wait for room: %v", err)
	}
	t.Cleanup(func() { shared.stacks.Release(n) })
}

// dev is a stack of the test's own, without demo data.
func dev(t testing.TB) *stack {
	t.Helper()
	room(t, 1)
	return start(t, t.TempDir(), "--empty")
}

// listen takes a port until the test and its subtests have ended.
func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() }) // a server may have closed it
	return l
}

// start runs `hotswap dev` in the directory and waits until it serves.
func start(t testing.TB, dir string, flags ...string) *stack {
	t.Helper()
	return startWith(t, nil, dir, flags...)
}

// startWith is start with more in the environment.
func startWith(t testing.TB, env []string, dir string, flags ...string) *stack {
	t.Helper()
	s := launchWith(t, env, dir, flags...)
	limit := time.Now().Add(startLimit)
	for !s.out.contains("HotSwap is running at") {
		s.mustRun(limit)
	}
	text, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	if err != nil {
		t.Fatalf("read dev.json: %v", err)
	}
	if err := json.Unmarshal(text, &s.about); err != nil {
		t.Fatalf("read dev.json: %v", err)
	}
	for !s.ready() {
		s.mustRun(limit)
	}
	return s
}

// within is the stack for a subtest, which ends by its own failures.
func (s *stack) within(t testing.TB) *stack {
	t.Helper()
	other := *s
	other.t = t
	return &other
}

// launch runs `hotswap dev` without waiting for it.
func launch(t testing.TB, dir string, flags ...string) *stack {
	t.Helper()
	return launchWith(t, nil, dir, flags...)
}

func launchWith(t testing.TB, env []string, dir string, flags ...string) *stack {
	t.Helper()
	args := append([]string{"dev", "--dir", dir}, flags...)
	if !slices.Contains(flags, "--listen") {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	s := &stack{t: t, dir: dir, out: &output{}, done: make(chan struct{})}
	s.cmd = exec.Command(binary(t), args...) //nolint:noctx // it is stopped by signals, which is what is tested
	s.cmd.Dir, s.cmd.Env = t.TempDir(), append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.SysProcAttr = attributes()
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start hotswap dev: %v", err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() { s.finish() })
	return s
}

// mustRun lets a moment pass, and fails when the process has ended or the time is over.
func (s *stack) mustRun(limit time.Time) {
	s.t.Helper()
	switch {
	case s.ended(50 * time.Millisecond):
		s.t.Fatalf("hotswap dev ended (%v):\n%s", s.err, s.out)
	case time.Now().After(limit):
		s.t.Fatalf("hotswap dev is not ready:\n%s", s.out)
	}
}

func (s *stack) ended(within time.Duration) bool {
	select {
	case <-s.done:
		return true
	case <-time.After(within):
		return false
	}
}

// ready asks the readiness probe beside the metrics.
func (s *stack) ready() bool {
	base, err := url.Parse(s.MetricsURL)
	if err != nil {
		return false
	}
	resp, err := http.Get(base.JoinPath("../readyz").String()) //nolint:noctx // on this machine, bounded by the caller's loop
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// finish ends what the test left running; a test that looks at how it ends calls interrupt.
func (s *stack) finish() {
	if s.ended(0) {
		return
	}
	s.signal(syscall.SIGINT)
	if !s.ended(2 * stopLimit) {
		s.t.Errorf("hotswap dev does not end on SIGINT:\n%s", s.out)
		s.kill()
	}
	if s.t.Failed() {
		s.t.Logf("what hotswap dev said:\n%s", s.out)
	}
}

// interrupt is Ctrl-C: it must end in time, with exit code 0.
func (s *stack) interrupt() {
	s.t.Helper()
	s.signal(syscall.SIGINT)
	if !s.ended(stopLimit) {
		s.t.Fatalf("hotswap dev does not end within %s of SIGINT:\n%s", stopLimit, s.out)
	}
	if s.err != nil {
		s.t.Fatalf("after SIGINT hotswap dev ended with %v:\n%s", s.err, s.out)
	}
}

// kill is kill -9 of hotswap alone.
func (s *stack) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	if !s.ended(stopLimit) {
		s.t.Fatal("kill -9 does not end hotswap dev")
	}
}

func (s *stack) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatalf("send %s: %v", sig, err)
	}
}

// as is a caller with one of the keys of dev.json; nobody has none.
func (s *stack) as(name string) caller {
	s.t.Helper()
	key := s.APIKeys[name]
	if key == "" {
		s.t.Fatalf("dev.json has no key %q", name)
	}
	return caller{t: s.t, url: s.URL, credential: key}
}

// databaseURL is the stack's database as another role: they share the password.
func (s *stack) databaseURL(role string) string {
	s.t.Helper()
	u, err := url.Parse(s.DatabaseURL)
	if err != nil {
		s.t.Fatalf("databaseUrl: %v", err)
	}
	password, _ := u.User.Password()
	u.User = url.UserPassword(role, password)
	return u.String()
}

// superuser sees all rows of the stack's database.
func (s *stack) superuser() *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.databaseURL("postgres"))
	if err != nil {
		s.t.Fatalf("connect as superuser: %v", err)
	}
	s.t.Cleanup(func() {
		_ = conn.Close(s.t.Context()) // the context has ended: it only drops the connection
	})
	return conn
}

// output keeps what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) contains(s string) bool { return strings.Contains(o.String(), s) }

// hotswap runs a command that ends by itself; it returns what it printed and its exit code.
func hotswap(t testing.TB, env []string, args ...string) (out string, code int) {
	t.Helper()
	program := binary(t) // the first one to ask builds it, which is no part of the time it has
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HOTSWAP_") }), env...)
	cmd.WaitDelay = stopLimit
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("hotswap %s: %v", args[0], err)
	}
	if ctx.Err() != nil {
		t.Errorf("hotswap %v did not end by itself:\n%s", args, text)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
