package demo_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/cmd/hotswap/demo"
	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/auth"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// house is an empty installation with the development accounts.
type house struct {
	t      *testing.T
	db     *storetest.Database
	master *secrets.Master
	keys   map[string]string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: storetest.New(t), keys: map[string]string{}}
	quiet := slog.New(slog.DiscardHandler)
	var err error
	h.master, err = secrets.NewMaster()
	h.must(err)
	db, err := store.Open(t.Context(), store.Options{URL: h.db.OwnerURL, MaxConns: 2, Log: quiet, Owner: true})
	h.must(err)
	defer db.Close()
	owner := access.New(access.Options{DB: db, Audit: audit.New(db, time.Now, quiet), Now: time.Now, Log: quiet})
	for login, role := range map[string]models.Role{
		"admin": models.RolePlatformAdmin, "engineer": models.RoleEngineer, "engineer2": models.RoleEngineer,
		"manager": models.RoleManager, "compliance": models.RoleCompliance,
	} {
		person, err := owner.EnsureAccount(t.Context(), access.Account{
			Issuer: "https://id.example.com", Subject: login, Email: login + "@example.com", Name: login, Role: role,
		})
		h.must(err)
		_, key := access.NewKey()
		_, err = owner.EnsureKey(t.Context(), models.APIKey{Name: login, Role: role, PersonID: person.ID}, key)
		h.must(err)
		h.keys[login] = key
	}
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// node is a server on the house's database, as one start of `hotswap dev` has it.
func (h *house) node(watch pgx.QueryTracer) *server.Server {
	h.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(h.t.Context(), store.Options{URL: h.db.URL, MaxConns: 4, Log: quiet, Tracer: watch})
	h.must(err)
	h.t.Cleanup(db.Close)
	node, err := server.New(server.Options{
		DB: db, Now: time.Now, Log: quiet, Registry: prometheus.NewRegistry(), Version: "test", Master: h.master,
		Provider: auth.NewProvider(auth.ProviderOptions{Client: http.DefaultClient, Now: time.Now}),
	})
	h.must(err)
	return node
}

// seed makes the demo data as a start does.
func (h *house) seed() *server.Server {
	h.t.Helper()
	node := h.node(&counter{})
	h.must(demo.Seed(h.t.Context(), node.Services, h.keys))
	return node
}

// as acts with the key of an account.
func (h *house) as(node *server.Server, login string) context.Context {
	h.t.Helper()
	actor, err := node.Access.Authenticate(h.t.Context(), h.keys[login])
	h.must(err)
	return models.WithActor(h.t.Context(), actor)
}

// text reads one text as superuser, past all rules.
func (h *house) text(sql string, args ...any) (text string) {
	h.t.Helper()
	h.db.Scan(h.t, sql, args, &text)
	return text
}

func (h *house) count(sql string, args ...any) (n int) {
	h.t.Helper()
	h.db.Scan(h.t, sql, args, &n)
	return n
}

// outline is all that the demo made, without ids and times.
func (h *house) outline() string {
	h.t.Helper()
	return h.text(`
		WITH lines AS (
		  SELECT concat_ws(' ', 'tenant', tenant_id, name, tier, status, metadata, version) AS line FROM tenants
		  UNION ALL
		  SELECT concat_ws(' ', 'definition', tenant_id, key, type, schema, description, sensitive, version) FROM definitions
		  UNION ALL
		  SELECT concat_ws(' ', 'value', c.tenant_id, c.environment, c.key, v.version, CASE WHEN v.value LIKE 'sealed:%' THEN 'sealed' ELSE v.value END, p.name, c.live = v.version)
		  FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id
		  JOIN people p ON v.author = 'person:' || p.id
		  UNION ALL
		  SELECT concat_ws(' ', 'change', c.tenant_id, c.environment, c.title, c.reason, c.status, p.name,
		    (SELECT string_agg(concat_ws(' ', d.stage, q.name, d.decision, d.comment), ', ' ORDER BY d.at)
		     FROM decisions d JOIN people q ON q.id = d.person_id WHERE d.tenant_id = c.tenant_id AND d.change_id = c.id))
		  FROM changes c JOIN people p ON c.author = 'person:' || p.id
		  UNION ALL
		  SELECT concat_ws(' ', 'entries', tenant_id, action, count(*)) FROM audit_entries GROUP BY tenant_id, action
		)
		SELECT string_agg(line, E'\n' ORDER BY line) FROM lines`)
}

// counter counts statements, and may act at one of them.
type counter struct {
	sent atomic.Int64
	at   int64
	act  func()
}

func (c *counter) note() {
	if c.sent.Add(1) == c.at {
		c.act()
	}
}

// TraceQueryStart counts.
func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.note()
	return ctx
}

// TraceQueryEnd has nothing to add.
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart has nothing to add.
func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery counts one of several that travel together.
func (c *counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) { c.note() }

// TraceBatchEnd has nothing to add.
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
