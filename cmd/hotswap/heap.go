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
	// heapEvery is how often the live heap is looked at.
	heapEvery = 5 * time.Second
)

// keepHeadroom lets the collector run rarely while little is alive, until the context ends. GOGC, where it is set, stands.
func keepHeadroom(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	for {
		debug.SetGCPercent(gcPercent(liveHeap()))
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

// liveHeap is what the last collection left.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
