package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestExplain follows a value through approval, a lock above, and back in time.
func TestExplain(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin, dev := site.As("admin"), site.As("engineer")
	admin.Post("/definitions", webtest.Body{"key": "limit", "type": "number"}).Want(201)
	admin.Post("/configs", webtest.Body{"tenantId": "@platform", "environment": "Development", "key": "limit", "value": 1}).Want(201)
	dev.Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Development", "key": "limit", "value": "2"}).Want(201)
	path := "/configs/tenant/acme/explain?environment=Development&key=limit"
	got := site.As("acme-engineer").Get(path).Want(200)
	for field, want := range map[string]string{
		"key": "limit", "value": "2", "type": "number", "layer": "acme", "version": "1", "locked": "false", "lockedBy": "null", "merge": "replace",
		"definition.layer": "@platform", "definition.version": "1", "author.name": "engineer", "approvedBy": "[]", "approvals": "[]", "side": "stable",
		"masked": "false", "sensitive": "false", "shadowed.0.layer": "@platform", "shadowed.0.value": "1", "shadowed.0.version": "1",
		"shadowed.0.why": "covered", "shadowed.0.masked": "false",
	} {
		if got.Field(field) != want {
			t.Errorf("%s is %s, want %s", field, got.Field(field), want)
		}
	}
	if d := dev.Get("/deployments/" + got.Field("deploymentId")).Want(200); d.Field("changeId") != got.Field("changeId") {
		t.Errorf("the deployment %s of the change %s", d.Text, got.Field("changeId"))
	}
	before, err := time.Parse(time.RFC3339Nano, got.Field("liveFrom"))
	if err != nil {
		t.Fatal(err)
	}
	admin.Post("/changes", webtest.Body{
		"tenantId": "@platform", "environment": "Development", "items": []webtest.Body{{"key": "limit", "op": "lock"}},
	}).Want(201)
	locked := site.As("acme-engineer").Get(path).Want(200)
	if locked.Field("value") != "1" || locked.Field("lockedBy") != "@platform" || locked.Field("locked") != "true" || locked.Field("shadowed.0.why") != "locked" ||
		locked.Field("deploymentId") != "null" {
		t.Errorf("under a lock: %s", locked.Text)
	}
	then := dev.Get(path + "&at=" + url.QueryEscape(before.Format(time.RFC3339Nano))).Want(200)
	if then.Field("value") != "2" || then.Field("lockedBy") != "null" || then.Field("liveFrom") != got.Field("liveFrom") {
		t.Errorf("before the lock: %s", then.Text)
	}
	dev.Get(path+"&at="+url.QueryEscape(before.Add(-time.Hour).Format(time.RFC3339Nano))).Refused(404, "not_found")
}

func TestExplainNamesApprovers(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "limit", 1)
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		approve(site, who, id, digest).Want(200)
	}
	got := site.As("viewer").Get("/configs/tenant/acme/explain?environment=Production&key=limit").Want(200)
	for i, who := range []string{"engineer2", "manager", "compliance"} {
		n := string(rune('0' + i))
		if got.Field("approvedBy."+n+".name") != who || got.Field("approvals."+n+".actor.name") != who || !strings.HasPrefix(who, got.Field("approvals."+n+".stage")) {
			t.Errorf("approver %d: %s", i, got.Text)
		}
	}
	if got.Field("changeId") != id || got.Field("deploymentId") == "null" {
		t.Errorf("got %s", got.Text)
	}
}

// A secret is explained without being told.
func TestExplainMasks(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("admin").Post("/definitions", webtest.Body{"key": "password", "type": "string", "sensitive": true}).Want(201)
	for _, layer := range []string{"@platform", webtest.Acme} {
		site.As("admin").Post("/configs", webtest.Body{"tenantId": layer, "environment": "QA", "key": "password", "value": "hunter2-" + layer}).Want(201)
	}
	got := site.As("admin").Get("/configs/tenant/acme/explain?environment=QA&key=password").Want(200)
	if strings.Contains(got.Text, "hunter2") || strings.Contains(got.Text, "sealed:") || got.Field("value") != "********" || got.Field("masked") != "true" ||
		got.Field("shadowed.0.masked") != "true" || got.Field("shadowed.0.value") != "********" {
		t.Errorf("got %s", got.Text)
	}
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("engineer").Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "QA", "key": "limit", "value": 1}).Want(201)
	path := "/configs/tenant/acme/explain?environment=QA&key=limit"
	for query, pointer := range map[string]string{
		"?key=limit": "/environment", "?environment=QA": "/key", "?environment=qa&key=limit": "/environment", "?environment=QA&key=": "/key",
		"?environment=QA&key=limit&at=yesterday": "/at", "?environment=QA&key=limit&at=2120-01-01T00:00:00Z": "/at",
		"?environment=QA&key=limit&at=": "/at",
	} {
		if refused := site.As("viewer").Get("/configs/tenant/acme/explain"+query).Refused(422, "invalid"); refused.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s", query, refused.Text)
		}
	}
	site.As("viewer").Get("/configs/tenant/acme/explain?environment=QA&key=never").Refused(404, "not_found")
	site.As("app").Get(path).Refused(403, "forbidden")
	site.As("globex-engineer").Get(path).Refused(404, "not_found")
	site.With("").Get(path).Refused(401, "unauthenticated")
	limited := 0
	for n := 0; n < 200 && limited == 0; n++ {
		if site.As("viewer").Get(path+"&at="+url.QueryEscape(time.Now().Add(-time.Minute).Format(time.RFC3339Nano))).Status() == 429 {
			limited = n
		}
	}
	if limited < 9 || limited > 30 { // one of those above was counted; some come back meanwhile
		t.Errorf("the past is limited after %d calls", limited)
	}
}
