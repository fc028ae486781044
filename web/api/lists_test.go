package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// lists are all operations that answer a list.
func lists(config string) []string {
	return []string{
		"/tenants", "/tiers", "/environments", "/policies", "/definitions", "/configs?tenantId=acme&environment=Development",
		"/configs?tenantId=acme",
		"/configs/" + config + "/versions", "/changes", "/approvals", "/deployments", "/audit", "/api-keys", "/role-bindings",
	}
}

func with(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}

// TestListsArePaged walks every list in pages of one and of two, and refuses limits and cursors that are none.
func TestListsArePaged(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	var config string
	for i := range 3 {
		made := dev.Post("/configs", webtest.Body{
			"tenantId": webtest.Acme, "environment": "Development", "key": fmt.Sprintf("k%d", i), "value": i,
		}).Want(201)
		config = made.Field("id")
		pending(t, site, fmt.Sprintf("p%d", i), i)
		site.As("admin").Post("/definitions", webtest.Body{"key": fmt.Sprintf("d%d", i), "type": "json"}).Want(201)
		dev.Put("/configs/"+config, webtest.Body{"value": i + 10}).Want(200)
		dev.Put("/configs/"+config, webtest.Body{"value": i + 20}).Want(200)
	}
	for _, path := range lists(config) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			who := site.As("admin")
			if path == "/approvals" {
				who = site.As("engineer2")
			}
			all := who.Get(with(path, "limit=200")).Want(200)
			if all.Len("items") < 2 || all.Field("nextCursor") != "null" {
				t.Fatalf("too little to page through: %s", all.Text)
			}
			walk(t, who, path, all)
			refuseBadPages(t, who, path)
		})
	}
}

func walk(t *testing.T, who *webtest.Caller, path string, all *webtest.Response) {
	t.Helper()
	for _, limit := range []int{1, 2} {
		var got []string
		cursor := ""
		for range all.Len("items") + 1 {
			page := who.Get(with(path, fmt.Sprintf("limit=%d&cursor=%s", limit, url.QueryEscape(cursor)))).Want(200)
			for i := range page.Len("items") {
				got = append(got, page.Field(fmt.Sprintf("items.%d", i)))
			}
			if page.Field("nextCursor") == "null" {
				break
			}
			cursor = page.Field("nextCursor")
		}
		if len(got) != all.Len("items") {
			t.Fatalf("%d items in pages of %d, want %d", len(got), limit, all.Len("items"))
		}
		for i, item := range got {
			if want := all.Field(fmt.Sprintf("items.%d", i)); item != want {
				t.Fatalf("item %d in pages of %d is %s, want %s", i, limit, item, want)
			}
		}
	}
}

func refuseBadPages(t *testing.T, who *webtest.Caller, path string) {
	t.Helper()
	foreign := who.Get("/environments?limit=1").Want(200).Field("nextCursor")
	if path == "/environments" {
		foreign = who.Get("/tiers?limit=1").Want(200).Field("nextCursor")
	}
	for _, query := range []string{
		"limit=0", "limit=201", "limit=-1", "limit=abc", "limit=1.5", "limit=050",
		"cursor=x", "cursor=" + foreign, "limit=1&limit=2",
	} {
		who.Get(with(path, query)).Refused(422, "invalid")
	}
}

// TestListsNeedWhatTheySay looks at filters.
func TestListsNeedWhatTheySay(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	viewer := site.As("viewer")
	for path, pointer := range map[string]string{
		"/configs?environment=Development":           "/tenantId",
		"/configs?tenantId=acme&environment=Nowhere": "/environment",
		"/configs/tenant/acme":                       "/environment",
		"/changes?status=done":                       "/status",
		"/tenants?status=gone":                       "/status",
		"/tenants?tier=none":                         "/tier",
		"/tenants?layers=perhaps":                    "/layers",
		"/deployments?changeId=none":                 "/changeId",
		"/changes?status=%00":                        "/status",
	} {
		if got := viewer.Get(path).Refused(422, "invalid"); got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s, want %s", path, got.Field("errors.0.pointer"), pointer)
		}
	}
	if got := site.As("auditor").Get("/audit?from=yesterday").Refused(422, "invalid"); got.Field("errors.0.pointer") != "/from" {
		t.Errorf("%s", got.Text)
	}
	if n := viewer.Get("/tenants").Want(200).Len("items"); n != 2 {
		t.Errorf("%d tenants without layers", n)
	}
	if n := viewer.Get("/tenants?layers=true").Want(200).Len("items"); n != 6 {
		t.Errorf("%d tenants and layers", n)
	}
	if got := viewer.Get("/tenants?tier=enterprise&search=ACM&status=active").Want(200); got.Len("items") != 1 || got.Field("items.0.tenantId") != "acme" {
		t.Errorf("filtered: %s", got.Text)
	}
}
