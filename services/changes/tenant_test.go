package changes_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/definitions"
)

// tenant is a tenant as it is stored, with how many versions of it there are and are live.
func (h *house) tenant(id string) (t models.Tenant, versions, live int) {
	h.t.Helper()
	h.d.Scan(h.t, `SELECT tenant_id, tier, status, (SELECT count(*) FROM tenant_versions v WHERE v.tenant_id = t.tenant_id),
		(SELECT count(*) FROM tenant_versions v WHERE v.tenant_id = t.tenant_id AND live_to IS NULL AND v.tier = t.tier AND v.status = t.status)
		FROM tenants t WHERE tenant_id = $1`, []any{id}, &t.ID, &t.Tier, &t.Status, &versions, &live)
	return t, versions, live
}

func (h *house) suspend(who, tenant string) (models.Change, error) {
	h.t.Helper()
	out, err := h.Suspend(h.as(who), tenant, "unpaid")
	return out.Change, err
}

func (h *house) retier(who, tenant, tier string) (models.Change, error) {
	h.t.Helper()
	out, err := h.Retier(h.as(who), tenant, tier, "signed")
	return out.Change, err
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.did("acme", "QA", set("k", "1"))
	c, err := h.suspend("admin", "acme")
	h.must(err)
	if c.Status != models.ChangePending || c.Environment != "Production" || c.Title != "Suspend acme" || c.Reason != "unpaid" ||
		!slices.Equal(stageNames(c), []string{"engineer", "manager", "compliance"}) {
		t.Fatalf("%+v", c)
	}
	h.reads("acme", "QA", "k", "1")
	head := h.d.Head(t, "acme", models.HeadTenant).Revision
	h.pass(c)
	if got, versions, live := h.tenant("acme"); got.Status != models.TenantSuspended || versions != 2 || live != 1 {
		t.Errorf("%+v, %d versions, %d live", got, versions, live)
	}
	if h.d.Head(t, "acme", models.HeadTenant).Revision <= head {
		t.Error("the tenant's head did not move")
	}
	_, err = h.resolved("acme", "QA", false)
	h.want(err, models.CodeForbidden)
	h.reads("globex", "QA", "k", "")
	want := map[string]int{
		"tenant.create": 1, "change.submit": 2, "change.approve": 3, "tenant.suspend": 1, "deployment.step": 2, "config.set": 1, "definition.create": 1,
	}
	if diff := cmp.Diff(want, h.actions("acme")); diff != "" {
		t.Error(diff)
	}
	_, err = h.suspend("admin", "acme")
	h.want(err, models.CodeConflict)

	// Two that wait for the same: the second finds it done.
	first, err := h.suspend("admin", "globex")
	h.must(err)
	second, err := h.suspend("admin", "globex")
	h.must(err)
	h.pass(first)
	h.refusedLast(second, models.CodeConflict)
	h.sound()
}

func TestRetier(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.did(enterprise, "QA", set("k", `"enterprise"`))
	h.did("@tier.free", "QA", set("k", `"free"`))
	h.did("initech", "QA", set("own", "1"))
	h.reads("initech", "QA", "k", `"free"`)
	for _, name := range []string{"enterprise", "Enterprise"} {
		c, err := h.retier("admin", "initech", name)
		h.must(err)
		if c.Title != "Move initech to the tier Enterprise" || c.Items[0].Value != `"Enterprise"` || c.Items[0].Previous != `"Free"` ||
			!slices.Equal(stageNames(c), []string{"engineer", "manager", "compliance"}) { // the stricter of the two
			t.Fatalf("%+v", c)
		}
	}
	back, err := h.retier("admin", "acme", "free")
	h.must(err)
	if len(back.Stages) != 3 { // the one it comes from is the stricter
		t.Errorf("%v", back.Stages)
	}
	c, err := h.retier("admin", "initech", "enterprise")
	h.must(err)
	rival, err := h.retier("admin", "initech", "pro")
	h.must(err)
	waits := h.waits("author", "initech", "Production", set("k", `"mine"`))
	h.pass(c)
	if got, versions, live := h.tenant("initech"); got.Tier != "Enterprise" || versions != 2 || live != 1 {
		t.Errorf("%+v, %d versions, %d live", got, versions, live)
	}
	h.reads("initech", "QA", "k", `"enterprise"`)
	h.reads("initech", "QA", "own", "1")
	rival, err = h.decide(rival)
	h.must(err)
	rival.Stages = rival.Stages[2:] // it moved meanwhile, where a third is asked
	h.refusedLast(rival, models.CodeConflict)
	if got := h.actions("initech"); got["tenant.retier"] != 1 {
		t.Errorf("entries %v", got)
	}

	// What was written before is asked by the policies of the new tier.
	got, err := h.decide(waits)
	h.must(err)
	if stage, ok := got.CurrentStage(); got.Status != models.ChangePending || !ok || stage.Role != models.RoleCompliance {
		t.Errorf("after two approvals it is %s", got.Status)
	}
	_, err = h.approve("compliance", got)
	h.must(err)
	_, err = h.retier("admin", "initech", "enterprise")
	h.want(err, models.CodeConflict)
	h.sound()
}

