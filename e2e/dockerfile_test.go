package e2e_test

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// houseRoot is where the Dockerfile lies, seen from this package.
const houseRoot = ".."

// pinnedTag is a full version, so that the same commit builds on the same base.
var pinnedTag = regexp.MustCompile(`:\d+\.\d+\.\d+(-[a-z0-9.]+)?$`)

// parseDockerfile reads it as BuildKit does, and fails on whatever BuildKit's parser would warn of.
func parseDockerfile(t *testing.T) []instructions.Stage {
	t.Helper()
	f, err := os.Open(filepath.Join(houseRoot, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Errorf("warning: %s", warning.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, text string, at []parser.Range) {
		t.Errorf("%s at %v: %s", rule, at, text)
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

// commandsOf are the commands of one kind in a stage.
func commandsOf[T instructions.Command](stage instructions.Stage) []T {
	var all []T
	for _, command := range stage.Commands {
		if c, ok := command.(T); ok {
			all = append(all, c)
		}
	}
	return all
}

func TestDockerfileFollowsTheRules(t *testing.T) {
	t.Parallel()
	stages := parseDockerfile(t)
	for _, stage := range stages {
		if stage.BaseName != "scratch" && !pinnedTag.MatchString(stage.BaseName) && !isStage(stages, stage.BaseName) {
			t.Errorf("the base %s is not pinned to a version", stage.BaseName)
		}
		for _, add := range commandsOf[*instructions.AddCommand](stage) {
			t.Errorf("%s: COPY does not fetch or unpack behind our back", add)
		}
	}
	final := stages[len(stages)-1]
	users := commandsOf[*instructions.UserCommand](final)
	if len(users) == 0 || !regexp.MustCompile(`^[1-9]\d*(:[1-9]\d*)?$`).MatchString(users[len(users)-1].User) {
		t.Errorf("the image runs as %v, want a numeric user that is not root", users)
	}
	entry := commandsOf[*instructions.EntrypointCommand](final)
	if len(entry) != 1 || !slices.Equal(entry[0].CmdLine, []string{"/hotswap"}) || entry[0].PrependShell {
		t.Errorf("the entry point is %v", entry)
	}
	if len(commandsOf[*instructions.HealthCheckCommand](final)) != 1 || len(commandsOf[*instructions.ExposeCommand](final)) != 1 {
		t.Error("the image says nothing of its health or its ports")
	}
	for _, run := range commandsOf[*instructions.RunCommand](final) {
		t.Errorf("%s: nothing runs in an image from scratch", run)
	}
}

func TestDockerfileBuildsWithOurGo(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(houseRoot, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(text)
	stages := parseDockerfile(t)
	if base := stages[len(stages)-2].BaseName; want == nil || !strings.HasPrefix(base, "golang:"+string(want[1])+".") {
		t.Errorf("go.mod asks for Go %s, the image is built with %s", want, base)
	}
}

// TestDockerfileBuild does without an engine what the engine would do: it lays out the context, runs the commands of
// the stages there, which all work below /src, and looks for what the image copies from the last of them.
func TestDockerfileBuild(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	stages := parseDockerfile(t)
	src := t.TempDir()
	for _, stage := range stages[:len(stages)-1] {
		dockerStage(t, stage, src)
	}
	build, final := stages[len(stages)-2], stages[len(stages)-1]
	for _, c := range commandsOf[*instructions.CopyCommand](final) {
		if c.From != build.Name {
			t.Errorf("%s copies from %q, want the stage %q", c, c.From, build.Name)
		}
		mustBeThere(t, c, src)
	}
	binary := filepath.Join(src, "bin", "hotswap")
	mustBeStatic(t, binary)
	mustKnowItsVersion(t, binary, "dev")
	mustHoldAssets(t, binary, filepath.Join(src, "static", "dist"))
}

// dockerStage does what a stage says, in its order.
func dockerStage(t *testing.T, stage instructions.Stage, src string) {
	t.Helper()
	dir := src
	for _, command := range stage.Commands {
		switch c := command.(type) {
		case *instructions.WorkdirCommand:
			dir = onThisMachine(t, src, c.Path+"/")
		case *instructions.CopyCommand:
			if c.From == "" {
				layOut(t, c, dir)
			} else {
				mustBeThere(t, c, src) // all stages share the directory
			}
		case *instructions.RunCommand:
			dockerRun(t, dir, strings.Join(c.CmdLine, " "), dockerArgs(stage))
		}
	}
}

func mustBeThere(t *testing.T, c *instructions.CopyCommand, src string) {
	t.Helper()
	for _, source := range c.SourcePaths {
		if _, err := os.Stat(onThisMachine(t, src, source)); err != nil {
			t.Errorf("the build does not make what the image copies: %v", err)
		}
	}
}

// mustHoldAssets looks for the names of what the browser loads in the binary.
func mustHoldAssets(t *testing.T, binary, dist string) {
	t.Helper()
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	styles, err := filepath.Glob(filepath.Join(dist, "app-*.css"))
	if err != nil || len(styles) != 1 {
		t.Fatalf("the build made the styles %v, %v", styles, err)
	}
	if !bytes.Contains(program, []byte(filepath.Base(styles[0]))) {
		t.Errorf("the program does not hold %s", styles[0])
	}
}

func isStage(stages []instructions.Stage, name string) bool {
	return slices.ContainsFunc(stages, func(s instructions.Stage) bool { return s.Name == name })
}

// layOut copies from the context into the build directory, less what .dockerignore names.
func layOut(t *testing.T, c *instructions.CopyCommand, src string) {
	t.Helper()
	for _, source := range c.SourcePaths {
		info, err := os.Stat(filepath.Join(houseRoot, source))
		switch {
		case err != nil:
			t.Fatalf("%s: %v", c, err)
		case info.IsDir():
			copyContext(t, filepath.Join(houseRoot, source), filepath.Join(src, c.DestPath))
		default:
			copyOne(t, filepath.Join(houseRoot, source), filepath.Join(src, c.DestPath, filepath.Base(source)))
		}
	}
}

func copyContext(t *testing.T, from, to string) {
	t.Helper()
	ignored := dockerIgnore(t)
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil || rel == "." {
			return err
		}
		inContext, err := filepath.Rel(houseRoot, name)
		if err != nil {
			return err
		}
		skip, err := ignored.MatchesOrParentMatches(inContext)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skip && !ignored.Exclusions():
			return filepath.SkipDir
		case skip || !entry.Type().IsRegular():
			return nil
		}
		copyOne(t, name, filepath.Join(to, rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func dockerIgnore(t *testing.T) *patternmatcher.PatternMatcher {
	t.Helper()
	f, err := os.Open(filepath.Join(houseRoot, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return matcher
}

// copyOne passes over what vanished since the directory was read: other tests work in the tree.
func copyOne(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
}

// dockerArgs are the build arguments with their defaults, as the stage's commands see them.
func dockerArgs(stage instructions.Stage) []string {
	var env []string
	for _, command := range commandsOf[*instructions.ArgCommand](stage) {
		for _, arg := range command.Args {
			if arg.Value != nil {
				env = append(env, arg.Key+"="+*arg.Value)
			}
		}
	}
	return env
}

func dockerRun(t *testing.T, dir, command string, args []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
	cmd.Dir = dir
	outer := []string{"MAKEFLAGS=", "MAKELEVEL=", "MFLAGS="} // of a make that runs this test
	cmd.Env = slices.Concat(os.Environ(), outer, args)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("RUN %s: %v\n%s", command, err, out)
	}
}

// onThisMachine is where a path of the build stage lies here: below src, in our Go, or at the same place.
func onThisMachine(t *testing.T, src, name string) string {
	t.Helper()
	if rest, ok := strings.CutPrefix(name, "/usr/local/go/"); ok {
		out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(strings.TrimSpace(string(out)), rest)
	}
	if rest, ok := strings.CutPrefix(name, "/src/"); ok {
		return filepath.Join(src, rest)
	}
	return path.Clean(name)
}

func mustBeStatic(t *testing.T, name string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the image is built on Linux")
	}
	binary, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, section := range binary.Progs {
		if section.Type == elf.PT_INTERP || section.Type == elf.PT_DYNAMIC {
			t.Errorf("%s needs a loader (%v): it cannot run from scratch", name, section.Type)
		}
	}
}

func mustKnowItsVersion(t *testing.T, name, want string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("the version is %q, want %q", got, want)
	}
}
