package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/e2e/browser"
)

// dashboard is the key of the journey.
const dashboard = "feature.new_dashboard"

// TestConsoleJourney is the main job in a browser, from an empty installation on: the same steps with JavaScript and
// without.
func TestConsoleJourney(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]browser.Look{"with JavaScript": {}, "without JavaScript": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dev(t)
			j := tour{s, look}
			j.makeTenant(t)
			engineer := j.somebody(t)
			j.editInStaging(engineer)
			change := j.promote(engineer)
			j.approve(t, change)
			j.readsTheValue(t)
			j.audit(t, change)
			j.reject(t, engineer)
			j.signOut(engineer)
		})
	}
}

type tour struct {
	s    *stack
	look browser.Look
}

func (j tour) somebody(t testing.TB) person { t.Helper(); return j.s.visitor(t, j.look) }

// makeTenant has the admin make acme-corp.
func (j tour) makeTenant(t *testing.T) {
	t.Helper()
	admin := j.somebody(t)
	admin.arrive("admin", "/tenants")
	admin.unfold("New tenant")
	admin.fill("Id", "acme-corp")
	admin.fill("Name", "ACME Corporation")
	admin.choose("Tier", "Enterprise")
	admin.click("Create tenant")
	admin.shows("ACME Corporation", "Enterprise", "No keys yet")
	admin.fine()
}

// editInStaging makes the key and then edits it where it stands in the matrix.
func (j tour) editInStaging(p person) {
	p.t.Helper()
	p.arrive("engineer", "/tenants/acme-corp")
	p.click("New key")
	p.shows("Lower-case letters, digits, dots")
	p.fill("Key", dashboard)
	p.choose("Environment", "Staging")
	p.fill("Value", "old layout")
	p.fill("Description", "Which dashboard people see.")
	p.click("Save")
	p.shows("old layout", dashboard)
	if p.path() != "/tenants/acme-corp" {
		p.t.Errorf("after the edit the engineer is at %s", p.at())
	}
	p.click("Edit " + dashboard + " in Staging")
	p.shows("Set here, version 1.")
	if inPlace := p.path() == "/tenants/acme-corp"; inPlace == j.look.NoScript {
		p.t.Errorf("the editor opens at %s", p.at())
	}
	p.fill("Value", "new layout")
	p.fill("Reason", "the redesign is ready to be tried")
	p.click("Save")
	p.shows("new layout")
	p.hides("old layout")
	p.fine()
}

// promote compares Staging with Production and promotes what differs. It returns the id of the change.
func (j tour) promote(p person) string {
	p.t.Helper()
	p.click("Compare")
	p.shows("Compare environments")
	p.choose("From environment", "Staging")
	p.choose("To environment", "Production")
	if j.look.NoScript {
		p.click("Compare")
	}
	p.shows("to Production", "no value in Production")
	p.click("Promote " + dashboard)
	p.fill("Reason", "tried in Staging for a week")
	p.click("to Production") // "Promote 1 key to Production", or "ticked keys" where nothing counts them
	p.shows("tried in Staging for a week", "Waits for engineer", "new layout")
	change := regexp.MustCompile(`^/changes/([0-9a-f-]{36})$`).FindStringSubmatch(p.path())
	if change == nil {
		p.t.Fatalf("the promotion led to %s", p.at())
	}
	p.offers("Approve", false)
	p.offers("Reject", false)
	p.fine()
	return change[1]
}

// approve has three people decide: one finds the change in the queue, one approves in the queue, one comes by a link.
func (j tour) approve(t *testing.T, change string) {
	t.Helper()
	direct := "/changes/" + change
	for _, name := range []string{"engineer2", "manager", "compliance"} {
		p := j.somebody(t)
		if name == "manager" { // from a mail
			p.arrive(name, direct)
		} else {
			p.arrive(name, "/approvals")
			p.shows(dashboard, "new layout")
			p.click("Open")
		}
		p.shows("It waits for your decision")
		if p.path() != direct {
			t.Errorf("%s decides at %s, want %s", name, p.at(), direct)
		}
		p.fill("Comment", "seen by "+name)
		p.click("Approve")
		p.shows("seen by " + name)
		p.offers("Approve", false)
		p.fine()
		p.visit("/approvals")
		p.shows("Nothing waits for you")
		p.visit("/approvals?tab=decided")
		p.shows("seen by " + name)
		p.tab.Close()
	}
}

