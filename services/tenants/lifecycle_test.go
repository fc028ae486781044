package tenants_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/tenants"
)

// become writes a status as a change, or time, would have brought it about, and tells this node.
func (s site) become(t testing.TB, id string, status models.TenantStatus, deletedAgo time.Duration, purged bool) {
	t.Helper()
	s.db.Admin(t, `
		WITH now AS (SELECT clock_timestamp() AS at), ended AS (
			UPDATE tenant_versions SET live_to = now.at FROM now WHERE tenant_id = $1 AND live_to IS NULL
		), moved AS (
			UPDATE tenants SET status = $2, version = version + 1, updated_at = now.at,
				deleted_at = CASE WHEN $2 = 'deleted' THEN now.at - make_interval(secs => $3) END,
				purged_at = CASE WHEN $4 THEN now.at END
			FROM now WHERE tenant_id = $1 RETURNING *
		), version AS (
			INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from)
			SELECT tenant_id, version, name, tier, status, updated_at FROM moved
		)
		UPDATE heads SET revision = revision + 1, token = gen_random_uuid() WHERE tenant_id = $1 AND environment = ''`,
		id, string(status), deletedAgo.Seconds(), purged)
	s.directory.Raise([]models.Head{s.db.Head(t, id, models.HeadTenant)})
}

// suspend is become for the usual beginning of a deletion.
func (s site) suspend(t testing.TB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		s.become(t, id, models.TenantSuspended, 0, false)
	}
}

// digest tells two states of the tables about tenants' lives apart.
func (s site) digest(t testing.TB) (d string) {
	t.Helper()
	s.db.Scan(t, `SELECT md5(coalesce((SELECT string_agg(t::text, '|' ORDER BY t::text) FROM tenants t), '')
		|| coalesce((SELECT string_agg(v::text, '|' ORDER BY v::text) FROM tenant_versions v), '')
		|| (SELECT count(*) FROM audit_entries) || (SELECT count(*) FROM river_job)
		|| coalesce((SELECT string_agg(h::text, '|' ORDER BY h::text) FROM heads h), ''))`, nil, &d)
	return d
}

// TestLife walks every status × action × actor.
func TestLife(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "globex")
	actions := map[string]func(context.Context, string) error{
		"activate": func(ctx context.Context, id string) error { _, err := s.Activate(ctx, id); return err },
		"delete":   func(ctx context.Context, id string) error { return s.Delete(ctx, id, id, "") },
		"preview":  func(ctx context.Context, id string) error { _, err := s.DeletionPreview(ctx, id); return err },
	}
	statuses := map[string]struct {
		make func(id string)
		want map[string]models.Code // for who may
	}{
		"active": {func(string) {}, map[string]models.Code{"activate": models.CodeConflict, "delete": models.CodeConflict}},
		"suspended": {
			func(id string) { s.suspend(t, id) }, map[string]models.Code{},
		},
		"deleted": {
			func(id string) { s.become(t, id, models.TenantDeleted, 29*24*time.Hour, false) },
			map[string]models.Code{"delete": models.CodeNotFound, "preview": models.CodeNotFound},
		},
		"overdue": {
			func(id string) { s.become(t, id, models.TenantDeleted, 31*24*time.Hour, false) },
			map[string]models.Code{"activate": models.CodeNotFound, "delete": models.CodeNotFound, "preview": models.CodeNotFound},
		},
		"purged": {
			func(id string) { s.become(t, id, models.TenantDeleted, 29*24*time.Hour, true) },
			map[string]models.Code{"activate": models.CodeNotFound, "delete": models.CodeNotFound, "preview": models.CodeNotFound},
		},
	}
	for status, test := range statuses {
		for action, run := range actions {
			id := status + "-" + action
			s.seed(t, id)
			test.make(id)
			before := s.digest(t)
			for name, who := range map[string]struct {
				by   context.Context
				want models.Code
			}{
				"nobody":                     {t.Context(), models.CodeUnauthenticated},
				"engineer":                   {as(t, models.RoleEngineer, id, ""), models.CodeForbidden},
				"tenant-admin":               {as(t, models.RoleTenantAdmin, id, ""), models.CodeForbidden},
				"tenant-admin of all":        {as(t, models.RoleTenantAdmin, models.Platform, ""), models.CodeForbidden},
				"auditor of all":             {as(t, models.RoleAuditor, models.Platform, ""), models.CodeForbidden},
				"platform-admin of a tenant": {as(t, models.RolePlatformAdmin, id, ""), models.CodeForbidden},
				"platform-admin in QA":       {as(t, models.RolePlatformAdmin, models.Platform, "QA"), models.CodeForbidden},
				"another tenant's admin":     {as(t, models.RoleTenantAdmin, "globex", ""), models.CodeNotFound},
			} {
				if err := run(who.by, id); code(err) != who.want {
					t.Errorf("%s, %s by %s: %v, want %s", status, action, name, err, who.want)
				}
			}
			if s.digest(t) != before {
				t.Errorf("%s, %s: who may not has left a trace", status, action)
			}
			if err := run(admin(t), id); code(err) != test.want[action] {
				t.Errorf("%s, %s by a platform-admin: %v, want %q", status, action, err, test.want[action])
			}
			if moved := s.digest(t) != before; moved != (test.want[action] == "" && action != "preview") {
				t.Errorf("%s, %s: moved is %v", status, action, moved)
			}
		}
	}
	for action, run := range actions {
		if err := run(admin(t), "never"); code(err) != models.CodeNotFound {
			t.Errorf("%s of an unknown tenant: %v", action, err)
		}
	}
	for _, layer := range []string{models.Platform, "@tier.pro"} {
		if err := s.Delete(admin(t), layer, layer, ""); code(err) != models.CodeConflict {
			t.Errorf("delete %s: %v", layer, err)
		}
	}
}

