package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")

	admin.Get("/tenants").Want(200).Shows("#tenant-list", "Acme").Shows("#tenant-list", "Globex").Shows("nav a[aria-current=page]", "Tenants")
	admin.Get("/tenants?search=glob").Want(200).Shows("#tenant-list", "Globex").Lacks("#tenant-list", "Acme")
	admin.Get("/tenants?tier=free").Want(200).Lacks("#tenant-list", "Acme")
	admin.Get("/tenants?search=nothing-like-it").Want(200).Shows("#tenant-list", "No tenant fits")
	admin.Htmx("section#tenant-list").Get("/tenants?search=glob").Want(200).Shows("#tenant-list", "Globex").Has("nav", 0).Has("form", 0)
	site.Browse("globex-engineer").Get("/tenants").Want(200).Shows("#tenant-list", "Globex").Lacks("#tenant-list", "Acme").Has("form[action='/tenants'][method=post]", 0)
	admin.Get("/tenants?sort=name").Want(200).Shows("#tenant-list", "2 tenants.").Shows("#sort option[selected]", "Name")
	first := func(path string) string {
		return admin.Get(path).Want(200).Words("#tenant-list tbody tr:first-child .mono")
	}
	site.As("admin").Post("/tenants", webtest.Body{"tenantId": "zulu", "name": "Aardvark", "tier": "pro"}).Want(201)
	for path, want := range map[string]string{"/tenants": "acme", "/tenants?sort=name": "zulu", "/tenants?sort=updated": "zulu"} {
		if got := first(path); got != want {
			t.Errorf("%s begins with %s, want %s", path, got, want)
		}
	}
	admin.Get("/tenants?sort=colour").Want(422)
	admin.Get("/tenants/%00").Want(404)
	site.Stranger().Get("/tenants?search=x").Leads("/login?return=%2Ftenants%3Fsearch%3Dx")
	site.Stranger().Htmx("section#tenant-list").Get("/tenants").Want(401).Shows("a", "Sign in")
}

func TestCreateTenant(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.Browse("admin")

	admin.Get("/tenants").Want(200).Has("details[open]", 0).Has("a[href='/tenants?new=1#new-tenant']", 1)
	admin.Get("/tenants?new=1").Want(200).Has("#new-tenant[open]", 1)
	form := []string{"tenantId", "initech", "name", "Initech", "tier", "pro"}
	admin.Post("/tenants", form...).Leads("/tenants/initech")
	again := admin.Post("/tenants", form...).Want(409).Shows(".alert", "in use")
	if again.Input("name") != "Initech" {
		t.Errorf("the name is lost: %q", again.Input("name"))
	}
	bad := admin.Post("/tenants", "tenantId", "No Id", "name", "Other", "tier", "pro").Want(422).Shows(".invalid-feedback", "")
	if bad.Input("tenantId") != "No Id" || bad.Find("[aria-invalid]").Length() != 1 {
		t.Errorf("the form came back as %q", bad.Input("tenantId"))
	}
	site.Browse("engineer").Post("/tenants", "tenantId", "other", "name", "Other", "tier", "pro").Want(403)
	site.Stranger().Post("/tenants", form...).Want(401)
	admin.Get("/tenants?search=other").Shows("#tenant-list", "No tenant fits")
}
