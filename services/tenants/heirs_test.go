package tenants_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
)

func TestHeirs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for id, tier := range map[string]string{"a": "pro", "b": "pro", "c": "free"} {
		if _, err := s.Create(admin(t), tenants.In{TenantID: id, Name: id, Tier: tier}); err != nil {
			t.Fatal(err)
		}
	}
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'b'`)
	for id, want := range map[string]int{models.Platform: 2, "@tier.pro": 1, "@tier.free": 1, "@tier.enterprise": 0, "a": 0} {
		layer, err := s.Get(admin(t), id)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Heirs(admin(t), layer); err != nil || n != want {
			t.Errorf("%s has %d heirs, %v, want %d", id, n, err, want)
		}
	}
	own := models.WithActor(t.Context(), models.Actor{Grants: []models.Grant{{Role: models.RoleTenantAdmin, Tenant: "a"}}})
	if n, err := s.Heirs(own, models.Tenant{ID: "@tier.pro", Name: "Pro"}); code(err) != models.CodeForbidden {
		t.Errorf("who sees one tenant counts %d, %v", n, err)
	}
}