// doors is access to the same database, with a key and a person of a tenant.
type doors struct {
	*access.Service
	key, person string
}

func (s site) doors(t *testing.T, id string) doors {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	d := doors{Service: access.New(access.Options{
		DB: s.db.DB, Audit: audit.New(s.db.DB, time.Now, log), Now: time.Now, Log: log, Issuer: "https://id.example.com",
	})}
	s.db.OnMoved(func(moved []models.Head) { s.directory.Raise(moved); d.Raise(moved) })
	var err error
	if _, d.key, err = d.CreateKey(admin(t), access.KeyInput{Name: "app of " + id, Role: models.RoleReader, TenantID: id}); err != nil {
		t.Fatal(err)
	}
	p, err := d.SignIn(t.Context(), access.Claims{Issuer: "https://id.example.com", Subject: id})
	if err != nil {
		t.Fatal(err)
	}
	d.person = p.ID
	if _, err := d.Bind(admin(t), access.BindingInput{TenantID: id, Role: models.RoleEngineer, PersonID: p.ID}); err != nil {
		t.Fatal(err)
	}
	return d
}

// open tells whether the tenant's key is a credential, and whether its person has rights there.
func (d doors) open(t *testing.T, id string) (key, person bool) {
	t.Helper()
	_, err := d.Authenticate(t.Context(), d.key)
	if err != nil && code(err) != models.CodeUnauthenticated {
		t.Fatal(err)
	}
	known, loadErr := d.Directory(t.Context())
	if loadErr != nil {
		t.Fatal(loadErr)
	}
	actor, _ := known.Actor(d.person, time.Now())
	return err == nil, actor.Sees(id)
}

// waiting seeds one change of each status, and one deployment of each.
func (s site) waiting(t *testing.T, id string) {
	t.Helper()
	s.db.Admin(t, `
		WITH made AS (
			INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
			SELECT $1, gen_random_uuid(), 'Production', 'is ' || s, 'edit', 'person:x', s, repeat('0', 64), '{}', now(), now()
			FROM unnest('{draft,pending,approved,scheduled,deploying,deployed,rejected,cancelled,expired,failed}'::text[]) s
			RETURNING id, status
		)
		INSERT INTO deployments (tenant_id, id, change_id, environment, strategy, status, started_at)
		SELECT $1, gen_random_uuid(), made.id, 'Production', '{}', s, now() FROM made,
			unnest('{queued,running,paused,watching,succeeded,rolled_back,aborted,failed}'::text[]) s WHERE made.status = 'deployed'`, id)
}

