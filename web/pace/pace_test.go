package pace_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/pace"
)

// allowed is how often the caller gets through until it is told to wait, and how long.
func allowed(t *testing.T, p *pace.Pace, caller string, now time.Time) (n int, wait time.Duration) {
	t.Helper()
	for ; n < 1000; n++ {
		err := p.Check(t.Context(), caller, now)
		if err == nil {
			continue
		}
		var told *models.Error
		if !errors.As(err, &told) || told.Code != models.CodeRateLimited || told.Message != "slowly" {
			t.Fatal(err)
		}
		return n, told.RetryAfter
	}
	return n, 0
}

func TestCallersAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := pace.New(pace.Options{Limit: pace.Limit{Count: 5, Per: time.Second, Burst: 50}, Message: "slowly"})
	if n, wait := allowed(t, p, "a", now); n != 50 || wait != 200*time.Millisecond {
		t.Errorf("a: %d, then %v", n, wait)
	}
	if n, _ := allowed(t, p, "b", now); n != 50 {
		t.Errorf("b, whom a does not concern: %d", n)
	}
	if n, _ := allowed(t, p, "a", now.Add(time.Second)); n != 5 {
		t.Errorf("a second later: %d", n)
	}
	if n, _ := allowed(t, p, "a", now.Add(time.Hour)); n != 50 {
		t.Errorf("an hour later: %d", n)
	}
}

func TestAllAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := pace.New(pace.Options{Limit: pace.Limit{Count: 1, Per: time.Minute, Burst: 2}, PerAll: 10, Message: "slowly"})
	got := 0
	for i := range 8 {
		n, wait := allowed(t, p, strconv.Itoa(i), now)
		if got += n; wait <= 0 {
			t.Errorf("%d: nothing to wait for", i)
		}
	}
	if got != 10 {
		t.Errorf("%d in all", got)
	}
	if n, _ := allowed(t, p, "7", now.Add(time.Second)); n != 2 { // it was turned away before, which cost it nothing
		t.Errorf("a second later: %d", n)
	}
}

// Whatever comes when, nobody gets more than the burst and what came back since, and what is told to be left is left.
func TestNobodyGetsMoreThanTheBucketHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := pace.Limit{Count: rapid.IntRange(1, 50).Draw(t, "count"), Per: time.Second, Burst: rapid.IntRange(1, 50).Draw(t, "burst")}
		p := pace.New(pace.Options{Limit: limit, Message: "slowly"})
		start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		now, got := start, 0
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "ms")) * time.Millisecond)
			left, err := p.Take(t.Context(), "a", now)
			if err == nil {
				got++
			}
			most := float64(limit.Burst) + now.Sub(start).Seconds()*float64(limit.Count)
			if float64(got) > most+1e-6 {
				t.Fatalf("%d after %v, at most %f", got, now.Sub(start), most)
			}
			if float64(left.Remaining) > most-float64(got)+1e-6 || left.Limit != limit.Count || err != nil && left.Remaining != 0 {
				t.Fatalf("%+v is told to be left after %d", left, got)
			}
		}
	})
}

// Pushing others out gives nobody a new bucket: whose is not full is remembered, and who has no room shares one.
func TestFloodsResetNobody(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := pace.New(pace.Options{Limit: pace.Limit{Count: 20, Per: time.Second}, Message: "slowly"})
	if n, _ := allowed(t, p, "attacker", now); n != 20 {
		t.Fatalf("the first: %d", n)
	}
	passed := 0
	for i := range 20_000 {
		if p.Check(t.Context(), strconv.Itoa(i), now) == nil {
			passed++
		}
	}
	if passed != 9_999+20 { // those with room, and one bucket for all others
		t.Errorf("%d others passed", passed)
	}
	if n, _ := allowed(t, p, "attacker", now); n != 0 {
		t.Errorf("the flood gave the attacker %d more", n)
	}
	if n, _ := allowed(t, p, "late", now.Add(2*time.Second)); n != 20 { // idle ones make room
		t.Errorf("two seconds later somebody new gets %d", n)
	}
}

func TestNoLimitBoundsNothing(t *testing.T) {
	t.Parallel()
	p := pace.New(pace.Options{})
	if left, err := p.Take(t.Context(), "a", time.Time{}); p != nil || err != nil || left.Limit != 0 {
		t.Errorf("%v, %+v, %v", p, left, err)
	}
}
