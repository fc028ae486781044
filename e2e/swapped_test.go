package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

// swap exchanges what is sealed: two keys of a tenant, one key of two tenants, two versions of one key.
const swap = `
	UPDATE sealed_values v SET ciphertext = o.ciphertext FROM sealed_values o
	WHERE (v.tenant_id, v.key, o.tenant_id, o.key) IN (('acme', 'a', 'acme', 'b'), ('acme', 'b', 'acme', 'a'), ('acme', 'c', 'globex', 'c'), ('globex', 'c', 'acme', 'c'))
	OR v.tenant_id = 'acme' AND o.tenant_id = 'acme' AND v.key = 'd' AND o.key = 'd' AND v.id <> o.id`

// swapKeys exchanges the data keys of two tenants.
const swapKeys = `
	UPDATE tenant_keys k SET keyset = o.keyset, commitment = o.commitment FROM tenant_keys o
	WHERE (k.tenant_id, o.tenant_id) IN (('acme', 'globex'), ('globex', 'acme'))`

// TestSwappedCiphertextsNeverOpen has somebody who may write to the database put ciphertexts and data keys into each other's
// places. Who reads secrets never gets another's: the key is absent, which is counted, and the rest is there.
func TestSwappedCiphertextsNeverOpen(t *testing.T) {
	t.Parallel()
	site, redis := webtest.New(t), storetest.NewRedis(t)
	admin, values := site.As("admin"), map[string]string{}
	config := map[string]string{}
	for _, tenant := range []string{webtest.Acme, webtest.Globex} {
		for _, key := range []string{"a", "b", "c", "d", "d", "whole"} { // the second d is a second version
			if values[tenant+" "+key] == "" {
				admin.Post("/definitions", webtest.Body{"tenantId": tenant, "key": key, "type": "string", "sensitive": true}).Want(http.StatusCreated)
			}
			values[tenant+" "+key] = fmt.Sprintf("secret %d of %s %s", len(values), tenant, key)
			config[tenant+" "+key] = site.As("engineer").Post("/configs", webtest.Body{
				"tenantId": tenant, "environment": "Development", "key": key, "value": values[tenant+" "+key],
			}).Want(http.StatusCreated).Field("id")
		}
	}
	app := admin.Post("/api-keys", webtest.Body{
		"name": "vault", "role": "reader", "tenantId": "@platform", "grants": []string{"secrets:read"},
	}).Want(http.StatusCreated).Field("key")
	// Each look is by a node that has nothing in memory, and by one that finds in Redis what the one before put there.
	look := func(tenant string, absent ...string) {
		t.Helper()
		for range 2 {
			n := newNode(t, site, nodeOptions{redis: redis})
			c := caller{t, n.url, app}
			whole := c.get("/configs/tenant/" + tenant + "?environment=Development&include=metadata").want(http.StatusOK)
			for _, key := range []string{"a", "b", "c", "d", "whole"} {
				want, status := any(values[tenant+" "+key]), http.StatusOK
				if strings.Contains(strings.Join(absent, " "), key) {
					want, status = nil, http.StatusNotFound
				}
				if got := whole.field("configs." + key); got != want {
					t.Errorf("%s reads %s as %v, want %v", tenant, key, got, want)
				}
				c.get("/configs/tenant/" + tenant + "/keys/" + key + "?environment=Development").want(status)
				if got := c.post("/configs/"+config[tenant+" "+key]+"/reveal", nil); want == nil && (got.status < 400 || strings.Contains(string(got.body), "secret ")) {
					t.Errorf("revealed is %d %s", got.status, got.body)
				}
			}
			if counted := fmt.Sprintf("hotswap_secrets_unopened_total %d\n", len(absent)); !strings.Contains(n.metrics(t), counted) {
				t.Errorf("the metrics do not say %s", counted)
			}
			if got := whole.field("withheld"); len(absent) > 0 && fmt.Sprint(got) != fmt.Sprint(absent) {
				t.Errorf("withheld are %v, want %v", got, absent)
			}
			n.stop()
		}
	}
	look(webtest.Acme)
	site.DB.Admin(t, swap)
	// What lies in Redis is of before: a value that moves has the nodes load what lies in the database.
	for _, tenant := range []string{webtest.Acme, webtest.Globex} {
		site.As("engineer").Post("/configs", webtest.Body{"tenantId": tenant, "environment": "Development", "key": "n", "value": 1}).Want(http.StatusCreated)
	}
	look(webtest.Acme, "a", "b", "c", "d")
	look(webtest.Globex, "c")
	site.DB.Admin(t, swap)
	redis.Stop(t)
	redis.Start(t)
	look(webtest.Acme)
	look(webtest.Globex)

	site.DB.Admin(t, swapKeys)
	c := caller{t, newNode(t, site, nodeOptions{redis: redis}).url, app}
	for _, tenant := range []string{webtest.Acme, webtest.Globex} {
		c.get("/configs/tenant/"+tenant+"?environment=Development").problem(http.StatusServiceUnavailable, "unavailable")
	}
	site.DB.Admin(t, swapKeys)
	look(webtest.Acme)
}
