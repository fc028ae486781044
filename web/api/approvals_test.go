package api_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/webtest"
)

// refusals counts what the audit log says was denied about a change.
func refusals(t *testing.T, site *webtest.Site, id string) (n int) {
	t.Helper()
	site.DB.Scan(t, `SELECT count(*) FROM audit_entries WHERE action = 'access.denied' AND resource = $1`,
		[]any{"change/" + id}, &n)
	return n
}

// denied makes sure that a refusal leaves the change byte by byte as it was, and one entry in the log.
func denied(t *testing.T, site *webtest.Site, id string, status int, code string, try func() *webtest.Response) {
	t.Helper()
	look := func() string { return site.As("viewer").Get("/changes/" + id).Want(200).Text }
	before, entries := look(), refusals(t, site, id)
	try().Refused(status, code)
	if after := look(); after != before {
		t.Errorf("the change was\n%s\nand is\n%s", before, after)
	}
	if n := refusals(t, site, id) - entries; n != 1 {
		t.Errorf("%d entries of the refusal, want 1", n)
	}
}

func TestWhoMayNotDecide(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.SecondKey("engineer-again", "engineer", models.RoleEngineer)
	site.SecondKey("admin-as-engineer", "admin", models.RoleEngineer)
	site.Service("robot", models.RoleEngineer, "", "engineer2")
	id, digest := pending(t, site, "a", 1)
	robots := site.As("robot").Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "items": []webtest.Body{{"key": "b", "op": "set", "value": 1}},
	}).Want(201)
	edited, _ := pending(t, site, "c", 1)
	editedDigest := site.As("engineer2").Patch("/changes/"+edited, webtest.Body{"title": "Mine now"}).Want(200).Field("digest")

	tests := map[string]struct {
		who, id, digest string
		status          int
		code            string
	}{
		"the author":                      {"engineer", id, digest, 403, "forbidden"},
		"the author through another key":  {"engineer-again", id, digest, 403, "forbidden"},
		"an editor":                       {"engineer2", edited, editedDigest, 403, "forbidden"},
		"who answers for the author":      {"engineer2", robots.Field("id"), robots.Field("digest"), 403, "forbidden"},
		"a service":                       {"robot", id, digest, 403, "forbidden"},
		"a later stage's role":            {"manager", id, digest, 403, "forbidden"},
		"a viewer":                        {"viewer", id, digest, 403, "forbidden"},
		"an auditor":                      {"auditor", id, digest, 403, "forbidden"},
		"a platform-admin":                {"admin", id, digest, 403, "forbidden"},
		"an admin with a key of the role": {"admin-as-engineer", id, digest, 403, "forbidden"},
		"the tenant's admin":              {"tenant-admin", id, digest, 403, "forbidden"},
		"an application":                  {"app", id, digest, 403, "forbidden"},
		"another tenant's engineer":       {"globex-engineer", id, digest, 404, "not_found"},
		"a digest not of this change":     {"engineer2", id, robots.Field("digest"), 409, "conflict"},
	}
	for name, test := range tests {
		for _, verdict := range []string{"approve", "reject"} {
			t.Log(verdict, "by", name) // one after the other: each counts what the log says
			denied(t, site, test.id, test.status, test.code, func() *webtest.Response {
				return site.As(test.who).Post("/approvals/"+test.id+"/"+verdict, webtest.Body{"digest": test.digest})
			})
		}
	}
}

func TestDecisionsOfOnePersonCountOnce(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Join("both", models.RoleEngineer, "")
	site.SecondKey("both-as-manager", "both", models.RoleManager)
	site.As("admin").Post("/role-bindings", webtest.Body{"role": "manager", "personId": site.Person("both").ID}).Want(201)

	id, digest := pending(t, site, "a", 1)
	approve(site, "both", id, digest).Want(200)
	for _, key := range []string{"both", "both-as-manager"} {
		denied(t, site, id, 403, "forbidden", func() *webtest.Response { return approve(site, key, id, digest) })
	}
	approve(site, "manager", id, digest).Want(200)
	denied(t, site, id, 403, "forbidden", func() *webtest.Response { return approve(site, "manager", id, digest) })
}

func TestDecisionAfterAnEdit(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "a", 1)
	approve(site, "engineer2", id, digest).Want(200)
	edited := site.As("engineer").Patch("/changes/"+id, webtest.Body{
		"items": []webtest.Body{{"key": "a", "op": "set", "value": 2}},
	}).Want(200)
	if edited.Field("stages.0.decisions.0.voided") != "true" || edited.Field("currentStage") != "engineer" {
		t.Errorf("the approval of another content still counts: %s", edited.Text)
	}
	denied(t, site, id, 409, "conflict", func() *webtest.Response { return approve(site, "engineer2", id, digest) })
	approve(site, "engineer2", id, edited.Field("digest")).Want(200)
}