// Where nobody is asked anywhere, a tenant is moved at once.
func TestMoveAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.d.Admin(t, `UPDATE policies SET stages = '[]' WHERE tenant_id <> $1`, enterprise)
	c, err := h.retier("admin", "initech", "Pro")
	h.must(err)
	if got, _, live := h.tenant("initech"); c.Status != models.ChangeDeployed || got.Tier != "Pro" || live != 1 {
		t.Errorf("%s, %+v", c.Status, got)
	}
	if c, err := h.retier("admin", "initech", "Enterprise"); err != nil || c.Status != models.ChangePending {
		t.Errorf("%s, %v", c.Status, err)
	}
	c, err = h.suspend("admin", "initech")
	h.must(err)
	if got, _, live := h.tenant("initech"); c.Status != models.ChangeDeployed || got.Status != models.TenantSuspended || live != 1 {
		t.Errorf("%s, %+v", c.Status, got)
	}
	if c, err := h.suspend("admin", "acme"); err != nil || c.Status != models.ChangePending {
		t.Errorf("%s, %v", c.Status, err)
	}
	h.sound()
}

func TestMoveWho(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("owner", models.RoleTenantAdmin, "acme")
	h.person("own platform", models.RolePlatformAdmin, "acme")
	h.person("everybody's owner", models.RoleTenantAdmin, models.Platform)
	h.told()
	for name, tt := range map[string]struct {
		by   context.Context
		id   string
		tier string
		want models.Code
	}{
		"engineer":                  {h.as("author"), "acme", "pro", models.CodeForbidden},
		"viewer":                    {h.as("viewer"), "acme", "pro", models.CodeForbidden},
		"tenant-admin":              {h.as("owner"), "acme", "pro", models.CodeForbidden},
		"tenant-admin of all":       {h.as("everybody's owner"), "acme", "pro", models.CodeForbidden},
		"platform-admin of one":     {h.as("own platform"), "acme", "pro", models.CodeForbidden},
		"other tenant":              {h.as("outsider"), "acme", "pro", models.CodeNotFound},
		"nobody":                    {t.Context(), "acme", "pro", models.CodeUnauthenticated},
		"unknown tenant":            {h.as("admin"), "never", "pro", models.CodeNotFound},
		"a tier's layer":            {h.as("admin"), enterprise, "pro", models.CodeInvalid},
		"the platform":              {h.as("admin"), models.Platform, "pro", models.CodeInvalid},
		"no such tier":              {h.as("admin"), "acme", "gold", models.CodeInvalid},
		"no tier":                   {h.as("admin"), "acme", "", models.CodeInvalid},
		"the tier of the platform?": {h.as("admin"), "acme", "@platform", models.CodeInvalid},
	} {
		if _, err := h.Retier(tt.by, tt.id, tt.tier, ""); codeOf(err) != tt.want {
			t.Errorf("retier, %s: %v, want %q", name, err, tt.want)
		}
		if tt.tier != "pro" {
			continue
		}
		if _, err := h.Suspend(tt.by, tt.id, ""); codeOf(err) != tt.want {
			t.Errorf("suspend, %s: %v, want %q", name, err, tt.want)
		}
		_, err := h.Submit(tt.by, changes.Draft{
			TenantID: tt.id, Environment: "Production", Items: []changes.Edit{{Op: models.OpSuspend}}, Pointer: changes.ItemPointer,
		})
		if codeOf(err) != tt.want {
			t.Errorf("a change, %s: %v, want %q", name, err, tt.want)
		}
	}
	suspend := changes.Edit{Op: models.OpSuspend}
	for name, d := range map[string]changes.Draft{
		"in an environment that is not the last": {Environment: "Development", Items: []changes.Edit{suspend}},
		"with a key":                             {Environment: "Production", Items: []changes.Edit{{Op: models.OpSuspend, Key: "k"}}},
		"with a value":                           {Environment: "Production", Items: []changes.Edit{{Op: models.OpSuspend, Value: "1"}}},
		"beside another":                         {Environment: "Production", Items: []changes.Edit{suspend, set("k", "1")}},
		"beside another, second":                 {Environment: "Production", Items: []changes.Edit{set("k", "1"), suspend}},
		"to a tier that is no name":              {Environment: "Production", Items: []changes.Edit{{Op: models.OpRetier, Value: "5"}}},
	} {
		d.TenantID, d.Pointer = "acme", changes.ItemPointer
		if _, err := h.Submit(h.as("admin"), d); codeOf(err) != models.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := h.count(`SELECT count(*) FROM changes`); n != 0 {
		t.Errorf("%d changes", n)
	}
}

// What moves a tenant is edited, cancelled or sent on its way only by who may move it; nothing else becomes such a change.
func TestMoveEdits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, err := h.suspend("admin", "acme")
	h.must(err)
	title, items := "Another", []changes.Edit{set("k", "1")}
	for name, act := range map[string]func(ctx context.Context) error{
		"title": func(ctx context.Context) error {
			return errOf(h.Revise(ctx, changes.Revise{ChangeID: c.ID, Title: &title}))
		},
		"items": func(ctx context.Context) error {
			return errOf(h.Revise(ctx, changes.Revise{ChangeID: c.ID, Items: items}))
		},
		"rebase": func(ctx context.Context) error { return errOf(h.Rebase(ctx, c.ID, "")) },
		"cancel": func(ctx context.Context) error { return errOf(h.Cancel(ctx, c.ID, "")) },
	} {
		if err := act(h.as("author")); codeOf(err) != models.CodeForbidden {
			t.Errorf("%s by an engineer: %v", name, err)
		}
		if err := act(h.as("outsider")); codeOf(err) != models.CodeNotFound {
			t.Errorf("%s by another tenant's: %v", name, err)
		}
	}
	may, err := h.May(h.as("author"), c)
	h.must(err)
	h.want(may.Edit, models.CodeForbidden)
	h.want(may.Cancel, models.CodeForbidden)
	_, err = h.Revise(h.as("admin"), changes.Revise{ChangeID: c.ID, Items: items})
	h.want(err, models.CodeInvalid)
	other := h.waits("author", "acme", "Production", set("k", "1"))
	_, err = h.Revise(h.as("admin"), changes.Revise{ChangeID: other.ID, Items: []changes.Edit{{Op: models.OpRetier, Value: `"Free"`}}})
	h.want(err, models.CodeInvalid)
	_, err = h.Revise(h.as("author"), changes.Revise{ChangeID: other.ID, Items: []changes.Edit{{Op: models.OpSuspend}}})
	h.want(err, models.CodeForbidden)
	got, err := h.Revise(h.as("admin"), changes.Revise{ChangeID: c.ID, Title: &title})
	h.must(err)
	if got.Title != title || len(got.Stages) != 3 {
		t.Errorf("%+v", got)
	}
	anew, err := h.Rebase(h.as("admin"), c.ID, "")
	h.must(err)
	h.pass(anew)
}

