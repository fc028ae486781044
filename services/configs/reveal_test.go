package configs_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/configs"
	sealing "github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store/storetest"
)

const canary models.Value = `"canary-41c7-reveal"`

// safe is a site whose secrets are sealed.
type safe struct {
	site
	secrets *sealing.Service
	audit   *audit.Log
}

func newSafe(t testing.TB) safe {
	t.Helper()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Enterprise")
	db.Tenant(t, "globex", "Enterprise")
	quiet := slog.New(slog.DiscardHandler)
	master, err := sealing.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(db.DB, time.Now, quiet)
	secrets := sealing.New(sealing.Options{DB: db.DB, Audit: log, Master: master, Now: time.Now, NewID: uuid.NewString, Log: quiet})
	names := access.New(access.Options{DB: db.DB, Audit: log, Now: time.Now, Log: quiet})
	service := configs.New(configs.Options{DB: db.DB, Access: names, Secrets: secrets, Audit: log, Now: time.Now})
	return safe{site{service, db}, secrets, log}
}

// setSecret makes a sealed value live and returns the config's id.
func (s safe) setSecret(t testing.TB, tenant, environment, key string, v models.Value) string {
	t.Helper()
	var text models.Value
	var row sealing.Row
	err := s.secrets.Retry(t.Context(), func() (err error) {
		text, row, err = s.secrets.Seal(tenant, key, models.NewSecret(v))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	id := s.db.Set(t, tenant, environment, key, `"not sealed yet"`)
	s.db.Admin(t, `UPDATE config_versions SET value = $1 WHERE config_id = $2 AND live_to IS NULL`, string(text), id)
	s.db.Admin(t, `INSERT INTO sealed_values (tenant_id, id, key, ciphertext) VALUES ($1, $2, $3, $4)`, tenant, row.ID, key, row.Ciphertext)
	return id
}

// reader is an application's key that may read secrets.
func reader(t testing.TB, tenant string) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "k", Kind: models.ActorService}, KeyID: "k",
		Grants: []models.Grant{{Role: models.RoleReader, Tenant: tenant, Extra: models.PermReadSecrets}},
	})
}

func TestReveal(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	s.db.Define(t, "acme", "password", models.TypeString, true)
	id := s.setSecret(t, "acme", "Production", "password", canary)
	onTop := s.setSecret(t, models.Platform, "Production", "top", canary)
	for name, test := range map[string]struct {
		ctx  context.Context
		id   string
		want models.Code
	}{
		"tenant's admin":       {as(t, models.RoleTenantAdmin, "acme", ""), id, ""},
		"of that environment":  {as(t, models.RoleTenantAdmin, "acme", "Production"), id, ""},
		"of another one":       {as(t, models.RoleTenantAdmin, "acme", "QA"), id, models.CodeForbidden},
		"platform admin":       {admin(t), id, ""},
		"a reader of secrets":  {reader(t, "acme"), id, ""},
		"another reader":       {reader(t, "globex"), id, models.CodeNotFound},
		"engineer":             {as(t, models.RoleEngineer, "acme", ""), id, models.CodeForbidden},
		"engineer of all":      {as(t, models.RoleEngineer, models.Platform, ""), id, models.CodeForbidden},
		"auditor":              {as(t, models.RoleAuditor, "acme", ""), id, models.CodeForbidden},
		"other tenant's admin": {as(t, models.RoleTenantAdmin, "globex", ""), id, models.CodeNotFound},
		"nobody":               {t.Context(), id, models.CodeUnauthenticated},
		"without a role":       {models.WithActor(t.Context(), models.Actor{}), id, models.CodeNotFound},
		"unknown":              {admin(t), uuid.NewString(), models.CodeNotFound},
		"no id":                {admin(t), "x", models.CodeNotFound},
		"a layer's":            {admin(t), onTop, ""},
		"a layer's, tenant":    {as(t, models.RoleTenantAdmin, "acme", ""), onTop, models.CodeNotFound},
	} {
		c, err := s.Reveal(test.ctx, test.id)
		if code(err) != test.want || (c.Value == canary) != (test.want == "") || c.Sensitive != (test.want == "") {
			t.Errorf("%s: %q, %v", name, c.Value, err)
		}
	}
	if c, err := s.Get(admin(t), id); err != nil || c.Value != models.Masked {
		t.Errorf("a look at the config shows %q, %v", c.Value, err)
	}
}

