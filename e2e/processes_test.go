package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is one run of one program: ids come round again, start times do not.
type process struct {
	id, parent int
	name       string
	started    string // in the kernel's ticks since boot
}

func (p process) String() string { return fmt.Sprintf("%s (%d)", p.name, p.id) }

// look reads /proc/ID/stat; false when there is no such process, or only its exit code is left.
func look(id int) (process, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	if err != nil {
		return process{}, false
	}
	from, to := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	if from < 0 || to < from {
		return process{}, false
	}
	rest := strings.Fields(string(text[to+1:])) // state, parent, …; field 22 of proc(5) is the start
	if len(rest) < 20 || rest[0] == "Z" {
		return process{}, false
	}
	parent, err := strconv.Atoi(rest[1])
	if err != nil {
		return process{}, false
	}
	return process{id: id, parent: parent, name: string(text[from+1 : to]), started: rest[19]}, true
}

// descendants are all processes below one.
func descendants(t testing.TB, id int) (below []process) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc to look for children in")
	}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]process{}
	for _, entry := range entries {
		if child, err := strconv.Atoi(filepath.Base(entry)); err == nil {
			if p, ok := look(child); ok {
				children[p.parent] = append(children[p.parent], p)
			}
		}
	}
	for next := []int{id}; len(next) > 0; next = next[1:] {
		for _, p := range children[next[0]] {
			below = append(below, p)
			next = append(next, p.id)
		}
	}
	return below
}

// wantGone lets processes that are ending end, and complains of the rest.
func wantGone(t testing.TB, all []process) {
	t.Helper()
	limit := time.Now().Add(stopLimit)
	for _, p := range all {
		for {
			now, runs := look(p.id)
			if !runs || now.started != p.started {
				break
			}
			if time.Now().After(limit) {
				t.Errorf("%v still runs", p)
				_ = syscall.Kill(p.id, syscall.SIGKILL) // it was ours, and nobody else ends it
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
