package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/web/webtest"
)

func TestAccessLeadsOn(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Browse("admin").Get("/access").Leads("/access/people")
	site.Browse("tenant-admin").Get("/access").Leads("/access/people")
	site.Browse("engineer").Get("/access").Leads("/access/you")
	site.Stranger().Get("/access").Leads("/login?return=%2Faccess")

	you := site.Browse("acme-engineer").Get("/access/you").Want(200).Shows("main", "acme, all environments").Shows("main", "Sees everything, edits values")
	you.Has(".tabs a", 3).Shows(".tabs a[aria-current=page]", "You").Shows("nav a[aria-current=page]", "Access")
}

func TestPeople(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")
	page := admin.Get("/access/people").Want(200)
	page.Shows("#people-list", "globex-engineer").Shows("#people-list", "engineer: globex, all environments")
	page.Has(`#people-list a[href="/access/roles?email=manager%40example.com"]`, 1)
	admin.Get("/access/people?search=MANAG").Want(200).Shows("#people-list", "manager@").Lacks("#people-list", "viewer@")
	admin.Get("/access/people?search=xyzzy").Want(200).Shows("#people-list", "Nobody fits")
	admin.Get("/access/people?tenant=globex").Want(200).Shows("#people-list", "globex-engineer").Lacks("#people-list", "acme-engineer")
	admin.Htmx("section#people-list").Get("/access/people?search=manag").Want(200).Shows("#people-list", "manager@").Has("form", 0).Has("h1", 0)

	own := site.Browse("tenant-admin")
	own.Get("/access/people").Want(200).Shows("#people-list", "acme-engineer").Lacks("main", "lobex").Lacks("main", "manager@")
	own.Get("/access/people?tenant=globex").Want(404)
	site.Browse("engineer").Get("/access/people").Want(403)
	site.Stranger().Get("/access/people").Leads("/login")
}

func TestBind(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")
	admin.Get("/access/roles?email=new%40example.com").Want(200).Has("details[open] form[action='/access/roles']", 1)

	admin.Post("/access/roles", "by", "email", "whom", "new@example.com", "role", "manager", "tenantId", "acme", "environment", "Production").
		Leads("/access/roles")
	list := admin.Get("/access/roles?tenant=acme").Want(200).Shows("#notice", "Gave the role manager to new@example.com.")
	list.Shows("#role-list", "new@example.com").Shows("#role-list", "acme Production").Lacks("#role-list", "all tenants all")
	admin.Get("/access/people?search=new@").Want(200).Shows("#people-list", "has not signed in yet")
	admin.Post("/access/roles", "by", "group", "whom", "ops", "role", "viewer").Leads("/access/roles")
	admin.Get("/access/roles").Want(200).Shows("#role-list", "Everybody in the group ops loses 1 role in all 2 tenants and all 4 environments: viewer, which")

	again := admin.Post("/access/roles", "by", "group", "whom", "ops", "role", "viewer").Want(409).Shows(".alert", "bound there already")
	if again.Input("whom") != "ops" || again.Find("select[name=by] option[selected]").AttrOr("value", "") != "group" {
		t.Error("the form is lost")
	}
	admin.Post("/access/roles", "by", "email", "whom", "no mail", "role", "viewer").Want(422).Shows(".invalid-feedback", "no e-mail address")
	admin.Post("/access/roles", "by", "key", "whom", "unknown", "role", "viewer").Want(422).Shows(".invalid-feedback", "no such key")
	admin.Post("/access/roles", "by", "", "whom", "x", "role", "king").Want(422).Shows(".alert", "exactly one").Shows(".invalid-feedback", "no such role")
	admin.Post("/access/roles", "by", "email", "whom", "a@example.com", "role", "viewer", "tenantId", "nobodys").Want(404)
}

