package snapshots

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hotswap/hotswap/models"
)

// cell is the place of one head in memory. Snapshots keep the cells of their chain, so that telling whether
// one is still valid takes an atomic load per layer and no look-up.
type cell struct {
	head  atomic.Pointer[models.Head]
	floor atomic.Int64 // no answer is older than this revision: this node served it
	wrote atomic.Int64 // the newest revision that this node wrote: answers are as new as long as that can be waited for
	seen  atomic.Int64 // the newest revision whose values were here
	left  atomic.Int64 // when a head became known whose values are not here yet, in Unix nanoseconds; 0: they are
}

// demand takes a head that this node wrote: who asks from now on waits for its values.
func (c *cell) demand(revision int64) { lift(&c.wrote, revision) }

// demanded is the oldest revision that is served before anybody has waited.
func (c *cell) demanded() int64 { return max(c.floor.Load(), c.wrote.Load()) }

// served is the oldest revision that is served at all.
func (c *cell) served() int64 { return c.floor.Load() }

// came notes that the values of a revision are here. What is here may be served, so nothing older is from now on.
func (c *cell) came(revision int64) {
	lift(&c.floor, revision)
	lift(&c.seen, revision)
	if c.get().Revision <= revision {
		c.left.Store(0)
	}
}

// age is for how long it is known that there is something newer than what is here.
func (c *cell) age(now time.Time) time.Duration {
	left := c.left.Load()
	if left == 0 || c.get().Revision <= c.seen.Load() {
		return 0
	}
	return max(now.Sub(time.Unix(0, left)), 0)
}

// lift never lowers.
func lift(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to && !v.CompareAndSwap(old, to); old = v.Load() {
	}
}

// get is the head as far as this node knows; revision 0 when nothing ever moved there.
func (c *cell) get() models.Head {
	if h := c.head.Load(); h != nil {
		return *h
	}
	return models.Head{}
}

// raise takes a newer head and tells whether it was one; heads only rise.
func (c *cell) raise(h models.Head, now time.Time) bool {
	for {
		old := c.head.Load()
		if h.Revision <= 0 || old != nil && old.Revision >= h.Revision {
			return false
		}
		if c.head.CompareAndSwap(old, &h) {
			if h.Revision > c.seen.Load() {
				c.left.CompareAndSwap(0, now.UnixNano())
			}
			return true
		}
	}
}

// reset takes the head of another database; nil: it has none.
func (c *cell) reset(h *models.Head) {
	c.head.Store(h)
	for _, v := range []*atomic.Int64{&c.floor, &c.wrote, &c.seen, &c.left} {
		v.Store(0)
	}
}

// heads is every head this node knows of.
type heads struct{ cells sync.Map } // models.HeadKey → *cell

// at is the cell of a head, made when it is asked for the first time.
func (h *heads) at(key models.HeadKey) *cell {
	if c, ok := h.cells.Load(key); ok {
		return c.(*cell)
	}
	c, _ := h.cells.LoadOrStore(key, &cell{})
	return c.(*cell)
}

// revision is where a head stands as far as this node knows; asking for one that nobody knows leaves no trace.
func (h *heads) revision(key models.HeadKey) int64 {
	if c, ok := h.cells.Load(key); ok {
		return c.(*cell).get().Revision
	}
	return 0
}

// replace takes the heads as they are, lower ones and missing ones too.
func (h *heads) replace(all []models.Head) {
	there := make(map[models.HeadKey]bool, len(all))
	for _, head := range all {
		there[head.Key()] = true
		h.at(head.Key()).reset(&head)
	}
	h.cells.Range(func(key, c any) bool {
		if !there[key.(models.HeadKey)] {
			c.(*cell).reset(nil)
		}
		return true
	})
}

// newer are those of the heads that this node does not know yet.
func (h *heads) newer(all []models.Head) (out []models.Head) {
	for _, head := range all {
		if h.at(head.Key()).get().Revision < head.Revision {
			out = append(out, head)
		}
	}
	return out
}
