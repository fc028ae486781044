package devstack_test

import (
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
)

func TestChildrenDieWithAKilledParent(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	h := startHelper(ctx, t, testBinary(t), dir, nil)
	query(ctx, t, h.Postgres, "CREATE TABLE kept (n int)")
	pids := []int{pidIn(t, postmaster(dir)), pidIn(t, redisPid(dir))}
	h.kill()
	for _, pid := range pids {
		eventually(ctx, t, "the child ends with its parent", func() bool { return !running(pid) })
	}
	p := startPostgres(ctx, t, devstack.Options{Dir: dir, Fast: true})
	if got := p.URL(devstack.Owner, devstack.Database); got != h.Postgres {
		t.Errorf("the address became %s, was %s", got, h.Postgres)
	}
	query(ctx, t, h.Postgres, "SELECT 1 FROM kept")
	startRedis(ctx, t, devstack.Options{Dir: dir})
}

// A parent-death signal can get lost, as it does where the kernel knows none: then the children are found running.
func TestTheNextStartEndsOrphans(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	opts := devstack.Options{Dir: dir, Fast: true}
	p, r := startPostgres(ctx, t, opts), startRedis(ctx, t, opts)
	revive := []func() int{
		orphanLike(t, pidIn(t, postmaster(dir))),
		orphanLike(t, pidIn(t, redisPid(dir))),
	}
	address := p.URL(devstack.Owner, devstack.Database)
	stop(ctx, t, p)
	stop(ctx, t, r)
	var pids []int
	for _, start := range revive {
		pids = append(pids, start())
	}
	eventually(ctx, t, "the orphans are up", func() bool {
		_, err := tryQuery(ctx, address, "SELECT 1")
		return err == nil && redisClient(t, r.URL()).Ping(ctx).Err() == nil && exists(redisPid(dir))
	})

	p, r = startPostgres(ctx, t, opts), startRedis(ctx, t, opts)
	for i, now := range []int{pidIn(t, postmaster(dir)), pidIn(t, redisPid(dir))} {
		if running(pids[i]) || now == pids[i] {
			t.Errorf("orphan %d still runs", pids[i])
		}
	}
	query(ctx, t, p.URL(devstack.Owner, devstack.Database), "SELECT 1")
	if err := redisClient(t, r.URL()).Ping(ctx).Err(); err != nil {
		t.Error(err)
	}
}

// The process id in a left-over file may since belong to anybody: another program, or another Postgres.
func TestStrangersAreNotSignalled(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir, otherDir := t.TempDir(), t.TempDir()
	opts := devstack.Options{Dir: dir, Fast: true}
	other := startPostgres(ctx, t, devstack.Options{Dir: otherDir, Fast: true})
	p := startPostgres(ctx, t, opts)
	killHard(t, pidIn(t, postmaster(dir))) // leaves its process id file behind
	eventually(ctx, t, "the postmaster is gone", func() bool { return !running(pidIn(t, postmaster(dir))) })
	stop(ctx, t, p)

	rename(t, postmaster(dir), pidIn(t, postmaster(otherDir)))
	p = startPostgres(ctx, t, opts)
	query(ctx, t, other.URL(devstack.Owner, devstack.Database), "SELECT 1")
	killHard(t, pidIn(t, postmaster(dir)))
	eventually(ctx, t, "the postmaster is gone", func() bool { return !running(pidIn(t, postmaster(dir))) })
	stop(ctx, t, p)

	sleeper := detached(t, []string{"sleep", "100"}, owner(t, filepath.Join(dir, "postgres")))
	rename(t, postmaster(dir), sleeper)
	startPostgres(ctx, t, opts)
	if !running(sleeper) {
		t.Error("a stranger was ended")
	}
}

func TestRootBelowAClosedHome(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs its children as somebody else")
	}
	ctx := within(t, 2*time.Minute)
	home := filepath.Join(t.TempDir(), "home")
	dir := filepath.Join(home, "project", ".hotswap")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	opts := devstack.Options{Dir: dir}
	for range 2 { // a first start and one on data that are there
		p, r := startPostgres(ctx, t, opts), startRedis(ctx, t, opts)
		query(ctx, t, p.URL(devstack.Owner, devstack.Database), "SELECT 1")
		for _, pid := range []int{pidIn(t, postmaster(dir)), pidIn(t, redisPid(dir))} {
			status := processStatus(t, pid)
			if uid := strings.Fields(status["Uid"])[0]; uid == "0" {
				t.Errorf("process %d runs as root", pid)
			}
			wantCaps := strconv.FormatUint(1<<unix.CAP_DAC_OVERRIDE, 16)
			if got := strings.TrimLeft(status["CapEff"], "0"); got != wantCaps {
				t.Errorf("process %d has the capabilities %s, want %s alone", pid, got, wantCaps)
			}
		}
		stop(ctx, t, p)
		stop(ctx, t, r)
	}
	if got := mode(t, filepath.Join(dir, "postgres")); got != 0o700 {
		t.Errorf("the data have mode %o", got)
	}
}

func TestAnOrdinaryUserNeedsNothingSpecial(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	if os.Geteuid() != 0 {
		t.Skip("all other tests show it when they are not run by root")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("there is no other user")
	}
	dir := sharedDir(t)
	program := copyOf(t, testBinary(t), filepath.Join(dir, "devstack.test"))
	uid, gid := number(t, nobody.Uid), number(t, nobody.Gid)
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, uid, gid); err != nil {
		t.Fatal(err)
	}
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	h := startHelper(ctx, t, program, filepath.Join(home, ".hotswap"), attr)
	query(ctx, t, h.Postgres, "SELECT 1")
	if err := redisClient(t, h.Redis).Ping(ctx).Err(); err != nil {
		t.Error(err)
	}
	pids := []int{pidIn(t, postmaster(filepath.Join(home, ".hotswap"))), pidIn(t, redisPid(filepath.Join(home, ".hotswap")))}
	h.kill()
	for _, pid := range pids {
		eventually(ctx, t, "the child ends with its parent", func() bool { return !running(pid) })
	}
}

func postmaster(dir string) string { return filepath.Join(dir, "postgres", "postmaster.pid") }
func redisPid(dir string) string   { return filepath.Join(dir, "redis", "redis.pid") }

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// orphanLike remembers how a child was started and returns what starts one like it that outlives everybody.
func orphanLike(t *testing.T, pid int) func() int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	as := &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		status := processStatus(t, pid)
		as.Credential = &syscall.Credential{
			Uid: uint32(number(t, strings.Fields(status["Uid"])[0])),
			Gid: uint32(number(t, strings.Fields(status["Gid"])[0])),
		}
		as.AmbientCaps = []uintptr{unix.CAP_DAC_OVERRIDE}
	}
	return func() int { return detached(t, args, as) }
}

// detached starts a process and reaps it when it ends, as init would.
func detached(t *testing.T, args []string, as *syscall.SysProcAttr) int {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // it has to outlive everybody
	cmd.SysProcAttr = as
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := make(chan struct{})
	go func() {
		defer close(reaped)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-reaped
	})
	return cmd.Process.Pid
}

// owner lets a process run as the owner of the file.
func owner(t *testing.T, name string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}
}

func killHard(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// rename puts another process id into the first line of a process id file.
func rename(t *testing.T, name string, pid int) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(name, []byte(strconv.Itoa(pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
}

func processStatus(t *testing.T, pid int) map[string]string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	status := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.TrimSpace(value)
	}
	return status
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func copyOf(t *testing.T, from, to string) string {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close() // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}
