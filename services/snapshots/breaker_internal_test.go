package snapshots

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	b := breaker{now: func() time.Time { return now }}
	steps := []struct {
		after      time.Duration
		notes      []bool
		held, look bool
	}{
		{0, nil, false, false},
		{0, []bool{false, false, false, false}, false, false},
		{0, []bool{true}, false, false},
		{0, []bool{false, false, false, false}, false, false}, // the answer between began the count anew
		{0, []bool{false}, true, false},
		{breakFor - 1, nil, true, false},
		{1, nil, true, true},
		{0, nil, true, false}, // one looks, not all
		{0, []bool{false}, true, false},
		{breakFor, nil, true, true},
		{0, []bool{true}, false, false},
		{0, []bool{false}, false, false},
	}
	for i, s := range steps {
		now = now.Add(s.after)
		for _, ok := range s.notes {
			b.note(ok)
		}
		if held, look := b.held(); held != s.held || look != s.look {
			t.Errorf("step %d: held %v, look %v", i, held, look)
		}
	}
}
