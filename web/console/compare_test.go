package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// two is a site whose tenant acme differs between Development and QA in all the ways there are.
func two(t *testing.T) *webtest.Site {
	t.Helper()
	site := webtest.New(t)
	set := func(layer, environment, key string, value any) {
		site.As("admin").Post("/configs", webtest.Body{
			"tenantId": layer, "environment": environment, "key": key, "value": value,
		}).Want(201)
	}
	set("acme", "Development", "changed", map[string]any{"size": 1, "name": "a"})
	set("acme", "QA", "changed", map[string]any{"size": 2, "name": "a"})
	set("acme", "Development", "fresh", "new")
	set("acme", "QA", "gone", "old")
	set("acme", "Development", "same", true)
	set("acme", "QA", "same", true)
	set("@platform", "Development", "above", 1)
	return site
}

const compareURL = "/tenants/acme/compare"

func TestCompare(t *testing.T) {
	t.Parallel()
	site := two(t)
	engineer := site.Browse("engineer")

	page := engineer.Get(compareURL+"?from=Development&to=QA").Want(200).Has(".compare tbody tr", 4).
		Shows("#summary", "4 keys differ: 1 with another value, 2 only in Development and 1 only in QA").
		Shows("#differences", "1 equal key hidden").
		Shows("tr:has(a[href$='/keys/changed'])", "differs").
		Shows("tr:has(a[href$='/keys/changed']) td[data-side=Development] mark", "1").
		Shows("tr:has(a[href$='/keys/changed']) td[data-side=QA] mark", "2").
		Shows("tr:has(a[href$='/keys/above'])", "Set on platform: promote it there.").
		Shows("tr:has(a[href$='/keys/gone'])", "Promoting takes it away in QA").
		Shows("tr:has(a[href$='/keys/gone'])", "no value in Development")
	page.Has("input[name=keys]", 3).Has("input[name=keys]:checked", 0).Has("input[name=keys][value^=above]", 0)

	engineer.Get(compareURL+"?from=Development&to=QA&equal=1").Has(".compare tbody tr", 5).Has("input[name=keys]", 3)
	all := engineer.Get(compareURL + "?from=Development&to=QA&all=1").Want(200)
	all.Has("input[name=keys]:checked", 2).Has("input[name=keys][value^=gone]:checked", 0).Shows("[data-count]", "2 keys")

	engineer.Get(compareURL+"?from=QA&to=Development").Want(200).Has("form[method=post] input[name=keys]", 0).
		Shows("#differences", "promoted to a later environment only")
	engineer.Get(compareURL+"?from=QA&to=QA").Want(200).Shows("#differences", "Both sides are QA")
	engineer.Get(compareURL).Want(200).Has("#from option[value=Staging][selected]", 1).Has("#to option[value=Production][selected]", 1)
	engineer.Get(compareURL + "?from=Moon&to=QA").Want(422)
	part := engineer.Htmx("section#differences").Get(compareURL + "?from=Development&to=QA").Want(200)
	part.Has("section#differences", 1).Has("nav", 0).Has("h1", 0)
}

func TestCompareForOthers(t *testing.T) {
	t.Parallel()
	site := two(t)
	address := compareURL + "?from=Development&to=QA"
	site.Browse("viewer").Get(address).Want(200).Has(".compare tbody tr", 4).Has("main form[method=post]", 0).
		Shows("#differences", "needs the right to change its values")
	site.Browse("acme-engineer").Get(address).Want(200).Shows("tr:has(a[href$='/keys/above'])", "Set on platform").
		Has("a[href^='/tenants/@platform']", 0)
	site.Browse("globex-engineer").Get(address).Want(404)
	site.Browse("admin").Get("/tenants/nobody/compare").Want(404)
	site.Stranger().Get(address).Leads("/login")

	form := []string{"from", "Development", "to", "QA", "keys", "fresh"}
	site.Browse("viewer").Post(compareURL, form...).Want(403)
	site.Browse("globex-engineer").Post(compareURL, form...).Want(404)
	site.Stranger().Post(compareURL, form...).Want(401)
}

