package audit_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// house is a database with two customers and a log on it.
type house struct {
	*storetest.Database
	log *audit.Log
	now time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{Database: storetest.New(t), now: time.Date(2026, 5, 4, 3, 2, 1, 123456789, time.UTC)}
	h.log = audit.New(h.DB, func() time.Time { return h.now }, slog.New(slog.NewTextHandler(t.Output(), nil)))
	h.Admin(t, `INSERT INTO tenants (tenant_id, name, tier) VALUES ('acme', 'Acme', 'Free'), ('globex', 'Globex', 'Free')`)
	h.Admin(t, `INSERT INTO audit_heads (tenant_id) VALUES ('globex')`) // acme's log begins with its first entry
	return h
}

func person(name string, grants ...models.Grant) models.Actor {
	return models.Actor{ActorRef: models.ActorRef{ID: name, Kind: models.ActorPerson, Name: name}, Grants: grants}
}

func grant(role models.Role, tenant string) models.Grant {
	return models.Grant{Role: role, Tenant: tenant}
}

func as(t *testing.T, a models.Actor) context.Context {
	t.Helper()
	return models.WithRequest(models.WithActor(t.Context(), a), models.Request{ID: "req-" + a.ID, Address: "192.0.2.7"})
}
