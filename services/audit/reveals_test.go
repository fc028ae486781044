package audit_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
)

// service is an application with a key of its own.
func service(name string, tenant string) models.Actor {
	return models.Actor{
		ActorRef: models.ActorRef{ID: name, Kind: models.ActorService, Name: name}, KeyID: "key-" + name,
		Grants: []models.Grant{{Role: models.RoleReader, Tenant: tenant, Extra: models.PermReadSecrets}},
	}
}

// stop writes all that is counted, as a node does when it ends.
func (h *house) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.log.Run(ctx)
}

// reveals lists what a tenant's log says about reveals, sorted.
func (h *house) reveals(t *testing.T, tenant string) (out []string) {
	t.Helper()
	f := filter(tenant)
	f.Action = audit.ActionReveal
	page, err := h.log.List(as(t, person("root", grant(models.RolePlatformAdmin, models.Platform))), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Items {
		out = append(out, e.Actor.ID+" "+e.Resource+" "+string(e.After))
	}
	slices.Sort(out)
	return out
}

func TestRevealsAreCountedByTheHour(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shop, pay, ann := as(t, service("shop", models.Platform)), as(t, service("pay", "acme")), as(t, person("ann", grant(models.RoleViewer, "acme")))
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() {
			h.log.Revealed(shop, "acme")
			h.log.Revealed(shop, "globex")
		})
	}
	calls.Wait()
	h.log.Revealed(pay, "acme")
	h.log.Revealed(ann, "acme")
	h.log.Revealed(t.Context(), "acme") // nobody
	if got := h.reveals(t, "acme"); got != nil {
		t.Errorf("written before the hour is over: %v", got)
	}
	h.now = h.now.Add(time.Hour)
	h.log.Revealed(shop, "acme")
	h.stop(t)
	want := map[string][]string{
		"acme": {
			`ann person/ann {"count":1,"hour":"2026-05-04T03:00:00Z"}`,
			`pay api_key/key-pay {"count":1,"hour":"2026-05-04T03:00:00Z"}`,
			`shop api_key/key-shop {"count":1,"hour":"2026-05-04T04:00:00Z"}`,
			`shop api_key/key-shop {"count":100,"hour":"2026-05-04T03:00:00Z"}`,
		},
		"globex":        {`shop api_key/key-shop {"count":100,"hour":"2026-05-04T03:00:00Z"}`},
		models.Platform: nil,
	}
	for tenant, lines := range want {
		if diff := cmp.Diff(lines, h.reveals(t, tenant)); diff != "" {
			t.Errorf("%s:\n%s", tenant, diff)
		}
	}
	h.stop(t)
	if got := h.reveals(t, "acme"); len(got) != len(want["acme"]) {
		t.Errorf("written twice: %v", got)
	}
}

// What cannot be written now is written later, with the same count.
func TestRevealsAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.log.Revealed(as(t, service("shop", "acme")), "acme")
	h.Admin(t, `ALTER TABLE audit_entries RENAME TO away`)
	h.stop(t)
	h.Admin(t, `ALTER TABLE away RENAME TO audit_entries`)
	h.log.Revealed(as(t, service("shop", "acme")), "acme")
	h.stop(t)
	if diff := cmp.Diff([]string{`shop api_key/key-shop {"count":2,"hour":"2026-05-04T03:00:00Z"}`}, h.reveals(t, "acme")); diff != "" {
		t.Error(diff)
	}
}
