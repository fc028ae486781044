package access_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const issuer = "https://id.example.com"

// house is a database with two customers, the service on it and the operator's own.
type house struct {
	*storetest.Database
	*access.Service
	operator *access.Service // through the owner's store
	log      *audit.Log
	contact  *store.Contact
	clock    atomic.Int64 // what the service takes for now, in Unix nanoseconds
	claims   func(raw string) (access.Claims, error)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{Database: storetest.New(t)}
	h.setNow(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	log := slog.New(slog.DiscardHandler)
	h.contact = store.NewContact(h.now, 24*time.Hour)
	h.log = audit.New(h.DB, h.now, log)
	h.Service = access.New(access.Options{DB: h.DB, Audit: h.log, Now: h.now, Log: log, Issuer: issuer, Verify: h.verify, Contact: h.contact})
	h.OnMoved(h.Raise)

	owner := openOwner(t, h)
	owner.OnMoved(h.Raise)
	h.operator = access.New(access.Options{
		DB: owner, Audit: audit.New(owner, h.now, log), Now: h.now, Log: log, Issuer: issuer,
	})
	h.Admin(t, `INSERT INTO tenants (tenant_id, name, tier) VALUES ('acme', 'Acme', 'Free'), ('globex', 'Globex', 'Free')`)
	return h
}

// openOwner opens the database as the operator at the console does.
func openOwner(tb testing.TB, h *house) *store.DB {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	owner, err := store.Open(tb.Context(), store.Options{URL: h.OwnerURL, MaxConns: 4, Log: log, Owner: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(owner.Close)
	return owner
}

func (h *house) now() time.Time        { return time.Unix(0, h.clock.Load()).UTC() }
func (h *house) setNow(t time.Time)    { h.clock.Store(t.UnixNano()) }
func (h *house) sleep(d time.Duration) { h.clock.Add(int64(d)) }
func (h *house) verify(_ context.Context, raw string) (access.Claims, error) {
	if h.claims == nil {
		return access.Claims{}, errors.New("no JWT is expected")
	}
	return h.claims(raw)
}

// account makes a person with a role; without a role a person with none.
func (h *house) account(t *testing.T, name string, role models.Role, tenant string) models.Person {
	t.Helper()
	a := access.Account{
		Issuer: issuer, Subject: name, Email: name + "@example.com", Name: name, Role: role, TenantID: tenant,
	}
	if role == "" {
		p, err := h.SignIn(t.Context(), access.Claims{Issuer: issuer, Subject: name, Email: a.Email, EmailVerified: true, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p, err := h.operator.EnsureAccount(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) actor(t *testing.T, p models.Person) models.Actor {
	t.Helper()
	a, ok := h.directory(t).Actor(p.ID, h.now())
	if !ok {
		t.Fatalf("%s is nobody", p.Email)
	}
	return a
}

func (h *house) directory(t *testing.T) *access.Directory {
	t.Helper()
	d, err := h.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// as is a context of somebody new with that role.
func (h *house) as(t *testing.T, name string, role models.Role, tenant string) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), h.actor(t, h.account(t, name, role, tenant)))
}

// lets checks whether the credential is let in by the very next call.
func (h *house) lets(t *testing.T, key string, want models.Code) {
	t.Helper()
	_, err := h.Authenticate(t.Context(), key)
	wantCode(t, err, want)
}

// login is the actor behind a credential.
func (h *house) login(t *testing.T, key string) models.Actor {
	t.Helper()
	a, err := h.Authenticate(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// entries counts what the log says of an action.
func (h *house) entries(t *testing.T, tenant, action string) (n int) {
	t.Helper()
	h.Scan(t, `SELECT count(*) FROM audit_entries WHERE tenant_id = $1 AND action = $2`, []any{tenant, action}, &n)
	return n
}

func wantCode(t *testing.T, err error, want models.Code) {
	t.Helper()
	if codeOf(err) != want {
		t.Errorf("%v, want code %q", err, want)
	}
}

// codeOf is what a caller sees of the error: empty without one, internal for what is no error of ours.
func codeOf(err error) models.Code {
	var known *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Code
	default:
		return models.CodeInternal
	}
}
