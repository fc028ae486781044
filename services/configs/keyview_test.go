package configs_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// decide seeds a person's decision on the change that made what is live of the config.
func (s site) decide(t testing.TB, config, name, verdict, voided string) {
	t.Helper()
	s.db.Admin(t, `
		WITH person AS (
		  INSERT INTO people (id, issuer, subject, name) VALUES (gen_random_uuid(), 'test', $2, $2)
		  ON CONFLICT (issuer, subject) DO UPDATE SET name = $2 RETURNING id
		), moved AS (
		  UPDATE heads SET revision = revision + 1, token = gen_random_uuid() WHERE tenant_id = '@platform' AND environment = 'roles'
		)
		INSERT INTO decisions (tenant_id, id, change_id, stage, person_id, decision, digest, at, voided)
		SELECT v.tenant_id, gen_random_uuid(), v.change_id, 'engineer', person.id, $3, 'd', clock_timestamp(), $4
		FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live, person
		WHERE c.id = $1`, config, name, verdict, voided)
}

func names(refs []models.ActorRef) string {
	out := make([]string, len(refs))
	for i, r := range refs {
		out[i] = r.Name
	}
	return strings.Join(out, ",")
}

// show is a place as text: what is live @ its layer and version, what it hides, and who approved it.
func show(p configs.KeyPlace) string {
	if !p.Set {
		return p.Environment + " -"
	}
	parts := []string{p.Environment, fmt.Sprintf("%s@%s.%d", p.Value, p.Layer, p.Version)}
	for _, h := range p.Hides {
		parts = append(parts, fmt.Sprintf("over %s@%s.%d", h.Value, h.Layer, h.Version))
	}
	if len(p.ApprovedBy) > 0 {
		parts = append(parts, "by "+names(p.ApprovedBy))
	}
	return strings.Join(parts, " ")
}

func shown(v configs.KeyView) (out []string) {
	for _, p := range v.Places {
		out = append(out, show(p))
	}
	return out
}

// seedKey sets limit on every layer of acme's chain and elsewhere, and returns the ids of acme's configs.
func (s site) seedKey(t testing.TB) (qa, production string) {
	t.Helper()
	s.db.Tenant(t, "small", "Free")
	s.db.Define(t, models.Platform, "limit", models.TypeNumber, false)
	for _, e := range []string{"Development", "QA", "Production"} {
		above := s.db.Set(t, models.Platform, e, "limit", `1`)
		s.decide(t, above, "Plato", "approve", "")
	}
	s.db.Set(t, "@tier.enterprise", "Production", "limit", `2`)
	qa = s.db.Set(t, "acme", "QA", "limit", `3`)
	s.db.Unset(t, "acme", "QA", "limit")
	s.db.Set(t, "acme", "Production", "limit", `3`)
	production = s.db.Set(t, "acme", "Production", "limit", `4`)
	s.decide(t, production, "Ada", "approve", "")
	s.decide(t, production, "Bob", "approve", "")
	s.decide(t, production, "Cleo", "approve", models.VoidStruck)
	s.decide(t, production, "Dan", "reject", "")
	s.db.Set(t, "globex", "Staging", "limit", `5`)
	s.db.Set(t, "globex", "QA", "limit", `5`)
	s.db.Set(t, "small", "QA", "limit", `6`)
	gone := s.db.Set(t, "small", "Production", "limit", `6`)
	if gone == "" {
		t.Fatal("no id")
	}
	s.db.Unset(t, "small", "Production", "limit")
	return qa, production
}

func TestKeyView(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	qa, production := s.seedKey(t)
	for name, test := range map[string]struct {
		by        context.Context
		tenant    string
		want      []string
		overrides string
	}{
		"tenant": {as(t, models.RoleViewer, "acme", ""), "acme", []string{
			"Development 1@@platform.1", "QA 1@@platform.1", "Staging -", "Production 4@acme.2 over 1@@platform.1 over 2@@tier.enterprise.1 by Ada,Bob",
		}, "0"},
		"for who sees all": {admin(t), "acme", []string{
			"Development 1@@platform.1 by Plato", "QA 1@@platform.1 by Plato", "Staging -",
			"Production 4@acme.2 over 1@@platform.1 over 2@@tier.enterprise.1 by Ada,Bob",
		}, "0"},
		"one environment": {as(t, models.RoleViewer, "acme", "QA"), "acme", []string{"QA 1@@platform.1"}, "0"},
		"platform": {admin(t), models.Platform, []string{
			"Development 1@@platform.1 by Plato", "QA 1@@platform.1 by Plato", "Staging -", "Production 1@@platform.1 by Plato",
		}, "4 @tier.enterprise(Enterprise):Production acme(acme):Production globex(globex):QA+Staging small(small):QA"},
		"tier": {admin(t), "@tier.enterprise", []string{
			"Development 1@@platform.1 by Plato", "QA 1@@platform.1 by Plato", "Staging -", "Production 2@@tier.enterprise.1 over 1@@platform.1",
		}, "2 acme(acme):Production globex(globex):QA+Staging"},
		"tier, of which I see nothing below": {as(t, models.RoleViewer, "@tier.enterprise", ""), "@tier.enterprise", []string{
			"Development 1@@platform.1", "QA 1@@platform.1", "Staging -", "Production 2@@tier.enterprise.1 over 1@@platform.1",
		}, "0"},
		"tier, of which I see QA": {as(t, models.RoleViewer, models.Platform, "QA"), "@tier.enterprise", []string{
			"QA 1@@platform.1 by Plato",
		}, "1 globex(globex):QA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := s.KeyView(test.by, test.tenant, "limit")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, shown(got)); diff != "" {
				t.Errorf("places (-want +got)\n%s", diff)
			}
			overrides := []string{strconv.Itoa(got.Overrides.Count)}
			for _, o := range got.Overrides.First {
				overrides = append(overrides, fmt.Sprintf("%s(%s):%s", o.TenantID, o.Name, strings.Join(o.Environments, "+")))
			}
			if strings.Join(overrides, " ") != test.overrides {
				t.Errorf("overrides %v, want %s", overrides, test.overrides)
			}
			if got.Tenant.ID != test.tenant || got.Key != "limit" || got.Type != models.TypeNumber || got.Definition.TenantID != models.Platform {
				t.Errorf("got %+v", got)
			}
		})
	}
	got, err := s.KeyView(admin(t), "acme", "limit")
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Places[1]; p.ConfigID != qa || p.Own { // deleted, and still the way to its history
		t.Errorf("the deleted config: %+v, want %s", p, qa)
	}
	if p := got.Places[3]; p.ConfigID != production || !p.Own || p.ChangeID == "" || p.Author.Name != "seed" || time.Since(p.LiveFrom) > time.Minute {
		t.Errorf("the live config: %+v, want %s", p, production)
	}
	versions, err := s.Versions(as(t, models.RoleViewer, "acme", ""), production, models.Page{Limit: 5})
	if err != nil || names(versions.Items[0].ApprovedBy) != "Ada,Bob" || len(versions.Items[1].ApprovedBy) != 0 || versions.Items[0].Title != "seeded" {
		t.Errorf("versions %+v, %v", versions, err)
	}
}

