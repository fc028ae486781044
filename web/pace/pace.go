// Package pace bounds how often each of many callers does something. Each node decides by itself and at once; through
// Redis, where there is one, the nodes hold their callers to one limit together.
package pace

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hotswap/hotswap/models"
)

// maxCallers is how many callers are remembered at a time.
const maxCallers = 10_000

// Limit is how often one caller may: Count in every Per, and Burst at once. The zero Limit bounds nothing.
type Limit struct {
	Count int
	Per   time.Duration
	Burst int // 0 means Count
}

// Off tells whether nothing is bounded.
func (l Limit) Off() bool { return l.Count == 0 }

// perSecond is how many tokens come back in a second.
func (l Limit) perSecond() float64 { return float64(l.Count) / l.Per.Seconds() }

// full is how long an empty bucket takes to fill.
func (l Limit) full() time.Duration {
	return time.Duration(float64(l.Burst) / l.perSecond() * float64(time.Second))
}

// Options say what is bounded, and how.
type Options struct {
	Kind    string  // names the limit in Redis and in metrics
	Limit   Limit   // of one caller
	PerAll  float64 // how often a second all callers of this node together may; 0: no bound
	Message string  // what who was too quick is told
	Share   Share   // asks all nodes; nil: this one stands alone
	AtOnce  bool    // Share is asked before each answer: for what is rare and costs more than the question
	Refused func()  // counts who was too quick; may be nil
}

// Pace counts callers. A caller whose bucket is full again is forgotten first, which gives nothing away. Those for whom
// there is no room share one bucket, so that nobody gets a new one by pushing others out.
type Pace struct {
	options Options

	mu      sync.Mutex
	callers map[string]*list.Element // of *caller
	order   *list.List               // the one that came last in front
	crowd   *caller                  // those for whom there is no room
	all     *rate.Limiter
	owing   map[string]*caller // have taken what the other nodes do not know of
}

// caller is one that is remembered.
type caller struct {
	name   string
	bucket *rate.Limiter
	last   time.Time // when it came last
	owed   int       // taken here and not yet from what the nodes share
	barred time.Time // until then the nodes together were too quick
}

// New has seen nobody yet. A limit that is off makes a nil Pace, which bounds nothing.
func New(o Options) *Pace {
	if o.Limit.Off() {
		return nil
	}
	if o.Limit.Burst == 0 {
		o.Limit.Burst = o.Limit.Count
	}
	p := &Pace{
		options: o, callers: map[string]*list.Element{}, order: list.New(), all: rate.NewLimiter(rate.Inf, 0), owing: map[string]*caller{},
	}
	p.crowd = p.newCaller("")
	if o.PerAll > 0 {
		p.all = rate.NewLimiter(rate.Limit(o.PerAll), int(o.PerAll))
	}
	return p
}

func (p *Pace) newCaller(name string) *caller {
	return &caller{name: name, bucket: rate.NewLimiter(rate.Limit(p.options.Limit.perSecond()), p.options.Limit.Burst)}
}

// Check is rate_limited, with the time to wait, when the caller or all of them were too quick. Who is turned away takes
// nothing from the others.
func (p *Pace) Check(ctx context.Context, name string, now time.Time) error {
	_, err := p.Take(ctx, name, now)
	return err
}

// Take is Check that also tells how much is left.
func (p *Pace) Take(ctx context.Context, name string, now time.Time) (models.Allowance, error) {
	if p == nil {
		return models.Allowance{}, nil
	}
	left, wait := p.here(name, now)
	if wait == 0 && p.options.AtOnce && p.options.Share != nil {
		wait = p.everywhere(ctx, name)
	}
	if wait == 0 {
		return left, nil
	}
	if p.options.Refused != nil {
		p.options.Refused()
	}
	left.Remaining = 0
	return left, &models.Error{Code: models.CodeRateLimited, Message: p.options.Message, RetryAfter: wait, Allowance: &left}
}

// here takes one from the bucket of this node; otherwise it tells how long to wait.
func (p *Pace) here(name string, now time.Time) (models.Allowance, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.caller(name, now)
	wait := c.barred.Sub(now)
	if wait <= 0 {
		wait = p.take(c, now)
	}
	if wait <= 0 && p.options.Share != nil && !p.options.AtOnce {
		if c.owed++; c.owed >= p.lump() {
			p.owing[c.name] = c
		}
	}
	tokens := max(0, c.bucket.TokensAt(now))
	missing := float64(p.options.Limit.Burst) - tokens
	return models.Allowance{
		Limit: p.options.Limit.Count, Remaining: int(tokens),
		Reset: time.Duration(missing / p.options.Limit.perSecond() * float64(time.Second)),
	}, max(0, wait)
}

// take takes from the caller's bucket and from that of all, or from neither.
func (p *Pace) take(c *caller, now time.Time) time.Duration {
	taken := make([]*rate.Reservation, 0, 2)
	for _, bucket := range []*rate.Limiter{c.bucket, p.all} {
		place := bucket.ReserveN(now, 1)
		taken = append(taken, place)
		if wait := place.DelayFrom(now); wait > 0 {
			for _, t := range taken {
				t.CancelAt(now)
			}
			return wait
		}
	}
	return 0
}

// caller finds who calls, remembered if there is room.
func (p *Pace) caller(name string, now time.Time) *caller {
	if at, ok := p.callers[name]; ok {
		p.order.MoveToFront(at)
		c, _ := at.Value.(*caller)
		c.last = now
		return c
	}
	if p.order.Len() >= maxCallers && !p.makeRoom(now) {
		return p.crowd
	}
	c := p.newCaller(name)
	c.last = now
	p.callers[name] = p.order.PushFront(c)
	return c
}

// makeRoom forgets the caller that was idle longest, if its bucket is full again.
func (p *Pace) makeRoom(now time.Time) bool {
	at := p.order.Back()
	c, _ := at.Value.(*caller)
	if now.Sub(c.last) < p.options.Limit.full() || now.Before(c.barred) {
		return false
	}
	p.order.Remove(at)
	delete(p.callers, c.name)
	delete(p.owing, c.name)
	return true
}
