package audit

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hotswap/hotswap/models"
)

const (
	maxCounted   = 10_000           // distinct callers that one minute tells apart
	flushEvery   = time.Minute      // how often counts are written
	flushTimeout = 20 * time.Second // of all counts of a minute
	flushBatch   = 500              // entries in one transaction
)

// caller is whose denied calls are added up: a credential, or an address that brought none that we know.
type caller struct {
	tenantID string
	action   string
	actor    models.ActorRef
	keyID    string
	address  string // only where nothing better is known
	minute   time.Time
	overflow bool // all callers beyond maxCounted
}

// tally is how often a caller was turned away, and first where.
type tally struct {
	count int64
	route string
}

// counts holds the tallies that are not written yet.
type counts struct {
	mu      sync.Mutex
	tallies map[caller]tally
}

// add counts without ever waiting for the database. Beyond maxCounted callers all others of a minute share one tally.
func (c *counts) add(who caller, t tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tallies == nil {
		c.tallies = map[caller]tally{}
	}
	old, known := c.tallies[who]
	if !known && len(c.tallies) >= maxCounted {
		who = caller{tenantID: models.Platform, action: who.action, actor: models.System(authActor).ActorRef, overflow: true, minute: who.minute}
		old, known = c.tallies[who]
	}
	if !known {
		old.route = t.route
	}
	old.count += t.count
	c.tallies[who] = old
}

// take empties the counts.
func (c *counts) take() map[caller]tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.tallies
	c.tallies = nil
	return out
}

// Denied counts a denied read or a call without a valid credential. Run writes the counts; nothing waits here.
func (l *Log) Denied(ctx context.Context, r models.Refusal) {
	who := caller{
		tenantID: models.Platform, action: ActionUnauthenticated, actor: models.System(authActor).ActorRef,
		address: models.RequestFrom(ctx).Address, minute: l.now().UTC().Truncate(time.Minute),
	}
	if actor, ok := models.ActorFrom(ctx); ok {
		who.tenantID, who.action, who.actor = actor.Home(), ActionDenied, actor.ActorRef
		who.keyID, who.address = actor.KeyID, ""
	}
	l.counts.add(who, tally{count: 1, route: r.Route})
}

// Run writes the counts of denied calls each minute, and those of reveals after their hour, until the context ends, and
// then what is left.
func (l *Log) Run(ctx context.Context) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.flush(ctx)
			l.flushReveals(ctx, l.now().UTC().Truncate(time.Hour))
		case <-ctx.Done():
			ctx := context.WithoutCancel(ctx)
			l.flush(ctx)
			l.flushReveals(ctx, l.now().Add(time.Hour)) // the hour that is not over, too
			return
		}
	}
}

// flush writes one entry per caller and minute. What cannot be written is kept for the next time.
func (l *Log) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	tallies := l.counts.take()
	for tenantID, callers := range byTenant(tallies) {
		for chunk := range slices.Chunk(callers, flushBatch) {
			if err := l.writeCounts(ctx, tenantID, chunk, tallies); err != nil {
				l.log.ErrorContext(ctx, "denied calls are not in the audit log yet", "error", err, "tenantId", tenantID)
				l.putBack(chunk, tallies)
			}
		}
	}
}

func byTenant(tallies map[caller]tally) map[string][]caller {
	out := map[string][]caller{}
	for who := range maps.Keys(tallies) {
		out[who.tenantID] = append(out[who.tenantID], who)
	}
	return out
}

func (l *Log) putBack(callers []caller, tallies map[caller]tally) {
	for _, who := range callers {
		l.counts.add(who, tallies[who])
	}
}

func (l *Log) writeCounts(ctx context.Context, tenantID string, callers []caller, tallies map[caller]tally) error {
	b := newBatch(tenantID, l.now())
	for _, who := range callers {
		m, err := b.subject(who.actor, who.address)
		if err != nil {
			return err
		}
		act, err := who.act(tallies[who])
		if err != nil {
			return err
		}
		if err := b.entry(m, act, ""); err != nil {
			return err
		}
	}
	return l.asAuth(ctx, b.write)
}

// act is the entry of a caller's tally. The address is no part of it: it stays with the subject, which can be erased.
func (c caller) act(t tally) (models.Act, error) {
	after, err := models.Canonical(struct {
		Count    int64     `json:"count"`
		Minute   time.Time `json:"minute"`
		Overflow bool      `json:"overflow,omitempty"` // more callers than are told apart
		Route    string    `json:"route,omitempty"`    // where it began
	}{t.count, c.minute, c.overflow, t.route})
	return models.Act{Action: c.action, Resource: c.resource(), After: after}, err
}

func (c caller) resource() string {
	switch {
	case c.keyID != "":
		return "api_key/" + c.keyID
	case c.actor.Kind == models.ActorPerson:
		return "person/" + c.actor.ID
	default:
		return "credential"
	}
}
