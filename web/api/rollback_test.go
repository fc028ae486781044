package api_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestRollback leads a config back by the lane without stages, and by a change.
func TestRollback(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	var last, config string
	for _, v := range []int{1, 2, 3} {
		id, digest := pending(t, site, "limit", v)
		decideAll(site, id, digest, "engineer2", "manager", "compliance")
		last = id
	}
	config = dev.Get("/configs?tenantId=acme&environment=Production").Want(200).Field("items.0.id")
	path := "/configs/" + config + "/rollback"

	older := dev.Post(path, webtest.Body{"toVersion": 1, "reason": "long ago"}).Want(202)
	for field, want := range map[string]string{
		"change.status": "pending", "change.origin": "rollback", "change.rollsBack": "null", "change.items.0.value": "1",
		"change.items.0.previous": "3", "change.currentStage": "engineer", "change.reason": "long ago",
	} {
		if got := older.Field(field); got != want {
			t.Errorf("%s is %s, want %s: %s", field, got, want, older.Text)
		}
	}
	for name, want := range map[string]int{"manager": 403, "viewer": 403, "globex-engineer": 404} {
		site.As(name).Post(path, webtest.Body{"toVersion": 2, "reason": "x"}).Want(want)
	}
	site.With("").Post(path, webtest.Body{"toVersion": 2, "reason": "x"}).Refused(401, "unauthenticated")
	for _, version := range []int{-1, 0, 3, 9} {
		if got := dev.Post(path, webtest.Body{"toVersion": version, "reason": "x"}).Refused(422, "invalid"); got.Field("errors.0.pointer") != "/toVersion" {
			t.Errorf("version %d: %s", version, got.Text)
		}
	}

	back := dev.Post(path, webtest.Body{"toVersion": 2, "reason": "it hurts"}).Want(200)
	if back.Field("id") != config || back.Field("value") != "2" || back.Field("version") != "4" || back.Header.Get("ETag") != `"4"` {
		t.Errorf("back: %s", back.Text)
	}
	if got := site.As("app").Get("/configs/tenant/acme/keys/limit?environment=Production").Want(200).Field("value"); got != "2" {
		t.Errorf("acme reads %s", got)
	}
	if got := dev.Get("/changes/" + last).Want(200).Field("status"); got != "rolled_back" {
		t.Errorf("the change is %s", got)
	}
	if got := dev.Get("/changes?status=rolled_back").Want(200); got.Len("items") != 1 || got.Field("items.0.id") != last {
		t.Errorf("changes rolled back: %s", got.Text)
	}
	by := dev.Get("/configs/" + config + "/versions/4").Want(200).Field("changeId")
	if got := dev.Get("/changes/" + by).Want(200); got.Field("rollsBack") != last || got.Len("stages") != 0 || got.Field("status") != "deployed" {
		t.Errorf("the rollback: %s", got.Text)
	}
	dev.Post(path, webtest.Body{"toVersion": 3, "reason": "forth"}).Want(202) // once
	dev.Post("/configs/00000000-0000-4000-8000-000000000000/rollback", webtest.Body{"toVersion": 3, "reason": "x"}).Refused(404, "not_found")
}