// Approvers of one tenant carry out what moves it, and see no other tenant for that.
func TestMoveByTheTenantsOwnApprovers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, role := range []models.Role{models.RoleEngineer, models.RoleManager, models.RoleCompliance} {
		h.person("acme's "+string(role), role, "acme")
	}
	h.told()
	h.did("@tier.free", "QA", define("k", models.Defines{Type: models.TypeNumber, Schema: `{"maximum":5}`}))
	h.did("@tier.free", "QA", set("k", "5"))
	h.did("acme", "QA", set("k", "4"))
	own := func(c models.Change) models.Change {
		t.Helper()
		for _, s := range c.Stages {
			var err error
			c, err = h.approve("acme's "+string(s.Role), c)
			h.must(err)
		}
		return c
	}
	c, err := h.retier("admin", "acme", "free")
	h.must(err)
	if c = own(c); c.Status != models.ChangeDeployed {
		t.Errorf("the change is %s", c.Status)
	}
	h.reads("acme", "QA", "k", "4")
	h.did("acme", "QA", op("k", models.OpDelete))
	h.reads("acme", "QA", "k", "5")
	c, err = h.suspend("admin", "acme")
	h.must(err)
	if c = own(c); c.Status != models.ChangeDeployed {
		t.Errorf("the change is %s", c.Status)
	}
}

