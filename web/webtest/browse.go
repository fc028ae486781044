package webtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Visitor looks at the console as a browser without JavaScript does.
type Visitor struct {
	t       testing.TB
	url     string
	client  *http.Client
	cookies []*http.Cookie
	target  string // what htmx asks to fill: "div#list"
	from    string // the site whose page sends forms; empty: ours
	page    string // the path of the page that sends forms
}

// Browse is somebody of the site with a session of the console.
func (s *Site) Browse(name string) *Visitor {
	s.t.Helper()
	v := s.Stranger()
	v.cookies = []*http.Cookie{s.Session(name)}
	return v
}

// Stranger is somebody who did not sign in.
func (s *Site) Stranger() *Visitor { return &Visitor{t: s.t, url: s.URL, client: s.client} }

// Htmx is the same visitor whose requests come from htmx, to fill a target such as "div#list".
func (v *Visitor) Htmx(target string) *Visitor {
	out := *v
	out.target = target
	return &out
}

// From is the same visitor on a page of another site.
func (v *Visitor) From(site string) *Visitor {
	out := *v
	out.from = site
	return &out
}

// On is the same visitor who sends forms from that page.
func (v *Visitor) On(page string) *Visitor {
	out := *v
	out.page = page
	return &out
}

// Get opens a page.
func (v *Visitor) Get(path string) *Screen { return v.do(http.MethodGet, path, nil) }

// Post sends a form: names and values in turn.
func (v *Visitor) Post(path string, pairs ...string) *Screen {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.do(http.MethodPost, path, form)
}

func (v *Visitor) do(method, path string, form url.Values) *Screen {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", cmp.Or(v.from, v.url))
		r.Header.Set("Referer", cmp.Or(v.from, v.url)+v.page)
	}
	if v.target != "" {
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Target", v.target)
		r.Header.Set("HX-Current-URL", v.url+path)
	}
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	answer, err := v.client.Do(r)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	doc, err := goquery.NewDocumentFromReader(answer.Body)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	v.keep(answer.Cookies())
	return &Screen{Document: doc, Header: answer.Header, t: v.t, call: method + " " + path, status: answer.StatusCode, visitor: v}
}

// keep does with cookies what browsers do.
func (v *Visitor) keep(set []*http.Cookie) {
	for _, c := range set {
		v.cookies = slices.DeleteFunc(slices.Clone(v.cookies), func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			v.cookies = append(v.cookies, c)
		}
	}
}

// Screen is what a visitor sees.
type Screen struct {
	*goquery.Document

	Header http.Header

	t       testing.TB
	call    string
	status  int
	visitor *Visitor
}

// Status is the answer's status.
func (s *Screen) Status() int { return s.status }

// Want ends the test unless the answer has that status.
func (s *Screen) Want(status int) *Screen {
	s.t.Helper()
	if s.status != status {
		s.t.Fatalf("%s answered %d, want %d: %s", s.call, s.status, status, s.Words("body"))
	}
	return s
}

// Leads ends the test unless the answer is 303 to an address that begins like this.
func (s *Screen) Leads(to string) *Screen {
	s.t.Helper()
	if at := s.Want(http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(at, to) {
		s.t.Fatalf("%s leads to %s, want %s", s.call, at, to)
	}
	return s
}

// Follow opens the page that the answer leads to.
func (s *Screen) Follow() *Screen {
	s.t.Helper()
	return s.visitor.Get(s.Want(http.StatusSeeOther).Header.Get("Location"))
}

// Words are what elements show, with single spaces.
func (s *Screen) Words(selector string) string {
	return strings.Join(strings.Fields(s.Find(selector).Text()), " ")
}

// Shows fails the test unless elements show the text.
func (s *Screen) Shows(selector, text string) *Screen {
	s.t.Helper()
	if words := s.Words(selector); !strings.Contains(words, text) {
		s.t.Errorf("%s: %s does not show %q: %s", s.call, selector, text, words)
	}
	return s
}

// Lacks fails the test if elements show the text.
func (s *Screen) Lacks(selector, text string) *Screen {
	s.t.Helper()
	if words := s.Words(selector); strings.Contains(words, text) {
		s.t.Errorf("%s: %s shows %q: %s", s.call, selector, text, words)
	}
	return s
}

// Has fails the test unless there are so many elements.
func (s *Screen) Has(selector string, count int) *Screen {
	s.t.Helper()
	if n := s.Find(selector).Length(); n != count {
		s.t.Errorf("%s: %d × %s, want %d", s.call, n, selector, count)
	}
	return s
}

// Input is the value of a form's field.
func (s *Screen) Input(name string) string {
	s.t.Helper()
	field := s.Find(`[name="` + name + `"]`)
	if field.Length() == 0 {
		s.t.Fatalf("%s has no field %s", s.call, name)
	}
	if goquery.NodeName(field) == "textarea" {
		return field.Text()
	}
	return field.AttrOr("value", "")
}
