package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// approve lets everybody decide that a change waits for.
func approve(t *testing.T, site *webtest.Site, id string) {
	t.Helper()
	for _, who := range []string{"engineer", "manager", "compliance"} {
		change := site.As("admin").Get("/changes/" + id).Want(200)
		if change.Field("status") != "pending" {
			return // another tier asks for fewer
		}
		digest := change.Field("digest")
		site.As(who).Post("/approvals/"+id+"/approve", webtest.Body{"digest": digest}).Want(200)
	}
}

func TestTenantLife(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Start()
	admin := site.Browse("admin")
	setLive(site, "acme", "QA", "limit", 1)
	setLive(site, "acme", "Development", "limit", 1)
	setLive(site, "@tier.pro", "QA", "limit", 7)

	admin.Get("/tenants/acme").Want(200).Has(".acts a[href='/tenants/acme/life']", 1)
	page := admin.Get("/tenants/acme/life").Want(200).Shows("h1", "Manage Acme").Shows("#suspend", "2 live values").
		Shows("#suspend", "waits for approval by engineer, manager and compliance").Has("#delete", 0).Has("#activate", 0)
	page.Shows("#tier li", "Free: the same values as Enterprise").Shows("#tier li", "Pro: 1 key differs from Enterprise").
		Has("#tier a[href='/tenants/@tier.enterprise/compare?from=Production&to=Production&with=%40tier.pro']", 1)
	admin.Post("/tenants/acme/delete", "confirm", "acme").Want(409).Shows(".alert", "Only a suspended tenant can be deleted")

	bad := admin.Post("/tenants/acme/tier", "tier", "gold", "reason", "they signed").Want(422).Shows("#tier", "no such tier").Has(".alert", 0)
	if got := bad.Find("#tier-reason").AttrOr("value", ""); got != "they signed" {
		t.Errorf("the reason is lost: %q", got)
	}
	moved := admin.Post("/tenants/acme/tier", "tier", "pro", "reason", "they signed").Leads("/changes/")
	approve(t, site, moved.Header.Get("Location")[len("/changes/"):])
	site.Browse("admin").Get("/tenants/acme").Want(200).Shows(".page-head", "Pro tier")

	waits := admin.Post("/tenants/acme/suspend", "reason", "unpaid").Leads("/changes/")
	admin.Get(waits.Header.Get("Location")).Want(200).Shows("main", "unpaid")
	approve(t, site, waits.Header.Get("Location")[len("/changes/"):])
	site.Browse("viewer").Get("/tenants/acme").Want(200).Shows(".page-head", "suspended")

	suspended := admin.Get("/tenants/acme/life").Want(200).Has("#suspend", 0).Shows("#delete li", "2 live values in all environments").
		Shows("#delete", "Type acme to confirm")
	wrong := admin.Post("/tenants/acme/delete", "confirm", "acne", "match", suspended.Input("match")).Want(422).Shows("#delete .invalid-feedback", "Repeat the id")
	if wrong.Input("confirm") != "acne" {
		t.Error("what was typed is lost")
	}
	admin.Post("/tenants/acme/activate").Leads("/tenants/acme")
	admin.Post("/tenants/acme/activate").Want(409).Shows(".alert", "active already")
}

func TestDeleteTenant(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Start()
	admin := site.Browse("admin")
	setLive(site, "acme", "QA", "limit", 1)
	waits := admin.Post("/tenants/acme/suspend", "reason", "unpaid").Leads("/changes/")
	approve(t, site, waits.Header.Get("Location")[len("/changes/"):])
	match := admin.Get("/tenants/acme/life").Want(200).Input("match")
	admin.Post("/tenants/acme/delete", "confirm", "acme", "match", match).Leads("/tenants?status=deleted")
	admin.Get("/tenants?status=deleted").Want(200).Has("#tenant-list a[href='/tenants/acme/life']", 1).Shows("#notice", "undone for 30 days")
	admin.Get("/tenants/acme").Want(404)
	gone := admin.Get("/tenants/acme/life").Want(200).Shows("main", "gone for good after").Shows("#activate", "Undo the deletion").Has("#delete, #suspend, #tier", 0)
	gone.Has("a[href='/tenants/acme']", 0)
	for _, who := range []string{"tenant-admin", "globex-engineer", "engineer"} {
		if status := site.Browse(who).Get("/tenants/acme/life").Status(); status != 404 && status != 403 {
			t.Errorf("%s gets %d", who, status)
		}
	}
	site.Browse("engineer").Get("/tenants?status=deleted").Want(200).Has("#tenant-list a[href$='/life']", 0)
	admin.Post("/tenants/acme/activate").Leads("/tenants/acme")
	admin.Get("/tenants/acme").Want(200).Shows("#notice", "Acme is active again").Shows("#matrix", "limit")
}

func TestTenantLifeForOthers(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	for who, want := range map[string]int{"tenant-admin": 403, "engineer": 403, "globex-engineer": 404} {
		person := site.Browse(who)
		person.Get("/tenants/acme/life").Want(want)
		for _, act := range []string{"suspend", "tier", "activate", "delete"} {
			person.Post("/tenants/acme/"+act, "tier", "pro", "confirm", "acme").Want(want)
		}
	}
	site.Browse("engineer").Get("/tenants/acme").Want(200).Has("a[href='/tenants/acme/life']", 0)
	site.Browse("admin").Get("/tenants/@platform").Want(200).Has("a[href$='/life']", 0)
	site.Browse("admin").Get("/tenants/@platform/life").Want(404)
	site.Browse("admin").Get("/tenants/never/life").Want(404)
	site.Stranger().Post("/tenants/acme/suspend").Want(401)
	site.Stranger().Get("/tenants/acme/life").Leads("/login")
}
