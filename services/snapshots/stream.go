package snapshots

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hotswap/hotswap/models"
)

const (
	// keptSnapshots is how far back a watcher that comes again is only told what moved since.
	keptSnapshots = 64
	// keptBytes bounds what is kept for that of one subject, and allKeptBytes of all.
	keptBytes, allKeptBytes = 256 << 10, 64 << 20
	// lingers is how long a subject stays when nobody watches it: those who lost their connection come back.
	lingers = 30 * time.Second
	// streamWorkers is how many subjects are looked at anew at a time.
	streamWorkers = 4
	// sweepEvery is how often subjects are looked over for what was not heard of.
	sweepEvery = time.Second
	// statusEvery is how many sweeps lie between two that also look at tier and status.
	statusEvery = 1
)

// Telling is what watchers are told.
type Telling int

// What there is to be told.
const (
	TellValues  Telling = iota // the values, and then what moved
	TellRefetch                // that values moved, as the event streams of OFREP say it; not which
	TellLayers                 // which tenants and layers moved in an environment
)

// Topic is what can be watched. Those who watch the same share every frame.
type Topic struct {
	TenantID    string // none with TellLayers
	Environment string
	Unit        string // who watches, as in Ask; not with TellLayers
	InClear     bool   // with sensitive values; the caller has checked the right to
	Telling     Telling
}

func (t Topic) ask() Ask {
	return Ask{TenantID: t.TenantID, Environment: t.Environment, Unit: t.Unit, InClear: t.InClear}
}

// End says why a watcher hears no more, and what it would be answered if it came back at once.
type End struct {
	Reason string
	Code   models.Code
}

// The reasons for an end.
const (
	EndSuspended = "suspended"
	EndRevoked   = "revoked"
	EndShutdown  = "shutdown"
	EndSlow      = "slow"
)

// Watcher is told of a topic: whole events of text/event-stream (WHATWG HTML, 9.2). Its methods are called under locks:
// they never wait and never call back.
type Watcher interface {
	Tell(frame []byte) // shared with all other watchers
	End(end End)       // nothing is told afterwards
}

// Watch is one watcher at its topic.
type Watch struct {
	subject *subject
	watcher Watcher
}

// Stop ends the watch. Nothing is told afterwards.
func (w *Watch) Stop() { w.subject.leave(w.watcher) }

// hub hears of moved heads, and tells whoever watches what they come to. It holds no lock that reads need.
type hub struct {
	service  *Service
	watching atomic.Int64 // subjects there are; nothing is noted without any
	kept     atomic.Int64 // bytes of all subjects' kept frames

	mu       sync.Mutex
	subjects map[Topic]*subject
	notices  map[string]*subject                      // those of TellLayers, by environment
	below    map[models.HeadKey]map[*subject]struct{} // who is to be looked at when a head moves

	moves struct {
		sync.Mutex

		heads map[models.HeadKey]struct{}
		all   bool // heads were replaced: anything may have moved
		steps bool // deployments came further
	}
	wake  chan struct{}
	queue workQueue
}

func newHub(s *Service) *hub {
	h := &hub{
		service: s, subjects: map[Topic]*subject{}, notices: map[string]*subject{},
		below: map[models.HeadKey]map[*subject]struct{}{}, wake: make(chan struct{}, 1),
	}
	h.moves.heads = map[models.HeadKey]struct{}{}
	h.queue.wake = make(chan struct{}, streamWorkers)
	return h
}

// note hears of a head that moved. It is called wherever one is raised, by reads as well: it only writes it down.
func (h *hub) note(key models.HeadKey) {
	if h.watching.Load() == 0 {
		return // who comes now reads what is raised already
	}
	h.moves.Lock()
	h.moves.heads[key] = struct{}{}
	h.moves.Unlock()
	offer(h.wake, struct{}{})
}

// noteAll hears that all heads were replaced.
func (h *hub) noteAll() {
	h.moves.Lock()
	h.moves.all = true
	h.moves.Unlock()
	offer(h.wake, struct{}{})
}

