package hotswap

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstRetry = time.Second      // the longest first wait after a failure, where the server names none
	lastRetry  = 30 * time.Second // the longest of all
	slowRetry  = time.Minute      // where the credential is refused
)

// backoff is how long to wait after so many failures in a row: anything between half of a time that doubles, and the whole.
func backoff(failures int, first time.Duration) time.Duration {
	d := lastRetry
	if failures < 10 {
		d = min(first<<max(failures-1, 0), lastRetry)
	}
	return d/2 + jitter(d/2)
}

// spread is at least the time, and up to a quarter more: no two of many clients come back at the same moment.
func spread(d time.Duration) time.Duration { return d + jitter(d/4) }

// around is the time more or less a fifth.
func around(d time.Duration) time.Duration { return d - d/5 + jitter(d*2/5) }

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // spreads load, hides nothing
}

// sleep waits; false when the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
