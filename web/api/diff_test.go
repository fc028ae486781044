package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestDiff compares versions of a config over the API.
func TestDiff(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	made := dev.Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "limits", "value": webtest.Body{"burst": 1, "name": nil, "old": true},
	}).Want(201)
	path := "/configs/" + made.Field("id")
	dev.Put(path, `{"value":{"burst":9007199254740993,"name":null,"new":null}}`).Want(200)

	got := site.As("viewer").Get(path + "/diff?from=1&to=2").Want(200)
	want := `{"from":1,"to":2,"equal":false,"masked":false,"operations":[` +
		`{"op":"replace","path":"/burst","value":9007199254740993},{"op":"add","path":"/new","value":null},{"op":"remove","path":"/old"}],` +
		`"text":"--- version 1\n+++ version 2\n@@ -1,5 +1,5 @@\n {\n-  \"burst\": 1,\n+  \"burst\": 9007199254740993,\n   \"name\": null,\n-  \"old\": true\n+  \"new\": null\n }\n"}`
	if strings.TrimSpace(got.Text) != want {
		t.Errorf("got\n%s, want\n%s", got.Text, want)
	}
	if same := dev.Get(path + "/diff?from=2&to=2").Want(200); same.Field("equal") != "true" || same.Field("operations") != "[]" || same.Field("text") != "" {
		t.Errorf("got %s", same.Text)
	}
	dev.Get(path+"/diff?from=1&to=3").Refused(404, "not_found")
	for query, pointer := range map[string]string{
		"?from=1": "/to", "?to=1": "/from", "?from=x&to=1": "/from", "?from=1&to=": "/to", "?from=1&from=2&to=2": "/from", "?from=1&to=99999999999999999999": "/to",
	} {
		if refused := dev.Get(path+"/diff"+query).Refused(422, "invalid"); refused.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s", query, refused.Text)
		}
	}
	site.As("app").Get(path+"/diff?from=1&to=2").Refused(403, "forbidden")
	site.With("").Get(path+"/diff?from=1&to=2").Refused(401, "unauthenticated")

	if history := dev.Get(path + "/versions").Want(200); history.Field("items.0.approvedBy") != "[]" {
		t.Errorf("nobody was asked: %s", history.Text)
	}
	dev.Post("/definitions", webtest.Body{"tenantId": webtest.Acme, "key": "pin", "type": "number", "sensitive": true}).Want(201)
	secret := "/configs/" + dev.Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "pin", "value": 4711,
	}).Want(201).Field("id")
	dev.Put(secret, webtest.Body{"value": 4712}).Want(200)
	hidden := site.As("tenant-admin").Get(secret + "/diff?from=1&to=2").Want(200)
	if strings.TrimSpace(hidden.Text) != `{"from":1,"to":2,"equal":false,"masked":true,"operations":[],"text":""}` {
		t.Errorf("got %s", hidden.Text)
	}
}

// TestVersionsNameTheirApprovers follows a value through three stages.
func TestVersionsNameTheirApprovers(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "limit", 1)
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		approve(site, who, id, digest).Want(200)
	}
	config := site.As("viewer").Get("/configs?tenantId=acme&environment=Production").Want(200).Field("items.0.id")
	got := site.As("viewer").Get("/configs/" + config + "/versions/1").Want(200)
	for i, who := range []string{"engineer2", "manager", "compliance"} {
		if name := got.Field("approvedBy." + string(rune('0'+i)) + ".name"); name != who {
			t.Errorf("approver %d is %s", i, name)
		}
	}
	if got.Len("approvedBy") != 3 || got.Field("author.name") != "engineer" {
		t.Errorf("got %s", got.Text)
	}
}