func TestUnbind(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")
	row := func(text string) string {
		for _, li := range admin.Get("/access/roles").Want(200).Find("#role-list li").EachIter() {
			if strings.Contains(li.Text(), text) {
				return li.Find("form").AttrOr("action", "")
			}
		}
		t.Fatalf("no role of %s is listed", text)
		return ""
	}
	path := row("globex-engineer")
	site.Browse("tenant-admin").Post(path).Want(404)
	site.Browse("viewer").Post(path).Want(403)
	site.Stranger().Post(path).Want(401)
	admin.Post(path).Leads("/access/roles")
	admin.Get("/access/roles").Want(200).Shows("#notice", "Took the role back").Lacks("#role-list", "globex-engineer")
	admin.Post(path).Want(404)
	site.Browse("globex-engineer").Get("/access/you").Want(200).Shows("main", "You have no role yet")

	admin.Post(row("admin2")).Leads("/access/roles")
	admin.Post(row("You lose")).Want(409).Shows("main", "obody would be platform-admin")
}

func TestRolesOfATenant(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	own := site.Browse("tenant-admin")
	list := own.Get("/access/roles").Want(200).Shows("#role-list", "acme-engineer").Lacks("main", "lobex").Lacks("#role-list", "all tenants all")
	list.Lacks("select[name=role]", "platform-admin").Lacks("select[name=tenantId]", "All tenants")
	own.Get("/access/roles?tenant=globex").Want(404)
	own.Post("/access/roles", "by", "email", "whom", "a@example.com", "role", "viewer", "tenantId", "globex").Want(404)
	own.Post("/access/roles", "by", "email", "whom", "a@example.com", "role", "platform-admin", "tenantId", "acme").Want(403)
	own.Post("/access/roles", "by", "email", "whom", "a@example.com", "role", "viewer").Want(403)
	own.Post("/access/roles", "by", "email", "whom", "a@example.com", "role", "viewer", "tenantId", "acme").Leads("/access/roles")
	site.Browse("engineer").Get("/access/roles").Want(403)
	site.Browse("engineer").Post("/access/roles", "by", "email", "whom", "a@example.com", "role", "viewer").Want(403)
	refused := site.Browse("auditor").Get("/audit?action=access.denied").Want(200)
	refused.Shows("#audit-list", "engineer was refused role_binding.create")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")
	made := admin.Post("/access/keys", "name", "shop", "owner", "service", "role", "reader", "tenantId", "acme", "environment", "Production",
		"expires", "2199-12-31", "secrets", "yes").Want(201)
	key := made.Find("#new-key").AttrOr("value", "")
	id, ok := models.ParseAPIKey(key)
	if !ok || !strings.Contains(made.Words("main"), "shown only this once") {
		t.Fatalf("no key is shown: %s", made.Words("main"))
	}
	if made.Header.Get("Cache-Control") != "no-store" || made.Header.Get("Location") != "" {
		t.Error("the key may be kept by a cache")
	}
	made.Shows(".facts", "acme, Production").Shows(".facts", "with secrets:read").Has("button[data-copy=new-key]", 1)
	if actor, err := site.Access.Authenticate(t.Context(), key); err != nil || !actor.Can(models.PermReadSecrets, "acme", "Production") {
		t.Errorf("the key opens %v, %v", actor.Grants, err)
	}
	secret := strings.SplitN(key, "_", 3)[2] // it may have any of base64url
	for _, path := range []string{"/access/keys", "/audit", "/access/you"} {
		if html, _ := admin.Get(path).Want(200).Html(); strings.Contains(html, secret) {
			t.Errorf("%s shows the key again", path)
		}
	}
	list := admin.Get("/access/keys?tenant=acme").Want(200).Shows("#key-list", "shop a service of admin").Shows("#key-list", "with secrets:read")
	list.Shows("#key-list", "active ends in ")
	admin.Post("/access/keys/" + id + "/revoke").Leads("/access/keys")
	if _, err := site.Access.Authenticate(t.Context(), key); err == nil {
		t.Error("a revoked key still opens something")
	}
}

