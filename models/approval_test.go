package models_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func codeOf(err error) models.Code {
	if known, ok := errors.AsType[*models.Error](err); ok {
		return known.Code
	}
	if err != nil {
		return "other"
	}
	return ""
}

// somebody is a person with roles for all tenants; the e-mail is the identity if it is set.
func somebody(id string, roles ...models.Role) models.Actor {
	a := models.Actor{ActorRef: models.ActorRef{ID: id, Kind: models.ActorPerson, Name: id}}
	for _, r := range roles {
		a.Grants = append(a.Grants, models.Grant{Role: r, Tenant: models.Platform})
	}
	return a
}

// who takes "ann" and "ann-again" for one person.
func who(id string) string {
	if id == "ann-again" {
		return "ann"
	}
	return id
}

func waiting(t *testing.T) models.Change {
	t.Helper()
	expires := noon.Add(time.Hour)
	c := models.Change{
		TenantID: "acme", ID: "c1", Environment: "Production", Title: "t", Status: models.ChangePending, ExpiresAt: &expires,
		Stages: []models.Stage{
			{Name: "engineer", Role: models.RoleEngineer, Required: 1},
			{Name: "manager", Role: models.RoleManager, Required: 2},
		},
		Items: []models.Item{{Key: "k", Op: models.OpSet, Value: `"v"`, ConfigID: "x"}},
	}
	c.Written(somebody("author"))
	var err error
	if c.Digest, err = c.ComputeDigest(); err != nil {
		t.Fatal(err)
	}
	return c
}

func approve(c *models.Change) models.Decision {
	return models.Decision{Verdict: models.Approve, Digest: c.Digest}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	service := models.Actor{ActorRef: models.ActorRef{ID: "s", Kind: models.ActorService}, Grants: somebody("", models.RoleEngineer).Grants}
	elsewhere := somebody("ann")
	elsewhere.Grants = []models.Grant{{Role: models.RoleEngineer, Tenant: "globex"}, {Role: models.RoleEngineer, Tenant: "acme", Environment: "QA"}}
	limited := somebody("ann")
	limited.Grants = []models.Grant{{Role: models.RoleEngineer, Limit: models.RoleViewer, Tenant: models.Platform}}
	tests := map[string]struct {
		by     models.Actor
		change func(*models.Change)
		digest string
		at     time.Duration
		want   models.Code
	}{
		"an engineer":               {by: somebody("ann", models.RoleEngineer)},
		"the author":                {by: somebody("author", models.RoleEngineer), want: models.CodeForbidden},
		"an editor":                 {by: somebody("ed", models.RoleEngineer), change: func(c *models.Change) { c.Editors = []models.ActorRef{{ID: "ed", Kind: models.ActorPerson}} }, want: models.CodeForbidden},
		"the author's second login": {by: somebody("ann-again", models.RoleEngineer), change: func(c *models.Change) { c.Author.ID = "ann" }, want: models.CodeForbidden},
		"who answers for a service": {by: somebody("ann", models.RoleEngineer), change: func(c *models.Change) { c.Responsible = []string{"ann-again"} }, want: models.CodeForbidden},
		"a service":                 {by: service, want: models.CodeForbidden},
		"a manager too early":       {by: somebody("m", models.RoleManager), want: models.CodeForbidden},
		"an admin":                  {by: somebody("a", models.RolePlatformAdmin, models.RoleTenantAdmin), want: models.CodeForbidden},
		"an engineer of others":     {by: elsewhere, want: models.CodeForbidden},
		"a key with less":           {by: limited, want: models.CodeForbidden},
		"a stale digest":            {by: somebody("ann", models.RoleEngineer), digest: "0", want: models.CodeConflict},
		"after its time":            {by: somebody("ann", models.RoleEngineer), at: time.Hour, want: models.CodeConflict},
		"a cancelled change":        {by: somebody("ann", models.RoleEngineer), change: func(c *models.Change) { c.Status = models.ChangeCancelled }, want: models.CodeConflict},
		"no stage left":             {by: somebody("ann", models.RoleEngineer), change: func(c *models.Change) { c.Stages = nil }, want: models.CodeConflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := waiting(t)
			if tt.change != nil {
				tt.change(&c)
			}
			d := approve(&c)
			if tt.digest != "" {
				d.Digest = tt.digest
			}
			err := c.Decide(d, tt.by, who, noon.Add(tt.at))
			if got := codeOf(err); got != tt.want {
				t.Fatalf("got %q (%v), want %q", got, err, tt.want)
			}
			if (err == nil) != (len(c.Decisions) == 1) {
				t.Errorf("%d decisions after %v", len(c.Decisions), err)
			}
		})
	}
}

