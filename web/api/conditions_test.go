package api_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestIfMatch writes with the tag of what was read, with an old one, and with none.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev, admin := site.As("engineer"), site.As("admin")
	config := dev.Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "a", "value": 1,
	}).Want(201).Field("id")
	change, _ := pending(t, site, "b", 1)
	admin.Post("/definitions", webtest.Body{"key": "d", "type": "json"}).Want(201)

	tests := map[string]struct {
		who          *webtest.Caller
		method, path string
		body         any
	}{
		"tenant":     {admin, "PATCH", "/tenants/acme", webtest.Body{"name": "Another"}},
		"config":     {dev, "PUT", "/configs/" + config, webtest.Body{"value": 2}},
		"change":     {dev, "PATCH", "/changes/" + change, webtest.Body{"title": "Another"}},
		"definition": {admin, "PATCH", "/definitions/d", webtest.Body{"description": "Another"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := test.who.Get(test.path).Want(200)
			tag := read.Header.Get("ETag")
			if len(tag) < 3 || tag[0] != '"' {
				t.Fatalf("ETag %s", tag)
			}
			for _, wrong := range []string{`"0"`, "W/" + tag, `""`} {
				test.who.Header("If-Match", wrong).Do(test.method, test.path, test.body).Refused(412, "precondition_failed")
			}
			if again := test.who.Get(test.path); again.Text != read.Text {
				t.Errorf("a refused write left %s", again.Text)
			}
			written := test.who.Header("If-Match", `"0", `+tag).Do(test.method, test.path, test.body).Want(200)
			if next := written.Header.Get("ETag"); next == "" || next == tag || next != test.who.Get(test.path).Header.Get("ETag") {
				t.Errorf("ETag after the write %s, before %s", next, tag)
			}
			test.who.Header("If-Match", tag).Do(test.method, test.path, test.body).Refused(412, "precondition_failed")
		})
	}
}

func TestDeleteIfMatch(t *testing.T) {
	t.Parallel()
	dev := webtest.New(t).As("engineer")
	path := "/configs/" + dev.Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "a", "value": 1,
	}).Want(201).Field("id")
	dev.Header("If-Match", `"2"`).Delete(path).Refused(412, "precondition_failed")
	dev.Header("If-Match", `"1"`).Delete(path).Want(204)
}

func TestPolicyIfMatch(t *testing.T) {
	t.Parallel()
	admin := webtest.New(t).As("admin")
	first := admin.Put("/policies/QA", webtest.Body{"requirePrevious": true}).Want(200)
	admin.Header("If-Match", first.Header.Get("ETag")).Put("/policies/QA", webtest.Body{"minSoak": "1h"}).Want(200)
	admin.Header("If-Match", first.Header.Get("ETag")).Put("/policies/QA", webtest.Body{"minSoak": "2h"}).
		Refused(412, "precondition_failed")
}

// TestActIfMatch moves a change on with the tag of what was read, and with an old one.
func TestActIfMatch(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	draft := dev.Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "draft": true,
		"items": []webtest.Body{{"key": "a", "op": "set", "value": 1}},
	}).Want(201)
	path, tag := "/changes/"+draft.Field("id"), draft.Header.Get("ETag")
	for _, act := range []string{"submit", "rebase", "cancel"} {
		dev.Header("If-Match", `"0"`).Post(path+"/"+act, nil).Refused(412, "precondition_failed")
		moved := dev.Header("If-Match", tag).Post(path+"/"+act, nil).Want(200).Header.Get("ETag")
		if moved == tag {
			t.Errorf("%s left the ETag %s", act, tag)
		}
		tag = moved
	}
}
