package console_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// propose writes a change for Production that waits, as the engineer would, and returns its id.
func propose(site *webtest.Site, tenant, title string, items ...webtest.Body) string {
	return site.As("engineer").Post("/changes", webtest.Body{
		"tenantId": tenant, "environment": "Production", "title": title, "reason": "The customer asked for it.", "items": items,
	}).Want(201).Field("id")
}

// set is an item of a change.
func set(key string, value any) webtest.Body {
	return webtest.Body{"key": key, "op": "set", "value": value}
}

// decide is what somebody posts who looked at the page of a change.
func decide(v *webtest.Visitor, id, verdict, comment string) *webtest.Screen {
	digest := v.Get("/changes/" + id).Want(200).Input("digest")
	return v.Post("/changes/"+id+"/"+verdict, "digest", digest, "comment", comment)
}

func TestChanges(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	engineer.Get("/changes").Want(200).Shows("#change-list", "No changes yet")

	waits := propose(site, webtest.Acme, "Raise the limit", set("limit", 5))
	site.As("engineer2").Post("/configs", webtest.Body{
		"tenantId": webtest.Globex, "environment": "QA", "key": "limit", "value": 1,
	}).Want(201)

	engineer.Get("/changes").Want(200).Shows("#change-list", "Raise the limit").Shows("#change-list", "waits for engineer").
		Shows("#change-list", "Set limit in QA").Has("a[href='/changes/"+waits+"']", 1).Has("nav a[aria-current=page]", 1)
	for query, want := range map[string]string{
		"status=open": "Raise the limit", "status=pending": "Raise the limit", "status=deployed": "Set limit in QA",
		"tenant=globex": "Set limit in QA", "environment=QA": "Set limit in QA", "mine=1": "Raise the limit",
		"tenant=acme&environment=QA": "No change fits",
	} {
		page := engineer.Get("/changes?" + query).Want(200)
		if page.Shows("#change-list", want).Find(".change-row").Length() > 1 {
			t.Errorf("%s: %s", query, page.Words("#change-list"))
		}
	}
	engineer.Htmx("section#change-list").Get("/changes?status=deployed").Want(200).Has("form", 0).Has("html head title", 0).Shows("#change-list", "Set limit")
	engineer.Get("/changes?status=nonsense").Want(422).Shows("#change-list", "no such status")
	site.Browse("globex-engineer").Get("/changes").Want(200).Shows("#change-list", "Set limit in QA").Lacks("#change-list", "Raise the limit")
	foreign := site.Browse("globex-engineer").Get("/changes?tenant=acme").Want(404).Words("#change-list")
	if unknown := site.Browse("globex-engineer").Get("/changes?tenant=nobody").Want(404).Words("#change-list"); unknown != foreign {
		t.Errorf("a tenant of others reads %q, an unknown one %q", foreign, unknown)
	}
	site.Stranger().Get("/changes").Leads("/login?return=%2Fchanges")
}

func TestChange(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.As("engineer").Post("/configs", webtest.Body{"tenantId": webtest.Acme, "environment": "Production", "key": "limit", "value": 5}).Want(202)
	id := propose(site, webtest.Acme, "Raise \u202ethe limit", set("limits", webtest.Body{"a": 1}), set("name", "x"))

	page := site.Browse("manager").Get("/changes/" + id).Want(200)
	page.Shows("h1", "Raise U+202Ethe limit").Shows(".reason", "The customer asked for it.").
		Shows(".review-main", "limits").Shows(".diff", `+ added: "a": 1`).Shows(".review-main", "Defines the key as json").
		Shows(".decide", "Waits for engineer").Shows(".decide", "This stage needs the role engineer.").
		Shows(".checks", "is still live").Shows(".stages", "Written by engineer").Shows(".stages", "compliance comes later").
		Has("form[action$=approve]", 0).Has("form[action$=cancel]", 0).Has("a[href$=edit]", 0)
	site.Browse("engineer").Get("/changes/"+id).Want(200).Shows(".decide", "You cannot decide on a change you wrote.").
		Has("form[action$=approve]", 0).Has("form[action$=cancel]", 1).Has("a[href$='"+id+"/edit']", 1)
	site.Browse("engineer2").Get("/changes/"+id).Want(200).Has("form[action$=approve] button[formaction$=reject]", 1).
		Has("label[for=field-comment]", 1)

	digest := site.Browse("engineer2").Get("/changes/" + id).Input("digest")
	globex := site.Browse("globex-engineer")
	for _, path := range []string{"/changes/" + id, "/changes/" + id + "/edit", "/changes/nonsense"} {
		globex.Get(path).Want(404).Shows("h1", "Not found")
	}
	for _, act := range []string{"approve", "reject", "cancel", "submit", "rebase", "edit"} {
		globex.Post("/changes/"+id+"/"+act, "digest", "x", "comment", "x").Want(404)
		site.Stranger().Post("/changes/"+id+"/"+act, "digest", "x", "comment", "x").Want(401)
	}
	for _, act := range []string{"approve", "reject", "cancel", "submit", "rebase", "edit"} {
		site.Browse("auditor").Post("/changes/"+id+"/"+act, "digest", digest, "comment", "x").Want(403)
	}
	site.Stranger().Get("/changes/" + id).Leads("/login?return=%2Fchanges%2F" + id)
}

