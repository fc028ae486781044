package access_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// turn gives a tenant a status, and moves the heads that a deletion and its undoing move.
func (h *house) turn(t *testing.T, tenant string, status models.TenantStatus) {
	t.Helper()
	h.Admin(t, `UPDATE tenants SET status = $2 WHERE tenant_id = $1`, tenant, string(status))
	h.Admin(t, `UPDATE heads SET revision = revision + 1, token = gen_random_uuid() WHERE tenant_id = '@platform' AND environment IN ('keys', 'roles')`)
	h.Raise([]models.Head{
		h.Head(t, models.Platform, models.HeadKeys), h.Head(t, models.Platform, models.HeadRoles),
	})
}

// TestDeletedTenantOpensNothing walks every kind of right that hangs on a tenant, before its deletion, after it, and
// when it is undone.
func TestDeletedTenantOpensNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ann := h.account(t, "ann", models.RoleEngineer, "acme")
	h.account(t, "ann", models.RoleViewer, "globex")
	ben := h.account(t, "ben", models.RoleEngineer, "")
	keyOf := func(by models.Actor, in access.KeyInput) string {
		t.Helper()
		_, key, err := h.CreateKey(models.WithActor(t.Context(), by), in)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	admin, _ := models.ActorFrom(root)
	service := keyOf(admin, access.KeyInput{Name: "s", Role: models.RoleReader, TenantID: "acme"})
	personal := keyOf(h.actor(t, ann), access.KeyInput{Name: "p", Role: models.RoleEngineer, TenantID: "acme", Owner: access.OwnerMe})
	ofAll := keyOf(h.actor(t, ben), access.KeyInput{Name: "a", Role: models.RoleEngineer, TenantID: "acme", Owner: access.OwnerMe})
	other := keyOf(admin, access.KeyInput{Name: "o", Role: models.RoleReader, TenantID: "globex"})
	id, _ := models.ParseAPIKey(other)
	if _, err := h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleReader, KeyID: id}); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want models.Code, sees bool) {
		t.Helper()
		for name, key := range map[string]string{"service": service, "personal": personal, "personal, of who works for all": ofAll} {
			if _, err := h.Authenticate(t.Context(), key); codeOf(err) != want {
				t.Errorf("%s, %s key: %v, want %q", when, name, err, want)
			}
		}
		if a := h.login(t, other); a.Sees("acme") != sees || !a.Sees("globex") {
			t.Errorf("%s, another tenant's key holds %+v", when, a.Grants)
		}
		if a := h.actor(t, ann); a.Sees("acme") != sees || !a.Sees("globex") {
			t.Errorf("%s, the person holds %+v", when, a.Grants)
		}
		serviceID, _ := models.ParseAPIKey(service)
		if got := h.directory(t).Name(models.ActorRef{Kind: models.ActorService, ID: serviceID}); got.Name != "s" {
			t.Errorf("%s, the key is called %q", when, got.Name)
		}
	}
	check("before", "", true)
	h.turn(t, "acme", models.TenantSuspended)
	check("suspended", "", true)
	h.turn(t, "acme", models.TenantDeleted)
	check("deleted", models.CodeUnauthenticated, false)
	_, _, err := h.CreateKey(root, access.KeyInput{Name: "late", Role: models.RoleReader, TenantID: "acme"})
	wantCode(t, err, models.CodeNotFound)
	_, err = h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleViewer, Group: "g"})
	wantCode(t, err, models.CodeNotFound)
	h.turn(t, "acme", models.TenantActive)
	check("undone", "", true)
}
