package snapshots

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Noted counts a read that was answered with the snapshot. It was a hit if the snapshot was there before.
func (s *Service) Noted(snap *Snapshot, began time.Time) {
	ended := s.now()
	s.vitals.note(ended, ended.Sub(began), !snap.Stale && snap.made.Before(began))
}

// Second is what this node's reads were like in one second.
type Second struct {
	At    time.Time
	Reads int
	Hits  int           // answered from a snapshot that was there before
	P99   time.Duration // rounded up by at most 1/8; 2 s stands for all that is longer; zero without reads
}

// Vitals are the seconds of the last five minutes, oldest first, without the one that is running.
func (s *Service) Vitals() []Second { return s.vitals.seconds(s.now()) }

const (
	// remembered is how many seconds are kept.
	remembered = 300
	// slots leaves room for the running second, and for clocks that step.
	slots = remembered + 4
)

// vitals is a ring of seconds. Noting a read takes no lock; a second's first read makes its place.
type vitals struct{ ring [slots]atomic.Pointer[moment] }

// moment counts the reads of one second.
type moment struct {
	second    int64 // Unix time
	hits      atomic.Uint32
	durations [durationClasses]atomic.Uint32
}

func (v *vitals) note(at time.Time, took time.Duration, hit bool) {
	m := v.moment(at.Unix())
	m.durations[classOf(took)].Add(1)
	if hit {
		m.hits.Add(1)
	}
}

// moment is the place of a second. One that comes later than another in its slot counts for that one.
func (v *vitals) moment(second int64) *moment {
	slot := v.slot(second)
	for {
		held := slot.Load()
		if held != nil && held.second >= second {
			return held
		}
		fresh := &moment{second: second}
		if slot.CompareAndSwap(held, fresh) {
			return fresh
		}
	}
}

func (v *vitals) slot(second int64) *atomic.Pointer[moment] {
	return &v.ring[uint64(second)%slots] //nolint:gosec // any slot will do for the time before 1970
}

func (v *vitals) seconds(now time.Time) []Second {
	out := make([]Second, remembered)
	for i := range out {
		second := now.Unix() - int64(remembered-i)
		out[i].At = time.Unix(second, 0).UTC()
		if m := v.slot(second).Load(); m != nil && m.second == second {
			m.fill(&out[i])
		}
	}
	return out
}

func (m *moment) fill(s *Second) {
	s.Hits = int(m.hits.Load())
	var counts [durationClasses]int
	for class := range counts {
		counts[class] = int(m.durations[class].Load())
		s.Reads += counts[class]
	}
	over := s.Reads / 100 // how many of them may take longer
	for class := durationClasses - 1; class >= 0 && s.Reads > 0; class-- {
		if over -= counts[class]; over < 0 {
			s.P99 = longestOf(class)
			return
		}
	}
}

// Durations fall into classes, eight for each doubling, so that a class is at most 1/8 wide.
const (
	durationUnit    = 256 * time.Nanosecond
	perDoubling     = 8
	durationClasses = perDoubling * 21 // up to 2 s; what takes longer is in the last one
)

func classOf(d time.Duration) int {
	n := uint64(max(d, 0) / durationUnit)
	if n < perDoubling {
		return int(n)
	}
	doublings := bits.Len64(n) - bits.Len64(perDoubling)
	class := perDoubling*(doublings+1) + int(n>>doublings) - perDoubling //nolint:gosec // the shifted number is below sixteen
	return min(class, durationClasses-1)
}

// longestOf is the end of a class.
func longestOf(class int) time.Duration {
	if class < perDoubling {
		return time.Duration(class+1) * durationUnit
	}
	doublings := class/perDoubling - 1
	return time.Duration((class%perDoubling+perDoubling+1)<<doublings) * durationUnit
}