// counts is how many changes or deployments of the tenant have each status.
func (s site) counts(t *testing.T, table, id string) (out string) {
	t.Helper()
	s.db.Scan(t, `SELECT coalesce(string_agg(status || ' ' || n, ', ' ORDER BY status), '') FROM (
		SELECT status, count(*) AS n FROM `+table+` WHERE tenant_id = $1 GROUP BY status) x`, []any{id}, &out)
	return out
}

func (s site) entries(t *testing.T, id, action string) (n int) {
	t.Helper()
	s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE tenant_id = $1 AND action = $2`, []any{id, action}, &n)
	return n
}

func TestDeleteAndUndo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme", "globex")
	s.waiting(t, "acme")
	s.waiting(t, "globex")
	mine, others := s.doors(t, "acme"), s.doors(t, "globex")
	s.db.OnMoved(func(moved []models.Head) { s.directory.Raise(moved); mine.Raise(moved); others.Raise(moved) })
	s.db.Set(t, "acme", "QA", "a", "1")
	s.suspend(t, "acme")

	want := tenants.Deletion{Values: 1, Keys: 1, Bindings: 1, OpenChanges: 5}
	if got, err := s.DeletionPreview(admin(t), "acme"); err != nil || got != want {
		t.Errorf("preview %+v, %v", got, err)
	}
	before := s.digest(t)
	for confirm, ifMatch := range map[string]string{"": "", "Acme": "", "globex": "", "acme": `"1"`} {
		wanted := models.CodeInvalid
		if ifMatch != "" {
			wanted = models.CodePreconditionFailed
		}
		if err := s.Delete(admin(t), "acme", confirm, ifMatch); code(err) != wanted {
			t.Errorf("confirmed by %q, if %s: %v", confirm, ifMatch, err)
		}
	}
	if s.digest(t) != before {
		t.Error("a refused deletion left a trace")
	}

	if err := s.Delete(admin(t), "acme", "acme", `"2"`); err != nil {
		t.Fatal(err)
	}
	s.wantDeleted(t, mine)
	if key, person := others.open(t, "globex"); !key || !person {
		t.Error("another tenant's key or person is refused")
	}
	if got := s.counts(t, "changes", "globex"); strings.Contains(got, "cancelled 6") || s.entries(t, "globex", "change.cancel") != 0 {
		t.Errorf("of another tenant: %s", got)
	}

	back, err := s.Activate(admin(t), "acme")
	if err != nil || back.Status != models.TenantActive || back.Version != 4 || back.DeletedAt != nil {
		t.Fatalf("undone: %+v, %v", back, err)
	}
	if got, err := s.Get(admin(t), "acme"); err != nil || !cmp.Equal(got, back, cmp.Comparer(time.Time.Equal)) {
		t.Errorf("got %+v, %v", got, err)
	}
	if key, person := mine.open(t, "acme"); !key || !person {
		t.Errorf("after the undoing the key opens %v, the person sees it %v", key, person)
	}
	if got := s.counts(t, "changes", "acme"); !strings.HasPrefix(got, "cancelled 6, ") {
		t.Errorf("after the undoing: %s", got)
	}
	var gaps int
	s.db.Scan(t, `SELECT count(*) FROM tenant_versions v WHERE tenant_id = 'acme' AND live_to IS NOT NULL AND NOT EXISTS (
		SELECT FROM tenant_versions n WHERE n.tenant_id = 'acme' AND n.live_from = v.live_to AND n.version = v.version + 1)`, nil, &gaps)
	if gaps != 0 || s.entries(t, "acme", tenants.ActionActivate) != 1 {
		t.Errorf("%d gaps between versions, %d entries", gaps, s.entries(t, "acme", tenants.ActionActivate))
	}
}

// wantDeleted looks at all that the deletion of acme is made of.
func (s site) wantDeleted(t *testing.T, mine doors) {
	t.Helper()
	if _, err := s.Get(admin(t), "acme"); code(err) != models.CodeNotFound {
		t.Errorf("get: %v", err)
	}
	if known, err := s.directory.Get(t.Context(), "acme"); err != nil || known.Status != models.TenantDeleted {
		t.Errorf("the read plane knows %+v, %v", known, err)
	}
	if key, person := mine.open(t, "acme"); key || person {
		t.Errorf("the key opens %v, the person sees it %v", key, person)
	}
	if _, err := s.Create(admin(t), tenants.In{TenantID: "acme", Name: "Again", Tier: "Pro"}); code(err) != models.CodeConflict {
		t.Errorf("the id was issued again: %v", err)
	}
	const changes = "cancelled 6, deployed 2, expired 1, failed 1, rejected 1"
	const deployments = "aborted 4, failed 1, rolled_back 1, succeeded 1, watching 1"
	if got := s.counts(t, "changes", "acme"); got != changes {
		t.Errorf("changes: %s", got)
	}
	if got := s.counts(t, "deployments", "acme"); got != deployments {
		t.Errorf("deployments: %s", got)
	}
	for action, want := range map[string]int{tenants.ActionDelete: 1, "change.cancel": 5, "deployment.abort": 3} {
		if got := s.entries(t, "acme", action); got != want {
			t.Errorf("%d entries %s, want %d", got, action, want)
		}
	}
	var args string
	var days float64
	s.db.Scan(t, `SELECT args::text, extract(epoch FROM scheduled_at - now()) / 86400 FROM river_job WHERE kind = 'tenant_purge'`, nil, &args, &days)
	if !strings.Contains(args, `"acme"`) || days < 29.9 || days > 30 {
		t.Errorf("the purge %s is due in %f days", args, days)
	}
	deleted := tenants.Filter{Status: models.TenantDeleted, Page: page(10, "")}
	if list, err := s.List(admin(t), deleted); err != nil || len(list.Items) != 1 || list.Items[0].DeletedAt == nil {
		t.Errorf("the list of deleted tenants: %+v, %v", list.Items, err)
	}
	for _, who := range []context.Context{as(t, models.RoleTenantAdmin, "acme", ""), as(t, models.RoleAuditor, models.Platform, "")} {
		if list, err := s.List(who, deleted); err != nil || len(list.Items) != 0 {
			t.Errorf("who does not manage tenants is shown deleted ones: %+v, %v", list.Items, err)
		}
	}
}

// Two who end and revive a tenant at once leave a whole history, and one state.
func TestLifeRaces(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	for range 5 {
		s.suspend(t, "acme")
		results := make(chan error, 4)
		for i := range 4 {
			go func() {
				if i%2 == 0 {
					results <- s.Delete(admin(t), "acme", "acme", "")
					return
				}
				_, err := s.Activate(admin(t), "acme")
				results <- err
			}()
		}
		for range 4 {
			if err := <-results; err != nil && code(err) != models.CodeConflict && code(err) != models.CodeNotFound {
				t.Error(err)
			}
		}
	}
	var live, broken int
	var agree bool
	s.db.Scan(t, `SELECT count(*) FILTER (WHERE v.live_to IS NULL), count(*) FILTER (WHERE v.live_to IS NOT NULL AND NOT EXISTS (
			SELECT FROM tenant_versions n WHERE n.tenant_id = v.tenant_id AND n.live_from = v.live_to)),
		bool_and(v.live_to IS NOT NULL OR v.status = t.status AND v.version = t.version AND (t.deleted_at IS NULL) = (t.status <> 'deleted'))
		FROM tenant_versions v JOIN tenants t USING (tenant_id) WHERE tenant_id = 'acme'`, nil, &live, &broken, &agree)
	if live != 1 || broken != 0 || !agree {
		t.Errorf("%d live versions, %d gaps, versions agree with the tenant: %v", live, broken, agree)
	}
}
