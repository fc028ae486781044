package deployments

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"github.com/hotswap/hotswap/models"
)

const (
	// maxUnits is how many instances of one tenant in one environment are known, the latest.
	maxUnits = 10_000
	// maxGathered is how many instances of all tenants a node keeps in mind.
	maxGathered = 100_000
	// rewriteAfter is how much later than written an instance must have been seen to be written again with nothing new.
	rewriteAfter = 30 * time.Second
	// forgetAfter is how long an instance that is written and silent is kept in mind.
	forgetAfter = 5 * time.Minute
	// crowdsTried is how many places are looked at for the one that gives way when all are full.
	crowdsTried = 8
)

// gathered is what a node has heard from instances. All that is not written yet is in it, unless there is more than it
// may hold.
type gathered struct {
	mu        sync.Mutex
	crowds    map[models.Place]*crowd
	known     int // instances in all crowds
	unwritten map[models.InstanceKey]*heard
	forgotten uint64 // that were not written yet
}

// crowd is the instances of one tenant in one environment, the one heard last in front.
type crowd struct {
	units map[string]*list.Element // of *heard
	order *list.List
}

// heard is an instance as its node knows it.
type heard struct {
	models.Instance

	written models.Instance // as it was written last; zero: not by this node
}

func newGathered() gathered {
	return gathered{crowds: map[models.Place]*crowd{}, unwritten: map[models.InstanceKey]*heard{}}
}

func placeOf(k models.InstanceKey) models.Place {
	return models.Place{Tenant: k.TenantID, Environment: k.Environment}
}

// news tells whether the instance must be written.
func (h *heard) news() bool {
	return h.Revision != h.written.Revision || h.Client != h.written.Client || h.LastSeenAt.Sub(h.written.LastSeenAt) >= rewriteAfter
}

// note keeps what an instance reports, and tells what is known of it now.
func (g *gathered) note(i models.Instance) models.Instance {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.crowds[placeOf(i.InstanceKey)]
	if c == nil {
		c = &crowd{units: map[string]*list.Element{}, order: list.New()}
		g.crowds[placeOf(i.InstanceKey)] = c
	}
	at, ok := c.units[i.Unit]
	if !ok {
		g.makeRoom(c)
		g.crowds[placeOf(i.InstanceKey)] = c // it may have been the one that gave way
		at = c.order.PushFront(&heard{})
		c.units[i.Unit] = at
		g.known++
	}
	c.order.MoveToFront(at)
	h, _ := at.Value.(*heard)
	i.FirstSeenAt = h.FirstSeenAt
	if i.CurrentAt == nil {
		i.CurrentAt = h.CurrentAt
	}
	h.Instance = i
	if h.news() {
		g.unwritten[i.InstanceKey] = h
	}
	return i
}

// makeRoom forgets the instance that was silent longest: of a full crowd its own, and when all are full that of the
// largest of some.
func (g *gathered) makeRoom(own *crowd) {
	switch {
	case own.order.Len() >= maxUnits:
		g.forget(own, own.order.Back())
	case g.known >= maxGathered:
		largest, tried := own, 0
		for _, c := range g.crowds { // in random order
			if c.order.Len() > largest.order.Len() {
				largest = c
			}
			if tried++; tried == crowdsTried {
				break
			}
		}
		g.forget(largest, largest.order.Back())
	}
}

func (g *gathered) forget(c *crowd, at *list.Element) {
	h, ok := c.order.Remove(at).(*heard)
	if !ok {
		return
	}
	delete(c.units, h.Unit)
	g.known--
	if _, waits := g.unwritten[h.InstanceKey]; waits {
		delete(g.unwritten, h.InstanceKey)
		g.forgotten++
	}
	if c.order.Len() == 0 {
		delete(g.crowds, placeOf(h.InstanceKey))
	}
}

// forgetSilent lets go of those that are written and were not heard since that time.
func (g *gathered) forgetSilent(since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.crowds {
		for at := c.order.Back(); at != nil; {
			h, _ := at.Value.(*heard)
			if !h.LastSeenAt.Before(since) {
				break
			}
			before := at.Prev()
			if _, waits := g.unwritten[h.InstanceKey]; !waits {
				g.forget(c, at)
			}
			at = before
		}
	}
}

// due is what must be written, in the order of keys: nodes that write the same rows take them in one order.
func (g *gathered) due() []models.Instance {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]models.Instance, 0, len(g.unwritten))
	for _, h := range g.unwritten {
		out = append(out, h.Instance)
	}
	slices.SortFunc(out, func(a, b models.Instance) int { return a.Compare(b.InstanceKey) })
	return out
}

// wrote notes what was written, and when those instances were seen first.
func (g *gathered) wrote(all []models.Instance, first map[models.InstanceKey]time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, i := range all {
		h, ok := g.unwritten[i.InstanceKey]
		if !ok {
			continue // forgotten meanwhile
		}
		h.written = i
		if at, ok := first[i.InstanceKey]; ok {
			h.FirstSeenAt = &at
		}
		if !h.news() {
			delete(g.unwritten, i.InstanceKey)
		}
	}
}

// waiting is how many instances are to be written, and how many were forgotten before they were.
func (g *gathered) waiting() (unwritten int, forgotten uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.unwritten), g.forgotten
}

// merge puts what was heard since into rows of the database, and those that are not written yet between them.
func (g *gathered) merge(rows []models.Instance, fits func(models.InstanceKey) bool) []models.Instance {
	g.mu.Lock()
	defer g.mu.Unlock()
	there := make(map[models.InstanceKey]bool, len(rows))
	for n, row := range rows {
		there[row.InstanceKey] = true
		if h := g.of(row.InstanceKey); h != nil && h.LastSeenAt.After(row.LastSeenAt) {
			first, current := row.FirstSeenAt, row.CurrentAt
			rows[n] = h.Instance
			rows[n].FirstSeenAt = first
			if h.CurrentAt == nil {
				rows[n].CurrentAt = current
			}
		}
	}
	for k, h := range g.unwritten {
		if h.written.LastSeenAt.IsZero() && !there[k] && fits(k) {
			rows = append(rows, h.Instance)
		}
	}
	slices.SortFunc(rows, func(a, b models.Instance) int { return a.Compare(b.InstanceKey) })
	return rows
}

func (g *gathered) of(k models.InstanceKey) *heard {
	c := g.crowds[placeOf(k)]
	if c == nil || c.units[k.Unit] == nil {
		return nil
	}
	h, _ := c.units[k.Unit].Value.(*heard)
	return h
}