func TestDecisionsAreWellFormed(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "a", 1)
	path := "/approvals/" + id + "/approve"
	site.As("engineer2").Post(path, webtest.Body{}).Refused(422, "invalid")
	site.As("engineer2").Post(path, nil).Refused(400, "malformed")
	site.As("engineer2").Post(path, webtest.Body{"digest": digest, "stage": "manager"}).Refused(422, "invalid")
	site.As("engineer2").Post(path, webtest.Body{"Digest": digest}).Refused(422, "invalid")
	site.As("engineer2").Post(path, `{"digest":`).Refused(400, "malformed")
	site.With("").Post(path, webtest.Body{"digest": digest}).Refused(401, "unauthenticated")
	if n := site.As("viewer").Get("/changes/" + id).Want(200).Len("stages.0.decisions"); n != 0 {
		t.Errorf("%d decisions", n)
	}
}

func TestRejectEndsAChange(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "a", 1)
	approve(site, "engineer2", id, digest).Want(200)
	rejected := site.As("manager").Post("/approvals/"+id+"/reject", webtest.Body{"digest": digest, "comment": "no"}).Want(200)
	if rejected.Field("status") != "rejected" || rejected.Field("stages.1.status") != "rejected" ||
		rejected.Field("stages.1.decisions.0.comment") != "no" || rejected.Field("currentStage") != "null" {
		t.Errorf("rejected: %s", rejected.Text)
	}
	denied(t, site, id, 409, "conflict", func() *webtest.Response { return approve(site, "compliance", id, digest) })
	site.As("engineer").Patch("/changes/"+id, webtest.Body{"title": "again"}).Refused(409, "conflict")
}

// TestALostRoleIsStruck takes a decider's role away before the last approval: the change is pending there again.
func TestALostRoleIsStruck(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Join("engineer3", models.RoleEngineer, "")
	id, digest := pending(t, site, "a", 1)
	approve(site, "engineer2", id, digest).Want(200)
	unbind(t, site, "engineer2")
	approve(site, "manager", id, digest).Want(200)
	struck := approve(site, "compliance", id, digest).Want(200)
	if struck.Field("status") != "pending" || struck.Field("currentStage") != "engineer" ||
		struck.Field("stages.0.decisions.0.voided") != "true" || struck.Field("stages.1.status") != "approved" {
		t.Errorf("struck: %s", struck.Text)
	}
	if got := site.As("app").Get("/configs/tenant/acme?environment=Production").Want(200).Field("configs"); got != "{}" {
		t.Errorf("live without its approvals: %s", got)
	}
	if got := approve(site, "engineer3", id, digest).Want(200).Field("status"); got != "deployed" {
		t.Errorf("status %s", got)
	}
	log := site.As("auditor").Get("/audit?tenantId=acme&resource=change/" + id).Want(200)
	if log.Field("items.1.action") != "change.strike" {
		t.Errorf("log: %s", log.Text)
	}
}

// unbind takes the only role of a person away.
func unbind(t *testing.T, site *webtest.Site, who string) {
	t.Helper()
	var id string
	site.DB.Scan(t, `SELECT id::text FROM role_bindings WHERE subject = $1`, []any{site.Person(who).ID}, &id)
	site.As("admin").Delete("/role-bindings/" + id).Want(204)
}

func TestExpiredChange(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "a", 1)
	site.DB.Admin(t, `UPDATE changes SET expires_at = clock_timestamp() - interval '1 second' WHERE id = $1`, id)
	denied(t, site, id, 409, "conflict", func() *webtest.Response { return approve(site, "engineer2", id, digest) })
	site.As("engineer").Patch("/changes/"+id, webtest.Body{"title": "again"}).Refused(409, "conflict")
	site.As("engineer").Post("/changes/"+id+"/rebase", nil).Refused(409, "conflict")
	if got := site.As("viewer").Get("/changes/" + id).Want(200); got.Field("status") != "expired" || got.Field("currentStage") != "null" {
		t.Errorf("status %s", got.Text)
	}
	for status, want := range map[string]int{"pending": 0, "expired": 1} {
		if n := site.As("viewer").Get("/changes?status=" + status).Want(200).Len("items"); n != want {
			t.Errorf("%d changes are %s, want %d", n, status, want)
		}
	}
	if n := site.As("engineer2").Get("/approvals").Want(200).Len("items"); n != 0 {
		t.Errorf("%d approvals", n)
	}
}

// TestApprovalsShowWhatIsMine lists to each person what they may decide now.
func TestApprovalsShowWhatIsMine(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	id, digest := pending(t, site, "a", 1)
	other, _ := pending(t, site, "b", 1)
	for who, want := range map[string]int{
		"engineer": 0, "engineer2": 2, "acme-engineer": 2, "globex-engineer": 0, "manager": 0, "admin": 0, "viewer": 0,
	} {
		if n := site.As(who).Get("/approvals").Want(200).Len("items"); n != want {
			t.Errorf("%s: %d, want %d", who, n, want)
		}
	}
	approve(site, "engineer2", id, digest).Want(200)
	if got := site.As("engineer2").Get("/approvals").Want(200); got.Len("items") != 1 || got.Field("items.0.id") != other {
		t.Errorf("after deciding one: %s", got.Text)
	}
	if n := site.As("manager").Get("/approvals").Want(200).Len("items"); n != 1 {
		t.Errorf("manager: %d", n)
	}
}
