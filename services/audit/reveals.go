package audit

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hotswap/hotswap/models"
)

// ActionReveal is that somebody got a sensitive value in clear.
const ActionReveal = "secret.reveal"

// maxReveals is how many keys and tenants one hour tells apart.
const maxReveals = 50_000

// revealing is who got sensitive values of a tenant in clear, in one hour.
type revealing struct {
	tenantID string
	actor    models.ActorRef
	keyID    string
	hour     time.Time
	overflow bool // all beyond maxReveals
}

// reveals holds the counts that are not written yet.
type reveals struct {
	mu     sync.Mutex
	counts map[revealing]int64
}

// add counts without ever waiting for the database. Beyond maxReveals all others of an hour share one count.
func (r *reveals) add(who revealing, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[revealing]int64{}
	}
	if _, known := r.counts[who]; !known && len(r.counts) >= maxReveals {
		who = revealing{tenantID: models.Platform, actor: models.System(authActor).ActorRef, hour: who.hour, overflow: true}
	}
	r.counts[who] += n
}

// take takes the counts of the hours before that time out.
func (r *reveals) take(before time.Time) map[string][]revealed {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]revealed{}
	for who, count := range r.counts {
		if who.hour.Before(before) {
			out[who.tenantID] = append(out[who.tenantID], revealed{who, count})
			delete(r.counts, who)
		}
	}
	return out
}

// revealed is a count on its way into the log.
type revealed struct {
	revealing

	count int64
}

// Revealed counts an answer that held sensitive values of the tenant in clear, for the actor of the context. Run writes
// one entry per credential, tenant and hour, once the hour is over; nothing waits here.
func (l *Log) Revealed(ctx context.Context, tenantID string) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return // nobody gets a secret
	}
	l.reveals.add(revealing{
		tenantID: tenantID, actor: actor.ActorRef, keyID: actor.KeyID, hour: l.now().UTC().Truncate(time.Hour),
	}, 1)
}

// flushReveals writes the counts of the hours before that time. What cannot be written is kept for the next time.
func (l *Log) flushReveals(ctx context.Context, before time.Time) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	for tenantID, all := range l.reveals.take(before) {
		for chunk := range slices.Chunk(all, flushBatch) {
			if err := l.writeReveals(ctx, tenantID, chunk); err != nil {
				l.log.ErrorContext(ctx, "reveals are not in the audit log yet", "error", err, "tenantId", tenantID)
				for _, r := range chunk {
					l.reveals.add(r.revealing, r.count)
				}
			}
		}
	}
}

func (l *Log) writeReveals(ctx context.Context, tenantID string, chunk []revealed) error {
	b := newBatch(tenantID, l.now())
	for _, r := range chunk {
		m, err := b.subject(r.actor, "")
		if err != nil {
			return err
		}
		act, err := r.act()
		if err != nil {
			return err
		}
		if err := b.entry(m, act, ""); err != nil {
			return err
		}
	}
	return l.asAuth(ctx, b.write)
}

// act is the entry of a count.
func (r revealed) act() (models.Act, error) {
	after, err := models.Canonical(struct {
		Count    int64     `json:"count"`
		Hour     time.Time `json:"hour"`
		Overflow bool      `json:"overflow,omitempty"` // more credentials and tenants than are told apart
	}{r.count, r.hour, r.overflow})
	who := caller{actor: r.actor, keyID: r.keyID}
	return models.Act{Action: ActionReveal, Resource: who.resource(), After: after}, err
}
