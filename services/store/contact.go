package store

import (
	"sync/atomic"
	"time"

	"github.com/hotswap/hotswap/models"
)

// silentAfter is how long a node may not have heard of the database before it says that what it serves may be old.
const silentAfter = 5 * time.Second

// Contact is this node's one clock of how long it has not heard of the database: whatever is kept in memory is honoured
// for so long and no longer. The scan of heads sets it. None, nil, never runs out.
type Contact struct {
	now func() time.Time
	max time.Duration

	last  atomic.Pointer[time.Time] // nil: nobody counts yet
	told  atomic.Bool               // by another run of the node: this one never heard of the database itself
	state atomic.Int32
}

// The states of a contact, each worse than the one before.
const (
	inTouch int32 = iota
	silent        // what moved since the last contact is not known here, or there was none yet
	expired       // what is known here is too old to be honoured
)

// NewContact honours what is known for the longest silence given.
func NewContact(now func() time.Time, longest time.Duration) *Contact {
	return &Contact{now: now, max: longest}
}

// Heard says that the database answered just now.
func (c *Contact) Heard() {
	if c != nil {
		c.told.Store(false)
		c.heard(c.now())
	}
}

// HeardAt says when the database answered last. An instant in the future counts for now.
func (c *Contact) HeardAt(at time.Time) {
	if c == nil {
		return
	}
	if now := c.now(); at.After(now) {
		at = now
	}
	c.heard(at)
}

// Told is HeardAt of another run of this node: until this one hears of the database itself, what it serves may be old.
func (c *Contact) Told(at time.Time) {
	if c != nil {
		c.told.Store(true)
		c.HeardAt(at)
	}
}

func (c *Contact) heard(at time.Time) {
	c.last.Store(&at)
	c.Look()
}

// Look finds out how the contact stands. Whoever sets the clock calls it when the database does not answer.
func (c *Contact) Look() {
	if c == nil {
		return
	}
	state := inTouch
	switch silence := c.Silence(); {
	case silence > c.max:
		state = expired
	case silence > silentAfter, c.told.Load():
		state = silent
	}
	c.state.Store(state)
}

// Silence is how long the database has not been heard of.
func (c *Contact) Silence() time.Duration {
	if c == nil {
		return 0
	}
	last := c.last.Load()
	if last == nil {
		return 0
	}
	return max(c.now().Sub(*last), 0)
}

// Last is when the database was heard of last; zero when it never was.
func (c *Contact) Last() time.Time {
	if c == nil || c.last.Load() == nil {
		return time.Time{}
	}
	return *c.last.Load()
}

// Silent tells whether the database was not heard of for so long that anything may have moved. It costs one look into
// memory.
func (c *Contact) Silent() bool { return c != nil && c.state.Load() != inTouch }

// Err is unavailable when what is known here is too old to be honoured.
func (c *Contact) Err() error {
	if c == nil || c.state.Load() != expired {
		return nil
	}
	return models.Unavailable("this node has not heard of the database for too long", time.Second)
}