func TestRevealIsAudited(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	id := s.setSecret(t, "acme", "QA", "password", canary)
	plain := s.db.Set(t, "acme", "QA", "plain", `"p"`)
	entries := func() (n int) {
		s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE tenant_id = 'acme' AND action = 'secret.reveal'`, nil, &n)
		return n
	}
	who := as(t, models.RoleTenantAdmin, "acme", "")
	for i := range 3 {
		if _, err := s.Reveal(who, id); err != nil || entries() != i+1 {
			t.Fatalf("%d entries after %d reveals, %v", entries(), i+1, err)
		}
	}
	var after, resource, actor string
	s.db.Scan(t, `SELECT e.after, e.resource, u.actor_id FROM audit_entries e
		JOIN audit_subjects u ON u.tenant_id = e.tenant_id AND u.ref = e.subject ORDER BY e.number LIMIT 1`, nil, &after, &resource, &actor)
	if after != `{"environment":"QA","key":"password","version":1}` || resource != "config/"+id || !strings.HasPrefix(actor, "1111") {
		t.Errorf("the entry: %s %s %s", after, resource, actor)
	}
	if c, err := s.Reveal(who, plain); err != nil || c.Value != `"p"` || entries() != 3 {
		t.Errorf("what is no secret: %q, %d entries, %v", c.Value, entries(), err)
	}
	if _, err := s.Reveal(as(t, models.RoleEngineer, "acme", ""), id); err == nil || entries() != 3 {
		t.Error("a refused reveal is a reveal in the log")
	}

	for range 5 { // a service's are counted, and written when the node ends or the hour is over
		if c, err := s.Reveal(reader(t, "acme"), id); err != nil || c.Value != canary {
			t.Fatal(err)
		}
	}
	if entries() != 3 {
		t.Errorf("%d entries", entries())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.audit.Run(ctx)
	s.db.Scan(t, `SELECT after FROM audit_entries ORDER BY number DESC LIMIT 1`, nil, &after)
	if entries() != 4 || !strings.Contains(after, `"count":5`) {
		t.Errorf("%d entries, the last one is %s", entries(), after)
	}

	s.db.Admin(t, `ALTER TABLE audit_entries RENAME TO away`)
	if c, err := s.Reveal(who, id); err == nil || c.Value != "" {
		t.Errorf("revealed %q without a line in the log", c.Value)
	}
}

// What does not open, and what is gone, is no reveal.
func TestRevealOfNothing(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	who := as(t, models.RoleTenantAdmin, "acme", "")
	deleted := s.setSecret(t, "acme", "QA", "deleted", canary)
	s.db.Unset(t, "acme", "QA", "deleted")
	if _, err := s.Reveal(who, deleted); code(err) != models.CodeNotFound {
		t.Errorf("deleted: %v", err)
	}
	swapped, other := s.setSecret(t, "acme", "QA", "a", canary), s.setSecret(t, "globex", "QA", "a", `"globex's own"`)
	s.db.Admin(t, `UPDATE sealed_values s SET ciphertext = o.ciphertext FROM sealed_values o
		WHERE s.tenant_id = 'acme' AND s.key = 'a' AND o.tenant_id = 'globex'`)
	if c, err := s.Reveal(who, swapped); err == nil || c.Value != "" {
		t.Errorf("another tenant's: %q", c.Value)
	}
	lost := s.setSecret(t, "acme", "QA", "lost", canary)
	s.db.Admin(t, `DELETE FROM sealed_values WHERE key = 'lost'`)
	if c, err := s.Reveal(who, lost); err == nil || c.Value != "" {
		t.Errorf("without a ciphertext: %q", c.Value)
	}
	kept := s.setSecret(t, "acme", "QA", "kept", canary)
	if err := s.secrets.Shred(admin(t), "acme"); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Reveal(who, kept); code(err) != models.CodeConflict || c.Value != "" {
		t.Errorf("shredded: %q, %v", c.Value, err)
	}
	if c, err := s.Reveal(admin(t), other); err != nil || c.Value != `"globex's own"` {
		t.Errorf("the neighbour's: %q, %v", c.Value, err)
	}
	var n int
	if s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE action = 'secret.reveal' AND tenant_id = 'acme'`, nil, &n); n != 0 {
		t.Errorf("%d entries", n)
	}
}
