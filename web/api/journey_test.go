package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestQuickStart is the way of a first value: a tenant, a value in Staging, its promotion, three people, a reader.
func TestQuickStart(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)

	tenant := site.As("admin").Post("/tenants", webtest.Body{
		"tenantId": "acme-corp", "name": "ACME Corporation", "tier": "Enterprise", "metadata": webtest.Body{"region": "eu"},
	}).Want(201)
	if tenant.Field("status") != "active" || tenant.Field("tier") != "Enterprise" || tenant.Field("metadata.region") != "eu" {
		t.Errorf("tenant: %s", tenant.Text)
	}
	if got := tenant.Header.Get("Location"); got != "/api/v1/tenants/acme-corp" {
		t.Errorf("Location %q", got)
	}

	config := site.As("engineer").Post("/configs", webtest.Body{
		"tenantId": "acme-corp", "key": "feature.new-dashboard.enabled", "value": true, "environment": "Staging",
		"description": "The new dashboard",
	}).Want(201)
	if config.Field("value") != "true" || config.Field("type") != "boolean" || config.Field("version") != "1" ||
		config.Field("updatedBy.name") != "engineer" || config.Field("description") != "The new dashboard" {
		t.Errorf("config: %s", config.Text)
	}

	promoted := site.As("engineer").Post("/configs/"+config.Field("id")+"/promote", webtest.Body{
		"targetEnvironment": "Production", "approvalRequired": true,
	}).Want(202)
	id, digest := promoted.Field("change.id"), promoted.Field("change.digest")
	if promoted.Field("change.currentStage") != "engineer" || promoted.Field("change.status") != "pending" || len(digest) != 64 {
		t.Fatalf("change: %s", promoted.Text)
	}
	read := "/configs/tenant/acme-corp?environment=Production"
	if got := site.As("app").Get(read).Want(200).Field("configs"); got != "{}" {
		t.Errorf("before the approvals: %s", got)
	}

	for _, next := range []struct{ who, stage string }{{"engineer2", "manager"}, {"manager", "compliance"}} {
		c := approve(site, next.who, id, digest).Want(200)
		if c.Field("currentStage") != next.stage || c.Field("status") != "pending" {
			t.Errorf("after %s: %s", next.who, c.Text)
		}
	}
	done := approve(site, "compliance", id, digest).Want(200)
	if done.Field("status") != "deployed" || done.Field("currentStage") != "null" ||
		done.Field("stages.2.decisions.0.actor.name") != "compliance" || done.Field("deploymentId") == "null" {
		t.Errorf("deployed: %s", done.Text)
	}

	got := site.As("app").Get(read).Want(200)
	if got.Field("configs") != `{"feature.new-dashboard.enabled":true}` || got.Field("tenantId") != "acme-corp" {
		t.Errorf("the application reads %s", got.Text)
	}
	deployment := site.As("viewer").Get("/deployments/" + done.Field("deploymentId")).Want(200)
	if deployment.Field("status") != "succeeded" || deployment.Field("percent") != "100" ||
		deployment.Field("changeId") != id || deployment.Field("gates") != "[]" || deployment.Field("instances.stable") != "0" {
		t.Errorf("deployment: %s", deployment.Text)
	}
}

// TestLiveAtOnce is the life of a value where nothing waits: set, next value, delete, set again.
func TestLiveAtOnce(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	dev := site.As("engineer")
	set := func(value any) *webtest.Response {
		return dev.Post("/configs", webtest.Body{
			"tenantId": webtest.Acme, "environment": "Development", "key": "limits.users", "value": value,
		}).Want(201)
	}
	first := set(1)
	path := "/configs/" + first.Field("id")
	if got := dev.Put(path, webtest.Body{"value": 9007199254740993, "baseVersion": 1}).Want(200); got.Field("value") != "9007199254740993" ||
		got.Field("version") != "2" || got.Header.Get("ETag") != `"2"` {
		t.Errorf("second: %s", got.Text)
	}
	dev.Put(path, webtest.Body{"value": 3, "baseVersion": 1}).Refused(409, "conflict")
	dev.Put(path, webtest.Body{"value": "many"}).Refused(422, "invalid")
	if got := set("12"); got.Field("value") != "12" || got.Field("version") != "3" { // converted: nothing is lost
		t.Errorf("converted: %s", got.Text)
	}
	if gone := dev.Delete(path).Want(204); gone.Text != "" {
		t.Errorf("delete answered %q", gone.Text)
	}
	dev.Get(path).Refused(404, "not_found")
	if got := set(4); got.Field("id") != first.Field("id") || got.Field("version") != "4" {
		t.Errorf("set again: %s", got.Text)
	}
	history := dev.Get(path + "/versions").Want(200)
	if history.Len("items") != 4 || history.Field("items.0.liveTo") != "null" || history.Field("items.3.value") != "1" {
		t.Errorf("history: %s", history.Text)
	}
	if got := dev.Get(path + "/versions/2").Want(200); got.Field("value") != "9007199254740993" ||
		got.Field("author.name") != "engineer" || got.Field("changeId") == "" {
		t.Errorf("version: %s", got.Text)
	}
	dev.Get(path+"/versions/9").Refused(404, "not_found")
	list := dev.Get("/configs?tenantId=acme&environment=Development&search=LIMITS").Want(200)
	if list.Len("items") != 1 || list.Field("nextCursor") != "null" || list.Field("items.0.value") != "4" {
		t.Errorf("list: %s", list.Text)
	}
}

