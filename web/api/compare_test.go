package api_test

import (
	"net/url"
	"strconv"
	"strings"
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

// TestCompareTenantsAndInstants lays two customers, and one at two times, side by side over the API.
func TestCompareTenantsAndInstants(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	set := func(tenant, key string, value any) *webtest.Response {
		return dev.Post("/configs", webtest.Body{"tenantId": tenant, "environment": "QA", "key": key, "value": value}).Want(201)
	}
	then := set(webtest.Acme, "limit", 1).Field("updatedAt")
	set(webtest.Acme, "limit", 2)
	set(webtest.Globex, "limit", 3)
	set(webtest.Globex, "theirs", true)
	path := "/configs/compare?tenantId=acme&from=QA&to=QA"
	for query, want := range map[string]string{
		"&toTenantId=globex":                                           "limit changed 2 3, theirs added null true",
		"&fromAt=" + url.QueryEscape(then):                             "limit changed 1 2",
		"&toAt=" + url.QueryEscape(then):                               "limit changed 2 1",
		"&toTenantId=globex&fromAt=" + url.QueryEscape(then):           "limit changed 1 3, theirs added null true",
		"&fromAt=" + then + "&toAt=" + then + "&toTenantId=":           "limit equal 1 1",
		"&toTenantId=acme":                                             "limit equal 2 2",
		"&toTenantId=%40platform":                                      "limit removed 2 null",
		"&toTenantId=%40platform&fromAt=" + url.QueryEscape(then):      "limit removed 1 null",
		"&toTenantId=%40tier.enterprise&toAt=" + url.QueryEscape(then): "limit removed 2 null",
	} {
		got := dev.Get(path + query).Want(200)
		var lines []string
		for i := range got.Len("items") {
			item := "items." + strconv.Itoa(i) + "."
			lines = append(lines, strings.Join([]string{got.Field(item + "key"), got.Field(item + "status"), got.Field(item + "from"), got.Field(item + "to")}, " "))
		}
		if strings.Join(lines, ", ") != want {
			t.Errorf("%s: %v, want %s", query, lines, want)
		}
	}
	for query, pointer := range map[string]string{
		"&fromAt=yesterday": "/fromAt", "&toAt=2120-01-01T00:00:00Z": "/toAt", "&fromAt=2120-01-01T00:00:00Z": "/fromAt",
	} {
		if refused := dev.Get(path+query).Refused(422, "invalid"); refused.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s", query, refused.Text)
		}
	}
	dev.Get(path+"&fromAt=2020-01-01T00:00:00Z").Refused(404, "not_found")
	foreign := site.As("acme-engineer").Header("X-Request-Id", "r").Get(path+"&toTenantId=globex").Refused(404, "not_found")
	unknown := site.As("acme-engineer").Header("X-Request-Id", "r").Get(path+"&toTenantId=never").Refused(404, "not_found")
	if foreign.Text != unknown.Text {
		t.Errorf("another tenant answers %s, an unknown one %s", foreign.Text, unknown.Text)
	}
}
