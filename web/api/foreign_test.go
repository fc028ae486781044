package api_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// The ids of nothing.
const (
	nowhere = "00000000-0000-4000-8000-000000000000"
	noUUID  = "not-a-uuid"
)

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

// bytesOf is all that a caller can see of an answer, but what names the call.
func bytesOf(r *webtest.Response) string {
	var seen strings.Builder
	for _, name := range []string{"Content-Type", "Cache-Control", "Content-Length", "ETag", "Location", "Retry-After"} {
		seen.WriteString(name + "=" + r.Header.Get(name) + "\n")
	}
	return seen.String() + requestID.ReplaceAllString(r.Text, "")
}

// TestAnotherTenantsThingsDoNotExist compares what a stranger is answered about things that are there with what
// is said of things that are not.
func TestAnotherTenantsThingsDoNotExist(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	config := site.As("engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "a", "value": 1,
	}).Want(201).Field("id")
	change, digest := pending(t, site, "b", 1)
	admin := site.As("tenant-admin")
	deployment := site.As("viewer").Get("/deployments?tenantId=acme").Want(200).Field("items.0.id")
	key := admin.Post("/api-keys", webtest.Body{"name": "k", "role": "reader", "tenantId": webtest.Acme}).Want(201).Field("id")
	binding := admin.Post("/role-bindings", webtest.Body{"role": "viewer", "tenantId": webtest.Acme, "group": "g"}).Want(201).Field("id")
	entry := site.As("auditor").Get("/audit?tenantId=acme").Want(200).Field("items.0.id")
	decision := webtest.Body{"digest": digest}

	tests := []struct {
		method, before, id, after string
		body                      any
	}{
		{"GET", "/tenants/", "acme", "", nil},
		{"PATCH", "/tenants/", "acme", "", webtest.Body{"name": "x"}},
		{"PATCH", "/tenants/", "acme", "", webtest.Body{"tier": "pro"}},
		{"POST", "/tenants/", "acme", "/suspend", nil},
		{"POST", "/tenants/", "acme", "/activate", nil},
		{"DELETE", "/tenants/", "acme", "?confirm=acme", nil},
		{"GET", "/configs/tenant/", "acme", "?environment=Production", nil},
		{"GET", "/configs/tenant/", "acme", "/keys/a?environment=Development", nil},
		{"GET", "/configs?environment=Development&tenantId=", "acme", "", nil},
		{"GET", "/changes?tenantId=", "acme", "", nil},
		{"GET", "/deployments?tenantId=", "acme", "", nil},
		{"GET", "/instances?tenantId=", "acme", "", nil},
		{"GET", "/definitions?tenantId=", "acme", "", nil},
		{"GET", "/definitions/a?tenantId=", "acme", "", nil},
		{"GET", "/api-keys?tenantId=", "acme", "", nil},
		{"GET", "/role-bindings?tenantId=", "acme", "", nil},
		{"GET", "/audit?tenantId=", "acme", "", nil},
		{"GET", "/configs/", config, "", nil},
		{"PUT", "/configs/", config, "", webtest.Body{"value": 2}},
		{"DELETE", "/configs/", config, "", nil},
		{"POST", "/configs/", config, "/promote", webtest.Body{"targetEnvironment": "Production"}},
		{"GET", "/configs/", config, "/versions", nil},
		{"GET", "/configs/", config, "/versions/1", nil},
		{"GET", "/configs/", config, "/diff?from=1&to=1", nil},
		{"GET", "/configs/compare?from=QA&to=Production&tenantId=", "acme", "", nil},
		{"GET", "/changes/", change, "", nil},
		{"PATCH", "/changes/", change, "", webtest.Body{"title": "x"}},
		{"POST", "/changes/", change, "/submit", nil},
		{"POST", "/changes/", change, "/cancel", nil},
		{"POST", "/changes/", change, "/rebase", nil},
		{"POST", "/approvals/", change, "/approve", decision},
		{"POST", "/approvals/", change, "/reject", decision},
		{"GET", "/deployments/", deployment, "", nil},
		{"GET", "/audit/", entry, "", nil},
		{"DELETE", "/api-keys/", key, "", nil},
		{"DELETE", "/role-bindings/", binding, "", nil},
	}
	stranger := site.As("globex-engineer")
	for _, test := range tests {
		t.Run(test.method+" "+test.before+"…"+test.after, func(t *testing.T) {
			t.Parallel()
			foreign := stranger.Do(test.method, test.before+test.id+test.after, test.body).Refused(404, "not_found")
			unknown := []string{"nobody"}
			if len(test.id) > len("acme") {
				unknown = []string{nowhere, noUUID, "0"}
			}
			for _, id := range unknown {
				got := stranger.Do(test.method, test.before+id+test.after, test.body)
				if bytesOf(got) != bytesOf(foreign) {
					t.Errorf("of %s:\n%s\nof another tenant's:\n%s", id, bytesOf(got), bytesOf(foreign))
				}
			}
		})
	}
	for _, body := range []webtest.Body{
		{"tenantId": webtest.Acme, "environment": "Development", "key": "a", "value": 2},
		{"tenantId": webtest.Acme, "environment": "No", "key": "a", "value": 2},
	} {
		foreign := stranger.Post("/configs", body).Refused(404, "not_found")
		body["tenantId"] = "nobody"
		if got := stranger.Post("/configs", body); bytesOf(got) != bytesOf(foreign) {
			t.Errorf("%s, of another tenant's %s", got.Text, foreign.Text)
		}
	}
}
