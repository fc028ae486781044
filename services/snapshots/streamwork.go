package snapshots

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hotswap/hotswap/models"
)

// keptNotices is how many notices of an environment are kept for watchers that come again.
const keptNotices = 1024

// lateAgain is how long a load that was late gets before the subject is looked at again.
const lateAgain = 100 * time.Millisecond

// run tells watchers what moves, until the context ends. Then nobody is watching any more, or told anything.
func (h *hub) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	for range streamWorkers {
		working.Go(func() { h.look(ctx) })
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.sweep(ctx, n%statusEvery == 0)
		case <-h.wake:
			h.dispatch()
		}
	}
}

// dispatch hands what moved to the subjects that it may concern.
func (h *hub) dispatch() {
	h.moves.Lock()
	moved, all, steps := h.moves.heads, h.moves.all, h.moves.steps
	h.moves.heads, h.moves.all, h.moves.steps = map[models.HeadKey]struct{}{}, false, false
	h.moves.Unlock()
	if all {
		h.dispatchAll()
		return
	}
	if steps {
		h.dispatchSteps()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range moved {
		for sub := range h.below[key] {
			h.queue.push(sub)
		}
		for environment, sub := range h.notices {
			if key.Environment == environment || key.Environment == models.HeadTenant {
				sub.notice(key.TenantID, h.service.heads.at(key).get().Token)
			}
		}
	}
}

// dispatchAll is for another database: all may have moved.
func (h *hub) dispatchAll() {
	for _, sub := range h.all() {
		if sub.topic.Telling == TellLayers {
			sub.notice(models.Platform, rand.Text())
		} else {
			h.queue.push(sub)
		}
	}
}

// dispatchSteps is for who may be on another side of a deployment.
func (h *hub) dispatchSteps() {
	for _, sub := range h.all() {
		switch {
		case !sub.onSides():
		case sub.topic.Telling == TellRefetch:
			sub.remind() // units share the stream
		default:
			h.queue.push(sub)
		}
	}
}

// notice tells those who watch all tenants of a layer that moved.
func (s *subject) notice(layer, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	run, _, _ := strings.Cut(s.id, ".")
	id := run + "." + strconv.Itoa(s.turn)
	s.move(noticeFrame(id, layer, token))
	s.id = id
}

// sweep forgets subjects that nobody watches, and looks at those that are not what the heads say: whose last look
// failed, above all. With status it also looks for tenants that another look has missed.
func (h *hub) sweep(ctx context.Context, status bool) {
	now := h.service.now()
	for _, sub := range h.all() {
		over, old := sub.sweep(now)
		switch {
		case over:
			h.drop(sub)
		case old, status && sub.topic.Telling != TellLayers && h.elsewhere(ctx, sub):
			h.queue.push(sub)
		}
	}
}

// elsewhere tells whether the subject's tenant is not where the subject believes it.
func (h *hub) elsewhere(ctx context.Context, sub *subject) bool {
	tenant, err := h.service.tenants.Get(ctx, sub.topic.TenantID)
	h.mu.Lock()
	defer h.mu.Unlock()
	return err != nil || tenant.Status != models.TenantActive || tenant.Tier != sub.tier
}

// look looks at subjects of the queue, until the context ends.
func (h *hub) look(ctx context.Context) {
	for {
		sub := h.queue.pop()
		if sub == nil {
			select {
			case <-ctx.Done():
				return
			case <-h.queue.wake:
			}
			continue
		}
		h.refresh(ctx, sub)
		h.queue.done(sub)
		if ctx.Err() != nil {
			return
		}
	}
}

// refresh moves the subject on to what the heads say now. What fails for want of Postgres is tried again by the sweep.
func (h *hub) refresh(ctx context.Context, sub *subject) {
	for range tries {
		seen := sub.turns()
		snap, err := h.service.Get(ctx, sub.topic.ask())
		if err != nil {
			if why, ended := endOf(err); ended {
				sub.end(why)
			}
			return
		}
		taken := sub.take(snap, seen)
		if snap.Stale {
			h.later(sub)
			return
		}
		sub.late.Store(false)
		tenant, err := h.service.tenants.Get(ctx, sub.topic.TenantID)
		if err != nil {
			return
		}
		if again := h.follow(sub, tenant); taken && !again {
			return
		}
	}
}

// later looks at a subject again whose values were late, once; the sweep does so from then on.
func (h *hub) later(sub *subject) {
	if sub.late.CompareAndSwap(false, true) {
		time.AfterFunc(lateAgain, func() { h.queue.push(sub) })
	}
}

// endOf is what becomes of those who watch what cannot be read; false when it may be read again.
func endOf(err error) (End, bool) {
	known, ok := errors.AsType[*models.Error](err)
	switch {
	case !ok:
		return End{}, false
	case known.Code == models.CodeForbidden:
		return End{EndSuspended, known.Code}, true
	case known.Code == models.CodeNotFound, known.Code == models.CodeInvalid:
		return End{EndRevoked, known.Code}, true
	default:
		return End{}, false
	}
}

// work is where a subject is in the queue.
type work int

const (
	workNone  work = iota
	workWaits      // in the queue
	workDone       // somebody is at it
	workAgain      // somebody is at it, and it moved meanwhile
)

// workQueue holds subjects to be looked at, each once, however often it moves, and lets one look at it at a time.
type workQueue struct {
	wake chan struct{}

	mu      sync.Mutex
	waiting []*subject
}

func (q *workQueue) push(sub *subject) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch sub.work {
	case workNone:
		sub.work = workWaits
		q.waiting = append(q.waiting, sub)
		offer(q.wake, struct{}{})
	case workDone:
		sub.work = workAgain
	case workWaits, workAgain:
	}
}

// pop is the next subject, nil when there is none.
func (q *workQueue) pop() *subject {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting = nil
		return nil
	}
	sub := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	sub.work = workDone
	return sub
}

// done puts a subject back that moved while it was looked at.
func (q *workQueue) done(sub *subject) {
	q.mu.Lock()
	again := sub.work == workAgain
	sub.work = workNone
	q.mu.Unlock()
	if again {
		q.push(sub)
	}
}
