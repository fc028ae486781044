package views

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
)

func TestMatrixSum(t *testing.T) {
	t.Parallel()
	two := []MatrixColumn{{Environment: "QA"}, {Environment: "Production"}}
	tests := map[string]struct {
		m    Matrix
		want string
	}{
		"all":              {Matrix{Columns: two, Keys: 12, Found: 12, Different: 3}, "12 keys, 3 differ between environments."},
		"one differs":      {Matrix{Columns: two, Keys: 12, Found: 12, Different: 1}, "12 keys, 1 differs between environments."},
		"none differs":     {Matrix{Columns: two, Keys: 1, Found: 1}, "1 key, the same in all environments."},
		"one environment":  {Matrix{Columns: two[:1], Keys: 2, Found: 2}, "2 keys."},
		"search":           {Matrix{Columns: two, Query: MatrixQuery{Search: "x"}, Keys: 12, Found: 1, Different: 1}, "1 of 12 keys fits the search, 1 differs between environments."},
		"only differences": {Matrix{Columns: two, Query: MatrixQuery{OnlyDifferent: true}, Keys: 12, Found: 3, Different: 3}, "3 of 12 keys differ between environments."},
		"both": {
			Matrix{Columns: two, Query: MatrixQuery{Search: "x", OnlyDifferent: true}, Keys: 12, Found: 2, Different: 2},
			"2 of 12 keys fit the search and differ between environments.",
		},
	}
	for name, tt := range tests {
		if got := tt.m.sum(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestMatrixAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ got, want string }{
		"plain":       {MatrixQuery{TenantID: "acme"}.URL(""), "/tenants/acme"},
		"narrowed":    {MatrixQuery{TenantID: "@tier.pro", Search: "a b&c", OnlyDifferent: true}.URL("next"), "/tenants/@tier.pro?cursor=next&different=1&search=a+b%26c"},
		"first":       {MatrixQuery{TenantID: "acme", Search: "x", Cursor: "c"}.First(), "/tenants/acme?search=x"},
		"on first":    {MatrixQuery{TenantID: "acme", Search: "x"}.First(), ""},
		"new key":     {EditURL("acme", "", "", ""), "/tenants/acme/edit"},
		"edit":        {Matrix{Tenant: models.Tenant{ID: "acme"}}.editURL("QA", "a.b"), "/tenants/acme/edit?environment=QA&key=a.b"},
		"edit & back": {Matrix{Tenant: models.Tenant{ID: "acme"}, Query: MatrixQuery{TenantID: "acme", Search: "x"}}.editURL("QA", "a"), "/tenants/acme/edit?environment=QA&key=a&return=%2Ftenants%2Facme%3Fsearch%3Dx"},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
}

func TestTenantTitle(t *testing.T) {
	t.Parallel()
	for want, tenant := range map[string]models.Tenant{
		"Platform defaults": {ID: models.Platform, Name: "Platform"}, "Pro tier defaults": {ID: "@tier.pro", Name: "Pro"}, "Acme": {ID: "acme", Name: "Acme"},
	} {
		if got := tenantTitle(tenant); got != want {
			t.Errorf("%s is called %s, want %s", tenant.ID, got, want)
		}
	}
}

func TestTenantFacts(t *testing.T) {
	t.Parallel()
	got := tenantFacts(models.Tenant{Metadata: `{"region":"eu","limits":{"seats":5},"paid":true}`})
	want := []tenantFact{{"limits", `{"seats":5}`}, {"paid", "true"}, {"region", "eu"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tenantFact{})); diff != "" {
		t.Error(diff)
	}
	if got := tenantFacts(models.Tenant{Metadata: "{}"}); len(got) > 0 {
		t.Errorf("facts of nothing: %v", got)
	}
}

func TestTenantsSum(t *testing.T) {
	t.Parallel()
	some := make([]models.Tenant, 2)
	for want, list := range map[string]Tenants{
		"2 tenants.": {Items: some}, "The first 2 tenants; more on the next page.": {Items: some, Next: "n"},
		"The last 2 tenants.":                       {Items: some, Query: TenantQuery{Cursor: "c"}},
		"2 tenants on this page; more on the next.": {Items: some, Next: "n", Query: TenantQuery{Cursor: "c"}},
	} {
		if got := list.sum(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestStagesIn(t *testing.T) {
	t.Parallel()
	stage := func(role models.Role, n int) models.Stage {
		return models.Stage{Name: string(role), Role: role, Required: n}
	}
	engineer, manager := stage(models.RoleEngineer, 1), stage(models.RoleManager, 2)
	policies := []models.Policy{
		{TenantID: "@tier.pro", Environment: "Production", Stages: []models.Stage{engineer, manager}},
		{TenantID: "@tier.free", Environment: "Production"},
		{TenantID: models.Platform, Environment: "Production", Stages: []models.Stage{engineer}},
		{TenantID: models.Platform, Environment: "QA"},
	}
	tests := map[string]struct {
		tenant      models.Tenant
		environment string
		want        string
	}{
		"its tier's":                {models.Tenant{ID: "a", Tier: "Pro"}, "Production", "engineer and 2 × manager"},
		"its tier asks for nothing": {models.Tenant{ID: "a", Tier: "Free"}, "Production", ""},
		"its tier has none":         {models.Tenant{ID: "a", Tier: "Enterprise"}, "Production", "engineer"},
		"tier's layer":              {models.Tenant{ID: "@tier.pro", Name: "Pro"}, "Production", "engineer and 2 × manager"},
		"platform: all of them":     {models.Tenant{ID: models.Platform}, "Production", "engineer and 2 × manager"},
		"no stages":                 {models.Tenant{ID: "a", Tier: "Pro"}, "QA", ""},
		"no policy":                 {models.Tenant{ID: "a", Tier: "Pro"}, "Elsewhere", ""},
	}
	for name, tt := range tests {
		if got := Approvers(StagesIn(policies, tt.tenant, tt.environment)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
