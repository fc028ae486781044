package pace_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/pace"
)

// allowed is how often the caller gets through until it is told to wait, and how long.
func allowed(t *testing.T, p *pace.Pace, caller string, now time.Time) (n int, wait time.Duration) {
	t.Helper()
	for ; n < 1000; n++ {
		err := p.Check(caller, now)
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
	p := pace.New(pace.Options{Every: 200 * time.Millisecond, Burst: 50, Message: "slowly"})
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
	p := pace.New(pace.Options{Every: time.Minute, Burst: 2, PerAll: 10, Message: "slowly"})
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