// Stages open one after the other, each person counts once, and the last approval approves.
func TestStagesInOrder(t *testing.T) {
	t.Parallel()
	c := waiting(t)
	step := func(by models.Actor, want models.Code, first, second models.StageStatus) {
		t.Helper()
		if err := c.Decide(approve(&c), by, who, noon); codeOf(err) != want {
			t.Fatalf("%s: %v", by.ID, err)
		}
		if c.StageStatus(0) != first || c.StageStatus(1) != second {
			t.Fatalf("after %s: %s, %s", by.ID, c.StageStatus(0), c.StageStatus(1))
		}
	}
	both := []models.Role{models.RoleEngineer, models.RoleManager}
	if c.StageStatus(0) != models.StageOpen || c.StageStatus(1) != models.StageWaiting {
		t.Fatal("not at the first stage")
	}
	step(somebody("ann", both...), "", models.StageApproved, models.StageOpen)
	step(somebody("ann", both...), models.CodeForbidden, models.StageApproved, models.StageOpen)
	step(somebody("ann-again", both...), models.CodeForbidden, models.StageApproved, models.StageOpen)
	step(somebody("m1", models.RoleManager), "", models.StageApproved, models.StageOpen)
	step(somebody("m2", models.RoleManager), "", models.StageApproved, models.StageApproved)
	if c.Status != models.ChangeApproved || !c.Satisfied() {
		t.Errorf("the change is %s", c.Status)
	}
	if err := c.Decide(approve(&c), somebody("ann", both...), who, noon); codeOf(err) != models.CodeForbidden {
		t.Errorf("who decided decides again: %v", err)
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	c := waiting(t)
	d := models.Decision{Verdict: models.Reject, Digest: c.Digest}
	if err := c.Decide(d, somebody("ann", models.RoleEngineer), who, noon); err != nil {
		t.Fatal(err)
	}
	if c.Status != models.ChangeRejected || c.StageStatus(0) != models.StageRejected {
		t.Errorf("%s, %s", c.Status, c.StageStatus(0))
	}
}

func TestEditVoids(t *testing.T) {
	t.Parallel()
	c := waiting(t)
	if err := c.Decide(approve(&c), somebody("ann", models.RoleEngineer), who, noon); err != nil {
		t.Fatal(err)
	}
	old := c.Digest
	bob := somebody("bob", models.RoleEngineer)
	c.Edited(bob)
	c.Edited(bob)
	if len(c.Editors) != 1 || c.Decisions[0].Voided != models.VoidEdited || c.StageStatus(0) != models.StageOpen {
		t.Errorf("%+v", c)
	}
	digest, err := c.ComputeDigest()
	if err != nil || digest == old {
		t.Errorf("the digest stayed: %v", err)
	}
	if err := c.Decide(approve(&c), bob, who, noon); codeOf(err) != models.CodeForbidden {
		t.Errorf("the editor decides: %v", err)
	}
	if err := c.Decide(approve(&c), somebody("ann", models.RoleEngineer), who, noon); err != nil {
		t.Errorf("a voided decision still counts: %v", err)
	}
}

func TestRecheck(t *testing.T) {
	t.Parallel()
	approved := func(t *testing.T) models.Change {
		t.Helper()
		c := waiting(t)
		for _, by := range []models.Actor{somebody("ann", models.RoleEngineer), somebody("m1", models.RoleManager), somebody("m2", models.RoleManager)} {
			if err := c.Decide(approve(&c), by, who, noon); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	all := func(string, models.Role) bool { return true }
	t.Run("still right", func(t *testing.T) {
		t.Parallel()
		c := approved(t)
		if _, may := c.Recheck(c.Stages, all, who); !may || c.Status != models.ChangeApproved {
			t.Error("not applied")
		}
	})
	t.Run("a lost right", func(t *testing.T) {
		t.Parallel()
		c := approved(t)
		holds := func(id string, r models.Role) bool { return id != "ann" || r != models.RoleEngineer }
		struck, may := c.Recheck(c.Stages, holds, who)
		if may || len(struck) != 1 {
			t.Fatal("applied")
		}
		if struck, _ := c.Recheck(c.Stages, holds, who); len(struck) != 0 {
			t.Error("struck twice")
		}
		if stage, ok := c.CurrentStage(); !ok || stage.Name != "engineer" || c.Decisions[0].Voided != models.VoidStruck {
			t.Errorf("%+v", c)
		}
	})
	t.Run("two approvers turn out to be one", func(t *testing.T) {
		t.Parallel()
		c := approved(t)
		if _, may := c.Recheck(c.Stages, all, func(id string) string {
			if id == "m2" {
				return "m1"
			}
			return id
		}); may {
			t.Error("applied")
		}
	})
	t.Run("an approver turns out to be the author", func(t *testing.T) {
		t.Parallel()
		c := approved(t)
		if _, may := c.Recheck(c.Stages, all, func(id string) string {
			if id == "ann" {
				return "author"
			}
			return id
		}); may {
			t.Error("applied")
		}
	})
	t.Run("a stage not asked before", func(t *testing.T) {
		t.Parallel()
		c := approved(t)
		more := append(slices.Clone(c.Stages), models.Stage{Name: "compliance", Role: models.RoleCompliance, Required: 1})
		if _, may := c.Recheck(more, all, who); may {
			t.Fatal("applied")
		}
		if stage, ok := c.CurrentStage(); !ok || stage.Name != "compliance" || c.Status != models.ChangePending {
			t.Errorf("%+v", c)
		}
	})
}

func TestDigestCoversAll(t *testing.T) {
	t.Parallel()
	base := waiting(t)
	edits := map[string]func(*models.Change){
		"tenant":      func(c *models.Change) { c.TenantID = "globex" },
		"id":          func(c *models.Change) { c.ID = "c2" },
		"environment": func(c *models.Change) { c.Environment = "QA" },
		"title":       func(c *models.Change) { c.Title = "another" },
		"reason":      func(c *models.Change) { c.Reason = "because" },
		"author":      func(c *models.Change) { c.Author.ID = "x" },
		"editor":      func(c *models.Change) { c.Editors = []models.ActorRef{{ID: "e"}} },
		"strategy":    func(c *models.Change) { c.Strategy.Version = 9 },
		"review":      func(c *models.Change) { c.AlwaysReview = true },
		"key":         func(c *models.Change) { c.Items[0].Key = "k2" },
		"op":          func(c *models.Change) { c.Items[0].Op = models.OpDelete },
		"value":       func(c *models.Change) { c.Items[0].Value = `"w"` },
		"base":        func(c *models.Change) { c.Items[0].BaseVersion = 4 },
		"definition":  func(c *models.Change) { c.Items[0].Definition = 4 },
		"defines":     func(c *models.Change) { c.Items[0].Defines = &models.Defines{Type: models.TypeJSON} },
	}
	for name, edit := range edits {
		c := waiting(t)
		edit(&c)
		if digest, err := c.ComputeDigest(); err != nil || digest == base.Digest {
			t.Errorf("%s is not signed (%v)", name, err)
		}
	}
	if again := waiting(t); again.Digest != base.Digest || len(base.Digest) != 64 {
		t.Error("the same change has two digests")
	}
}

// The barrier is the first of what keeps somebody from deciding, and its error has the code of the call.
func TestBarrier(t *testing.T) {
	t.Parallel()
	ann := somebody("ann", models.RoleEngineer)
	service := ann
	service.Kind = models.ActorService
	state := func(s models.ChangeStatus) func(*models.Change) { return func(c *models.Change) { c.Status = s } }
	signed := func(c *models.Change) {
		c.Decisions = []models.Decision{{Stage: "engineer", Verdict: models.Approve, Person: models.ActorRef{ID: "ann-again", Kind: models.ActorPerson}}}
	}
	voided := func(c *models.Change) { signed(c); c.Void(models.VoidEdited) }
	for name, tt := range map[string]struct {
		by     models.Actor
		change func(*models.Change)
		at     time.Duration
		want   models.Barrier
		code   models.Code
		text   string
	}{
		"none":                    {by: ann},
		"a service":               {by: service, want: models.BarrierService, code: models.CodeForbidden},
		"the author":              {by: somebody("author", models.RoleEngineer), want: models.BarrierAuthor, code: models.CodeForbidden},
		"the author, too late":    {by: somebody("author"), at: time.Hour, want: models.BarrierAuthor, code: models.CodeForbidden},
		"by another account":      {by: ann, change: signed, want: models.BarrierDecided, code: models.CodeForbidden},
		"decided before the edit": {by: ann, change: voided},
		"a draft":                 {by: ann, change: state(models.ChangeDraft), want: models.BarrierStatus, code: models.CodeConflict, text: "the change is already draft"},
		"deployed":                {by: ann, change: state(models.ChangeDeployed), want: models.BarrierStatus, code: models.CodeConflict, text: "the change is already deployed"},
		"deployed long ago":       {by: ann, at: time.Hour, change: state(models.ChangeDeployed), want: models.BarrierStatus, code: models.CodeConflict},
		"past its time":           {by: ann, at: time.Hour, want: models.BarrierExpired, code: models.CodeConflict, text: "the change has expired"},
		"expired":                 {by: ann, change: state(models.ChangeExpired), want: models.BarrierExpired, code: models.CodeConflict},
		"no stage":                {by: ann, change: func(c *models.Change) { c.Stages = nil }, want: models.BarrierStatus, code: models.CodeConflict, text: "the change waits for no decision"},
		"another role":            {by: somebody("m", models.RoleManager), want: models.BarrierRole, code: models.CodeForbidden, text: "this stage needs the role engineer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := waiting(t)
			if tt.change != nil {
				tt.change(&c)
			}
			err := c.MayDecide(tt.by, who, noon.Add(tt.at))
			if got := c.Barrier(tt.by, who, noon.Add(tt.at)); got != tt.want || codeOf(err) != tt.code {
				t.Errorf("%q and %v, want %q and %q", got, err, tt.want, tt.code)
			}
			if tt.text != "" && err.Error() != tt.text {
				t.Errorf("it says %q", err)
			}
		})
	}
}

func TestEditable(t *testing.T) {
	t.Parallel()
	for status, want := range map[models.ChangeStatus][2]models.Code{ // of Editable and IsDraft
		models.ChangeDraft:     {"", ""},
		models.ChangePending:   {"", models.CodeConflict},
		models.ChangeApproved:  {"", models.CodeConflict},
		models.ChangeScheduled: {"", models.CodeConflict},
		models.ChangeDeploying: {models.CodeConflict, models.CodeConflict},
		models.ChangeDeployed:  {models.CodeConflict, models.CodeConflict},
		models.ChangeExpired:   {models.CodeConflict, models.CodeConflict},
	} {
		c := models.Change{Status: status}
		if got := [2]models.Code{codeOf(c.Editable()), codeOf(c.IsDraft())}; got != want {
			t.Errorf("%s: %q, want %q", status, got, want)
		}
	}
}
