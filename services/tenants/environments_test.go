package tenants_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
)

func (s site) order(t testing.TB) (out []string) {
	t.Helper()
	all, err := s.Environments(as(t, models.RoleReader, "acme", ""))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		if e.Position != i+1 {
			t.Errorf("%s has position %d, not %d", e.Name, e.Position, i+1)
		}
		out = append(out, e.Name)
	}
	return out
}

func TestPutEnvironment(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	at := func(n int) *int { return &n }
	steps := []struct {
		name     string
		position *int
		made     bool
		want     models.Code
	}{
		{"Sandbox", at(1), true, ""},
		{"Sandbox", nil, false, ""},
		{"Sandbox", at(1), false, ""},
		{"Sandbox", at(2), false, models.CodeConflict},
		{"sandbox", nil, false, models.CodeConflict},
		{"DR", nil, true, ""},
		{"Canary", at(5), true, ""},
		{"Far", at(99), true, ""},
		{"keys", nil, false, models.CodeInvalid},
		{"1st", nil, false, models.CodeInvalid},
		{"", nil, false, models.CodeInvalid},
	}
	for _, step := range steps {
		e, made, err := s.PutEnvironment(admin(t), step.name, step.position)
		if code(err) != step.want || err == nil && (e.Name != step.name || made != step.made) {
			t.Errorf("%s: got %+v %v %v", step.name, e, made, err)
		}
	}
	want := []string{"Sandbox", "Development", "QA", "Staging", "Canary", "Production", "DR", "Far"}
	if got := s.order(t); !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	policies, err := s.Policies(admin(t), tenants.PolicyFilter{Environment: "Canary"})
	if err != nil || len(policies) != 1 || len(policies[0].Stages) != 0 || policies[0].DefaultStrategy != "direct" {
		t.Errorf("policy of the new one: %+v, %v", policies, err)
	}
	for name, by := range map[string]context.Context{
		"viewer": as(t, models.RoleViewer, models.Platform, ""), "tenant-admin": as(t, models.RoleTenantAdmin, "acme", ""),
	} {
		if _, _, err := s.PutEnvironment(by, "Mine", nil); code(err) != models.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Environments(t.Context()); code(err) != models.CodeUnauthenticated {
		t.Errorf("nobody: %v", err)
	}
}

func policy(stages ...models.Stage) models.Policy {
	return models.Policy{
		Stages: stages, DefaultStrategy: "direct", AllowedStrategies: []string{"direct"},
		MinSoak: time.Hour, RequirePrevious: true, ExpiresIn: 48 * time.Hour,
	}
}

func TestPutPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	stage := models.Stage{Name: "engineer", Role: models.RoleEngineer, Required: 2}
	tests := map[string]struct {
		by                         context.Context
		environment, tier, ifMatch string
		in                         models.Policy
		want                       models.Code
	}{
		"nobody":         {t.Context(), "QA", "", "", policy(stage), models.CodeUnauthenticated},
		"viewer of all":  {as(t, models.RoleViewer, models.Platform, ""), "QA", "", "", policy(stage), models.CodeForbidden},
		"tenant-admin":   {as(t, models.RoleTenantAdmin, "acme", ""), "QA", "", "", policy(stage), models.CodeForbidden},
		"no environment": {admin(t), "Nowhere", "", "", policy(stage), models.CodeNotFound},
		"no tier":        {admin(t), "QA", "gold", "", policy(stage), models.CodeNotFound},
		"no such role":   {admin(t), "QA", "", "", policy(models.Stage{Name: "x", Role: "viewer", Required: 1}), models.CodeInvalid},
		"other state":    {admin(t), "QA", "", `"9"`, policy(stage), models.CodePreconditionFailed},
		"state of none":  {admin(t), "QA", "pro", `"1"`, policy(stage), models.CodePreconditionFailed},
	}
	for name, test := range tests {
		if _, err := s.PutPolicy(test.by, test.environment, test.tier, test.in, test.ifMatch); code(err) != test.want {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}

	first, err := s.PutPolicy(admin(t), "QA", "", policy(stage), `"1"`)
	if err != nil || first.Version != 2 || first.TenantID != models.Platform {
		t.Fatalf("platform: %+v, %v", first, err)
	}
	if got, err := s.PutPolicy(admin(t), "QA", "Pro", policy(), ""); err != nil || got.Version != 1 || got.TenantID != "@tier.pro" {
		t.Fatalf("tier: %+v, %v", got, err)
	}
	list, err := s.Policies(admin(t), tenants.PolicyFilter{Environment: "QA"})
	if err != nil || len(list) != 2 || !cmp.Equal(list[0], first, cmp.Comparer(time.Time.Equal)) || len(list[1].Stages) != 0 {
		t.Errorf("list: %+v, %v", list, err)
	}
	var resource, before, after string
	s.db.Scan(t, `SELECT resource, before, after FROM audit_entries WHERE action = 'policy.update' AND tenant_id = '@platform'`,
		nil, &resource, &before, &after)
	if resource != "policy/QA" || before == after {
		t.Errorf("audit: %s %s %s", resource, before, after)
	}
	s.db.Scan(t, `SELECT resource FROM audit_entries WHERE action = 'policy.update' AND tenant_id = '@tier.pro'`, nil, &resource)
	if resource != "policy/QA/pro" {
		t.Errorf("audit: %s", resource)
	}
}

func TestPoliciesOfOneTenant(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	if _, err := s.Create(admin(t), tenants.In{TenantID: "small", Name: "Small", Tier: "Free"}); err != nil {
		t.Fatal(err)
	}
	layers := func(by context.Context, f tenants.PolicyFilter) (out []string) {
		list, err := s.Policies(by, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			out = append(out, p.Environment+" "+p.TenantID)
		}
		return out
	}
	production := tenants.PolicyFilter{Environment: "Production"}
	both := []string{"Production @platform", "Production @tier.enterprise"}
	if got := layers(as(t, models.RoleViewer, "acme", ""), production); !cmp.Equal(got, both) {
		t.Errorf("a tenant of the tier: %v", got)
	}
	if got := layers(as(t, models.RoleViewer, "small", ""), production); !cmp.Equal(got, both[:1]) {
		t.Errorf("a tenant of another: %v", got)
	}
	if got := layers(admin(t), tenants.PolicyFilter{Tier: "enterprise"}); !cmp.Equal(got, both[1:]) {
		t.Errorf("by tier: %v", got)
	}
	if _, err := s.Policies(as(t, models.RoleReader, "acme", ""), production); code(err) != models.CodeForbidden {
		t.Errorf("application key: %v", err)
	}
}
