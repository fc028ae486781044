package console_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web/webtest"
)

// instantNow is an instant between what was written before and what is written after.
func instantNow() string {
	time.Sleep(3 * time.Millisecond)
	defer time.Sleep(3 * time.Millisecond)
	return time.Now().UTC().Format(time.RFC3339Nano)
}

// sidesURL is a comparison of acme: names and values in turn.
func sidesURL(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return compareURL + "?" + q.Encode()
}

func TestCompareTenants(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{"tenantId": "@platform", "key": "token", "type": "string", "sensitive": true}).Want(201)
	for tenant, value := range map[string]string{"acme": "hunter2", "globex": "swordfish"} {
		setLive(site, tenant, "QA", "token", value)
		setLive(site, tenant, "QA", "name", tenant)
	}
	setLive(site, "globex", "QA", "only", 1)
	setLive(site, "@platform", "QA", "shared", true)
	viewer := site.Browse("engineer")

	page := viewer.Get(sidesURL("with", "globex", "from", "QA", "to", "QA")).Want(200).Has(".compare tbody tr", 3).
		Shows(".compared", "QA of Acme beside QA of Globex").Shows("#summary", "3 keys differ: 2 with another value and 1 only in QA of Globex").
		Shows("#differences", "1 equal key hidden").Shows("tr:has(a[href='/tenants/globex/keys/only'])", "no value in QA of Acme").
		Shows("tr:has(a[href$='/keys/token'])", "differs").Lacks("html", "hunter2").Lacks("html", "swordfish").
		Has("main form[method=post]", 0).Shows("#differences", "between the environments of one tenant")
	if page.Input("with") != "globex" {
		t.Errorf("the other tenant is lost: %q", page.Input("with"))
	}
	page.Has("a[href='/tenants/globex/compare?from=QA&to=QA&with=acme']", 1)
	viewer.Get(sidesURL("with", "@tier.enterprise")).Want(200).Shows(".compared", "Production of Acme beside Production of Enterprise tier defaults")
	viewer.Get(sidesURL("with", "acme")).Want(200).Shows(".compared", "Staging of Acme beside Production of Acme")
	viewer.Get(sidesURL("with", "nobody")).Want(422).Shows("#with-error", "no such tenant").Has("#summary", 0).Has("h1", 1)

	own := site.Browse("acme-engineer")
	other := own.Get(sidesURL("with", "globex")).Want(422).Shows("#with-error", "no such tenant")
	unknown := own.Get(sidesURL("with", "never")).Want(422)
	if other.Words("#with-error") != unknown.Words("#with-error") {
		t.Error("a tenant of others is told from one that is not there")
	}
	own.Get(compareURL).Want(200).Has("option[value=globex]", 0)

	find := viewer.Get(compareURL+"/with?with=glob").Want(200).Has("main a[href='/tenants/acme/compare?with=globex']", 1).Has("#others option", 1)
	find.Has("main .rows li", 1)
	viewer.Htmx("datalist#others").Get(compareURL+"/with?with=glob").Want(200).Has("#others option[value=globex]", 1).Has("form, h1, nav", 0)
	viewer.Get(compareURL+"/with?with=nothing-like-it").Want(200).Shows("main", "No tenant fits")
	own.Get(compareURL+"/with?with=glob").Want(200).Has("main .rows li", 0)
	site.Browse("globex-engineer").Get(compareURL + "/with").Want(404)
	site.Stranger().Get(compareURL + "/with").Leads("/login")
}

func TestCompareTimes(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	before := instantNow()
	setLive(site, "acme", "QA", "limit", 1)
	then := instantNow()
	setLive(site, "acme", "QA", "limit", 22)
	setLive(site, "acme", "QA", "fresh", true)
	viewer := site.Browse("engineer")

	page := viewer.Get(sidesURL("from", "QA", "fromAt", then)).Want(200).Has(".compare tbody tr", 2).
		Shows(".compared", "QA of Acme as of "+then[:10]).Shows(".compared", "beside QA of Acme now").
		Shows("tr:has(a[href$='/keys/limit']) td:nth-of-type(1) mark", "1").Shows("tr:has(a[href$='/keys/limit']) td:nth-of-type(2) mark", "22").
		Shows("tr:has(a[href$='/keys/fresh'])", "only in QA now").Has("main form[method=post]", 0).Shows("#differences", "The past is only looked at")
	if got := page.Input("fromAt"); got != then[:19] {
		t.Errorf("the field says %q of %s", got, then)
	}
	page.Has("#differences a[aria-label='Now for the first side'][href='/tenants/acme/compare?from=QA&to=QA']", 1).Has("#differences .moment-quick a", 4+3)
	viewer.Get(sidesURL("from", "QA", "to", "QA", "fromAt", then, "toAt", then)).Want(200).Shows("#differences", "Both sides are QA as of")
	viewer.Get(sidesURL("from", "QA", "fromAt", before, "equal", "1")).Want(200).Has(".compare tbody tr", 2).Shows("#summary", "2 keys differ")

	future := time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04")
	viewer.Get(sidesURL("from", "QA", "to", "QA", "toAt", future)).Want(422).Shows("#toAt-error", "still to come").Has("#fromAt-error", 0)
	viewer.Get(sidesURL("fromAt", "yesterday")).Want(422).Shows("#fromAt-error", "Choose a time such as").Has("#from", 1)
	viewer.Get(sidesURL("fromAt", "yesterday", "with", "nobody", "toAt", "x")).Want(422).Has(".invalid-feedback", 3)
	viewer.Get(sidesURL("fromAt", "2001-01-01T00:00")).Want(422).Shows("#fromAt-error", "It was not there at that time")
	viewer.Get(sidesURL("toAt", "2001-01-01T00:00")).Want(422).Shows("#toAt-error", "It was not there at that time")
}

func TestMatrixAsOf(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	empty := instantNow()
	setLive(site, "acme", "QA", "limit", 1)
	then := instantNow()
	setLive(site, "acme", "QA", "limit", 22)
	engineer := site.Browse("engineer")
	at := func(when string) string { return "/tenants/acme?at=" + url.QueryEscape(when) }

	now := engineer.Get("/tenants/acme").Want(200).Shows("#matrix", "22").Has(".moment-banner", 0).Has(".moment-quick a", 3)
	now.Has(".cell-edit", 4)
	past := engineer.Get(at(then)).Want(200).Shows(".moment-banner", "You look at "+then[:10]).Has(".moment-banner a[href='/tenants/acme']", 1).
		Lacks("#matrix td", "22").Shows("#matrix td", "1acme").Has("a[href*='/edit']", 0)
	if got := past.Input("at"); got != then[:19] {
		t.Errorf("the field says %q of %s", got, then)
	}
	engineer.Htmx("section#matrix").Get(at(then)+"&search=limit").Want(200).Has(".moment-banner a[href='/tenants/acme?search=limit']", 1).Has("a[href*='/edit']", 0)
	engineer.Get(at(empty)).Want(200).Shows("#matrix", "No keys then")

	for when, says := range map[string]string{
		"yesterday": "Choose a time such as 2026-01-31 12:00, in UTC. You look at now.", "2001-01-01T00:00": "It was not there at that time",
		time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04"): "still to come",
	} {
		engineer.Get(at(when)).Want(422).Shows("#at-error", says).Shows("#matrix", "22").Has(".moment-banner", 0).Has(".cell-edit", 4)
	}
	site.Browse("globex-engineer").Get(at(then)).Want(404)
	site.Browse("globex-engineer").Get(at("yesterday")).Want(404)
	site.Stranger().Get(at(then)).Leads("/login")
}