// TestDraftIsSubmittedLater keeps a draft, edits it, and submits it.
func TestDraftIsSubmittedLater(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	author := site.As("engineer")
	draft := author.Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "draft": true,
		"items": []webtest.Body{{"key": "a", "op": "set", "value": "1", "type": "string"}},
	}).Want(201)
	path := "/changes/" + draft.Field("id")
	if draft.Field("status") != "draft" || draft.Header.Get("Location") != "/api/v1"+path || draft.Field("tenantIds") != "[]" {
		t.Errorf("draft: %s", draft.Text)
	}
	approve(site, "engineer2", draft.Field("id"), draft.Field("digest")).Refused(409, "conflict")
	edited := author.Patch(path, webtest.Body{"title": "Another", "items": []webtest.Body{
		{"key": "a", "op": "set", "value": "2"}, {"key": "b", "op": "set", "value": []int{1}},
	}}).Want(200)
	if edited.Field("title") != "Another" || edited.Len("items") != 2 || edited.Field("digest") == draft.Field("digest") {
		t.Errorf("edited: %s", edited.Text)
	}
	submitted := author.Post(path+"/submit", nil).Want(200)
	if submitted.Field("status") != "pending" || submitted.Field("stages.0.status") != "open" || submitted.Field("expiresAt") == "null" {
		t.Errorf("submitted: %s", submitted.Text)
	}
	author.Post(path+"/submit", "{}").Refused(409, "conflict")
	if got := author.Post(path+"/cancel", nil).Want(200).Field("status"); got != "cancelled" {
		t.Errorf("status %s", got)
	}
	author.Post(path+"/cancel", nil).Refused(409, "conflict")
}

// TestDryRunWritesNothing tells what would happen and leaves nothing behind.
func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	got := site.As("engineer").Post("/changes?dryRun=true", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production",
		"items": []webtest.Body{{"key": "a", "op": "set", "value": 1}},
	}).Want(200)
	if got.Field("status") != "pending" || got.Header.Get("Location") != "" {
		t.Errorf("dry run: %s", got.Text)
	}
	site.As("engineer").Get("/changes/"+got.Field("id")).Refused(404, "not_found")
	if n := site.As("engineer").Get("/changes").Want(200).Len("items"); n != 0 {
		t.Errorf("%d changes", n)
	}
}

// TestRebase writes a change anew after its base moved.
func TestRebase(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	// Both are written against nothing; the first to be applied makes the other stale.
	first, firstDigest := pending(t, site, "a", 1)
	second, secondDigest := pending(t, site, "a", 2)
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		approve(site, who, first, firstDigest).Want(200)
	}
	approve(site, "engineer2", second, secondDigest).Want(200)
	approve(site, "manager", second, secondDigest).Want(200)
	stale := approve(site, "compliance", second, secondDigest).Refused(409, "conflict")
	if !strings.Contains(stale.Field("detail"), "version 1") || !strings.Contains(stale.Field("detail"), "no version") {
		t.Errorf("the conflict does not show both sides: %s", stale.Text)
	}
	rebased := site.As("engineer").Post("/changes/"+second+"/rebase", nil).Want(200)
	if rebased.Field("items.0.baseVersion") != "1" || rebased.Field("items.0.previous") != "1" ||
		rebased.Field("stages.0.decisions.0.voided") != "true" || rebased.Field("currentStage") != "engineer" {
		t.Errorf("rebased: %s", rebased.Text)
	}
	for _, who := range []string{"engineer2", "manager", "compliance"} {
		approve(site, who, second, rebased.Field("digest")).Want(200)
	}
	if got := site.As("app").Get("/configs/tenant/acme/keys/a?environment=Production").Want(200).Field("value"); got != "2" {
		t.Errorf("live is %s", got)
	}
}
