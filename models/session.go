package models

import "time"

// How long a sign-in at the console lasts.
const (
	SessionIdle     = 30 * time.Minute // without activity
	SessionAbsolute = 12 * time.Hour   // in all
	LoginLife       = 10 * time.Minute // from the start of a login to its end
)

// Session is a person signed in at the console. What identifies it to a browser is not part of it.
type Session struct {
	ID        string // its public name
	PersonID  string
	Address   string // from which it was begun
	UserAgent string
	CreatedAt time.Time
	SeenAt    time.Time // of the last activity, to the minute
	ExpiresAt time.Time // at the latest
}

// Ends is when the session ends if nobody uses it any more.
func (s Session) Ends() time.Time {
	if idle := s.SeenAt.Add(SessionIdle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}