func TestApprove(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id := propose(site, webtest.Acme, "Raise the limit", set("limit", 5))

	decide(site.Browse("engineer2"), id, "approve", "Fine.").Leads("/changes/" + id)
	engineer2 := site.Browse("engineer2")
	again := engineer2.Get("/changes/" + id).Want(200)
	again.Shows(".decide", "You have decided on this change already").Shows(".stages", "engineer2 approved").Shows(".said", "Fine.")
	decide(site.Browse("manager"), id, "approve", "").Follow().Shows("#notice", "Approved. It now waits for compliance.")
	decide(site.Browse("compliance"), id, "approve", "").Follow().Shows("#notice", "Approved and live.").
		Shows(".decide", "Went live").Shows("#deployment-title", "Deployment").Shows(".review-main", "succeeded").Has(".checks", 0).
		Has("form[action^='/changes']", 0)
	if got := site.As("app").Get("/configs/tenant/acme?environment=Production").Want(200).Field("configs.limit"); got != "5" {
		t.Errorf("applications read %s", got)
	}
	site.Browse("compliance").Post("/changes/" + id + "/cancel").Want(403)
	site.Browse("engineer").Post("/changes/"+id+"/cancel").Want(409).Shows(".alert", "the change is already deployed").Shows(".decide", "Went live")
}

func TestReject(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id := propose(site, webtest.Acme, "Raise the limit", set("limit", 5))
	engineer2 := site.Browse("engineer2")

	silent := decide(engineer2, id, "reject", "  ").Want(422)
	silent.Shows(".invalid-feedback", "say why").Has("form[action$=approve]", 1)
	decide(engineer2, id, "reject", "Too high,\r\nsee the ticket.").Follow().Shows("#notice", "Rejected.").
		Shows(".decide", "Rejected").Shows(".said", "Too high, see the ticket.").Shows(".stages", "manager was not asked")
}

func TestDecideOnWhatWasEditedMeanwhile(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id := propose(site, webtest.Acme, "Raise the limit", set("limit", 5))
	engineer2 := site.Browse("engineer2")
	digest := engineer2.Get("/changes/" + id).Want(200).Input("digest")
	site.As("engineer").Patch("/changes/"+id, webtest.Body{"items": []webtest.Body{set("limit", 500)}}).Want(200)

	stale := engineer2.Post("/changes/"+id+"/approve", "digest", digest, "comment", "Fine.").Want(409)
	stale.Shows(".alert", "Nothing was decided: somebody edited the change").Shows(".diff", "500").Shows(".stages", "engineer waits")
	if stale.Input("comment") != "Fine." || stale.Input("digest") == digest {
		t.Errorf("the form came back with %q", stale.Input("comment"))
	}
	engineer2.Post("/changes/"+id+"/approve", "digest", stale.Input("digest")).Leads("/changes/" + id)
	if log := site.As("auditor").Get("/audit?action=access.denied&resource=change/" + id).Want(200).Text; !strings.Contains(log, `"conflict"`) {
		t.Errorf("the refusal is not in the log: %s", log)
	}
}

func TestCancelSubmitRebase(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer := site.Browse("engineer")
	draft := site.As("engineer").Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "draft": true, "items": []webtest.Body{set("limit", 1)},
	}).Want(201).Field("id")
	engineer.Get("/changes/"+draft).Want(200).Shows(".decide", "A draft").Has("form[action$=submit]", 1)
	engineer.Post("/changes/"+draft+"/submit").Follow().Shows("#notice", "Submitted. It now waits for engineer.").Has("form[action$=submit]", 0)

	rival := propose(site, webtest.Acme, "Another", set("limit", 2))
	decide(site.Browse("engineer2"), rival, "approve", "").Leads("/")
	decide(site.Browse("manager"), rival, "approve", "").Leads("/")
	decide(site.Browse("compliance"), rival, "approve", "").Leads("/")
	engineer.Get("/changes/"+draft).Want(200).Shows(".checks", "1 key moved").Shows(".moved", "Version 1 is live by now: 2").Has("form[action$=rebase]", 1)
	site.Browse("engineer2").Post("/changes/"+draft+"/rebase").Follow().Shows("#notice", "Written anew. It now waits for engineer.").
		Has(".moved", 0).Shows(".diff", "removed: 2").Shows(".stages", "edited by engineer2")

	tag := engineer.Get("/changes/"+draft).Find("form[action$=cancel] [name=tag]").AttrOr("value", "")
	decide(site.Browse("acme-engineer"), draft, "approve", "").Leads("/")
	for _, act := range []string{"cancel", "rebase", "edit"} {
		engineer.Post("/changes/"+draft+"/"+act, "tag", tag, "title", "Other", "value.limit", "3").Want(412).Shows(".alert", "or decided on it")
	}
	engineer.Post("/changes/"+draft+"/cancel").Follow().Shows("#notice", "Cancelled.").Shows(".decide", "What was live before stays live.")
	engineer.Post("/changes/"+draft+"/submit").Want(409).Shows(".alert", "already cancelled")
}

func TestChangeOfManyKeys(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	var items []webtest.Body
	for i := range 60 {
		items = append(items, set("k"+strings.Repeat("x", i), i))
	}
	id := propose(site, webtest.Acme, "Many", items...)
	engineer2 := site.Browse("engineer2")
	engineer2.Get("/changes/"+id).Want(200).Has(".item", 50).Shows(".review-main", "Keys 1 to 50 of 60").Has("a[rel=next]", 1)
	engineer2.Get("/changes/"+id+"?page=1").Want(200).Has(".item", 10).Has("a[rel=next]", 0)
	engineer2.Get("/changes/"+id+"?page=-99").Want(200).Has(".item", 50)
	engineer2.Get("/changes/"+id+"?page=99999999").Want(200).Has(".item", 10)
	engineer2.Get("/approvals").Want(200).Shows(".queued", "Review 60 keys").Has("form[action$=approve]", 0)
}
