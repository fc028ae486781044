package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestInstancesPage(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	viewer := site.Browse("viewer")
	viewer.Get("/instances").Want(200).Shows("nav a[aria-current=page]", "Instances").Shows("#instances", "No instance has reported yet")

	app := site.As("app")
	held := app.Get("/configs/tenant/acme?environment=QA").Want(200).Field("revision")
	app.Put("/instances/pod-1", webtest.Body{"tenantId": "acme", "environment": "QA", "revision": held, "client": "hotswap-go/1.0"}).Want(200)
	app.Put("/instances/pod-2", webtest.Body{"tenantId": "acme", "environment": "QA", "revision": "old"}).Want(200)
	app.Put("/instances/other", webtest.Body{"tenantId": "globex", "environment": "QA", "revision": "old"}).Want(200)

	page := viewer.Get("/instances").Want(200).Has("#instances tbody tr", 3).Shows("#instances", "3 instances, 2 behind.")
	page.Shows("tbody tr:nth-child(1)", "pod-1").Shows("tbody tr:nth-child(1)", "current").Shows("tbody tr:nth-child(1)", "hotswap-go/1.0").
		Shows("tbody tr:nth-child(2)", "behind").Shows("tbody tr:nth-child(2)", "never seen current").Has("a[href='/tenants/acme']", 2)
	setLive(site, "acme", "QA", "a.key", 1)
	viewer.Get("/instances?tenantId=acme&environment=QA").Want(200).Shows("tbody tr:nth-child(1)", "behind").Has("tbody tr:nth-child(1) time", 2)
	viewer.Get("/instances?environment=Staging").Want(200).Shows("#instances", "Nobody reports there")
	viewer.Htmx("section#instances").Get("/instances?tenantId=globex").Want(200).Has("#instances tbody tr", 1).Has("form, h1, nav", 0)

	own := site.Browse("globex-engineer")
	own.Get("/instances").Want(200).Has("#instances tbody tr", 1).Shows("#instances", "other")
	own.Get("/instances?tenantId=acme").Want(404)
	viewer.Get("/instances?cursor=none").Want(422).Shows("#instances", "cursor")
	site.Stranger().Get("/instances").Leads("/login?return=%2Finstances")
}
