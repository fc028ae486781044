package pace

import (
	"context"
	"time"
)

const (
	// settleEvery is how often what was taken here is told to the other nodes.
	settleEvery = 100 * time.Millisecond
	// settleMost is how many callers one settling tells of; others wait for the next.
	settleMost = 200
	// lumps is in how many parts a burst is told: what a caller takes below that is not worth a call of Redis.
	lumps = 20
)

// Share takes up to n for a caller from what all nodes have together. It says how many it got, and for how long there
// is nothing more. An error means that nobody can tell: then each node stands alone.
type Share func(ctx context.Context, key string, l Limit, n int) (taken int, wait time.Duration, err error)

// everywhere takes one from what the nodes share. Who gets none waits.
func (p *Pace) everywhere(ctx context.Context, name string) time.Duration {
	taken, wait, err := p.options.Share(ctx, p.key(name), p.options.Limit, 1)
	if err != nil || taken > 0 {
		return 0
	}
	return max(wait, time.Millisecond)
}

func (p *Pace) key(name string) string { return p.options.Kind + ":" + name }

// lump is how much a caller takes before the other nodes hear of it.
func (p *Pace) lump() int { return max(1, p.options.Limit.Burst/lumps) }

// Run tells the other nodes what was taken here, beside the calls, until the context ends. Callers who took more than
// the nodes together may are barred until that is made up for.
func (p *Pace) Run(ctx context.Context, now func() time.Time) {
	if p == nil || p.options.Share == nil || p.options.AtOnce {
		return
	}
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.settle(ctx, now)
		}
	}
}

// debt is what a caller took here and still has to take from what the nodes share.
type debt struct {
	*caller

	owed int
}

func (p *Pace) settle(ctx context.Context, now func() time.Time) {
	for _, d := range p.debts() {
		taken, wait, err := p.options.Share(ctx, p.key(d.name), p.options.Limit, min(d.owed, p.options.Limit.Burst))
		p.settled(d, taken, wait, now(), err)
	}
}

func (p *Pace) debts() (out []debt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.owing { // in random order
		if out = append(out, debt{c, c.owed}); len(out) == settleMost {
			break
		}
	}
	return out
}

// settled notes what the nodes together let the caller have. While nobody can tell, nothing is owed.
func (p *Pace) settled(d debt, taken int, wait time.Duration, now time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	short := err == nil && taken < d.owed
	switch {
	case err != nil:
		d.caller.owed, d.barred = 0, time.Time{}
	case short:
		d.caller.owed -= taken
		back := time.Duration(float64(d.owed-taken) / p.options.Limit.perSecond() * float64(time.Second))
		d.barred = now.Add(max(wait, min(back, p.options.Limit.full()), settleEvery))
	default:
		d.caller.owed, d.barred = d.caller.owed-taken, time.Time{}
	}
	if !short && d.caller.owed < p.lump() {
		delete(p.owing, d.name)
	}
}