func TestKeyForm(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")
	tests := map[string]struct {
		form []string
		says string
	}{
		"no name":       {[]string{"name", " ", "role", "reader"}, "a name has 1 to 100 characters"},
		"no role":       {[]string{"name", "x", "role", ""}, "there is no such role"},
		"no day":        {[]string{"name", "x", "role", "reader", "expires", "soon"}, "write the day like"},
		"a day gone":    {[]string{"name", "x", "role", "reader", "expires", "2020-01-01"}, "this has passed"},
		"my secrets":    {[]string{"name", "x", "role", "platform-admin", "owner", "me", "secrets", "yes"}, "no more rights than its person"},
		"no such place": {[]string{"name", "x", "role", "reader", "environment", "Moon"}, "there is no such environment"},
	}
	for name, tt := range tests {
		page := admin.Post("/access/keys", tt.form...).Want(422).Shows(".invalid-feedback", tt.says)
		if page.Input("name") != strings.TrimSpace(tt.form[1]) || page.Find("details[open]").Length() == 0 {
			t.Errorf("%s: the form is lost", name)
		}
	}
	admin.Post("/access/keys", "name", "x", "role", "reader", "tenantId", "nobodys").Want(404)
}

func TestOwnKeys(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	page := engineer.Get("/access/keys").Want(200).Shows("#key-list", "your own key").Lacks("#key-list", "manager")
	page.Has("select[name=owner] option", 1).Has("select[name=role] option", 1).Has("input[name=secrets]", 0)
	made := engineer.Post("/access/keys", "name", "laptop", "owner", "me", "role", "engineer").Want(201)
	id, _ := models.ParseAPIKey(made.Find("#new-key").AttrOr("value", ""))
	engineer.Post("/access/keys", "name", "more", "owner", "me", "role", "manager").Want(403)
	engineer.Post("/access/keys", "name", "more", "owner", "service", "role", "reader").Want(403)

	path := "/access/keys/" + id + "/revoke"
	site.Browse("globex-engineer").Post(path).Want(404)
	site.Browse("manager").Post(path).Want(403)
	site.Stranger().Post(path).Want(401)
	engineer.Post(path).Leads("/access/keys")
	list := engineer.Get("/access/keys").Want(200).Shows("#notice", "Revoked the key").Shows("#key-list", "revoked")
	list.Has(`form[action="`+path+`"]`, 0)

	own := site.Browse("tenant-admin").Get("/access/keys").Want(200)
	own.Shows("#key-list", "personal key of acme-engineer").Lacks("main", "lobex")
	site.Browse("tenant-admin").Get("/access/keys?tenant=globex").Want(404)
	site.Stranger().Get("/access/keys").Leads("/login")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	here, there, other := site.Browse("engineer"), site.Browse("engineer"), site.Browse("manager")
	list := here.Get("/access/sessions").Want(200).Has("#session-list li", 2).Shows("#session-list", "this session").Lacks("main", "manager")
	list.Has("form[action='/logout'][class=ask]", 1)
	path := list.Find("form.ask-box").AttrOr("action", "")
	other.Post(path).Want(404)
	site.Stranger().Post(path).Want(401)
	here.Post(path).Leads("/access/sessions")
	there.Get("/access/you").Leads("/login")
	here.Get("/access/sessions").Want(200).Shows("#notice", "Ended the session").Has("#session-list li", 1)
	here.Post(path).Want(404)

	admin := site.Browse("admin")
	all := admin.Get("/access/sessions").Want(200).Has("#session-list li", 3).Shows("#session-list", "manager is signed out of 1 browser at once")
	for _, form := range all.Find("form.ask-box").EachIter() {
		admin.Post(form.AttrOr("action", "")).Leads("/access/sessions")
	}
	other.Get("/access/you").Leads("/login")
	site.Browse("tenant-admin").Get("/access/sessions").Want(200).Has("#session-list li", 1)
	admin.Get("/audit?action="+access.ActionSessionRevoke).Want(200).Shows("#audit-list", "admin ended a session of manager")
}
