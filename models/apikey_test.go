package models_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestParseAPIKey(t *testing.T) {
	t.Parallel()
	id, secret := "abcdefghijklmnop234567", strings.Repeat("aA0_-", 9)
	tests := map[string]struct {
		key string
		ok  bool
	}{
		"a key":           {"hs_" + id + "_" + secret, true},
		"another prefix":  {"hx_" + id + "_" + secret, false},
		"no prefix":       {id + "_" + secret, false},
		"no id":           {"hs__" + secret, false},
		"short id":        {"hs_abc_" + secret, false},
		"upper-case id":   {"hs_" + strings.ToUpper(id) + "_" + secret, false},
		"odd id":          {"hs_" + id + "-_" + secret, false},
		"no secret":       {"hs_" + id + "_", false},
		"no second part":  {"hs_" + id, false},
		"short secret":    {"hs_" + id + "_" + secret[:31], false},
		"too long":        {"hs_" + id + "_" + strings.Repeat("a", models.MaxAPIKeyLength), false},
		"nothing":         {"", false},
		"the prefix only": {"hs_", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := models.ParseAPIKey(test.key)
			if ok != test.ok || ok && got != id || !ok && got != "" {
				t.Errorf("%q, %v", got, ok)
			}
		})
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	grant := func(role models.Role, tenant string) models.Grant { return models.Grant{Role: role, Tenant: tenant} }
	tests := map[string]struct {
		actor models.Actor
		want  []string
	}{
		"nobody":    {models.Actor{}, nil},
		"elsewhere": {models.Actor{Grants: []models.Grant{grant(models.RoleViewer, "acme")}}, nil},
		"two": {models.Actor{Grants: []models.Grant{
			grant(models.RoleAuditor, "b"), grant(models.RoleViewer, "c"), grant(models.RoleTenantAdmin, "a"), grant(models.RoleAuditor, "a"),
		}}, []string{"b", "a"}},
		"all": {models.Actor{Grants: []models.Grant{
			grant(models.RoleViewer, "b"), grant(models.RoleAuditor, models.Platform),
		}}, []string{models.ScopeAll}},
		"sees all, may in one": {models.Actor{Grants: []models.Grant{
			grant(models.RoleViewer, models.Platform), grant(models.RoleAuditor, "a"),
		}}, []string{"a"}},
		"denied": {models.Actor{
			Grants: []models.Grant{grant(models.RoleAuditor, models.Platform)}, Denied: []models.Permission{models.PermViewAudit},
		}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.actor.Where(models.PermViewAudit); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