// A tenant whose own values do not satisfy what another tier says does not move there.
func TestRetierFits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, err := h.retier("admin", "initech", "enterprise")
	h.must(err)
	h.did("initech", "QA", set("limit", "9"))
	h.did(enterprise, "QA", define("limit", models.Defines{Type: models.TypeNumber, Schema: `{"maximum":5}`}))
	_, err = h.retier("admin", "initech", "enterprise")
	h.want(err, models.CodeConflict)
	says(t, err, "limit")
	h.refusedLast(c, models.CodeConflict)
	if got, versions, _ := h.tenant("initech"); got.Tier != "Free" || versions != 1 {
		t.Errorf("%+v", got)
	}
	h.did("initech", "QA", set("limit", "5"))
	h.secretive("@tier.free", "token")
	h.did("initech", "QA", set("token", `"geheim"`))
	h.did(enterprise, "QA", define("token", models.Defines{Type: models.TypeString}))
	_, err = h.retier("admin", "initech", "enterprise")
	h.want(err, models.CodeConflict) // there it would be no secret
	says(t, err, "token")
	h.did(enterprise, "QA", define("token", models.Defines{Type: models.TypeString, Sensitive: true}))
	c, err = h.retier("admin", "initech", "enterprise")
	h.must(err)
	h.pass(c)
	h.sound()
}

// What a tenant's keys are goes with it: a secret stays one, and what the new tier calls one is sealed.
func TestRetierAndSecrets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.secretive(enterprise, "token")
	h.did("acme", "QA", set("token", `"canary-token"`))
	h.did("acme", "QA", set("open", `"canary-open"`))
	_, err := h.Define(h.as("author"), definitions.In{TenantID: "@tier.free", Key: "open", Type: models.TypeString, Sensitive: true})
	h.must(err)
	c, err := h.retier("admin", "acme", "free")
	h.must(err)
	h.pass(c)
	if n := h.count(`SELECT count(*) FROM config_versions WHERE value LIKE '%canary%'`) +
		h.count(`SELECT count(*) FROM change_items WHERE value LIKE '%canary%'`); n != 0 {
		t.Errorf("%d values are in clear", n)
	}
	got, err := h.resolved("acme", "QA", true)
	h.must(err)
	if got["token"] != `"canary-token"` || got["open"] != `"canary-open"` {
		t.Errorf("who may read them reads %v", got)
	}
	h.reads("acme", "QA", "token", "")
	h.reads("acme", "QA", "open", "")
	h.did("acme", "QA", set("token", `"canary-next"`))
	h.nowhere("canary-next")
	if d := h.defined("acme", "token"); d.TenantID != "acme" || !d.Sensitive {
		t.Errorf("%+v", d)
	}
	h.sound()
}

// A change of a tenant that nobody decided in time ends like any other.
func TestMoveExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	moves, err := h.retier("admin", "acme", "free")
	h.must(err)
	h.pass(h.waits("author", "acme", "Production", set("k", `"x"`)))
	defines := h.waits("author", "acme", "Production", define("k", models.Defines{Type: models.TypeString, Sensitive: true}))
	h.d.Admin(t, `UPDATE changes SET expires_at = now() - interval '1 second' WHERE status = 'pending'`)
	for _, c := range []models.Change{moves, defines} {
		h.must((&changes.Expirer{Changes: h.Service}).Expire(t.Context(), changes.Expire{TenantID: "acme", ChangeID: c.ID}))
		var status models.ChangeStatus
		h.d.Scan(t, `SELECT status FROM changes WHERE id = $1`, []any{c.ID}, &status)
		if status != models.ChangeExpired {
			t.Errorf("%s is %s", c.Title, status)
		}
	}
}