func TestKeyViewMasks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, "acme", "password", models.TypeString, true)
	s.db.Define(t, models.Platform, "password", models.TypeString, false)
	s.db.Set(t, models.Platform, "QA", "password", `"default"`)
	s.db.Set(t, "acme", "QA", "password", `"hunter2"`)
	got, err := s.KeyView(as(t, models.RoleViewer, "acme", ""), "acme", "password")
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Places[1]; !got.Sensitive || !p.Masked || !p.Hides[0].Masked || show(p) != `QA "********"@acme.1 over "********"@@platform.1` {
		t.Errorf("for a person: %+v", p)
	}
	got, err = s.KeyView(secrets(t, "acme"), "acme", "password")
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Places[1]; !p.Masked || show(p) != `QA "********"@acme.1 over "********"@@platform.1` {
		t.Errorf("for who may read secrets: %+v", p)
	}
}

func TestKeyViewRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seedKey(t)
	s.db.Define(t, "acme", "unset", models.TypeJSON, false)
	s.db.Set(t, "acme", "QA", "undefined", `true`)
	s.db.Set(t, "acme", "Production", "undefined", `1`)
	s.db.Tenant(t, "held", "Free")
	s.db.Tenant(t, "gone", "Free")
	s.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	for name, test := range map[string]struct {
		by          context.Context
		tenant, key string
		want        models.Code
	}{
		"own":                    {as(t, models.RoleViewer, "acme", ""), "acme", "limit", ""},
		"suspended":              {admin(t), "held", "limit", ""},
		"defined only":           {admin(t), "acme", "unset", ""},
		"without a definition":   {admin(t), "acme", "undefined", ""},
		"deleted":                {admin(t), "gone", "limit", models.CodeNotFound},
		"no such key":            {admin(t), "acme", "never", models.CodeNotFound},
		"no key at all":          {admin(t), "acme", "No Key", models.CodeNotFound},
		"another tenant's key":   {admin(t), "globex", "unset", models.CodeNotFound},
		"a key not of this view": {as(t, models.RoleViewer, "acme", "Staging"), "acme", "undefined", models.CodeNotFound},
		"other tenant":           {as(t, models.RoleViewer, "globex", ""), "acme", "limit", models.CodeNotFound},
		"layer above":            {as(t, models.RoleViewer, "acme", ""), models.Platform, "limit", models.CodeNotFound},
		"application key":        {as(t, models.RoleReader, "acme", ""), "acme", "limit", models.CodeForbidden},
		"nobody":                 {t.Context(), "acme", "limit", models.CodeUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := s.KeyView(test.by, test.tenant, test.key); code(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	got, err := s.KeyView(admin(t), "acme", "undefined")
	if err != nil || got.Definition != nil || got.Type != models.TypeBoolean {
		t.Errorf("got %+v, %v", got, err)
	}
	_, foreign := s.KeyView(as(t, models.RoleViewer, "globex", ""), "acme", "limit")
	_, unknown := s.KeyView(as(t, models.RoleViewer, "globex", ""), "never", "limit")
	if !cmp.Equal(foreign, unknown) {
		t.Errorf("another tenant answers %v, an unknown one %v", foreign, unknown)
	}
}

func TestOverridesAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 60 {
		tenant := fmt.Sprintf("many-%02d", i)
		s.db.Tenant(t, tenant, "Free")
		s.db.Set(t, tenant, "QA", "limit", `1`)
	}
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'many-03'`)
	got, err := s.KeyView(admin(t), models.Platform, "limit")
	if err != nil {
		t.Fatal(err)
	}
	if o := got.Overrides; o.Count != 59 || len(o.First) != 50 || o.First[3].TenantID != "many-04" {
		t.Errorf("%d overrides, of which %d are named", o.Count, len(o.First))
	}
}
