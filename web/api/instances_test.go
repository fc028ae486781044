package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/webtest"
)

// revisionOf is what the read of acme in Production says now.
func revisionOf(site *webtest.Site) string {
	return site.As("app").Get("/configs/tenant/acme?environment=Production").Want(200).Field("revision")
}

func write(t *testing.T, site *webtest.Site) {
	t.Helper()
	if err := site.Instances.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestInstances reports, lists, moves the values and looks who lags; before and after the heartbeats are written.
func TestInstances(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	key := site.As("tenant-admin").Post("/api-keys", webtest.Body{
		"name": "checkout", "role": "reader", "tenantId": webtest.Acme, "environment": "Production",
	}).Want(201).Field("key")
	held := revisionOf(site)

	for _, written := range []bool{false, true} {
		got := site.With(key).Put("/instances/pod%201%2Fb", webtest.Body{"revision": held, "client": "hotswap-go/1.0"}).Want(200)
		if got.Field("unit") != "pod 1/b" || got.Field("tenantId") != "acme" || got.Field("environment") != "Production" || got.Field("revision") != held ||
			got.Field("current") != "true" || got.Field("currentAt") != got.Field("lastSeenAt") || got.Field("client") != "hotswap-go/1.0" ||
			(got.Field("firstSeenAt") != "null") != written {
			t.Errorf("written %v: %s", written, got.Text)
		}
		site.As("app").Put("/instances/a", webtest.Body{"tenantId": "globex", "environment": "QA", "revision": "old"}).Want(200)
		list := site.As("viewer").Get("/instances").Want(200)
		if list.Len("items") != 2 || list.Field("items.0.tenantId") != "acme" || list.Field("items.0.current") != "true" ||
			list.Field("items.1.current") != "false" || list.Field("items.1.currentAt") != "null" || list.Field("items.1.client") != "" ||
			(list.Field("items.0.firstSeenAt") != "null") != written {
			t.Errorf("written %v: %s", written, list.Text)
		}
		write(t, site)
	}

	id, digest := pending(t, site, "limits.users", 1)
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		approve(site, who, id, digest).Want(200)
	}
	list := site.As("acme-engineer").Get("/instances?environment=Production").Want(200)
	if list.Len("items") != 1 || list.Field("items.0.current") != "false" || list.Field("items.0.currentAt") == "null" {
		t.Errorf("after a change: %s", list.Text)
	}
	site.With(key).Put("/instances/pod%201%2Fb", webtest.Body{"revision": revisionOf(site)}).Want(200)
	if list = site.As("viewer").Get("/instances?tenantId=acme").Want(200); list.Len("items") != 1 || list.Field("items.0.current") != "true" {
		t.Errorf("it caught up: %s", list.Text)
	}

	if log := site.As("auditor").Get("/audit?action=instance.").Want(200); log.Len("items") != 0 {
		t.Errorf("heartbeats are in the log: %s", log.Text)
	}
}

