package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fence finds the blocks of a guide that are commands.
var fence = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// answered finds the status that a guide says a command is answered with.
var answered = regexp.MustCompile(`(?m)^# (\d{3})$`)

// told finds the statuses among what curl said: a stream that was cut after its time is no failure.
var told = regexp.MustCompile(`(?m)^\d{3}$`)

// guarded tells what each curl was answered with, and lets no command fail unseen.
const guarded = `
set -eu -o pipefail
curl() { command curl -S -w '%{stderr}%{http_code}\n' "$@" 2>>"$STATUSES"; }
`

// TestGuide runs every command of the API guide, in order, against a server as the guide begins with, and holds the
// statuses it promises against those that come.
func TestGuide(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the guide needs %s: %v", tool, err)
		}
	}
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		script.WriteString(block[1])
	}
	var promised []string
	for _, found := range answered.FindAllStringSubmatch(script.String(), -1) {
		promised = append(promised, found[1])
	}
	if calls := strings.Count(script.String(), "curl -s"); calls != len(promised) || calls < 40 {
		t.Fatalf("the guide has %d calls and promises %d answers", calls, len(promised))
	}

	s := dev(t)
	home := t.TempDir()
	if err := os.Symlink(s.dir, filepath.Join(home, ".hotswap")); err != nil {
		t.Fatal(err)
	}
	statuses := filepath.Join(home, "statuses")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", guarded+script.String())
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "STATUSES="+statuses, "TMPDIR="+home)
	out, failure := cmd.CombinedOutput()
	got, err := os.ReadFile(statuses)
	if err != nil {
		t.Fatal(err)
	}
	if came := told.FindAllString(string(got), -1); failure != nil || !slices.Equal(came, promised) {
		t.Errorf("%v: the guide is answered with\n%v, promised\n%v\n%s", failure, came, promised, out)
	}
}
