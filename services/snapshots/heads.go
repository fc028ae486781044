package snapshots

import (
	"sync"
	"sync/atomic"

	"github.com/hotswap/hotswap/models"
)

// cell is the place of one head in memory. Snapshots keep the cells of their chain, so that telling whether
// one is still valid takes an atomic load per layer and no look-up.
type cell struct{ head atomic.Pointer[models.Head] }

// get is the head as far as this node knows; revision 0 when nothing ever moved there.
func (c *cell) get() models.Head {
	if h := c.head.Load(); h != nil {
		return *h
	}
	return models.Head{}
}

// raise takes a newer head and tells whether it was one; heads only rise.
func (c *cell) raise(h models.Head) bool {
	for {
		old := c.head.Load()
		if h.Revision <= 0 || old != nil && old.Revision >= h.Revision {
			return false
		}
		if c.head.CompareAndSwap(old, &h) {
			return true
		}
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
		h.at(head.Key()).head.Store(&head)
	}
	h.cells.Range(func(key, c any) bool {
		if !there[key.(models.HeadKey)] {
			c.(*cell).head.Store(nil)
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