// noteSteps hears that a deployment came further: those who watch may be on another side of it.
func (h *hub) noteSteps() {
	h.moves.Lock()
	h.moves.steps = true
	h.moves.Unlock()
	offer(h.wake, struct{}{})
}

// Watch tells the watcher of the topic from now on until it is stopped, beginning with what it lacks: what moved since
// the event with the id after, if that is still kept, else all. Errors are those of Get; then nothing is told.
func (s *Service) Watch(ctx context.Context, topic Topic, after string, w Watcher) (*Watch, error) {
	if topic.Telling == TellLayers {
		return s.hub.watchLayers(ctx, topic, after, w)
	}
	ask := topic.ask()
	if _, err := s.Get(ctx, ask); err != nil {
		return nil, err // nobody makes a subject of what is not there
	}
	for range tries {
		tenant, err := s.tenants.Get(ctx, topic.TenantID)
		if err != nil {
			return nil, err
		}
		sub := s.hub.subject(topic, tenant)
		seen := sub.turns()
		snap, err := s.Get(ctx, ask) // after the subject hears of moves: what moves from here on is told
		if err != nil {
			return nil, err
		}
		if sub.take(snap, seen) && sub.join(snap, after, w) {
			return &Watch{sub, w}, nil
		}
	}
	return nil, models.Unavailable("the values are changing too fast", time.Second)
}

func (h *hub) watchLayers(ctx context.Context, topic Topic, after string, w Watcher) (*Watch, error) {
	if err := h.service.CheckEnvironment(ctx, topic.Environment); err != nil {
		return nil, err
	}
	for range tries {
		sub := h.subject(topic, models.Tenant{})
		if sub.join(nil, after, w) {
			return &Watch{sub, w}, nil
		}
	}
	return nil, models.Unavailable("streams are ending", time.Second)
}

// subject is the one of the topic, made when somebody asks for it first.
func (h *hub) subject(topic Topic, tenant models.Tenant) *subject {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sub, ok := h.subjects[topic]; ok {
		return sub
	}
	sub := newSubject(h, topic)
	h.subjects[topic] = sub
	h.watching.Add(1)
	if topic.Telling == TellLayers {
		h.notices[topic.Environment] = sub
	} else {
		h.place(sub, tenant)
	}
	return sub
}

// place lets the subject hear of the heads of the tenant's chain, and of the tenant itself. The hub is locked.
func (h *hub) place(sub *subject, tenant models.Tenant) {
	sub.tier = tenant.Tier
	for _, layer := range tenant.Chain() {
		h.hear(sub, models.HeadKey{TenantID: layer, Environment: sub.topic.Environment})
	}
	h.hear(sub, models.HeadKey{TenantID: tenant.ID, Environment: models.HeadTenant})
}

func (h *hub) hear(sub *subject, key models.HeadKey) {
	if h.below[key] == nil {
		h.below[key] = map[*subject]struct{}{}
	}
	h.below[key][sub] = struct{}{}
	sub.hears = append(sub.hears, key)
}

// displace lets the subject hear of nothing. The hub is locked.
func (h *hub) displace(sub *subject) {
	for _, key := range sub.hears {
		delete(h.below[key], sub)
		if len(h.below[key]) == 0 {
			delete(h.below, key)
		}
	}
	sub.hears = nil
}

// follow lets the subject hear of its tenant's chain of now. It tells whether that is another one than before.
func (h *hub) follow(sub *subject, tenant models.Tenant) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sub.tier == tenant.Tier || h.subjects[sub.topic] != sub {
		return false
	}
	h.displace(sub)
	h.place(sub, tenant)
	return true
}

// drop forgets a subject that nobody watches.
func (h *hub) drop(sub *subject) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !sub.close() {
		return
	}
	h.displace(sub)
	delete(h.subjects, sub.topic)
	if sub.topic.Telling == TellLayers {
		delete(h.notices, sub.topic.Environment)
	}
	h.watching.Add(-1)
}

// all are the subjects of now.
func (h *hub) all() []*subject {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*subject, 0, len(h.subjects))
	for _, sub := range h.subjects {
		out = append(out, sub)
	}
	return out
}
