package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hotswap/hotswap/e2e/browser"
)

// TestConsoleWithDemoData shares one stack with demo data among the tests that look at its pages.
func TestConsoleWithDemoData(t *testing.T) {
	t.Parallel()
	room(t, 1)
	s := start(t, t.TempDir())
	t.Run("every page is sound", func(t *testing.T) { t.Parallel(); everyPageIsSound(t, s.within(t)) })
	t.Run("approval by keyboard", func(t *testing.T) { t.Parallel(); approvalByKeyboard(t, s.within(t)) })
	t.Run("live parts", func(t *testing.T) { t.Parallel(); liveParts(t, s.within(t)) })
}

// everyPageIsSound opens every page as people with different rights, light and dark, wide and narrow, and collects
// all that is wrong.
func everyPageIsSound(t *testing.T, s *stack) {
	t.Helper()
	pages := s.pages(t)
	inspector := browser.NewInspector(axe(t))
	var all faults
	for _, name := range []string{"admin", "engineer", "auditor"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.visitor(t, browser.Look{})
			p.arrive(name, "/")
			for _, path := range pages {
				p.visit(path)
				all.add(name, path, p.inspect(inspector))
				if status := p.tab.Status(); name == "admin" && status != statusOf(path) {
					t.Errorf("%s answers %d", path, status)
				}
			}
			if name == "admin" {
				all.add(name, "the form of a tenant that was refused", p.refusedTenant().inspect(inspector))
				all.add(name, "the new API key", p.newKey().inspect(inspector))
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		p := s.visitor(t, browser.Look{})
		for _, path := range []string{"/signed-out", "/api/docs", "/login/callback?state=none&code=none"} {
			p.visit(path)
			all.add("nobody", path, p.inspect(inspector))
		}
		p.visit("/tenants")
		all.add("nobody", "where to sign in", p.inspect(inspector, s.Issuer))
	})
	t.Cleanup(func() {
		if list := all.list(); len(list) > 0 {
			t.Errorf("%d faults:\n%s", len(list), strings.Join(list, "\n"))
		}
	})
}

// inspect tells what is wrong with the page that was loaded last.
func (p person) inspect(inspector *browser.Inspector, hosts ...string) []string {
	p.t.Helper()
	found, err := inspector.Inspect(p.tab, hosts...)
	p.must(err)
	if status := p.tab.Status(); status >= http.StatusInternalServerError {
		found = append(found, fmt.Sprintf("the status is %d", status))
	}
	if n := evaluate[int](p, `document.querySelectorAll("h1").length`); n != 1 {
		found = append(found, fmt.Sprintf("%d headings of the first level", n))
	}
	return found
}

// statusOf is how a page answers who may see all.
func statusOf(path string) int64 {
	if path == "/audit?from=never" {
		return http.StatusUnprocessableEntity
	}
	if path == "/no/such/page" || path == "/tenants/there-is-none" {
		return http.StatusNotFound
	}
	return http.StatusOK
}

func (p person) refusedTenant() person {
	p.t.Helper()
	p.visit("/tenants")
	p.unfold("New tenant")
	p.fill("Id", "Not An Id")
	p.fill("Name", "Nobody")
	p.must(p.tab.Leave("Create tenant"))
	if status := p.tab.Status(); status != http.StatusUnprocessableEntity {
		p.t.Errorf("a bad id answers %d", status)
	}
	return p
}

func (p person) newKey() person {
	p.t.Helper()
	p.visit("/access/keys")
	p.unfold("New API key")
	p.fill("Name", "a shop's")
	p.must(p.tab.Leave("Create key"))
	p.shows("Copy the new key now")
	return p
}

// pages are all pages of the console, each in the states that it has with demo data.
func (s *stack) pages(t *testing.T) []string {
	t.Helper()
	for _, unit := range []string{"checkout-7d9f", "checkout-51ab"} {
		s.as("app").put("/instances/"+unit, `{"tenantId":"globex","environment":"Production","revision":"old","client":"hotswap-go/1.0"}`).want(http.StatusOK)
	}
	pages := []string{
		"/", "/tenants", "/tenants?search=bank&tier=Enterprise", "/tenants?search=nobody-has-this",
		"/tenants/globex", "/tenants/globex?search=limits&different=1", "/tenants/@platform", "/tenants/@tier.enterprise",
		"/tenants/globex/keys/rules.requests_per_minute?environment=Staging&from=1&to=2",
		"/tenants/globex/keys/rules.requests_per_minute?environment=Staging&back=1",
		"/tenants/globex/keys/integration.crm_token", "/tenants/@platform/keys/app.password_policy",
		"/tenants/globex/compare?from=Staging&to=Production", "/tenants/globex/compare?from=Staging&to=Production&equal=1",
		"/changes", "/changes?status=pending", "/changes?tenant=hooli&mine=1", "/approvals", "/approvals?tab=others", "/approvals?tab=decided",
		"/instances", "/instances?tenantId=hooli&environment=QA", "/audit", "/audit?tenant=globex&action=config.set", "/audit?from=never", "/audit/" + s.entry(t),
		"/access", "/access/you", "/access/people", "/access/roles", "/access/keys", "/access/sessions",
		"/tenants/there-is-none", "/no/such/page",
	}
	for _, key := range []string{"", "feature.dark_mode", "rules.max_seats", "ui.welcome_message", "ui.date_format", "ui.theme", "integration.crm_token"} {
		pages = append(pages, "/tenants/globex/edit?environment=Staging&key="+key)
	}
	pages = append(pages, "/tenants/globex/edit?environment=Production&key=ui.theme")
	for _, status := range []string{"pending", "deployed", "rejected", "cancelled"} {
		pages = append(pages, "/changes/"+s.change(t, status))
	}
	return append(pages, "/changes/"+s.change(t, "pending")+"/edit")
}

// change is the id of a change with that status.
func (s *stack) change(t *testing.T, status string) string {
	t.Helper()
	return s.as("admin").get("/changes?limit=1&status=" + status).want(http.StatusOK).text("items.0.id")
}

// entry is the id of an entry of the log that holds values.
func (s *stack) entry(t *testing.T) string {
	t.Helper()
	return s.as("auditor").get("/audit?tenantId=globex&action=config.set&limit=1").want(http.StatusOK).text("items.0.id")
}

// faults collects what is wrong, from several people at a time. What all of them meet is told once.
type faults struct {
	mu    sync.Mutex
	order []string
	by    map[string][]string
}

func (f *faults) add(name, path string, found []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range found {
		fault = path + "\n      " + fault
		if f.by == nil {
			f.by = map[string][]string{}
		}
		if f.by[fault] == nil {
			f.order = append(f.order, fault)
		}
		f.by[fault] = append(f.by[fault], name)
	}
}

func (f *faults) list() (lines []string) {
	slices.Sort(f.order)
	for _, fault := range f.order {
		lines = append(lines, strings.Join(f.by[fault], ", ")+" at "+fault)
	}
	return lines
}
