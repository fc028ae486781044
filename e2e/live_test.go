package e2e_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/e2e/browser"
)

// liveParts uses what htmx makes quicker: parts of pages that are drawn anew while the rest stays.
func liveParts(t *testing.T, s *stack) {
	t.Helper()
	t.Run("search as you type", func(t *testing.T) { t.Parallel(); searchAsYouType(t, s.within(t)) })
	t.Run("matrix and editor", func(t *testing.T) { t.Parallel(); editInPlace(t, s.within(t)) })
	t.Run("overview", func(t *testing.T) { t.Parallel(); vitalsStayFresh(t, s.within(t)) })
	t.Run("expired session", func(t *testing.T) { t.Parallel(); expiredSession(t, s.within(t)) })
}

// mark leaves a mark that goes away when the page is loaded anew; stayed tells whether it is still there.
func (p person) mark() { p.t.Helper(); evaluate[bool](p, `window.marked = true`) }

func (p person) stayed() {
	p.t.Helper()
	if !evaluate[bool](p, `window.marked === true`) {
		p.t.Errorf("the page was loaded anew, and is at %s", p.at())
	}
}

func searchAsYouType(t *testing.T, s *stack) {
	t.Helper()
	p := s.visitor(t, browser.Look{})
	p.arrive("engineer", "/tenants")
	p.mark()
	p.press("/") // the shortcut that leads to the search
	p.press("bank")
	p.until("the list being narrowed", func() (bool, error) {
		text, err := browser.Ask[string](p.tab, `document.querySelector("#tenant-list").innerText`)
		return strings.Contains(text, "harbour-vale-bank") && !strings.Contains(text, "globex"), err
	})
	p.stayed()
	if at := p.at(); !strings.Contains(at, "search=bank") {
		t.Errorf("the address is %s", at)
	}
	stop, err := p.tab.Focused()
	p.must(err)
	if value := evaluate[string](p, `document.activeElement.value`); stop.ID != "search" || value != "bank" {
		t.Errorf("the focus is on %q with %q", stop.Name, value)
	}
	p.choose("Tier", "Free")
	p.shows("No tenant fits")
	p.choose("Tier", "Enterprise")
	p.shows("harbour-vale-bank")
	p.stayed()
	p.fine()

	p.click("Harbour & Vale Bank")
	p.shows("Only differences")
	p.must(p.tab.Back())
	p.shows("harbour-vale-bank", "Your customers")
	p.hides("globex")
	p.fine()
}

func editInPlace(t *testing.T, s *stack) {
	t.Helper()
	p := s.visitor(t, browser.Look{})
	p.arrive("engineer", "/tenants/nordlicht-energie")
	p.mark()
	p.fill("Search in keys and values", "welcome")
	p.until("the matrix being narrowed", func() (bool, error) {
		text, err := browser.Ask[string](p.tab, `document.querySelector("#matrix").innerText`)
		return strings.Contains(text, "ui.welcome_message") && !strings.Contains(text, "rules."), err
	})
	p.stayed()

	const edit = "Edit ui.welcome_message in Development"
	p.click(edit)
	p.shows("Saving sets it for Nordlicht Energie only.")
	p.focusOn("Value")
	p.press("Escape") // nothing was typed: it closes
	p.focusOn(edit)
	p.hides("Saving sets it")

	p.press("Enter")
	p.focusOn("Value")
	p.fill("Value", strings.Repeat("too long ", 20))
	p.press("Tab")
	p.shows("It must have at most 120 characters") // it is tried when one has typed
	p.press("Escape")
	p.shows("Saving sets it") // what was typed is not lost
	evaluate[bool](p, `document.querySelector("#editor").dataset.old = true`)
	p.click("Save")
	p.until("the form coming back with what was typed", func() (bool, error) {
		return browser.Ask[bool](p.tab, `(() => { const e = document.querySelector("#editor");
			return !e.dataset.old && e.innerText.includes("at most 120") && e.querySelector("[name=value]").value.startsWith("too long"); })()`)
	})
	p.fill("Value", "Moin")
	p.press("Tab")
	p.shows("This value fits.")
	p.fill("Value", "Moin.")
	p.click("Save") // right out of the field, which is tried again at this moment
	p.until("the matrix showing the new value", func() (bool, error) {
		text, err := browser.Ask[string](p.tab, `document.querySelector("#matrix").innerText`)
		return strings.Contains(text, "Moin."), err
	})
	p.hides("too long")
	p.stayed()
	if p.path() != "/tenants/nordlicht-energie" {
		t.Errorf("after the edit the address is %s", p.at())
	}
	p.fine()
	p.visit("/tenants/nordlicht-energie")
	p.shows("Moin.")
	p.fine()
}

// focusOn waits until the focus is on what has a name that begins so.
func (p person) focusOn(name string) {
	p.t.Helper()
	p.until("the focus being on "+name, func() (bool, error) {
		stop, err := p.tab.Focused()
		return strings.HasPrefix(stop.Name, name), err
	})
}

// vitalsStayFresh waits until the numbers of the node were asked for again.
func vitalsStayFresh(t *testing.T, s *stack) {
	t.Helper()
	p := s.visitor(t, browser.Look{})
	p.arrive("admin", "/")
	p.shows("This node")
	p.mark()
	evaluate[bool](p, `document.querySelector("#vitals").dataset.old = true`)
	p.until("the vitals being drawn anew", func() (bool, error) {
		return browser.Ask[bool](p.tab, `document.querySelector("#vitals") && !document.querySelector("#vitals").dataset.old`)
	})
	p.stayed()
	if n := evaluate[int](p, `document.querySelectorAll("#vitals").length`); n != 1 {
		t.Errorf("the vitals are there %d times", n)
	}
	if plots := evaluate[[]int](p, `[document.querySelectorAll("figure[data-plot]").length, document.querySelectorAll("figure[data-plot] canvas").length]`); plots[0] == 0 || plots[0] != plots[1] {
		t.Errorf("of %d plots %d are drawn", plots[0], plots[1])
	}
	p.fine()
}

// expiredSession idles for too long: what is on the screen stays, and a notice leads to the sign-in and back.
func expiredSession(t *testing.T, s *stack) {
	t.Helper()
	for _, test := range []struct {
		name, path, stays string
		search            bool
	}{
		{"viewer", "/tenants", "globex", true},
		{"admin2", "/", "Recent changes", false},
	} {
		p := s.visitor(t, browser.Look{})
		p.arrive(test.name, test.path)
		p.shows(test.stays)
		p.mark()
		s.idle(t, test.name)
		if test.search {
			p.fill("Search in ids", "bank")
		}
		p.shows("Sign in", test.stays)
		p.stayed()
		p.fine()
		p.must(p.tab.Leave("Sign in"))
		p.shows("Choose who you want to be.")
		p.must(p.tab.Leave(email(test.name)))
		p.shows(test.stays)
		if p.path() != test.path {
			t.Errorf("signed in again, %s is at %s", test.name, p.at())
		}
	}
}

// idle makes the sessions of an account as old as if nothing had been done for an hour.
func (s *stack) idle(t *testing.T, name string) {
	t.Helper()
	done, err := s.superuser().Exec(t.Context(), `UPDATE sessions SET seen_at = seen_at - interval '1 hour'
		WHERE person_id IN (SELECT id FROM people WHERE email = $1)`, email(name))
	if err != nil || done.RowsAffected() == 0 {
		t.Fatalf("%s has no session to grow old: %v", name, err)
	}
}
