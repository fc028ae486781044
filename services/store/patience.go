package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hotswap/hotswap/models"
)

// aMoment is how long a reader waits for a load while something older could be served.
const aMoment = 50 * time.Millisecond

// lateFor is how long nobody waits after somebody did in vain.
const lateFor = time.Second

// Patience says how long readers wait for loads: a moment, and while loads are late not at all, so that a slow database is
// waited for once and not by every reader.
type Patience struct{ late atomic.Bool }

// Soon bounds the wait of a reader for whom there is something older.
func (p *Patience) Soon(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.late.Load() {
		return context.WithTimeout(ctx, 0)
	}
	return context.WithTimeout(ctx, aMoment)
}

// IsLate tells whether nobody waits.
func (p *Patience) IsLate() bool { return p.late.Load() }

// Late says that a reader waited in vain. It counts for a while: what is asked for rarely must not be old for ever.
func (p *Patience) Late() {
	if !p.late.Swap(true) {
		time.AfterFunc(lateFor, func() { p.late.Store(false) })
	}
}

// Begin says that a load begins. Whoever carries it out tells how it ended.
func (p *Patience) Begin() (ended func(error)) {
	timer := time.AfterFunc(aMoment, p.Late)
	return func(err error) {
		inTime := timer.Stop()
		if !inTime || Unavailable(err) {
			p.Late()
		} else {
			p.late.Store(false)
		}
	}
}

// Fault tells whether an error is one of ours or of the database, and not an answer to a wrong question.
func Fault(err error) bool {
	known, ok := errors.AsType[*models.Error](err)
	return err != nil && (!ok || known.Code == models.CodeUnavailable || known.Code == models.CodeInternal)
}

// Unavailable tells whether the error says that something does not answer, or not in time.
func Unavailable(err error) bool {
	known, ok := errors.AsType[*models.Error](err)
	return ok && known.Code == models.CodeUnavailable || errors.Is(err, context.DeadlineExceeded)
}
