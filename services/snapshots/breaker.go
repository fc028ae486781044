package snapshots

import (
	"sync"
	"time"
)

const (
	// breakAfter is how many calls in a row may fail before calls are held back.
	breakAfter = 5
	// breakFor is how long they are held back before somebody looks again.
	breakFor = time.Second
)

// breaker holds calls back from what does not answer, so that waiting for it costs nothing.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	failures int // in a row
	lookAt   time.Time
}

// held tells whether to make no call now, and whether it is time for one look beside it. Who is told to look
// must note what was seen.
func (b *breaker) held() (held, look bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return false, false
	}
	now := b.now()
	if now.Before(b.lookAt) {
		return true, false
	}
	b.lookAt = now.Add(breakFor)
	return true, true
}

// note is how a call ended.
func (b *breaker) note(answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answered {
		b.failures = 0
		return
	}
	if b.failures++; b.failures >= breakAfter {
		b.lookAt = b.now().Add(breakFor)
	}
}
