package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// headroom is how much may be allocated between two collections at least: with a small heap the collector would
	// otherwise run many times a second under load, and take a tenth of the time of reads.
	headroom = 96 << 20
	// goPercent is Go's own choice, which holds once that much is alive.
	goPercent = 100
	// mostPercent bounds the headroom of a heap that is nearly empty.
	mostPercent = 600
	// heapEvery is how often the heap is looked at.
	heapEvery = 5 * time.Second
	// quietBytes is the most that is allocated between two looks while there is nothing to do.
	quietBytes = 4 << 20
	// spareBytes is how much of what it does not need a quiet node may keep.
	spareBytes = 8 << 20
)

// keepHeadroom lets the collector run rarely while little is alive, until the context ends, and gives back what a node
// with nothing to do does not need. GOGC, where it is set, stands.
func keepHeadroom(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	for before := heapNow(); ; {
		now := heapNow()
		debug.SetGCPercent(gcPercent(now.live))
		if now.idle(before) {
			debug.FreeOSMemory()
			now = heapNow()
		}
		before = now
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// gcPercent leaves the headroom over what is alive.
func gcPercent(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), goPercent), mostPercent))
}

// heap is what there is to know of the heap, in bytes.
type heap struct {
	live      uint64 // what the last collection left
	allocated uint64 // ever
	collected uint64 // ever
	spare     uint64 // of the operating system's memory, not needed now
}

// idle tells whether next to nothing happened since before, and a collection would give something back: there is
// memory to spare, or as much garbage.
func (h heap) idle(before heap) bool {
	garbage := h.allocated - h.collected - min(h.live, h.allocated-h.collected)
	return h != before && h.allocated-before.allocated < quietBytes && h.spare+garbage > spareBytes
}

func heapNow() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/frees:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64(), samples[3].Value.Uint64()}
}
