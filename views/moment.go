package views

import "time"

// Moment is when something is looked at: now, or an instant as the address or a form says it.
type Moment struct {
	At   *time.Time // nil for now
	Text string     // as it was typed, where that is no instant
}

// Quick choices of a moment, by how long ago.
var quickMoments = []struct {
	label string
	ago   time.Duration
}{{"1 h", time.Hour}, {"24 h", 24 * time.Hour}, {"7 d", 7 * 24 * time.Hour}}

// MomentAt is that instant.
func MomentAt(at time.Time) Moment { return Moment{At: &at} }

// Past tells whether it is another time than now.
func (m Moment) Past() bool { return m.At != nil }

// param is the moment in an address; empty for now.
func (m Moment) param() string {
	if m.At == nil {
		return m.Text
	}
	return m.At.UTC().Format(time.RFC3339Nano)
}

// input is the moment in a field of the type datetime-local; empty for now.
func (m Moment) input() string {
	if m.At == nil {
		return ""
	}
	return m.At.UTC().Format("2006-01-02T15:04:05")
}

// words say the moment; empty for now.
func (m Moment) words() string {
	switch {
	case m.At == nil:
		return ""
	case m.At.Second() == 0:
		return m.At.UTC().Format("2006-01-02 15:04 UTC")
	default:
		return m.At.UTC().Format("2006-01-02 15:04:05 UTC")
	}
}

// MomentField is the field that chooses a moment, with quick choices beside it.
type MomentField struct {
	Name    string // of the field, and its id
	Of      string // what is looked at, for those who hear the page: "the left side"
	Moment  Moment
	Problem string
	Now     time.Time
	URL     func(Moment) string // the same page at another moment
	Target  string              // the id of what htmx replaces; empty: a quick choice opens a page
}

// quickMoment is one quick choice, without an address where it is chosen already.
type quickMoment struct{ label, name, url string }

// quick are the choices: now, and some times ago.
func (f MomentField) quick() []quickMoment {
	of := ""
	if f.Of != "" {
		of = " for " + f.Of
	}
	now := quickMoment{label: "Now"}
	if f.Moment.Past() || f.Problem != "" {
		now.name, now.url = "Now"+of, f.URL(Moment{})
	}
	out := []quickMoment{now}
	for _, q := range quickMoments {
		at := f.Now.Add(-q.ago).UTC().Truncate(time.Second)
		out = append(out, quickMoment{q.label, q.label + " ago" + of, f.URL(MomentAt(at))})
	}
	return out
}

// latest is the last second that can be chosen.
func (f MomentField) latest() string { return MomentAt(f.Now).input() }
