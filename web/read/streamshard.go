package read

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// beats is how many parts a shard's streams are in, so that not all hearts beat at once.
	beats = 15
	// looks is how often within a heartbeat it is looked whether callers are still there.
	looks = 3
)

// shard is a loop that writes to some of the streams.
type shard struct {
	streams *Streams
	wake    chan struct{}
	look    chan struct{}
	socket  socket // of the loop

	mu      sync.Mutex
	ready   []*stream
	members [beats]map[*stream]struct{}
	next    int // slot of the next stream
}

func newShard(s *Streams) *shard {
	sh := &shard{streams: s, wake: make(chan struct{}, 1), look: make(chan struct{}, 1)}
	for i := range sh.members {
		sh.members[i] = map[*stream]struct{}{}
	}
	sh.socket.init()
	return sh
}

func (sh *shard) join(s *stream) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.slot = sh.next
	sh.next = (sh.next + 1) % beats
	sh.members[s.slot][s] = struct{}{}
}

func (sh *shard) part(s *stream) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.members[s.slot], s)
}

// all appends the streams of the shard.
func (sh *shard) all(to []*stream) []*stream {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, part := range sh.members {
		to = slices.AppendSeq(to, maps.Keys(part))
	}
	return to
}

func (sh *shard) at(slot int) []*stream {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return slices.Collect(maps.Keys(sh.members[slot]))
}

// list lets the loop come to the stream. The stream is locked.
func (sh *shard) list(s *stream) {
	sh.mu.Lock()
	sh.ready = append(sh.ready, s)
	sh.mu.Unlock()
	signal(sh.wake)
}

func (sh *shard) lookNow() { signal(sh.look) }

// signal never waits.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes until the context ends.
func (sh *shard) run(ctx context.Context) {
	tick := time.NewTicker(max(sh.streams.options.Heartbeat/beats, time.Millisecond))
	defer tick.Stop()
	var ready []*stream
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-sh.wake:
			ready = sh.swap(ready)
			for _, s := range ready {
				sh.visit(s)
			}
			clear(ready)
		case <-sh.look:
			for _, s := range sh.all(nil) {
				sh.lookAt(s)
			}
		case <-tick.C:
			sh.tick(n)
			n = (n + 1) % beats
		}
	}
}

// swap is what is ready now; the list that was is used for what comes.
func (sh *shard) swap(old []*stream) []*stream {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	ready := sh.ready
	sh.ready = old[:0]
	return ready
}

// tick lets a part of the hearts beat, and looks after others.
func (sh *shard) tick(n int) {
	for i := range looks {
		for _, s := range sh.at((n + i*beats/looks) % beats) {
			sh.lookAt(s)
		}
	}
	for _, s := range sh.at(n) {
		s.beat()
	}
}

// lookAt closes a stream whose caller is gone.
func (sh *shard) lookAt(s *stream) {
	if s.raw != nil && sh.socket.gone(s.raw) {
		s.cut()
	}
}

// visit writes what waits, as far as the socket takes it at once. Whatever is left waits in a goroutine of its own.
func (sh *shard) visit(s *stream) {
	frames := s.take()
	for i, frame := range frames {
		n, err := 0, error(errWouldWait)
		if s.raw != nil {
			n, err = sh.socket.write(s.raw, frame)
		}
		switch {
		case err == nil && n == len(frame):
			sh.streams.metrics.frames.Inc()
			continue
		case err == nil || err == errWouldWait: //nolint:errorlint // it comes from next door
			frames[i] = frame[n:]
			go func() {
				s.spill(frames[i:])
				s.closeIfDone()
			}()
			return
		}
		s.fail()
		break
	}
	if len(frames) > 0 {
		s.idle()
	}
	s.closeIfDone()
}