func (j tour) readsTheValue(t *testing.T) {
	t.Helper()
	read := j.s.as("app").get("/configs/tenant/acme-corp?environment=Production").want(http.StatusOK)
	wantConfigs(t, read, map[string]string{dashboard: `"new layout"`})
}

// audit has the auditor read what happened, all of it.
func (j tour) audit(t *testing.T, change string) {
	t.Helper()
	auditor := j.somebody(t)
	auditor.arrive("auditor", "/audit?tenant=acme-corp")
	auditor.shows("Entries are never changed")
	entries := auditor.entries()
	for action, want := range map[string]int{
		"tenant.create": 1, "change.submit": 3, "change.approve": 3, "config.set": 3, "definition.create": 1, "deployment.step": 3,
	} {
		if got := entries[action]; got != want {
			t.Errorf("the tenant's log has %d entries %s, want %d: %v", got, action, want, entries)
		}
	}
	auditor.shows("seen by engineer2", "seen by manager", "seen by compliance")
	auditor.visit("/audit?resource=change/" + change)
	auditor.shows("seen by compliance")
	if got := auditor.entries(); got["change.approve"] != 3 || got["change.submit"] != 1 {
		t.Errorf("about the change the log has %v", got)
	}
	auditor.visit("/audit?tenant=%40platform&action=session.login")
	auditor.shows("session.login")
	if got := auditor.entries()["session.login"]; got != 6 { // admin, engineer, three deciders, the auditor
		t.Errorf("%d sign-ins are in the log, want 6", got)
	}
	auditor.fine()
}

// entries counts the entries that the audit page lists, by action.
func (p person) entries() map[string]int {
	p.t.Helper()
	counts := map[string]int{}
	for _, action := range evaluate[[]string](p, `[...document.querySelectorAll("#audit-list summary > code")].map((e) => e.textContent.trim())`) {
		counts[action]++
	}
	return counts
}

// reject ends another change, and the author reads why.
func (j tour) reject(t *testing.T, author person) {
	t.Helper()
	author.visit("/tenants/acme-corp")
	author.click("Edit " + dashboard + " in Production")
	author.shows("Send for approval")
	author.fill("Value", "newest layout")
	author.fill("Reason", "on to the next")
	author.click("Send for approval")
	author.shows("Waits for engineer", "newest layout")
	other := j.somebody(t)
	other.arrive("engineer2", author.path())
	other.fill("Comment", "not before the holidays")
	other.click("Reject")
	other.shows("not before the holidays")
	other.offers("Approve", false)
	other.fine()
	author.visit(author.path())
	author.shows("not before the holidays", "ejected")
	author.offers("Approve", false)
	j.readsTheValue(t)
}

// signOut ends the session: what was seen before is not there any more.
func (j tour) signOut(p person) {
	p.t.Helper()
	p.visit("/tenants/acme-corp")
	p.shows("new layout")
	p.click("Sign out")
	p.shows("You are signed out")
	if p.path() != "/signed-out" {
		p.t.Errorf("after the sign-out the engineer is at %s", p.at())
	}
	p.must(p.tab.Back())
	p.until("asking to sign in again", p.nothingSeen)
	p.visit("/tenants/acme-corp")
	p.shows("Choose who you want to be.")
	p.must(p.tab.Reload())
	p.shows("Choose who you want to be.")
	p.hides("new layout", dashboard)
}

// nothingSeen tells whether the page, once it is there, is without the tenant's values.
func (p person) nothingSeen() (bool, error) {
	text, err := p.tab.Text()
	return text != "" && !strings.Contains(text, "new layout") && !strings.Contains(text, dashboard), err
}
