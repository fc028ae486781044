// Package pace bounds how often each of many callers does something that costs.
package pace

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hotswap/hotswap/models"
)

// maxCallers is how many callers are remembered at a time.
const maxCallers = 10_000

// Options say how often.
type Options struct {
	Every   time.Duration // how soon one caller may do it again in the long run
	Burst   int           // how often one caller may do it at once
	PerAll  float64       // how often a second all callers together may; 0: no bound
	Message string        // what who was too quick is told
}

// Pace counts callers. It forgets all of them when it would hold too many; the bound of all stays.
type Pace struct {
	options Options

	mu      sync.Mutex
	callers map[string]*rate.Limiter
	all     *rate.Limiter
}

// New has seen nobody yet.
func New(o Options) *Pace {
	p := &Pace{options: o, callers: map[string]*rate.Limiter{}, all: rate.NewLimiter(rate.Inf, 0)}
	if o.PerAll > 0 {
		p.all = rate.NewLimiter(rate.Limit(o.PerAll), int(o.PerAll))
	}
	return p
}

// Check is rate_limited, with the time to wait, when the caller or all of them were too quick. Who is turned away takes
// nothing from the others.
func (p *Pace) Check(caller string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	own, ok := p.callers[caller]
	if !ok {
		if len(p.callers) >= maxCallers {
			clear(p.callers)
		}
		own = rate.NewLimiter(rate.Every(p.options.Every), p.options.Burst)
		p.callers[caller] = own
	}
	taken := make([]*rate.Reservation, 0, 2)
	for _, limiter := range []*rate.Limiter{own, p.all} {
		place := limiter.ReserveN(now, 1)
		taken = append(taken, place)
		if wait := place.DelayFrom(now); wait > 0 {
			for _, t := range taken {
				t.CancelAt(now)
			}
			return &models.Error{Code: models.CodeRateLimited, Message: p.options.Message, RetryAfter: wait}
		}
	}
	return nil
}
