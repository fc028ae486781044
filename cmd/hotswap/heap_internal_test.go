package main

import (
	"runtime"
	"testing"
)

func TestHeadroom(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: mostPercent, 1 << 20: mostPercent, headroom / 3: 300, headroom: goPercent, 10 * headroom: goPercent} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d bytes alive: %d %%, want %d %%", live, got, want)
		}
	}
	if runtime.GC(); heapNow().live == 0 {
		t.Error("nothing is alive")
	}
}

func TestIdleHeap(t *testing.T) {
	t.Parallel()
	before := heap{live: 10 << 20, allocated: 100 << 20, collected: 90 << 20}
	after := func(allocated, collected, spare uint64) heap {
		return heap{live: before.live, allocated: before.allocated + allocated, collected: before.collected + collected, spare: spare}
	}
	for name, test := range map[string]struct {
		now  heap
		want bool
	}{
		"the first look":       {before, false},
		"nothing to give back": {after(1<<20, 0, spareBytes-1<<20), false},
		"spare memory":         {after(1<<20, 1<<20, spareBytes+1), true},
		"garbage":              {heap{live: 1 << 20, allocated: before.allocated + 1, collected: before.collected}, true},
		"a busy node":          {after(quietBytes, quietBytes, 100<<20), false},
		"more alive than seen": {heap{live: 20 << 20, allocated: before.allocated + 1, collected: before.collected}, false},
	} {
		if got := test.now.idle(before); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
