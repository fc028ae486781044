// Package e2e_test drives the real binary, and checks what holds for the house as a whole.
package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sync/semaphore"

	"github.com/hotswap/hotswap/e2e/browser"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// maxStacks is how many `hotswap dev`, each with a Postgres and a Redis, may run at a time.
const maxStacks = 3

// shared is what all tests of this package share.
var shared = struct {
	stacks *semaphore.Weighted
	build  sync.Once
	dir    string
	binary string
	err    error

	open     sync.Once
	chromium *browser.Browser
	openErr  error
}{stacks: semaphore.NewWeighted(maxStacks)}

func TestMain(m *testing.M) {
	flag.Parse()
	if at := flag.Lookup("test.parallel"); at.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = at.Value.Set(strconv.Itoa(2 * runtime.GOMAXPROCS(0))) // half of them wait: for a process, a page, the end of a fault
	}
	code := storetest.Run(m)
	if shared.chromium != nil {
		shared.chromium.Close()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir) // the exit code is the tests'
	}
	os.Exit(code)
}

// binary is the path of hotswap, built at the first call.
func binary(t testing.TB) string {
	t.Helper()
	shared.build.Do(func() { shared.err = build() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.binary
}

func build() (err error) {
	if shared.dir, err = os.MkdirTemp("", "hotswap-e2e-"); err != nil {
		return err
	}
	shared.binary = filepath.Join(shared.dir, "hotswap")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", shared.binary, "./cmd/hotswap") //nolint:noctx // outlives the test that asks first
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make build` does
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("build hotswap: %w", err), errors.New(string(out)))
	}
	return nil
}
