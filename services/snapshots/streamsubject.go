package snapshots

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hotswap/hotswap/models"
)

// subject is one topic with all who watch it. It keeps what it last told, and how that differed from what it had told
// before.
type subject struct {
	hub   *hub
	topic Topic

	// Of the hub, under its lock.
	tier  string
	hears []models.HeadKey
	work  work        // under the lock of the queue
	late  atomic.Bool // it was looked at again already

	mu       sync.Mutex
	closed   bool
	idle     time.Time // since when nobody watches
	watchers map[Watcher]struct{}
	turn     int       // grows whenever the subject moves on
	id       string    // names what was told last; empty before the first
	told     []pair    // what that came to
	light    *Snapshot // the same without its values, to see whether it is still so
	whole    []byte    // all of it as one frame, made when somebody needs it and gone soon
	kept     []step    // oldest first
	bytes    int       // of the frames kept
}

// step is how one snapshot differs from the one before.
type step struct {
	before string // the id of that one
	frame  []byte
}

func newSubject(h *hub, topic Topic) *subject {
	sub := &subject{hub: h, topic: topic, watchers: map[Watcher]struct{}{}, idle: h.service.now()}
	if topic.Telling == TellLayers {
		sub.id = "l" + strconv.FormatUint(rand.Uint64(), 36) + ".0" //nolint:gosec // no secret: ids of another node must not be taken for ours
	}
	return sub
}

// turns is to be asked before a snapshot is got that take is given.
func (s *subject) turns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn
}

// take moves the subject on to a snapshot that was got after its turns were asked. It is false when it moved meanwhile:
// nobody knows then which one is newer.
func (s *subject) take(snap *Snapshot, seen int) bool {
	id := snap.id()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return true // nobody is there to be told
	case id == s.id && !snap.Stale:
		s.light = snap.bare()
		return true
	case id == s.id, snap.Stale && s.id != "":
		return true // what is known here is at least as new
	case s.turn != seen:
		return false
	}
	if s.id != "" {
		s.move(s.frame(id, snap))
	}
	if s.topic.Telling == TellValues {
		s.told = pairs(snap)
	}
	s.turn++
	s.id, s.light, s.whole = id, snap.bare(), nil
	return true
}

// frame is what those who watch already are told of the snapshot. The subject is locked.
func (s *subject) frame(id string, snap *Snapshot) []byte {
	if s.topic.Telling == TellRefetch {
		return refetchFrame(id, snap.FlagsTag(), s.hub.service.now())
	}
	return changeFrame(id, snap.Revision, s.told, pairs(snap))
}

// remind tells all who watch flags to look again: some of them may be on another side of a deployment.
func (s *subject) remind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.light != nil {
		s.move(refetchFrame(s.id, s.light.FlagsTag(), s.hub.service.now()))
	}
}

// move tells all who watch, and keeps the frame for those who come again. The subject is locked.
func (s *subject) move(frame []byte) {
	if s.topic.Telling != TellRefetch { // there one frame says all
		s.keep(step{s.id, frame})
	}
	for w := range s.watchers {
		w.Tell(frame)
	}
}

func (s *subject) keep(next step) {
	s.kept = append(s.kept, next)
	s.bytes += len(next.frame)
	s.hub.kept.Add(int64(len(next.frame)))
	for len(s.kept) > 0 && (len(s.kept) > s.most() || s.bytes > keptBytes || s.hub.kept.Load() > allKeptBytes) {
		s.bytes -= len(s.kept[0].frame)
		s.hub.kept.Add(-int64(len(s.kept[0].frame)))
		s.kept[0] = step{}
		s.kept = s.kept[1:]
	}
}

// most is how many steps are kept. A notice is small, and an environment has many.
func (s *subject) most() int {
	if s.topic.Telling == TellLayers {
		return keptNotices
	}
	return keptSnapshots
}

// join lets the watcher in and tells it what it lacks. It is false when the subject is gone, or was not at this snapshot.
func (s *subject) join(snap *Snapshot, after string, w Watcher) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, known := s.since(after)
	switch {
	case s.closed, snap != nil && !known && snap.id() != s.id:
		return false
	case s.topic.Telling == TellLayers && known:
		w.Tell(readyFrame(after, true))
	case s.topic.Telling == TellLayers:
		w.Tell(readyFrame(s.id, false))
	case !known:
		if s.whole == nil {
			s.whole = s.all(snap)
		}
		w.Tell(s.whole)
	}
	if len(since) > 0 {
		w.Tell(joined(since))
	}
	s.watchers[w] = struct{}{}
	return true
}

func joined(steps []step) []byte {
	if len(steps) == 1 {
		return steps[0].frame
	}
	var out []byte
	for _, step := range steps {
		out = append(out, step.frame...)
	}
	return out
}

func (s *subject) all(snap *Snapshot) []byte {
	if s.topic.Telling == TellRefetch {
		return refetchFrame(s.id, snap.FlagsTag(), s.hub.service.now())
	}
	return snapshotFrame(s.id, snap.Body())
}

// since are the steps from the id on; false when that is not known. The subject is locked.
func (s *subject) since(id string) ([]step, bool) {
	if id == s.id {
		return nil, true
	}
	for i, each := range slices.Backward(s.kept) {
		if each.before == id {
			return s.kept[i:], true
		}
	}
	return nil, false
}

func (s *subject) leave(w Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
	if len(s.watchers) == 0 {
		s.idle = s.hub.service.now()
	}
}

// end tells all who watch that this was all.
func (s *subject) end(why End) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		w.End(why)
	}
	clear(s.watchers)
	s.idle = time.Time{} // nobody comes back to this
}

// close makes the subject one that nobody can join; false while somebody watches it.
func (s *subject) close() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.watchers) > 0 {
		return false
	}
	s.closed = true
	s.hub.kept.Add(-int64(s.bytes))
	s.kept, s.bytes, s.whole, s.told = nil, 0, nil, nil
	return true
}

// sweep tells whether nobody will watch the subject any more, or it is not what the heads say.
func (s *subject) sweep(now time.Time) (over, old bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = nil
	if len(s.watchers) == 0 {
		return now.Sub(s.idle) > lingers, false
	}
	return false, s.light != nil && !s.light.current(models.Tenant{Tier: s.light.tier})
}

// onSides tells whether there is a deployment on its way that the subject may be on another side of.
func (s *subject) onSides() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.light != nil && len(s.light.overlays) > 0
}

// id names the snapshot in streams. Unlike the revision it differs between answers with and without sensitive values.
func (s *Snapshot) id() string { return strings.Trim(s.ETag, `"`) }

// bare is the snapshot without its values.
func (s *Snapshot) bare() *Snapshot {
	bare := *s
	bare.entries, bare.Withheld, bare.json, bare.flags = nil, nil, nil, nil
	return &bare
}