// TestWhoReportsInstances asks as everybody.
func TestWhoReportsInstances(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Service("acme-app", models.RoleReader, webtest.Acme)
	acme := webtest.Body{"tenantId": webtest.Acme, "environment": "QA", "revision": "r"}
	for name, test := range map[string]struct {
		put, list int
	}{
		"app": {200, 403}, "acme-app": {200, 403}, "viewer": {200, 200}, "acme-engineer": {200, 200},
		"globex-engineer": {404, 404}, "nobody": {401, 401},
	} {
		caller := site.With("")
		if name != "nobody" {
			caller = site.As(name)
		}
		caller.Put("/instances/"+name, acme).Want(test.put)
		caller.Get("/instances?tenantId=acme").Want(test.list)
	}
	list := site.As("globex-engineer").Get("/instances").Want(200)
	if list.Len("items") != 0 {
		t.Errorf("another tenant sees %s", list.Text)
	}
	if none := site.As("app").Get("/instances").Want(200); none.Len("items") != 0 {
		t.Errorf("an application sees %s", none.Text)
	}
	for at, body := range map[string]webtest.Body{
		"/tenantId":    {"environment": "QA", "revision": "r"},
		"/environment": {"tenantId": webtest.Acme, "revision": "r"},
		"/revision":    {"tenantId": webtest.Acme, "environment": "QA", "revision": ""},
		"/client":      {"tenantId": webtest.Acme, "environment": "QA", "revision": "r", "client": "a\nb"},
	} {
		if got := site.As("app").Put("/instances/a", body).Refused(422, "invalid"); got.Field("errors.0.pointer") != at {
			t.Errorf("%s: %s", at, got.Text)
		}
	}
	for _, unit := range []string{strings.Repeat("é", 129), "a\u202eb", "a\tb"} {
		site.As("acme-app").Put("/instances/"+url.PathEscape(unit), webtest.Body{"environment": "QA", "revision": "r"}).Refused(422, "invalid")
	}
	site.As("acme-app").Put("/instances/"+url.PathEscape(strings.Repeat("é", 128)), webtest.Body{"environment": "QA", "revision": "r"}).Want(200)
	site.As("acme-app").Put("/instances/a", webtest.Body{"environment": "Moon", "revision": "r"}).Refused(422, "invalid")
	site.As("engineer").Get("/instances?environment=Moon").Refused(422, "invalid")
	site.As("app").Put("/instances/a", webtest.Body{"tenantId": "nothing", "environment": "QA", "revision": "r"}).Refused(404, "not_found")
	if log := site.As("auditor").Get("/audit?action=access.denied").Want(200); strings.Contains(log.Text, "instance.put") {
		t.Errorf("refused heartbeats are entries of their own: %s", log.Text)
	}
}

// TestPagesOfInstances walks a list half of which is written; every instance comes once, in order.
func TestPagesOfInstances(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	app := site.As("app")
	for n := range 23 {
		if n == 12 {
			write(t, site)
		}
		app.Put(fmt.Sprintf("/instances/u%02d", n*7%23), webtest.Body{"tenantId": webtest.Acme, "environment": "QA", "revision": "r"}).Want(200)
	}
	var seen []string
	for cursor := ""; ; {
		list := site.As("viewer").Get("/instances?limit=4&tenantId=acme&cursor=" + cursor).Want(200)
		for i := range list.Len("items") {
			seen = append(seen, list.Field(fmt.Sprintf("items.%d.unit", i)))
		}
		if cursor = list.Field("nextCursor"); cursor == "null" {
			break
		}
	}
	if len(seen) != 23 || seen[0] != "u00" || seen[22] != "u22" {
		t.Errorf("seen: %v", seen)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i-1] >= seen[i] {
			t.Errorf("%s comes before %s", seen[i-1], seen[i])
		}
	}
}

// TestHeartbeatsOutliveTheDatabase reports while nothing can be written, and writes it afterwards.
func TestHeartbeatsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	body := webtest.Body{"tenantId": webtest.Acme, "environment": "Production", "revision": revisionOf(site)}
	allow := func(yes bool) {
		t.Helper()
		conn := site.DB.Connect(t, strings.Replace(site.DB.AdminURL, "/"+site.DB.Name, "/postgres", 1))
		for _, sql := range []string{
			fmt.Sprintf(`ALTER DATABASE %s ALLOW_CONNECTIONS %v`, site.DB.Name, yes),
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + site.DB.Name + `'`,
		} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	allow(false)
	if got := site.As("app").Put("/instances/a", body).Want(200); got.Field("current") != "true" {
		t.Errorf("without the database: %s", got.Text)
	}
	cold := site.As("app").Put("/instances/b", webtest.Body{"tenantId": webtest.Globex, "environment": "QA", "revision": "r"}).Want(200)
	if cold.Field("current") != "null" {
		t.Errorf("of a tenant that is not loaded: %s", cold.Text)
	}
	if err := site.Instances.Write(t.Context()); err == nil {
		t.Error("it was written to a database that is not there")
	}
	allow(true)
	if err := retried(t.Context(), site.Instances.Write); err != nil {
		t.Fatal(err)
	}
	if list := site.As("viewer").Get("/instances").Want(http.StatusOK); list.Len("items") != 2 || list.Field("items.1.firstSeenAt") == "null" {
		t.Errorf("afterwards: %s", list.Text)
	}
}

// retried gives broken connections of the pool the chance to be noticed.
func retried(ctx context.Context, do func(context.Context) error) (err error) {
	for range 20 {
		if err = do(ctx); err == nil {
			return nil
		}
	}
	return err
}
