package read

import (
	"encoding/json"
	"sync"
	"syscall"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// What may wait for one caller, beyond the frame that comes first.
const (
	maxWaiting      = 128
	maxWaitingBytes = 1 << 20
)

// stream is one caller who watches. While nothing is on its way it is these few words and a socket.
type stream struct {
	streams *Streams
	shard   *shard
	slot    int // of the shard's beats
	topic   snapshots.Topic
	actor   models.Actor // who opened it: no more than what its rights are found by
	watch   *snapshots.Watch

	out  outlet
	raw  syscall.RawConn // nil: writing may wait
	pump chan struct{}   // wakes the request's goroutine; nil: it is gone

	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	started bool
	listed  bool // the shard will come
	busy    bool // somebody writes
	ending  bool // nothing is added any more; it closes when all has left
	cutting bool // it closes as soon as nobody writes
	over    bool
}

// Tell takes a frame to be written soon.
func (s *stream) Tell(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	if len(s.waiting) >= maxWaiting || len(s.waiting) > 0 && s.bytes+len(frame) > maxWaitingBytes {
		s.waiting, s.bytes = nil, 0 // it has to read all anew anyway
		s.end(snapshots.End{Reason: snapshots.EndSlow, Code: models.CodeUnavailable}, nil)
		return
	}
	s.add(frame)
}

// End takes the last frame.
func (s *stream) End(why snapshots.End) { s.finish(why, nil) }

// finish ends the stream, with something to say before the end.
func (s *stream) finish(why snapshots.End, before []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(why, before)
}

func (s *stream) end(why snapshots.End, before []byte) {
	if s.ending {
		return
	}
	s.streams.metrics.ended.WithLabelValues(why.Reason).Inc()
	s.add(append(before, endFrame(why)...))
	s.ending = true
}

// endFrame tells why no more comes.
func endFrame(why snapshots.End) []byte {
	data, _ := json.Marshal(struct { //nolint:errchkjson // two texts
		Reason string `json:"reason"`
		Code   string `json:"code"`
	}{why.Reason, string(why.Code)})
	return append(append([]byte("event: end\ndata: "), data...), "\n\n"...)
}

// add puts a frame behind the others and sees to it that somebody comes. The stream is locked.
func (s *stream) add(frame []byte) {
	s.waiting = append(s.waiting, frame)
	s.bytes += len(frame)
	s.call()
}

// call sees to it that somebody comes. The stream is locked.
func (s *stream) call() {
	switch {
	case !s.started || s.busy || s.listed || s.over:
	case s.pump != nil:
		select {
		case s.pump <- struct{}{}:
		default:
		}
	default:
		s.listed = true
		s.shard.list(s)
	}
}

// take is what is to be written now, by the caller alone. Without any the caller is done.
func (s *stream) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames := s.waiting
	s.waiting, s.bytes = nil, 0
	s.busy, s.listed = len(frames) > 0, false
	return frames
}

// cut closes the stream without another word.
func (s *stream) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending, s.cutting = true, true
	s.waiting, s.bytes = nil, 0
	if s.busy {
		_ = s.out.SetWriteDeadline(time.Unix(1, 0)) // ends a write that waits; one that is broken ends by itself
	}
	s.call()
}

// fail says that nothing can be written any more, by who took frames to write. It is false when the stream was ending.
func (s *stream) fail() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.ending
	s.busy, s.ending, s.cutting = false, true, true
	s.waiting, s.bytes = nil, 0
	return !was
}

// idle says that nobody writes, by who took frames and wrote them. What came meanwhile is for the next one.
func (s *stream) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if len(s.waiting) > 0 {
		s.call()
	}
}

// beat writes a heartbeat unless something else is under way.
func (s *stream) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending && !s.busy && len(s.waiting) == 0 {
		s.add(s.streams.heartbeat)
	}
}

// closeIfDone closes the stream if nothing is left to be written and nobody writes. It is true once.
func (s *stream) closeIfDone() bool {
	s.mu.Lock()
	done := !s.over && !s.busy && s.ending && len(s.waiting) == 0
	s.over = s.over || done
	s.mu.Unlock()
	if !done {
		return false
	}
	s.watch.Stop()
	s.shard.part(s)
	_ = s.out.Close() // there is nothing left to be lost
	s.streams.leave(s)
	return true
}

func (s *stream) isCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cutting
}

// check ends the stream if its actor may not have it any more.
func (s *stream) check(rights Rights) {
	tenant := s.topic.TenantID
	if s.topic.Telling == snapshots.TellLayers {
		tenant = models.Platform
	}
	actor, ok := rights(s.actor)
	switch {
	case !ok:
		s.End(snapshots.End{Reason: snapshots.EndRevoked, Code: models.CodeUnauthenticated})
	case !actor.Can(models.PermResolve, tenant, s.topic.Environment),
		s.topic.InClear && !actor.Can(models.PermReadSecrets, tenant, s.topic.Environment):
		s.End(snapshots.End{Reason: snapshots.EndRevoked, Code: models.CodeForbidden})
	}
}
