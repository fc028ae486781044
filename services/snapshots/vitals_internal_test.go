package snapshots

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestVitals(t *testing.T) {
	t.Parallel()
	var v vitals
	start := time.Unix(1_800_000_000, 0).UTC()
	for i := range 200 {
		v.note(start.Add(time.Duration(i)*time.Millisecond), time.Duration(i)*time.Microsecond, i%4 != 0)
	}
	v.note(start.Add(2*time.Second), time.Minute, false)
	got := v.seconds(start.Add(3 * time.Second))
	if len(got) != remembered || !got[remembered-1].At.Equal(start.Add(2*time.Second)) || !got[0].At.Equal(start.Add(-297*time.Second)) {
		t.Fatalf("%d seconds from %v to %v", len(got), got[0].At, got[len(got)-1].At)
	}
	first, between, slow := got[remembered-3], got[remembered-2], got[remembered-1]
	if first.Reads != 200 || first.Hits != 150 || first.P99 < 197*time.Microsecond || first.P99 > 222*time.Microsecond {
		t.Errorf("the first second: %+v", first)
	}
	if between.Reads != 0 || between.Hits != 0 || between.P99 != 0 {
		t.Errorf("a second without reads: %+v", between)
	}
	if slow.Reads != 1 || slow.P99 < 2*time.Second {
		t.Errorf("a slow read: %+v", slow)
	}
	if running := v.seconds(start); running[remembered-1].Reads != 0 {
		t.Errorf("the running second shows: %+v", running[remembered-1])
	}
	if last := v.seconds(start.Add(remembered * time.Second))[0]; last.Reads != 200 {
		t.Errorf("five minutes later: %+v", last)
	}
	for _, s := range v.seconds(start.Add((remembered + 5) * time.Second)) {
		if s.Reads != 0 {
			t.Errorf("later still: %+v", s)
		}
	}
}

// The ring goes round: a place taken by an older second is taken over, and never given back.
func TestVitalsGoRound(t *testing.T) {
	t.Parallel()
	var v vitals
	start := time.Unix(1_800_000_000, 0)
	v.note(start, time.Microsecond, true)
	v.note(start.Add(slots*time.Second), time.Microsecond, true)
	v.note(start, time.Microsecond, true) // the clock stepped back
	if got := v.seconds(start.Add((slots + 1) * time.Second))[remembered-1]; got.Reads != 2 || got.Hits != 2 {
		t.Errorf("got %+v", got)
	}
	v.note(time.Time{}, -time.Second, false) // no clock, no harm
}

func TestVitalsLoseNothing(t *testing.T) {
	t.Parallel()
	var v vitals
	start := time.Unix(1_800_000_000, 0)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := range 10_000 {
				v.note(start.Add(time.Duration(i%10)*time.Second), time.Microsecond, true)
			}
		})
	}
	wait.Wait()
	for _, s := range v.seconds(start.Add(10 * time.Second))[remembered-10:] {
		if s.Reads != 8000 || s.Hits != 8000 {
			t.Errorf("%+v", s)
		}
	}
}

func TestClassesOfDurations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "duration"))
		class := classOf(d)
		if end := longestOf(class); end < d || end > d+d/perDoubling+durationUnit {
			t.Fatalf("%v is in the class up to %v", d, end)
		}
		if class > 0 && longestOf(class-1) > d {
			t.Fatalf("%v is in class %d, but the one before ends at %v", d, class, longestOf(class-1))
		}
	})
}

func BenchmarkNote(b *testing.B) {
	var v vitals
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for at := time.Now(); p.Next(); at = at.Add(time.Microsecond) {
			v.note(at, 20*time.Microsecond, true)
		}
	})
}
