package snapshots_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// as is a person with a role in one place.
func as(t testing.TB, role models.Role, tenant, environment string) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "11111111-1111-4111-8111-111111111111", Kind: models.ActorPerson},
		Grants:   []models.Grant{{Role: role, Tenant: tenant, Environment: environment}},
	})
}

// secrets is a service's key that may read secrets.
func secrets(t testing.TB, tenant string) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "k", Kind: models.ActorService},
		Grants:   []models.Grant{{Role: models.RoleViewer, Tenant: tenant, Extra: models.PermReadSecrets}},
	})
}

// seedKeys gives acme keys of every kind: inherited, overridden, different, secret.
func seedKeys(t testing.TB, n node) {
	t.Helper()
	tier := models.TierLayer("Enterprise")
	n.db.Define(t, models.Platform, "limit", models.TypeNumber, false)
	n.db.Admin(t, `UPDATE definitions SET description = 'How many at once' WHERE key = 'limit'`)
	n.db.Define(t, "acme", "password", models.TypeString, true)
	for _, e := range []string{"Development", "QA", "Staging", production} {
		n.set(t, models.Platform, e, "limit", `1`)
		n.set(t, "acme", e, "same", `{"greeting":"Hello"}`)
	}
	n.set(t, tier, production, "limit", `2`)
	n.set(t, "acme", "QA", "limit", `1`)
	n.set(t, "acme", "QA", "banner", `"Say \"Hi\""`)
	n.set(t, "acme", "Staging", "password", `"hunter2"`)
	n.set(t, "acme", production, "password", `"hunter2"`)
	n.set(t, "globex", production, "foreign", `true`)
}

