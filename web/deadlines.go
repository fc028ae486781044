package web

import (
	"sync"
	"time"
)

// lookEvery is how late it may be noticed that a deadline has passed.
const lookEvery = 500 * time.Millisecond

// deadline is one of a connection's two. net/http moves them many times for each request and nearly none ever passes,
// but a timer has to be moved each time. So they are written down here, and looked at now and then by one loop for all
// connections.
type deadline struct {
	tell func(time.Time) error // the connection's own way, with a timer

	mu   sync.Mutex
	at   time.Time // zero: none
	told bool      // the connection knows of it, for it has passed
}

// set moves the deadline. One that lies long back is how net/http ends a read that waits: it is told at once.
func (d *deadline) set(at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	switch past := !at.IsZero() && at.Before(longAgo); {
	case past:
		d.told = true
		return d.tell(at)
	case d.told:
		d.told = false
		return d.tell(time.Time{})
	default:
		return nil
	}
}

// longAgo is before every deadline that is meant to pass in its time. net/http's way of now is the second after 1970.
var longAgo = time.Unix(1<<29, 0)

// look tells the connection of a deadline that has passed.
func (d *deadline) look(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.told && !d.at.IsZero() && now.After(d.at) {
		d.told = true
		_ = d.tell(now) // one that is closed needs none
	}
}

// watched are the connections whose deadlines are looked at.
type watched struct {
	mu    sync.Mutex
	conns map[*atOnceConn]struct{}
	ended chan struct{}
}

func newWatched() *watched {
	w := &watched{conns: map[*atOnceConn]struct{}{}, ended: make(chan struct{})}
	go w.run()
	return w
}

func (w *watched) add(c *atOnceConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = struct{}{}
}

func (w *watched) remove(c *atOnceConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

// run looks at all deadlines until the listener is closed and no connection is left.
func (w *watched) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	ended := w.ended
	for over := false; ; {
		select {
		case <-ended:
			over, ended = true, nil
		case now := <-tick.C:
			if there := w.look(now); over && !there {
				return
			}
		}
	}
}

// look tells whether there is any connection.
func (w *watched) look(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.read.look(now)
		c.write.look(now)
	}
	return len(w.conns) > 0
}
