package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// canary is a value that must be seen nowhere but where it is revealed.
const canary models.Value = `"canary-7f3a-pa55w0rd"`

// house is a database with two customers, a master key and a node.
type house struct {
	*storetest.Database
	*secrets.Service

	master *secrets.Master
	log    *bytes.Buffer // of all nodes; looked at when they are still
	logger *slog.Logger
}

func newHouse(t testing.TB) *house {
	t.Helper()
	log := &bytes.Buffer{}
	h := &house{Database: storetest.New(t), log: log, logger: slog.New(slog.NewTextHandler(log, nil))}
	for _, tenant := range []string{"acme", "globex"} {
		h.Tenant(t, tenant, "Free")
	}
	var err error
	if h.master, err = secrets.NewMaster(); err != nil {
		t.Fatal(err)
	}
	h.Service = h.node(h.master)
	return h
}

// node is another process on the same database.
func (h *house) node(master *secrets.Master) *secrets.Service {
	return secrets.New(secrets.Options{
		DB: h.DB, Audit: audit.New(h.DB, time.Now, h.logger), Master: master, Now: time.Now, NewID: uuid.NewString, Log: h.logger,
	})
}

// as acts with one role in one place.
func as(ctx context.Context, role models.Role, tenant string) context.Context {
	return models.WithActor(ctx, models.Actor{
		ActorRef: models.ActorRef{ID: "7a8f4f0e-1111-4222-8333-444455556666", Kind: models.ActorPerson, Name: "Pat"},
		Grants:   []models.Grant{{Role: role, Tenant: tenant}},
	})
}

func admin(t testing.TB) context.Context {
	t.Helper()
	return as(t.Context(), models.RolePlatformAdmin, models.Platform)
}

func code(err error) models.Code {
	known, ok := errors.AsType[*models.Error](err)
	switch {
	case err == nil:
		return ""
	case ok:
		return known.Code
	default:
		return models.Code("internal: " + err.Error())
	}
}

// sealed seals a value without storing it.
func sealed(t testing.TB, s *secrets.Service, tenant, key string, v models.Value) (models.Value, secrets.Row) {
	t.Helper()
	var text models.Value
	var row secrets.Row
	err := s.Retry(t.Context(), func() (err error) {
		text, row, err = s.Seal(tenant, key, models.NewSecret(v))
		return err
	})
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	return text, row
}

// keep seals values and stores them, as a change would.
func (h *house) keep(t testing.TB, s *secrets.Service, tenant, key string, values ...models.Value) (texts []models.Value) {
	t.Helper()
	var rows []secrets.Row
	for _, v := range values {
		text, row := sealed(t, s, tenant, key, v)
		texts, rows = append(texts, text), append(rows, row)
	}
	err := h.Tx(as(t.Context(), models.RoleEngineer, tenant), func(ctx context.Context, _ *gorm.DB) error {
		return store.Send(ctx, secrets.Insert(tenant, rows))
	})
	if err != nil {
		t.Fatalf("store: %v", err)
	}
	return texts
}

// ciphertext is what is stored of a value, as the tenant's engineer reads it.
func (h *house) ciphertext(t testing.TB, tenant string, v models.Value) []byte {
	t.Helper()
	var found map[string][]byte
	err := h.Tx(as(t.Context(), models.RoleEngineer, tenant), func(ctx context.Context, _ *gorm.DB) (err error) {
		found, err = secrets.Read(ctx, tenant, v)
		return err
	})
	s, _ := v.Sealed()
	if err != nil || found[s.ID] == nil {
		t.Fatalf("read %s: %v", s.ID, err)
	}
	return found[s.ID]
}
