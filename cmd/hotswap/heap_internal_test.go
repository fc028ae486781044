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
	if runtime.GC(); liveHeap() == 0 {
		t.Error("nothing is alive")
	}
}
