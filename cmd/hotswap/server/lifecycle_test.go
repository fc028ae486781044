package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web/webtest"
)

// TestDeletionReachesOtherNodes ends a tenant on one node, and reads on another within the two seconds promised. There
// the purge is carried out as well, as the job that the deletion left behind.
func TestDeletionReachesOtherNodes(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("admin")
	for _, tier := range []string{"", "?tier=enterprise"} {
		admin.Put("/policies/Production"+tier, webtest.Body{"stages": []webtest.Body{}}).Want(200)
	}
	key := site.As("tenant-admin").Post("/api-keys", webtest.Body{"name": "k", "role": "reader", "tenantId": webtest.Acme}).Want(201).Field("key")
	node := secondNode(t, site)
	if err := node.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer run(t, node)()
	within := func(who string, want int) {
		t.Helper()
		for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			got := read(t, node, who, "/api/v1/configs/tenant/acme?environment=Production").Code
			if got == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the other node answers %d after two seconds, want %d", got, want)
			}
		}
	}
	app := site.Key("app")
	within(key, http.StatusOK)
	admin.Post("/tenants/acme/suspend", nil).Want(200)
	within(app, http.StatusForbidden)
	admin.Delete("/tenants/acme?confirm=acme").Want(204)
	within(app, http.StatusNotFound)
	within(key, http.StatusUnauthorized)
	admin.Post("/tenants/acme/activate", nil).Want(200)
	within(key, http.StatusOK)

	admin.Post("/tenants/acme/suspend", nil).Want(200)
	admin.Delete("/tenants/acme?confirm=acme").Want(204)
	// Thirty days pass: the deletion becomes older, and its job is due.
	site.DB.Admin(t, `UPDATE tenants SET deleted_at = deleted_at - interval '30 days' WHERE tenant_id = 'acme'`)
	site.DB.Admin(t, `UPDATE river_job SET state = 'available', scheduled_at = now(), args = jsonb_set(args, '{deletedAt}',
		to_jsonb((SELECT deleted_at FROM tenants WHERE tenant_id = 'acme'))) WHERE kind = 'tenant_purge'`)
	eventually(t, "the purge", func() (purged bool) {
		site.DB.Scan(t, `SELECT EXISTS (SELECT FROM audit_entries WHERE tenant_id = $1 AND action = $2)`,
			[]any{webtest.Acme, tenants.ActionPurge}, &purged)
		return purged
	})
	admin.Post("/tenants/acme/activate", nil).Refused(http.StatusNotFound, string(models.CodeNotFound))
}
