package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/e2e/browser"
)

// maxStops is more than any page has of what takes the focus.
const maxStops = 600

// approvalByKeyboard decides on a change that came as a link, without a mouse.
func approvalByKeyboard(t *testing.T, s *stack) {
	t.Helper()
	change := s.as("engineer").post("/changes", `{"tenantId":"initech","environment":"Production","title":"Seats for the new floor",
		"reason":"forty people more","items":[{"key":"rules.max_seats","op":"set","value":940}]}`).want(http.StatusCreated)
	path := "/changes/" + change.text("id")
	p := s.visitor(t, browser.Look{})
	p.visit(path)
	p.shows("Choose who you want to be.")
	p.tabTo(email("engineer2"))
	p.press("Enter")
	p.shows("Seats for the new floor", "It waits for your decision")
	if p.path() != path {
		t.Fatalf("the sign-in led to %s, want to %s", p.at(), path)
	}
	p.skip()
	stops := p.tabTo("Comment")
	for _, stop := range stops {
		if !evaluate[bool](p, `document.querySelectorAll("*")[`+stop.Place+`].closest("main") !== null`) {
			t.Errorf("after the skip link the focus is on %q, outside of the content", stop.Name)
		}
	}
	p.press("looked at it", "Tab")
	p.focusIs("Approve")
	p.press("Shift+Tab")
	p.focusIs("Comment")
	p.press("Tab", "Space")
	p.shows("looked at it")
	p.offers("Approve", false)
	p.fine(s.Issuer)
	if seen := s.as("viewer").get(path).want(http.StatusOK); seen.text("currentStage") != "manager" {
		t.Errorf("after the approval the change is %s", seen.body)
	}
	for _, page := range []string{path, "/", "/tenants", "/tenants/globex/edit?environment=Staging&key=ui.theme", "/audit?tenant=globex", "/access"} {
		p.visit(page)
		p.walk()
	}
}

// skip uses the skip link, which must be the first stop.
func (p person) skip() {
	p.t.Helper()
	p.press("Tab")
	p.focusIs("Skip to content")
	p.press("Enter")
	p.until("the focus being in the content", func() (bool, error) {
		stop, err := p.tab.Focused()
		return stop.ID == "main", err
	})
}

// focusIs wants the focus on what has that name, and to be seen there.
func (p person) focusIs(name string) browser.Stop {
	p.t.Helper()
	stop, err := p.tab.Focused()
	p.must(err)
	if stop.Name != name {
		p.t.Fatalf("the focus is on %s %q, want on %q", stop.Tag, stop.Name, name)
	}
	p.isSeen(stop)
	return stop
}

func (p person) isSeen(stop browser.Stop) {
	p.t.Helper()
	if !stop.Visible {
		p.t.Errorf("at %s the focus on %s %q cannot be seen", p.at(), stop.Tag, stop.Name)
	}
}

// tabTo presses Tab until the focus is on what has that name, and returns the stops on the way there.
func (p person) tabTo(name string) (stops []browser.Stop) {
	p.t.Helper()
	for range maxStops {
		p.press("Tab")
		stop, err := p.tab.Focused()
		p.must(err)
		p.isSeen(stop)
		stops = append(stops, stop)
		if stop.Name == name {
			return stops
		}
	}
	p.t.Fatalf("Tab never leads to %q at %s", name, p.at())
	return nil
}

// walk presses Tab from the beginning of the page to its end: it must come to everything that can be used, show where
// it is, and get out again.
func (p person) walk() {
	p.t.Helper()
	visited := map[string]bool{}
	var first, last browser.Stop
	// A field may have the focus from the start. The browser gives it when it first draws, which may come after the load.
	amid := evaluate[bool](p, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
		done(document.activeElement !== document.body))))`)
	for range maxStops {
		p.press("Tab")
		stop, err := p.tab.Focused()
		p.must(err)
		if stop.Tag == "body" && amid {
			amid = false // the end; now from the beginning
			continue
		}
		if stop.Tag == "body" || stop.Place == first.Place && stop.Place != last.Place {
			p.wantVisited(visited)
			return
		}
		if stop.Place != last.Place { // a date is several stops of one field
			if visited[stop.Place] {
				break
			}
			p.isSeen(stop)
		}
		if first.Place == "" {
			first = stop
		}
		visited[stop.Place], last = true, stop
	}
	p.t.Errorf("at %s the focus goes round in circles at %s %q", p.at(), last.Tag, last.Name)
}

// wantVisited wants that the focus came to all that can be used. Of radio buttons one stands for its group.
func (p person) wantVisited(visited map[string]bool) {
	p.t.Helper()
	type usable struct{ Place, Name, Group string }
	all := evaluate[[]usable](p, `[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
		.filter((e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0 && !e.disabled)
		.map((e) => ({Place: String([...document.querySelectorAll("*")].indexOf(e)), Name: e.outerHTML.slice(0, 200),
			Group: e.type === "radio" ? e.name : ""}))`)
	groups := map[string]bool{}
	for _, u := range all {
		groups[u.Group] = groups[u.Group] || u.Group != "" && visited[u.Place]
	}
	var missed []string
	for _, u := range all {
		if !visited[u.Place] && !groups[u.Group] {
			missed = append(missed, u.Name)
		}
	}
	if len(all) == 0 || len(missed) > 0 {
		p.t.Errorf("at %s Tab comes to %d of %d, not to\n%s", p.at(), len(all)-len(missed), len(all), strings.Join(missed, "\n"))
	}
}
