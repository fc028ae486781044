package e2e_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/e2e/browser"
)

const axePath = "../static/node_modules/axe-core/axe.min.js"

// chromium is the one browser of all tests here: each of their tabs has cookies of its own.
func chromium(t testing.TB) *browser.Browser {
	t.Helper()
	if _, err := os.Stat("../static/dist/manifest.json"); err != nil {
		t.Fatalf("build the assets first, with `make assets`: %v", err)
	}
	shared.open.Do(func() { shared.chromium, shared.openErr = browser.Start(context.WithoutCancel(t.Context())) })
	if shared.openErr != nil {
		t.Fatalf("`make bootstrap` installs what is missing: %v", shared.openErr)
	}
	return shared.chromium
}

// axe is the script of axe-core.
func axe(t testing.TB) string {
	t.Helper()
	script, err := os.ReadFile(axePath)
	if err != nil {
		t.Fatalf("install the packages first, with `make assets`: %v", err)
	}
	return string(script)
}

// person is somebody at the console: a tab, whose failures end the test.
type person struct {
	tab *browser.Tab
	t   testing.TB
	s   *stack
}

// visitor opens a tab for somebody who is not signed in.
func (s *stack) visitor(t testing.TB, look browser.Look) person {
	t.Helper()
	return person{openTab(t, s.URL, look), t, s}
}

// openTab opens a tab as wide as a desk unless the look says otherwise; it is closed with the test.
func openTab(t testing.TB, base string, look browser.Look) *browser.Tab {
	t.Helper()
	if look.Width == 0 {
		look.Width, look.Height = 1280, 800
	}
	tab, err := chromium(t).Open(base, look)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

// email is the account of a name of dev.json.
func email(name string) string { return name + "@example.com" }

// arrive opens a page without a session, signs in at the identity provider, and is led to that page.
func (p person) arrive(name, path string) {
	p.t.Helper()
	p.must(p.tab.Visit(path))
	p.shows("Choose who you want to be.")
	if at := p.at(); !strings.HasPrefix(at, p.s.Issuer+"/") {
		p.t.Fatalf("%s led to %s, want to the identity provider", path, at)
	}
	p.must(p.tab.Leave(email(name)))
	if at := p.at(); at != p.s.URL+path {
		p.t.Fatalf("%s signed in for %s and is at %s", name, path, at)
	}
	p.fine(p.s.Issuer)
}

// must takes what cannot go on; the page is part of what is said.
func (p person) must(err error) {
	p.t.Helper()
	if err == nil {
		return
	}
	text, _ := browser.Ask[string](p.tab, `(document.querySelector("main") ?? document.body).innerText`) // the first error counts
	p.t.Fatalf("%v\nat %s:\n%s", err, p.at(), text)
}

func (p person) at() string {
	p.t.Helper()
	at, err := p.tab.URL()
	if err != nil {
		p.t.Fatal(err)
	}
	return at
}

func (p person) path() string {
	p.t.Helper()
	u, err := url.Parse(p.at())
	if err != nil {
		p.t.Fatal(err)
	}
	return u.Path
}

func (p person) visit(path string)           { p.t.Helper(); p.must(p.tab.Visit(path)) }
func (p person) click(name string)           { p.t.Helper(); p.must(p.tab.Click(name)) }
func (p person) unfold(name string)          { p.t.Helper(); p.must(p.tab.Unfold(name)) }
func (p person) fill(label, text string)     { p.t.Helper(); p.must(p.tab.Fill(label, text)) }
func (p person) choose(label, option string) { p.t.Helper(); p.must(p.tab.Choose(label, option)) }
func (p person) press(keys ...string)        { p.t.Helper(); p.must(p.tab.Press(keys...)) }

// shows waits until the page shows all of the texts.
func (p person) shows(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.must(p.tab.Await(text))
	}
}

// until waits for an answer of yes.
func (p person) until(what string, ok func() (bool, error)) {
	p.t.Helper()
	if err := p.tab.Until(ok); err != nil {
		p.t.Errorf("%s does not come true", what)
		p.must(err)
	}
}

// hides wants that the page shows none of the texts.
func (p person) hides(texts ...string) {
	p.t.Helper()
	shown, err := p.tab.Text()
	p.must(err)
	for _, text := range texts {
		if strings.Contains(shown, text) {
			p.t.Errorf("the page at %s shows %q:\n%s", p.at(), text, shown)
		}
	}
}

// offers wants a button or link whose name begins so, or its absence.
func (p person) offers(name string, want bool) {
	p.t.Helper()
	got, err := p.tab.Offers(name)
	p.must(err)
	if got != want {
		p.t.Errorf("%s offers %q: %t, want %t", p.at(), name, got, want)
	}
}

// fine wants that the browser complained of nothing since the last call.
func (p person) fine(hosts ...string) {
	p.t.Helper()
	for _, problem := range p.tab.Problems(hosts...) {
		p.t.Errorf("at %s: %s", p.at(), problem)
	}
}

// evaluate asks the page.
func evaluate[T any](p person, script string) T {
	p.t.Helper()
	v, err := browser.Ask[T](p.tab, script)
	p.must(err)
	return v
}
