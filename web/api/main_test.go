package api_test

import (
	"testing"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// pending makes a change in Production of acme that waits for engineer, manager and compliance, written by the
// engineer, and returns its id and digest.
func pending(t *testing.T, site *webtest.Site, key string, value any) (id, digest string) {
	t.Helper()
	made := site.As("engineer").Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "title": "Set " + key, "reason": "test",
		"items": []webtest.Body{{"key": key, "op": "set", "value": value}},
	}).Want(201)
	if got := made.Field("status"); got != "pending" {
		t.Fatalf("status %s: %s", got, made.Text)
	}
	return made.Field("id"), made.Field("digest")
}

// approve decides as that person, with the digest they saw.
func approve(site *webtest.Site, who, id, digest string) *webtest.Response {
	return site.As(who).Post("/approvals/"+id+"/approve", webtest.Body{"digest": digest, "comment": "fine"})
}
