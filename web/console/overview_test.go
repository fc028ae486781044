package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestOverview(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	engineer.Get("/").Want(200).Shows("h1", "Overview").Shows(".lead", "Nothing waits for you.").Shows(".empty-state", "No changes yet").
		Has("figure[data-plot]", 3).Shows("#vitals", "Postgres answers").Shows("#vitals", "No Redis is set up").Shows("#vitals", "No job waits").Shows("#vitals", "no reads in the last minute")

	id := propose(site, webtest.Acme, "Raise the limit", set("limit", 5))
	engineer.Get("/").Want(200).Shows("[aria-labelledby=open-title]", "Raise the limit").Shows("[aria-labelledby=recent-title]", "Raise the limit").
		Has("form[action$=approve]", 0)
	page := site.Browse("engineer2").Get("/").Want(200).Shows(".lead", "1 change waits for your decision.").
		Shows("[aria-labelledby=mine-title]", "Raise the limit").Has("[aria-labelledby=open-title]", 0)
	site.Browse("engineer2").Post("/changes/"+id+"/approve", "digest", page.Input("digest"), "return", page.Input("return")).
		Follow().Shows("#notice", "It now waits for manager").Shows("h1", "Overview")
	site.Browse("auditor").Get("/").Want(200).Has("[aria-labelledby=mine-title]", 0).Shows("[aria-labelledby=recent-title]", "Raise the limit")
	site.Browse("globex-engineer").Get("/").Want(200).Lacks("main", "Raise the limit").Has("#vitals", 0)
	site.Stranger().Get("/").Leads("/login?return=%2F")
}

func TestVitals(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	part := site.Browse("engineer").Htmx("section#vitals").Get("/overview/vitals").Want(200)
	part.Has("#vitals", 1).Has("nav", 0).Shows("#vitals", "Reads per second")
	site.Browse("engineer").Get("/overview/vitals").Want(200).Has("#vitals", 1).Has("nav", 1)
	site.Browse("globex-engineer").Htmx("section#vitals").Get("/overview/vitals").Want(403)
	site.Stranger().Htmx("section#vitals").Get("/overview/vitals").Want(401).
		Shows("section#vitals", "Signed out. Sign in").Has("a[href^='/login?return=']", 1).Has("[hx-trigger], [hx-get]", 0)
}

func TestOverviewOfWhoSeesNoChanges(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Join("guest", "reader", webtest.Acme)
	guest := site.Browse("guest")
	guest.Get("/").Want(200).Shows(".empty-state", "You see no changes").Has("#vitals", 0)
	guest.Get("/changes").Want(200).Has(".change-row", 0)
}
