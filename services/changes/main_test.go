package changes_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// house is all that changes work with, on a database of its own, with acme and globex (both Enterprise)
// and initech (Free), and one person for each role.
type house struct {
	*changes.Service
	t       *testing.T
	d       *storetest.Database
	access  *access.Service
	tenants *tenants.Service
	configs *configs.Service
	deploy  *deployments.Service
	secrets *secrets.Service
	defs    *definitions.Service
	ahead   atomic.Int64 // how far the clock is ahead, ns
	people  map[string]string
}

// newSecrets seals under a master key of its own.
func newSecrets(t testing.TB, d *storetest.Database) *secrets.Service {
	t.Helper()
	master, err := secrets.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	return secrets.New(secrets.Options{
		DB: d.DB, Master: master, Now: time.Now, NewID: uuid.NewString, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, d: storetest.New(t), people: map[string]string{}}
	quiet := slog.New(slog.DiscardHandler)
	log := audit.New(h.d.DB, h.now, quiet)
	h.access = access.New(access.Options{DB: h.d.DB, Audit: log, Now: h.now, Log: quiet})
	directory := tenants.NewDirectory(h.d.DB, nil)
	h.d.OnMoved(func(heads []models.Head) {
		h.access.Raise(heads)
		directory.Raise(heads)
	})
	h.tenants = tenants.New(h.d.DB, log, directory)
	h.configs = configs.New(configs.Options{DB: h.d.DB, Access: h.access})
	h.secrets = newSecrets(t, h.d)
	h.defs = definitions.New(h.d.DB, log, directory, h.secrets, definitions.NewValidator())
	h.deploy = deployments.New(h.d.DB, h.defs, h.tenants, uuid.NewString)
	h.Service = changes.New(changes.Options{
		DB: h.d.DB, Audit: log, Access: h.access, Tenants: directory, Secrets: h.secrets, Definitions: h.defs, Deployments: h.deploy,
		Now: h.now, NewID: uuid.NewString, Metrics: prometheus.NewRegistry(),
	})
	for name, role := range map[string]models.Role{
		"author": models.RoleEngineer, "engineer": models.RoleEngineer, "manager": models.RoleManager,
		"compliance": models.RoleCompliance, "admin": models.RolePlatformAdmin, "viewer": models.RoleViewer,
	} {
		h.person(name, role, models.Platform)
	}
	for id, tier := range map[string]string{"acme": "Enterprise", "globex": "Enterprise", "initech": "Free"} {
		_, err := h.tenants.Create(h.as("admin"), tenants.In{TenantID: id, Name: id, Tier: tier})
		h.must(err)
	}
	h.person("outsider", models.RoleEngineer, "globex")
	h.told()
	return h
}

// told lets this node know of people and bindings that were written past it.
func (h *house) told() {
	h.t.Helper()
	h.must(h.d.Tx(h.as("admin"), func(ctx context.Context, tx *gorm.DB) error {
		return store.ControlMoved(ctx, tx, models.HeadRoles)
	}))
}

// person makes somebody with one role in one place.
func (h *house) person(name string, role models.Role, tenant string) {
	h.t.Helper()
	id := uuid.NewString()
	h.people[name] = id
	h.d.Admin(h.t, `INSERT INTO people (id, issuer, subject, name) VALUES ($1, 'i', $2, $2)`, id, name)
	h.d.Admin(h.t, `INSERT INTO role_bindings (tenant_id, id, role, subject_kind, subject, created_by, created_at)
		VALUES ($1, $2, $3, 'person', $4, 'system:test', now())`, tenant, uuid.NewString(), role, id)
}

// as is the context of a person with the rights the directory knows.
func (h *house) as(name string) context.Context {
	h.t.Helper()
	d, err := h.access.Directory(h.t.Context())
	h.must(err)
	actor, ok := d.Actor(h.people[name], h.now())
	if !ok {
		h.t.Fatalf("nobody is called %s", name)
	}
	return models.WithActor(h.t.Context(), actor)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) want(err error, want models.Code) {
	h.t.Helper()
	if got := codeOf(err); got != want {
		h.t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

func codeOf(err error) models.Code {
	if known, ok := errors.AsType[*models.Error](err); ok {
		return known.Code
	}
	if err != nil {
		return "internal"
	}
	return ""
}

func (h *house) set(who, tenant, environment, key string, v models.Value) changes.Outcome {
	h.t.Helper()
	out, err := h.Set(h.as(who), changes.Set{TenantID: tenant, Environment: environment, Key: key, Value: v})
	h.must(err)
	return out
}

func (h *house) approve(who string, c models.Change) (models.Change, error) {
	h.t.Helper()
	return h.Decide(h.as(who), changes.Decide{ChangeID: c.ID, Verdict: models.Approve, Digest: c.Digest})
}

// actions counts the entries of a tenant by their action, and checks that numbers have no gap.
func (h *house) actions(tenant string) map[string]int {
	h.t.Helper()
	out := map[string]int{}
	rows, err := h.d.Connect(h.t, h.d.AdminURL).Query(h.t.Context(),
		`SELECT number, action FROM audit_entries WHERE tenant_id = $1 ORDER BY number`, tenant)
	h.must(err)
	defer rows.Close()
	for next := int64(0); rows.Next(); next++ {
		var number int64
		var action string
		h.must(rows.Scan(&number, &action))
		if number != next {
			h.t.Errorf("entry %d of %s has number %d", next, tenant, number)
		}
		out[action]++
	}
	return out
}

// lose takes a person's bindings away, as another node would.
func (h *house) lose(name string) {
	h.t.Helper()
	h.d.Admin(h.t, `DELETE FROM role_bindings WHERE subject = $1`, h.people[name])
	h.must(h.d.Tx(h.as("admin"), func(_ context.Context, tx *gorm.DB) error {
		return tx.Exec(`SELECT control_moved('roles')`).Error // this node is not told
	}))
}
