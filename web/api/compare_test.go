package api_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestCompare lays environments of a tenant side by side over the API.
func TestCompare(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev, admin := site.As("engineer"), site.As("admin")
	set := func(who *webtest.Caller, tenant, environment, key string, value any) {
		who.Post("/configs", webtest.Body{"tenantId": tenant, "environment": environment, "key": key, "value": value}).Want(201)
	}
	admin.Post("/definitions", webtest.Body{"tenantId": webtest.Acme, "key": "password", "type": "string", "sensitive": true}).Want(201)
	set(admin, "@platform", "QA", "limit", 1)
	set(dev, webtest.Acme, "Development", "limit", "2")
	set(dev, webtest.Acme, "Development", "only.here", nil)
	set(dev, webtest.Acme, "QA", "only.there", true)
	set(dev, webtest.Acme, "Development", "password", "hunter2")
	set(dev, webtest.Acme, "QA", "password", "hunter3")
	set(dev, webtest.Acme, "Development", "same", []int{1})
	set(dev, webtest.Acme, "QA", "same", []int{1})

	got := site.As("viewer").Get("/configs/compare?tenantId=acme&from=Development&to=QA").Want(200)
	want := `{"items":[` +
		`{"key":"limit","type":"number","status":"changed","from":2,"to":1,"fromLayer":"acme","toLayer":"@platform","sensitive":false,"masked":false},` +
		`{"key":"only.here","type":"json","status":"removed","from":null,"to":null,"fromLayer":"acme","toLayer":null,"sensitive":false,"masked":false},` +
		`{"key":"only.there","type":"boolean","status":"added","from":null,"to":true,"fromLayer":null,"toLayer":"acme","sensitive":false,"masked":false},` +
		`{"key":"password","type":"string","status":"changed","from":"********","to":"********","fromLayer":"acme","toLayer":"acme","sensitive":true,"masked":true},` +
		`{"key":"same","type":"json","status":"equal","from":[1],"to":[1],"fromLayer":"acme","toLayer":"acme","sensitive":false,"masked":false}]}`
	if got.Text != want+"\n" && got.Text != want {
		t.Errorf("got\n%s, want\n%s", got.Text, want)
	}
	empty := site.As("viewer").Get("/configs/compare?tenantId=globex&from=Staging&to=Production").Want(200)
	if empty.Len("items") != 0 {
		t.Errorf("got %s", empty.Text)
	}
	for path, pointer := range map[string]string{
		"/configs/compare?from=QA&to=Staging":                       "/tenantId",
		"/configs/compare?tenantId=acme&to=Staging":                 "/from",
		"/configs/compare?tenantId=acme&from=QA":                    "/to",
		"/configs/compare?tenantId=acme&from=qa&to=Staging":         "/from",
		"/configs/compare?tenantId=acme&from=QA&to=Nowhere":         "/to",
		"/configs/compare?tenantId=acme&from=QA&from=QA&to=Staging": "/from",
	} {
		if refused := site.As("viewer").Get(path).Refused(422, "invalid"); refused.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s", path, refused.Field("errors.0.pointer"))
		}
	}
	site.As("app").Get("/configs/compare?tenantId=acme&from=QA&to=Staging").Refused(403, "forbidden")
	site.As("globex-engineer").Get("/configs/compare?tenantId=acme&from=QA&to=Staging").Refused(404, "not_found")
	site.With("").Get("/configs/compare?tenantId=acme&from=QA&to=Staging").Refused(401, "unauthenticated")
}
