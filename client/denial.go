package hotswap

import "sync"

// denial is that the server refuses, while there is nothing to read.
type denial struct {
	mu   sync.Mutex
	why  error         // nil: it does not
	told chan struct{} // closed while it does
}

// get is why the server refuses, and what is closed once it does.
func (d *denial) get() (told <-chan struct{}, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told, d.why
}

// set says that the server refuses, or with nil that it does not.
func (d *denial) set(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case why != nil && d.why == nil:
		close(d.told)
	case why == nil && d.why != nil:
		d.told = make(chan struct{})
	}
	d.why = why
}
