package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// application is the example of the Go client, running.
type application struct {
	t   testing.TB
	cmd *exec.Cmd
	out *output
}

// example builds the program; the client is a module of its own.
func example(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "example")
	out, err := exec.CommandContext(t.Context(), "go", "-C", "../client", "build", "-buildvcs=false", "-o", path, "./example").CombinedOutput()
	if err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	return path
}

// run starts the program as an instance of acme-corp in Development.
func (s *stack) run(program, file, key string) *application {
	s.t.Helper()
	a := &application{t: s.t, out: &output{}}
	a.cmd = exec.Command(program, "-url", s.URL, "-tenant", "acme-corp", "-environment", "Development", "-file", file, "-unit", "shop 1") //nolint:noctx // it is ended by a signal
	a.cmd.Env = append(os.Environ(), "HOTSWAP_KEY="+key)
	a.cmd.Stdout, a.cmd.Stderr = a.out, a.out
	if err := a.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(a.end)
	return a
}

// end is Ctrl-C; again is nothing.
func (a *application) end() {
	if a.cmd.ProcessState != nil {
		return
	}
	_ = a.cmd.Process.Signal(syscall.SIGINT)
	if err := a.cmd.Wait(); err != nil {
		a.t.Errorf("the example ends with %v:\n%s", err, a.out)
	}
}

// says waits for a line that holds the text.
func (a *application) says(text string) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("the example says %q", text), func() bool { return a.out.contains(text) })
}

// The Go client on a real server: values, changes that are pushed, a server that is gone and comes back, and an
// application that starts without one.
func TestClient(t *testing.T) {
	t.Parallel()
	program, file := example(t), filepath.Join(t.TempDir(), "known")
	s := dev(t)
	makeTenant(s, "acme-corp", "Pro")
	set := func(s *stack, key, value string) {
		t.Helper()
		s.as("engineer").post("/configs", fmt.Sprintf(`{"tenantId":"acme-corp","key":%q,"value":%s,"environment":"Development"}`, key, value)).
			want(http.StatusCreated)
	}
	set(s, "feature.x", "false")

	app := s.run(program, file, s.APIKeys["app"])
	app.says("feature.x = false\n")
	app.says("# streaming")
	set(s, "feature.x", "true")
	app.says("feature.x: false → true\n")
	set(s, "limits.rate", "12345678901234567.25")
	app.says("limits.rate: nothing → 12345678901234567.25\n")
	revision := s.as("app").get("/configs/tenant/acme-corp?environment=Development").want(http.StatusOK).text("revision")
	eventually(t, "the server knows what the instance holds", func() bool {
		list := s.as("viewer").get("/instances?tenantId=acme-corp&environment=Development").want(http.StatusOK)
		return list.field("items.0.unit") == "shop 1" && list.field("items.0.revision") == revision
	})

	s.kill()
	app.says("# unreachable, revision " + revision + ",")
	app.end()
	alone := s.run(program, file, s.APIKeys["app"])
	alone.says("limits.rate = 12345678901234567.25\n")
	alone.says("# unreachable, revision " + revision + ", from the file: true")
	if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "feature.x") {
		t.Errorf("the file is not sealed, %v", err)
	}

	again := start(t, s.dir, "--empty", "--listen", strings.TrimPrefix(s.URL, "http://"))
	set(again, "feature.x", "false")
	alone.says("feature.x: true → false\n")
	eventually(t, "the client streams again", func() bool {
		return strings.Contains(alone.out.String(), "# streaming") && strings.Contains(alone.out.String(), "from the file: false")
	})
}
