package models_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
)

func TestRights(t *testing.T) {
	t.Parallel()
	a := models.Actor{
		ActorRef: models.ActorRef{ID: "p", Kind: models.ActorPerson},
		Grants: []models.Grant{
			{Role: models.RoleEngineer, Tenant: "acme", Environment: "Staging"},
			{Role: models.RoleViewer, Tenant: "acme"},
			{Role: models.RoleTenantAdmin, Limit: models.RoleViewer, Tenant: "globex"},
		},
	}
	tests := []struct {
		p                   models.Permission
		tenant, environment string
		want                models.Code
	}{
		{models.PermEditConfigs, "acme", "Staging", ""},
		{models.PermEditConfigs, "acme", "Production", models.CodeForbidden},
		{models.PermEditConfigs, "acme", "", ""},
		{models.PermViewConfigs, "acme", "Production", ""},
		{models.PermEditConfigs, "globex", "Staging", models.CodeForbidden},
		{models.PermViewConfigs, "globex", "Staging", ""},
		{models.PermViewConfigs, "initech", "Staging", models.CodeNotFound},
		{models.PermViewConfigs, models.Platform, "", models.CodeNotFound},
	}
	for _, tt := range tests {
		if got := codeOf(a.Require(tt.p, "tenant", tt.tenant, tt.environment)); got != tt.want {
			t.Errorf("%s in %s/%s: %q, want %q", tt.p, tt.tenant, tt.environment, got, tt.want)
		}
	}
	if a.Everywhere(models.PermEditConfigs, "acme") || !a.Everywhere(models.PermViewConfigs, "acme") {
		t.Error("one environment is not everywhere")
	}
	if diff := cmp.Diff([]models.Place{{"acme", "Staging"}}, a.Places(models.PermEditConfigs)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"acme", "globex"}, a.Scope()); diff != "" {
		t.Error(diff)
	}
	a.Denied = []models.Permission{models.PermViewConfigs}
	if a.Can(models.PermViewConfigs, "acme", "") || len(a.Places(models.PermViewConfigs)) != 0 {
		t.Error("denied and done all the same")
	}
}

