package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestUnknownMembersAreRefused names what other issues bring: ignoring one would do something else than asked.
func TestUnknownMembersAreRefused(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	config := dev.Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Staging", "key": "a", "value": 1,
	}).Want(201).Field("id")
	items := []webtest.Body{{"key": "a", "op": "set", "value": 1}}
	tests := []struct {
		path, member string
		body         webtest.Body
	}{
		{"/configs", "scheduledFor", webtest.Body{"tenantId": webtest.Acme, "environment": "Staging", "key": "b", "value": 1, "scheduledFor": "2030-01-01T00:00:00Z"}},
		{"/configs", "TenantId", webtest.Body{"TenantId": webtest.Acme, "tenantId": webtest.Acme, "environment": "Staging", "key": "b", "value": 1}},
		{"/configs/" + config + "/promote", "scheduledFor", webtest.Body{"targetEnvironment": "Production", "scheduledFor": "2030-01-01T00:00:00Z"}},
		{"/changes", "tenantIds", webtest.Body{"tenantId": webtest.Acme, "tenantIds": []string{"acme"}, "environment": "Staging", "items": items}},
		{"/changes", "emergency", webtest.Body{"tenantId": webtest.Acme, "environment": "Staging", "items": items, "emergency": true}},
		{"/changes", "items/0/tenantId", webtest.Body{"tenantId": webtest.Acme, "environment": "Staging", "items": []webtest.Body{
			{"key": "a", "op": "set", "value": 1, "tenantId": webtest.Acme},
		}}},
	}
	for _, test := range tests {
		if got := dev.Post(test.path, test.body).Refused(422, "invalid"); got.Field("errors.0.pointer") != "/"+test.member {
			t.Errorf("%s %s: %s", test.path, test.member, got.Text)
		}
	}
}

// TestItemsAreCheckedWhereTheyStand points at what is wrong with an item.
func TestItemsAreCheckedWhereTheyStand(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	good := `{"key":"a","op":"set","value":1}`
	for pointer, item := range map[string]string{
		"/items/1/key":         `{"key":"No Key","op":"set","value":1}`,
		"/items/1/op":          `{"key":"b","op":"move","value":1}`,
		"/items/1/value":       `{"key":"b","op":"set"}`,
		"/items/1/value/x/0":   `{"key":"b","op":"set","value":{"x":[1e999]}}`,
		"/items/1/type":        `{"key":"b","op":"set","value":1,"type":"text"}`,
		"/items/1/baseVersion": `{"key":"b","op":"set","value":1,"baseVersion":-1}`,
	} {
		body := fmt.Sprintf(`{"tenantId":"acme","environment":"Staging","items":[%s,%s]}`, good, item)
		if got := site.As("engineer").Post("/changes", body).Refused(422, "invalid"); got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s: %s", pointer, got.Text)
		}
	}
	for status, body := range map[int]string{
		409: `{"tenantId":"acme","environment":"Staging","items":[{"key":"a","op":"set","value":1,"baseVersion":7}]}`,
		403: `{"tenantId":"@platform","environment":"Staging","items":[` + good + `],"strategy":"direct"}`,
		404: `{"tenantId":"globex","environment":"Staging","items":[` + good + `]}`,
		422: `{"tenantId":"acme","environment":"Staging","items":[` + good + `],"strategy":"sideways"}`,
		201: `{"tenantId":"acme","environment":"Staging","items":[` + good + `,{"key":"b","op":"set","value":null,"type":"json"}]}`,
	} {
		who := site.As("acme-engineer")
		if status == 403 {
			who = site.As("viewer")
		}
		who.Post("/changes", body).Want(status)
	}
	// What a change shows can be sent again: a delete has the value null.
	site.As("engineer").Post("/changes",
		`{"tenantId":"acme","environment":"Staging","items":[{"key":"b","op":"delete","value":null,"baseVersion":1}]}`).Want(201)
}

// TestBodyLimits sends more than one call takes, and less than another does.
func TestBodyLimits(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	value := strings.Repeat("x", 60<<10)
	var items []webtest.Body
	for i := range 40 {
		items = append(items, webtest.Body{"key": fmt.Sprintf("k%d", i), "op": "set", "value": value})
	}
	change := webtest.Body{"tenantId": webtest.Acme, "environment": "Staging", "items": items}
	if got := site.As("engineer").Post("/changes", change).Want(201).Len("items"); got != len(items) {
		t.Errorf("%d items", got)
	}
	config := webtest.Body{"tenantId": webtest.Acme, "environment": "Staging", "key": "a", "value": strings.Repeat("x", 1<<20)}
	site.As("engineer").Post("/configs", config).Refused(413, "too_large")
	config["value"] = strings.Repeat("x", 64<<10)
	if got := site.As("engineer").Post("/configs", config).Refused(422, "invalid"); got.Field("errors.0.pointer") != "/value" {
		t.Errorf("%s", got.Text)
	}
}