// show is a matrix as text, a line per key: value@layer, * for drift, - for no value.
func show(m snapshots.Matrix) (out []string) {
	for _, r := range m.Rows.Items {
		line := []string{r.Key + ":"}
		for _, c := range r.Cells {
			text := "-"
			if c.Set {
				text = fmt.Sprintf("%s@%s", c.Value, c.Layer)
			}
			if c.Drift {
				text += "*"
			}
			line = append(line, text)
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}

func (n node) matrix(ctx context.Context, t testing.TB, f snapshots.MatrixFilter) snapshots.Matrix {
	t.Helper()
	if f.Page.Limit == 0 {
		f.Page.Limit = models.DefaultLimit
	}
	m, err := n.Matrix(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	seedKeys(t, n)
	viewer := as(t, models.RoleViewer, "acme", "")
	m := n.matrix(viewer, t, snapshots.MatrixFilter{TenantID: "acme"})
	want := []string{
		`banner: - "Say \"Hi\""@acme* -* -`,
		`limit: 1@@platform 1@acme 1@@platform 2@@tier.enterprise*`,
		`password: - - "********"@acme* "********"@acme`,
		`same: {"greeting":"Hello"}@acme {"greeting":"Hello"}@acme {"greeting":"Hello"}@acme {"greeting":"Hello"}@acme`,
	}
	if diff := cmp.Diff(want, show(m)); diff != "" {
		t.Errorf("rows (-want +got)\n%s", diff)
	}
	if want := []string{"Development", "QA", "Staging", production}; !cmp.Equal(m.Environments, want) {
		t.Errorf("environments %v", m.Environments)
	}
	if m.Tenant.ID != "acme" || m.Tenant.Tier != "Enterprise" || m.Keys != 4 || m.Found != 4 || m.Different != 3 || m.Rows.Next != "" {
		t.Errorf("%+v: %d keys, %d found, %d different", m.Tenant, m.Keys, m.Found, m.Different)
	}
	limit, password := m.Rows.Items[1], m.Rows.Items[2]
	if limit.Type != models.TypeNumber || limit.Description != "How many at once" || limit.Sensitive {
		t.Errorf("limit %+v", limit)
	}
	if c := limit.Cells[1]; !c.Own || c.ConfigID == "" || c.Version != 1 || c.Masked || time.Since(c.UpdatedAt) > time.Minute {
		t.Errorf("its own value %+v", c)
	}
	if c := limit.Cells[0]; c.Own || c.ConfigID != "" || c.Layer != models.Platform {
		t.Errorf("its inherited value %+v", c)
	}
	if c := password.Cells[3]; !password.Sensitive || !c.Masked || !c.Own || c.Version != 1 {
		t.Errorf("password %+v", password)
	}
	masked := n.matrix(secrets(t, "acme"), t, snapshots.MatrixFilter{TenantID: "acme", Search: "password"})
	if c := masked.Rows.Items[0].Cells[3]; c.Value != models.Masked || !c.Masked {
		t.Errorf("for who may read secrets: %+v", c)
	}
	n.set(t, "acme", production, "password", `"other"`)
	if m := n.matrix(viewer, t, snapshots.MatrixFilter{TenantID: "acme", Search: "password"}); !m.Rows.Items[0].Cells[3].Drift {
		t.Error("secrets that differ show no drift")
	}
}

func TestMatrixFinds(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	seedKeys(t, n)
	for name, test := range map[string]struct {
		by        context.Context
		filter    snapshots.MatrixFilter
		want      string
		different int
	}{
		"key":               {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: "AN"}, "banner", 1},
		"value":             {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: "hello"}, "same", 0},
		"string as read":    {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: `say "hi"`}, "banner", 1},
		"string as written": {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: `say \"hi`}, "banner", 1},
		"number":            {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: "2"}, "limit", 1},
		"secret":            {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: "hunter2"}, "", 0},
		"secret of mine":    {secrets(t, "acme"), snapshots.MatrixFilter{Search: "hunter2"}, "", 0},
		"mask":              {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: "***"}, "", 0},
		"no pattern":        {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{Search: "%"}, "", 0},
		"differences":       {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{OnlyDifferent: true}, "banner limit password", 3},
		"found differences": {as(t, models.RoleViewer, "acme", ""), snapshots.MatrixFilter{OnlyDifferent: true, Search: "a"}, "banner password", 2},
		"one environment":   {as(t, models.RoleViewer, "acme", "QA"), snapshots.MatrixFilter{}, "banner limit same", 0},
		"elsewhere":         {as(t, models.RoleViewer, "acme", "QA"), snapshots.MatrixFilter{Search: "2"}, "", 0},
		"other tenant":      {as(t, models.RoleViewer, "globex", ""), snapshots.MatrixFilter{TenantID: "globex"}, "foreign limit", 2},
		"platform": {
			as(t, models.RoleViewer, models.Platform, ""), snapshots.MatrixFilter{TenantID: models.Platform}, "limit", 0,
		},
		"tier": {
			as(t, models.RoleViewer, models.Platform, ""), snapshots.MatrixFilter{TenantID: models.TierLayer("Enterprise")}, "limit", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.filter.TenantID == "" {
				test.filter.TenantID = "acme"
			}
			test.filter.Page.Limit = 1
			var got []string
			for {
				m := n.matrix(test.by, t, test.filter)
				if m.Different != test.different || m.Found != len(strings.Fields(test.want)) {
					t.Errorf("%d found, %d different", m.Found, m.Different)
				}
				for _, r := range m.Rows.Items {
					got = append(got, r.Key)
					if len(r.Cells) != len(m.Environments) {
						t.Errorf("%s has %d cells", r.Key, len(r.Cells))
					}
				}
				if test.filter.Page.Cursor = m.Rows.Next; m.Rows.Next == "" {
					break
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

func TestMatrixRefuses(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.db.Tenant(t, "held", "Free")
	n.db.Tenant(t, "gone", "Free")
	n.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	n.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	n.set(t, "held", production, "limit", `1`)
	admin := as(t, models.RolePlatformAdmin, models.Platform, "")
	for name, test := range map[string]struct {
		by     context.Context
		tenant string
		cursor string
		want   models.Code
	}{
		"own":             {as(t, models.RoleViewer, "acme", ""), "acme", "", ""},
		"suspended":       {admin, "held", "", ""},
		"deleted":         {admin, "gone", "", models.CodeNotFound},
		"unknown":         {admin, "never", "", models.CodeNotFound},
		"other tenant":    {as(t, models.RoleViewer, "globex", ""), "acme", "", models.CodeNotFound},
		"layer above":     {as(t, models.RoleViewer, "acme", ""), models.Platform, "", models.CodeNotFound},
		"application key": {as(t, models.RoleReader, "acme", ""), "acme", "", models.CodeForbidden},
		"nobody":          {t.Context(), "acme", "", models.CodeUnauthenticated},
		"cursor":          {admin, "acme", "x", models.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := models.Page{Limit: 5, Cursor: test.cursor}
			m, err := n.Matrix(test.by, snapshots.MatrixFilter{TenantID: test.tenant, Page: page})
			if code(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if test.tenant == "held" && (len(m.Rows.Items) != 1 || m.Tenant.Status != models.TenantSuspended) {
				t.Errorf("a suspended tenant: %+v", m)
			}
		})
	}
	_, foreign := n.Matrix(as(t, models.RoleViewer, "globex", ""), snapshots.MatrixFilter{TenantID: "acme"})
	_, unknown := n.Matrix(as(t, models.RoleViewer, "globex", ""), snapshots.MatrixFilter{TenantID: "never"})
	if !cmp.Equal(foreign, unknown) {
		t.Errorf("another tenant answers %v, an unknown one %v", foreign, unknown)
	}
}

// What a write moved is in the matrix at once, and the environment that somebody just made, too.
func TestMatrixIsCurrent(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	admin := as(t, models.RolePlatformAdmin, models.Platform, "")
	n.set(t, "acme", production, "limit", `1`)
	n.matrix(admin, t, snapshots.MatrixFilter{TenantID: "acme"})
	n.set(t, models.Platform, "QA", "limit", `2`)
	n.db.Admin(t, `UPDATE environments SET position = position + 1`)
	n.db.Admin(t, `INSERT INTO environments (name, position) VALUES ('Sandbox', 1)`)
	before := n.loads(t)
	m := n.matrix(admin, t, snapshots.MatrixFilter{TenantID: "acme"})
	if got := show(m); len(m.Environments) != 5 || m.Environments[0] != "Sandbox" || got[0] != "limit: - - 2@@platform* -* 1@acme*" {
		t.Errorf("got %v %v", m.Environments, got)
	}
	if again := n.loads(t); again == before {
		t.Error("nothing was loaded")
	}
	before = n.loads(t)
	n.matrix(admin, t, snapshots.MatrixFilter{TenantID: "acme"})
	if again := n.loads(t); again != before {
		t.Errorf("%d loads of what is in memory", again-before)
	}
}

// bulk gives the tenant that many keys in each environment, in one statement.
func bulk(t testing.TB, n node, tenant string, keys int) {
	t.Helper()
	change := "22222222-2222-4222-8222-222222222222"
	n.db.Admin(t, `
		INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
		VALUES ($1, $2, 'QA', 't', 'edit', 'system:seed', 'deployed', repeat('0', 64), '{}', now(), now())`, tenant, change)
	n.db.Admin(t, `
		INSERT INTO configs (tenant_id, id, environment, key, last, live, created_at)
		SELECT $1, gen_random_uuid(), e.name, 'key.' || lpad(k::text, 5, '0'), 1, 1, now()
		FROM generate_series(1, $2::int) k, environments e`, tenant, keys)
	n.db.Admin(t, `
		INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from)
		SELECT $1, id, 1, '"the value of ' || key || '"', $2, 'system:seed', now() FROM configs WHERE tenant_id = $1`, tenant, change)
	for _, e := range []string{"Development", "QA", "Staging", production} {
		n.set(t, tenant, e, "last", `1`)
	}
}

func TestMatrixHoldsWithManyKeys(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	bulk(t, n, "acme", 5000)
	viewer := as(t, models.RoleViewer, "acme", "")
	seen, cursor := 0, ""
	for {
		m := n.matrix(viewer, t, snapshots.MatrixFilter{TenantID: "acme", Page: models.Page{Limit: models.MaxLimit, Cursor: cursor}})
		if m.Keys != 5001 || m.Found != 5001 || m.Different != 0 {
			t.Fatalf("%d keys, %d found, %d different", m.Keys, m.Found, m.Different)
		}
		seen += len(m.Rows.Items)
		if cursor = m.Rows.Next; cursor == "" {
			break
		}
	}
	if seen != 5001 {
		t.Errorf("%d rows on all pages", seen)
	}
}

func BenchmarkMatrix(b *testing.B) {
	for _, keys := range []int{100, 5000} {
		for _, search := range []string{"", "nothing"} {
			b.Run(fmt.Sprintf("%d keys, search %q", keys, search), func(b *testing.B) {
				n := newNode(b)
				bulk(b, n, "acme", keys)
				viewer := as(b, models.RoleViewer, "acme", "")
				f := snapshots.MatrixFilter{TenantID: "acme", Search: search, Page: models.Page{Limit: 100}}
				n.matrix(viewer, b, f)
				b.ReportAllocs()
				for b.Loop() {
					n.matrix(viewer, b, f)
				}
			})
		}
	}
}