func TestExtraRights(t *testing.T) {
	t.Parallel()
	a := models.Actor{Grants: []models.Grant{
		{Role: models.RoleReader, Tenant: "acme", Environment: "QA", Extra: models.PermReadSecrets},
		{Role: models.RoleReader, Tenant: models.Platform},
	}}
	if !a.Can(models.PermReadSecrets, "acme", "QA") || a.Can(models.PermReadSecrets, "acme", "Production") || a.Can(models.PermReadSecrets, "globex", "QA") {
		t.Error("an extra right holds where the key opens, nowhere else")
	}
	if diff := cmp.Diff([]models.Place{{"acme", "QA"}}, a.Places(models.PermReadSecrets)); diff != "" {
		t.Error(diff)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	for want, grants := range map[string][]models.Grant{
		"acme":          {{Tenant: "acme"}, {Tenant: "acme"}},
		models.Platform: {{Tenant: "acme"}, {Tenant: "globex"}},
	} {
		if got := (models.Actor{Grants: grants}).Home(); got != want {
			t.Errorf("home is %s, want %s", got, want)
		}
	}
	all := models.Actor{Grants: []models.Grant{{Tenant: "acme"}, {Tenant: models.Platform}}}
	if all.Home() != models.Platform {
		t.Error("an actor of all tenants is at home on the platform")
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, r := range models.Roles() {
		if !r.Valid() || !r.Allows(models.PermResolve) {
			t.Errorf("%s cannot read", r)
		}
		if r.Decides() != r.Allows(models.PermDecide) {
			t.Errorf("%s: the table and the stages disagree", r)
		}
	}
	if models.Role("root").Valid() || models.RoleReader.Allows(models.PermViewConfigs) || models.RolePlatformAdmin.Allows(models.PermReadSecrets) {
		t.Error("too much is allowed")
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	if _, ok := models.ActorFrom(context.Background()); ok {
		t.Error("somebody is nobody")
	}
	ctx := models.WithRequest(models.WithActor(t.Context(), models.System("scan")), models.Request{ID: "r", Address: "a"})
	if a, ok := models.ActorFrom(ctx); !ok || a.String() != "system:scan" || models.RequestFrom(ctx).ID != "r" {
		t.Error("lost in the context")
	}
	if ref := models.ParseActorRef("service:abc"); ref.Kind != models.ActorService || ref.ID != "abc" {
		t.Error(ref)
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	for id, want := range map[string][]string{
		"acme":          {"@platform", "@tier.small-business", "acme"},
		"@tier.free":    {"@platform", "@tier.free"},
		models.Platform: {"@platform"},
	} {
		tenant := models.Tenant{ID: id, Tier: "Small Business"}
		if diff := cmp.Diff(want, tenant.Chain()); diff != "" {
			t.Error(diff)
		}
	}
	if (models.Tenant{ID: "@tier.free"}).Slug() != "free" || (models.Tenant{Tier: " Big & Co! "}).Slug() != "big-co" {
		t.Error("slugs")
	}
	for id, ok := range map[string]bool{"a": true, "a-b": true, "-a": false, "a-": false, "A": false, "@platform": false, "": false} {
		if models.ValidTenantID(id) != ok {
			t.Errorf("%q", id)
		}
	}
}

func TestLeaf(t *testing.T) {
	t.Parallel()
	entry := models.Entry{TenantID: "acme", ID: "1", At: noon, SubjectRef: "s", Commitment: "c", Action: "a.b", Resource: "a/1", Before: "1", After: "2", RequestID: "r"}
	first, err := entry.Leaf()
	if err != nil || len(first) != 32 {
		t.Fatal(err)
	}
	edits := []func(*models.Entry){
		func(e *models.Entry) { e.TenantID = "x" }, func(e *models.Entry) { e.ID = "x" }, func(e *models.Entry) { e.At = noon.Add(1) },
		func(e *models.Entry) { e.SubjectRef = "x" }, func(e *models.Entry) { e.Commitment = "x" }, func(e *models.Entry) { e.Action = "x" },
		func(e *models.Entry) { e.Resource = "x" }, func(e *models.Entry) { e.Before = "x" }, func(e *models.Entry) { e.After = "x" },
		func(e *models.Entry) { e.RequestID = "x" },
	}
	for i, edit := range edits {
		e := entry
		edit(&e)
		if leaf, err := e.Leaf(); err != nil || string(leaf) == string(first) {
			t.Errorf("edit %d is not seen", i)
		}
	}
	ann := models.ActorRef{ID: "ann", Kind: models.ActorPerson, Name: "Ann"}
	one, _ := models.Commit(ann, "10.0.0.1", []byte("salt"))
	two, _ := models.Commit(ann, "10.0.0.1", []byte("pepper"))
	three, _ := models.Commit(ann, "10.0.0.2", []byte("salt"))
	if one == two || one == three || len(one) != 64 {
		t.Error("the commitment does not bind")
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	reader := func(places ...models.Place) models.Actor {
		var a models.Actor
		for _, p := range places {
			a.Grants = append(a.Grants, models.Grant{Role: models.RoleReader, Tenant: p.Tenant, Environment: p.Environment})
		}
		return a
	}
	acmeQA, acmeAll := models.Place{Tenant: "acme", Environment: "QA"}, models.Place{Tenant: "acme"}
	tests := map[string]struct {
		actor models.Actor
		want  models.Place
	}{
		"one tenant":              {reader(acmeAll), acmeAll},
		"one environment":         {reader(acmeQA), acmeQA},
		"the same twice":          {reader(acmeQA, acmeQA), acmeQA},
		"one and all of a tenant": {reader(acmeQA, acmeAll), acmeAll},
		"all and one of a tenant": {reader(acmeAll, acmeQA), acmeAll},
		"two tenants":             {reader(acmeQA, models.Place{Tenant: "globex", Environment: "QA"}), models.Place{Environment: "QA"}},
		"three tenants":           {reader(acmeAll, models.Place{Tenant: "globex"}, acmeAll), models.Place{}},
		"all tenants":             {reader(models.Place{Tenant: models.Platform}), models.Place{}},
		"all and one":             {reader(models.Place{Tenant: models.Platform}, acmeAll), models.Place{}},
		"all in one environment":  {reader(models.Place{Tenant: models.Platform, Environment: "QA"}), models.Place{Environment: "QA"}},
		"nowhere":                 {models.Actor{}, models.Place{}},
		"another right elsewhere": {models.Actor{Grants: []models.Grant{{Tenant: "globex"}, {Role: models.RoleReader, Tenant: "acme"}}}, acmeAll},
	}
	for name, test := range tests {
		if got := test.actor.Bound(models.PermResolve); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
