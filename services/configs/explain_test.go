package configs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// lock marks what is live of a config as locked.
func (s site) lock(t testing.TB, tenant, id string) {
	t.Helper()
	s.db.Admin(t, `UPDATE config_versions SET locked = true WHERE tenant_id = $1 AND config_id = $2 AND live_to IS NULL`, tenant, id)
	s.db.Admin(t, `UPDATE configs SET locked = true WHERE tenant_id = $1 AND id = $2`, tenant, id)
}

// deploy makes the deployment of what is live of a config and returns its id.
func (s site) deploy(t testing.TB, tenant, id string) (deployment string) {
	t.Helper()
	s.db.Scan(t, `
		INSERT INTO deployments (tenant_id, id, change_id, environment, strategy, status, started_at)
		SELECT v.tenant_id, gen_random_uuid(), v.change_id, 'QA', '{}', 'succeeded', clock_timestamp()
		FROM config_versions v WHERE v.tenant_id = $1 AND v.config_id = $2 AND v.live_to IS NULL RETURNING id::text`,
		[]any{tenant, id}, &deployment)
	return deployment
}

// instant is the database's clock.
func (s site) instant(t testing.TB) (at time.Time) {
	t.Helper()
	s.db.Scan(t, `SELECT clock_timestamp()`, nil, &at)
	return at
}

// explained is an explanation as text.
func explained(e configs.Explanation) string {
	parts := []string{show(e.KeyPlace)}
	if e.LockedBy != "" {
		parts = append(parts, "locked by "+e.LockedBy)
	}
	for _, h := range e.Hides {
		parts = append(parts, string(h.Why))
	}
	if e.Definition != nil {
		parts[len(parts)-1] += fmt.Sprintf(", %s of %s.%d", e.Type, e.Definition.TenantID, e.Definition.Version)
	}
	return strings.Join(parts, " ")
}

// pointerOf is where an error points; empty for nowhere.
func pointerOf(err error) string {
	var e *models.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return ""
	}
	return e.Fields[0].Pointer
}

func TestExplain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Admin(t, `UPDATE tenant_versions SET live_from = live_from - interval '1 minute'`)
	begin := s.instant(t)
	s.db.Define(t, models.Platform, "limit", models.TypeNumber, false)
	above := s.db.Set(t, models.Platform, "QA", "limit", `1`)
	s.decide(t, above, "Plato", "approve", "")
	s.deploy(t, models.Platform, above)
	s.db.Set(t, "acme", "QA", "limit", `2`)
	second := s.instant(t)
	own := s.db.Set(t, "acme", "QA", "limit", `3`)
	s.decide(t, own, "Ada", "approve", "")
	deployment := s.deploy(t, "acme", own)
	free := s.instant(t)
	locked := s.db.Set(t, "@tier.enterprise", "QA", "limit", `4`)
	s.lock(t, "@tier.enterprise", locked)
	s.db.Set(t, models.Platform, "QA", "options", `{"a":1}`)
	s.db.Set(t, "acme", "QA", "options", `{"b":2}`)
	s.db.Admin(t, `INSERT INTO definitions (tenant_id, key, type, merge, created_at, updated_at) VALUES ('@platform', 'options', 'json', 'deep', now(), now())`)
	s.seal(t, "acme", "QA", "token", "1")
	viewer, all, later := as(t, models.RoleViewer, "acme", "QA"), admin(t), time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		by   context.Context
		key  string
		at   *time.Time
		want string
		code models.Code
	}{
		"locked above":     {viewer, "limit", nil, "QA 4@@tier.enterprise.1 over 1@@platform.1 over 3@acme.2 locked by @tier.enterprise covered locked, number of @platform.1", ""},
		"before the lock":  {viewer, "limit", &free, "QA 3@acme.2 over 1@@platform.1 by Ada covered, number of @platform.1", ""},
		"the value before": {viewer, "limit", &second, "QA 2@acme.1 over 1@@platform.1 covered, number of @platform.1", ""},
		"before any":       {viewer, "limit", &begin, "", models.CodeNotFound},
		"merged":           {viewer, "options", nil, `QA {"a":1,"b":2}@acme.1 over {"a":1}@@platform.1 merged, json of @platform.1`, ""},
		"sealed":           {all, "token", nil, `QA "********"@acme.1`, ""},
		"in an hour":       {viewer, "limit", &later, "", models.CodeInvalid},
		"long ago":         {viewer, "limit", &time.Time{}, "", models.CodeNotFound},
	} {
		e, err := s.Explain(test.by, configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: test.key, At: test.at})
		if code(err) != test.code || err == nil && explained(e) != test.want {
			t.Errorf("%s: %s, %v, want %s", name, explained(e), err, test.want)
		}
	}
	e, err := s.Explain(viewer, configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: "limit", At: &free})
	if err != nil || e.Deployment != deployment || len(e.Approvals) != 1 || e.Approvals[0].Stage != "engineer" || e.Approvals[0].Actor.Name != "Ada" ||
		e.Approvals[0].At.Before(begin) || e.Author.Name != "seed" || e.ChangeID == "" || !e.LiveFrom.Before(free) {
		t.Errorf("what stands behind it: %+v, %v", e, err)
	}
	if e, err := s.Explain(all, configs.ExplainIn{TenantID: models.Platform, Environment: "QA", Key: "limit"}); err != nil || e.Deployment == "" || names(e.ApprovedBy) != "Plato" {
		t.Errorf("of the platform, for who sees it: %+v, %v", e, err)
	}
	for by, want := range map[string]string{"acme": "", models.Platform: "Plato"} {
		s.db.Unset(t, "@tier.enterprise", "QA", "limit")
		s.db.Unset(t, "acme", "QA", "limit")
		e, err := s.Explain(as(t, models.RoleViewer, by, ""), configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: "limit"})
		if err != nil || names(e.ApprovedBy) != want || (e.Deployment == "") != (want == "") || len(e.Approvals) != len(e.ApprovedBy) {
			t.Errorf("the layer above, for who sees %s: %+v, %v", by, e, err)
		}
	}
}

