package hotswap

import (
	"sync"
	"time"
)

// State is how the client stands with the server.
type State string

// The states of a client.
const (
	Starting    State = "starting"    // nothing has been tried to the end
	Streaming   State = "streaming"   // the server pushes
	Polling     State = "polling"     // the server answers, but there is no stream
	Unreachable State = "unreachable" // it does not answer; what is known is served
	Refused     State = "refused"     // it does not take the credential for what is asked, or the question; what is known is served
	Closed      State = "closed"
)

// Status tells how far what the client serves can be trusted.
type Status struct {
	State    State
	Revision string
	FromFile bool      // nothing was heard from the server since the start
	Heard    time.Time // when the server last said, or had reason to say, that something else holds; zero: never
	Stale    bool      // it was not heard of for longer than Options.StaleAfter
	Err      error     // why the last attempt failed; nil when it did not
	BeatErr  error     // why the server could not be told which revision is held; nil when it could
}

// Age is the time since the server was heard of.
func (s Status) Age() time.Duration { return time.Since(s.Heard) }

// Status tells how far what the client serves can be trusted.
func (c *Client) Status() Status {
	out := c.status.get()
	out.Revision = c.Revision()
	out.Stale = out.Heard.IsZero() || out.Age() > c.options.StaleAfter
	return out
}

// Stale tells whether the server was not heard of for longer than Options.StaleAfter.
func (c *Client) Stale() bool { return c.Status().Stale }

// status is kept by the client's parts.
type status struct {
	mu  sync.Mutex
	now Status
}

func (s *status) get() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// since notes a state, and tells whether it is a new one.
func (s *status) since(state State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.now.State != state
	s.now.State = state
	if state == Streaming || state == Polling {
		s.now.Err = nil
	}
	return is
}

// heard notes when it was known that what is held is what holds.
func (s *status) heard(at time.Time, fromFile bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Heard, s.now.FromFile = at, fromFile
}

// failed notes an error, and tells whether it is the first since all was well.
func (s *status) failed(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.now.Err == nil
	s.now.Err = err
	return first
}

func (s *status) beat(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.BeatErr = err
}