func TestPromoteTicked(t *testing.T) {
	t.Parallel()
	site := two(t)
	engineer := site.Browse("engineer")

	none := engineer.Post(compareURL, "from", "Development", "to", "QA", "reason", "as agreed").Want(422)
	none.Shows("#differences .alert", "name at least one key").Has(".compare tbody tr", 4)
	if got := none.Input("reason"); got != "as agreed" {
		t.Errorf("the reason is lost: %q", got)
	}
	bad := engineer.Post(compareURL, "from", "Development", "to", "QA", "keys", "fresh", "keys", "above", "keys", "same").Want(422)
	bad.Shows("tr:has(a[href$='/keys/above']) .invalid-feedback", "is inherited").Has(".invalid-feedback", 1).
		Shows("#differences .alert", "Nothing was promoted").Has("input[value^=fresh]:checked", 1)
	if n := site.As("engineer").Get("/configs?tenantId=acme&environment=QA&search=fresh").Len("items"); n != 0 {
		t.Errorf("%d keys were promoted by a refused form", n)
	}

	blind := engineer.Post(compareURL, "from", "Development", "to", "QA", "keys", "fresh", "keys", "gone").Want(422)
	blind.Shows("tr:has(a[href$='/keys/gone']) .invalid-feedback", "which nobody asked for")
	box := func(key string) string {
		return engineer.Get(compareURL+"?from=Development&to=QA").Find("input[name=keys][value^='"+key+"@']").AttrOr("value", "")
	}
	engineer.Post(compareURL, "from", "Development", "to", "QA", "keys", box("changed"), "keys", box("fresh"), "keys", box("gone"), "reason", "as agreed").
		Leads(compareURL + "?from=Development&to=QA")
	engineer.Get(compareURL+"?from=Development&to=QA").Shows("#notice", "Promoted 3 keys to QA. It is live.").
		Shows("#summary", "1 key differs")
	if n := site.As("engineer").Get("/configs?tenantId=acme&environment=QA&search=gone").Len("items"); n != 0 {
		t.Errorf("the key that was taken away is there: %d", n)
	}

	waits := engineer.Post(compareURL, "from", "QA", "to", "Production", "keys", "fresh", "keys", "same").Leads("/changes/")
	id := waits.Header.Get("Location")[len("/changes/"):]
	change := site.As("engineer").Get("/changes/" + id).Want(200)
	if change.Len("items") != 2 || change.Field("status") != "pending" || change.Field("origin") != "promote" {
		t.Errorf("the change: %s", change.Text)
	}
}

// What changed since the page was looked at is shown anew, and nothing is promoted.
func TestPromoteTickedAsItWasSeen(t *testing.T) {
	t.Parallel()
	site := two(t)
	engineer := site.Browse("engineer")
	page := engineer.Get(compareURL + "?from=Development&to=QA&all=1").Want(200)
	form := []string{"from", "Development", "to", "QA"}
	for _, key := range []string{"changed", "fresh"} {
		form = append(form, "keys", page.Find("input[name=keys][value^='"+key+"@']").AttrOr("value", ""))
	}
	site.As("admin").Post("/configs", webtest.Body{"tenantId": "acme", "environment": "QA", "key": "changed", "value": webtest.Body{"size": 9}}).Want(201)

	stale := engineer.Post(compareURL, form...).Want(409)
	stale.Shows("tr:has(a[href$='/keys/changed']) .invalid-feedback", "changed since it was looked at").Has(".invalid-feedback", 1).
		Shows("tr:has(a[href$='/keys/changed']) td[data-side=QA]", "9").Has("input[name=keys]:checked", 2)
	if n := site.As("engineer").Get("/configs?tenantId=acme&environment=QA&search=fresh").Len("items"); n != 0 {
		t.Errorf("%d keys were promoted by a stale form", n)
	}
	form = form[:4]
	for _, key := range []string{"changed", "fresh"} {
		form = append(form, "keys", stale.Find("input[name=keys][value^='"+key+"@']").AttrOr("value", ""))
	}
	engineer.Post(compareURL, form...).Leads(compareURL)
	for _, bad := range []string{"fresh@", "fresh@1", "fresh@x.1", "fresh@1.x", "fresh@1.0.0"} {
		want := 400
		if bad == "fresh@" {
			want = 303 // nobody looked
		}
		engineer.Post(compareURL, "from", "QA", "to", "Staging", "keys", bad).Want(want)
	}
}