// What is a secret today was one in the past, and what was one then stays one.
func TestExplainMasksThePast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Set(t, models.Platform, "QA", "password", `"hunter1"`)
	s.db.Set(t, "acme", "QA", "password", `"hunter2"`)
	open := s.instant(t)
	s.db.Define(t, "acme", "password", models.TypeString, true)
	secret := s.instant(t)
	explain := func(at *time.Time) configs.Explanation {
		t.Helper()
		e, err := s.Explain(admin(t), configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: "password", At: at})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	check := func(what string, e configs.Explanation, masked bool) {
		t.Helper()
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, "hunter") == masked || e.Masked != masked || e.Sensitive != masked || e.Hides[0].Masked != masked {
			t.Errorf("%s: %s", what, text)
		}
	}
	check("then", explain(&open), true)
	check("now", explain(nil), true)
	s.db.Admin(t, `UPDATE definitions SET sensitive = false, version = 2`)
	s.db.Admin(t, `UPDATE definition_versions SET live_to = clock_timestamp()`)
	s.db.Admin(t, `INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, author, live_from)
		SELECT tenant_id, key, 2, type, '', '', false, author, live_to FROM definition_versions`)
	check("before it was a secret", explain(&open), false)
	check("while it was a secret", explain(&secret), true)
	check("since it is none", explain(nil), false)
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seedKey(t)
	s.db.Define(t, "acme", "unset", models.TypeJSON, false)
	s.db.Tenant(t, "held", "Free")
	s.db.Tenant(t, "gone", "Free")
	s.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	viewer := as(t, models.RoleViewer, "acme", "Production")
	for name, test := range map[string]struct {
		by                       context.Context
		tenant, environment, key string
		want                     models.Code
		pointer                  string
	}{
		"own":                 {viewer, "acme", "Production", "limit", "", ""},
		"suspended":           {admin(t), "held", "Production", "limit", "", ""},
		"deleted":             {admin(t), "gone", "Production", "limit", models.CodeNotFound, ""},
		"unknown":             {admin(t), "never", "Production", "limit", models.CodeNotFound, ""},
		"defined only":        {viewer, "acme", "Production", "unset", models.CodeNotFound, ""},
		"no such key":         {viewer, "acme", "Production", "never", models.CodeNotFound, ""},
		"no value here":       {admin(t), "acme", "Staging", "limit", models.CodeNotFound, ""},
		"other environment":   {viewer, "acme", "QA", "limit", models.CodeForbidden, ""},
		"no such environment": {admin(t), "acme", "production", "limit", models.CodeInvalid, "/environment"},
		"no environment":      {admin(t), "acme", "", "limit", models.CodeInvalid, "/environment"},
		"no key":              {viewer, "acme", "Production", "", models.CodeInvalid, "/key"},
		"other tenant":        {as(t, models.RoleViewer, "globex", ""), "acme", "Production", "limit", models.CodeNotFound, ""},
		"layer above":         {viewer, models.Platform, "Production", "limit", models.CodeNotFound, ""},
		"application key":     {as(t, models.RoleReader, "acme", ""), "acme", "Production", "limit", models.CodeForbidden, ""},
		"nobody":              {t.Context(), "acme", "Production", "limit", models.CodeUnauthenticated, ""},
	} {
		_, err := s.Explain(test.by, configs.ExplainIn{TenantID: test.tenant, Environment: test.environment, Key: test.key})
		if code(err) != test.want || test.pointer != pointerOf(err) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// Both tell the same of every environment.
func TestExplainIsTheKeyView(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seedKey(t)
	for _, by := range []context.Context{admin(t), as(t, models.RoleViewer, "acme", "")} {
		view, err := s.KeyView(by, "acme", "limit")
		if err != nil {
			t.Fatal(err)
		}
		at := s.instant(t)
		for _, place := range view.Places {
			for _, when := range []*time.Time{nil, &at} {
				e, err := s.Explain(by, configs.ExplainIn{TenantID: "acme", Environment: place.Environment, Key: "limit", At: when})
				place.ConfigID = e.ConfigID // one deleted has none in the past
				if !place.Set && code(err) == models.CodeNotFound {
					continue
				}
				if diff := cmp.Diff(place, e.KeyPlace); err != nil || diff != "" {
					t.Errorf("%s at %v: %v %s", place.Environment, when, err, diff)
				}
			}
		}
	}
}

// Statements of explain and the key view find their rows by index, whatever the number of tenants.
func TestExplainIsFoundByIndex(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.crowd(t, 1000, 20)
	s.db.Set(t, "acme", "QA", "key.7", `1`)
	viewer := as(t, models.RoleViewer, "acme", "")
	s.db.Admin(t, `ANALYZE`)
	at := s.instant(t)
	for _, when := range []*time.Time{nil, &at} {
		if _, err := s.Explain(viewer, configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: "key.7", At: when}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.KeyView(viewer, "acme", "key.7"); err != nil {
		t.Fatal(err)
	}
	plans := s.db.Plans(t, "acme", "config_versions")
	if len(plans) < 4 {
		t.Fatalf("%d statements", len(plans))
	}
	for sql, plan := range plans {
		for _, table := range []string{"configs", "config_versions", "changes"} {
			if slices.Contains(strings.Fields(plan), "Seq") && strings.Contains(plan, "Seq Scan on "+table+" ") {
				t.Errorf("%s\nreads all of %s:\n%s", sql, table, plan)
			}
		}
	}
}

// crowd gives many tenants many keys.
func (s site) crowd(t testing.TB, tenants, keys int) {
	t.Helper()
	change := "22222222-2222-4222-8222-222222222222"
	s.db.Admin(t, `INSERT INTO tenants (tenant_id, name, tier) SELECT 'crowd-' || i, 'Crowd', 'Enterprise' FROM generate_series(1, $1::int) i`, tenants)
	s.db.Admin(t, `INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
		SELECT tenant_id, $1, 'QA', 't', 'edit', 'system:seed', 'deployed', repeat('0', 64), '{}', now(), now() FROM tenants`, change)
	s.db.Admin(t, `INSERT INTO configs (tenant_id, id, environment, key, last, live, created_at)
		SELECT tenant_id, gen_random_uuid(), 'QA', 'key.' || k, 1, 1, now() FROM generate_series(1, $1::int) k, tenants`, keys)
	s.db.Admin(t, `INSERT INTO config_versions (tenant_id, config_id, version, value, change_id, author, live_from)
		SELECT tenant_id, id, 1, '"the value"', $1, 'system:seed', now() FROM configs`, change)
}

func BenchmarkExplain(b *testing.B) {
	s := newSite(b)
	s.crowd(b, 1000, 100)
	s.db.Set(b, "acme", "QA", "key.7", `1`)
	s.db.Admin(b, `ANALYZE`)
	viewer, at := as(b, models.RoleViewer, "acme", ""), s.instant(b)
	for name, when := range map[string]*time.Time{"now": nil, "then": &at} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Explain(viewer, configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: "key.7", At: when}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
