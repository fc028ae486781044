package hotswap

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Change is how the value of one key moved. Old is nil for a key that was not there, New for one that is gone.
type Change struct {
	Key      string
	Old, New json.RawMessage
	Revision string // that of New
}

// watchers are told of changes, one after the other, by one goroutine.
type watchers struct {
	wake chan struct{}

	mu  sync.Mutex
	all []*watcher
}

type watcher struct {
	key     string
	tell    func(Change)
	seen    *Snapshot
	stopped atomic.Bool
}

// OnChange calls the function whenever the value of the key moves, or of any key if none is named, in the order in which that happens,
// beginning with what moves after this call. A value that moves twice while a function runs is told of once, with what
// it came to. Functions are called one at a time; one that takes long holds up the others, never a reader. Once cancel
// has returned, no call begins.
func (c *Client) OnChange(key string, tell func(Change)) (cancel func()) {
	w := &watcher{key: key, tell: tell, seen: c.Snapshot()}
	c.watchers.mu.Lock()
	defer c.watchers.mu.Unlock()
	c.watchers.all = append(c.watchers.all, w)
	wake(c.watchers.wake) // for what moved since seen
	return func() { c.watchers.remove(w) }
}

func (ws *watchers) remove(w *watcher) {
	w.stopped.Store(true)
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all = slices.DeleteFunc(slices.Clone(ws.all), func(other *watcher) bool { return other == w })
}

func (ws *watchers) list() []*watcher {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return slices.Clip(ws.all)
}

// run tells until the context ends.
func (ws *watchers) run(ctx context.Context, held *atomic.Pointer[Snapshot], failed func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ws.wake:
		}
		for _, w := range ws.list() {
			now := held.Load()
			for _, change := range differences(w.seen, now, w.key) {
				if ctx.Err() != nil {
					return
				}
				w.call(change, failed)
			}
			w.seen = now
		}
	}
}

// call keeps a function that panics from ending the application's other work.
func (w *watcher) call(change Change, failed func(error)) {
	defer func() {
		if p := recover(); p != nil {
			failed(fmt.Errorf("hotswap: a function that OnChange called panicked: %v", p))
		}
	}()
	if !w.stopped.Load() {
		w.tell(change)
	}
}

// differences are the changes from one snapshot to another, sorted by key; of one key if it is named.
func differences(from, to *Snapshot, only string) []Change {
	var out []Change
	add := func(key string) {
		before, after := from.values[key], to.values[key]
		if before == after || before != nil && after != nil && string(before.raw) == string(after.raw) {
			return
		}
		out = append(out, Change{Key: key, Old: from.Raw(key), New: to.Raw(key), Revision: to.revision})
	}
	if only != "" {
		add(only)
		return out
	}
	both := slices.AppendSeq(slices.Collect(maps.Keys(from.values)), maps.Keys(to.values))
	slices.Sort(both)
	for _, key := range slices.Compact(both) {
		add(key)
	}
	return out
}
