package devstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
)

// helperDir names the directory in which a re-executed test binary starts the services, to be killed.
const helperDir = "DEVSTACK_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		if err := runServices(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// started is what the helper process prints when all is up.
type started struct{ Postgres, Redis string }

func runServices(dir string) error {
	ctx := context.Background()
	p, err := devstack.StartPostgres(ctx, devstack.Options{Dir: dir, Fast: true})
	if err != nil {
		return err
	}
	r, err := devstack.StartRedis(ctx, devstack.Options{Dir: dir})
	if err != nil {
		return err
	}
	up := started{p.URL(devstack.Owner, devstack.Database), r.URL()}
	if err := json.NewEncoder(os.Stdout).Encode(up); err != nil {
		return err
	}
	_, err = os.Stdin.Read(make([]byte, 1)) // until killed, or the test ends and closes it
	return errors.Join(err, r.Stop(ctx), p.Stop(ctx))
}

// within bounds a test: a service that hangs fails it instead of the whole run.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func startPostgres(ctx context.Context, t *testing.T, opts devstack.Options) *devstack.Postgres {
	t.Helper()
	p, err := devstack.StartPostgres(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(ctx, t, p) })
	return p
}

func startRedis(ctx context.Context, t *testing.T, opts devstack.Options) *devstack.Redis {
	t.Helper()
	r, err := devstack.StartRedis(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(ctx, t, r) })
	return r
}

// stop takes only values from ctx: that of a test ends before its cleanup.
func stop(ctx context.Context, t *testing.T, service interface{ Stop(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := service.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func query(ctx context.Context, t *testing.T, address, sql string, args ...any) string {
	t.Helper()
	got, err := tryQuery(ctx, address, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

// tryQuery runs one statement and gives its first value as text, empty when there is none.
func tryQuery(ctx context.Context, address, sql string, args ...any) (string, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx) // only asked
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return "", err
	}
	got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(values...), err
	})
	return strings.Join(got, "\n"), err
}

func redisClient(t *testing.T, address string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// pidIn reads the process id that Postgres and Redis write into the first line of a file.
func pidIn(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// running reports whether the process lives; a zombie, which nobody may ever reap in a container, does not.
func running(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return err == nil && len(text) > 0
}

func eventually(ctx context.Context, t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// occupy listens on the port of an address like 127.0.0.1:5432.
func occupy(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

// sharedDir is a directory that other users can reach, which t.TempDir is not.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "devstack") //nolint:usetesting // below a directory closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// helper is the test binary running the services in a process of its own.
type helper struct {
	cmd *exec.Cmd
	started
}

func startHelper(ctx context.Context, t *testing.T, program, dir string, attr *syscall.SysProcAttr) *helper {
	t.Helper()
	h := &helper{cmd: exec.CommandContext(ctx, program)}
	h.cmd.Env = append(os.Environ(), helperDir+"="+dir)
	h.cmd.Dir = filepath.Dir(dir)
	h.cmd.Stderr = os.Stderr
	h.cmd.SysProcAttr = attr
	if _, err := h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.kill)
	if err := json.NewDecoder(out).Decode(&h.started); err != nil {
		t.Fatalf("the helper did not start: %v", err)
	}
	return h
}

// kill is kill -9: the helper cannot end its children.
func (h *helper) kill() {
	if h.cmd.ProcessState == nil {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	}
}

func testBinary(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
