package views

import (
	"strings"

	"github.com/hotswap/hotswap/models"
)

// SessionList is a page of sessions at the console.
type SessionList struct {
	Cursor, Next string
	Items        []SessionRow
	All          bool // may see the access of others
	Others       bool // the list has sessions of others
}

// URL is the address of the same list at another place.
func (l SessionList) URL(cursor string) string {
	return address(string(AccessSessions), "cursor", cursor)
}

// SessionRow is one session, with the name of its person.
type SessionRow struct {
	models.Session

	Person  string
	Mine    bool
	Current bool
	MayEnd  bool
}

// ends says what ending the session will do.
func (s SessionRow) ends() string {
	who := s.Person + " is"
	if s.Mine {
		who = "You are"
	}
	return who + " signed out of 1 browser at once: " + s.device() + ". Forms that were not sent yet are lost; other sessions go on."
}

// devices and browsers are told from the words by which they call themselves; more special ones come first.
var (
	browserMarks = [][2]string{
		{"Edg/", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"HeadlessChrome/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systemMarks = [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// device is a browser as people call it; what it says of itself when it is none that is known.
func (s SessionRow) device() string {
	browser, system := namedBy(s.UserAgent, browserMarks), namedBy(s.UserAgent, systemMarks)
	switch {
	case s.UserAgent == "":
		return "an unnamed browser"
	case browser == "":
		return s.UserAgent
	case system == "":
		return browser
	default:
		return browser + " on " + system
	}
}

func namedBy(text string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return ""
}
