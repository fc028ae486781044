package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// loads counts how often the directory was read from the database.
func (h *house) loads() (n int) {
	for _, s := range h.Recorder.Statements() {
		if strings.HasPrefix(s.SQL, "SELECT") && strings.HasSuffix(s.SQL, "FROM people") {
			n++
		}
	}
	return n
}

func TestOneLoadHoweverManyWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ann", models.RoleViewer, "acme")
	old := h.directory(t)
	before := h.loads()
	h.Admin(t, `UPDATE heads SET revision = revision + 1, token = gen_random_uuid() WHERE environment = 'roles'`)
	h.Raise([]models.Head{{TenantID: models.Platform, Environment: models.HeadRoles, Revision: revision(t, h)}})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			d, err := h.Directory(t.Context())
			if err != nil || d.RolesToken() == old.RolesToken() {
				t.Errorf("the old directory was served after its head was raised (%v)", err)
			}
		})
	}
	wg.Wait()
	if n := h.loads() - before; n != 1 {
		t.Errorf("%d loads", n)
	}
	h.directory(t)
	h.Raise([]models.Head{
		{TenantID: models.Platform, Environment: models.HeadRoles, Revision: 1}, // lowers nothing
		{TenantID: "acme", Environment: models.HeadRoles, Revision: 99},         // is no control data
		{TenantID: models.Platform, Environment: "Production", Revision: 99},
	})
	h.directory(t)
	if n := h.loads() - before; n != 1 {
		t.Errorf("%d loads in the end", n)
	}
}

func revision(t *testing.T, h *house) (n int64) {
	t.Helper()
	h.Scan(t, `SELECT revision FROM heads WHERE tenant_id = '@platform' AND environment = 'roles'`, nil, &n)
	return n
}

func TestNeverOlderThanARaisedHead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				group := fmt.Sprintf("g-%d-%d", i, j)
				b, err := h.Bind(root, access.BindingInput{Role: models.RoleViewer, Group: group})
				if err != nil {
					t.Error(err)
					return
				}
				k, key, err := h.CreateKey(root, access.KeyInput{Name: group, Role: models.RoleReader})
				if err != nil {
					t.Error(err)
					return
				}
				h.lets(t, key, "")
				wantCode(t, h.RevokeKey(root, k.ID), "")
				h.lets(t, key, models.CodeUnauthenticated)
				wantCode(t, h.Unbind(root, b.ID), "")
			}
		})
	}
	wg.Wait()
}

func TestOldDirectoryIsServedOnlyWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	k, key, err := h.CreateKey(root, access.KeyInput{Name: "app", Role: models.RoleReader})
	if err != nil {
		t.Fatal(err)
	}
	h.login(t, key)
	h.Admin(t, `UPDATE api_keys SET revoked_at = now() WHERE id = $1`, k.ID)
	h.Admin(t, `UPDATE heads SET revision = revision + 1 WHERE environment = 'keys'`)

	// An error that is not an outage is no reason to serve what is old.
	h.Admin(t, `ALTER TABLE api_keys RENAME COLUMN denies TO refuses`)
	h.Raise([]models.Head{{TenantID: models.Platform, Environment: models.HeadKeys, Revision: 3}})
	if _, err := h.Authenticate(t.Context(), key); err == nil {
		t.Error("an old directory was served though Postgres answers")
	}
	h.Admin(t, `ALTER TABLE api_keys RENAME COLUMN refuses TO denies`)

	allow(t, h, false)
	h.contact.Heard()
	h.login(t, key)
	h.sleep(23 * time.Hour)
	h.contact.Look()
	h.login(t, key)
	h.sleep(2 * time.Hour)
	h.contact.Look()
	_, err = h.Authenticate(t.Context(), key)
	wantCode(t, err, models.CodeUnavailable)
	h.contact.Heard()

	allow(t, h, true)
	h.sleep(2 * time.Second) // the next look at Postgres is due
	deadline := time.Now().Add(10 * time.Second)
	for err = nil; err == nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		_, err = h.Authenticate(t.Context(), key)
	}
	wantCode(t, err, models.CodeUnauthenticated)
}

// A head that moved elsewhere makes nobody wait for a Postgres that is slow; one that this node moved does.
func TestASlowLoadIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	k, key, err := h.CreateKey(root, access.KeyInput{Name: "app", Role: models.RoleReader})
	if err != nil {
		t.Fatal(err)
	}
	h.login(t, key)
	hang := h.Connect(t, h.AdminURL)
	if _, err := hang.Exec(t.Context(), `BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	h.Hear([]models.Head{{TenantID: models.Platform, Environment: models.HeadKeys, Revision: 99}})
	for range 100 {
		h.login(t, key)
	}
	wantCode(t, h.RevokeKey(root, k.ID), "")
	h.lets(t, key, models.CodeUnauthenticated) // though nothing can be loaded
}

// Another database took the place of this one: a directory of the one before is too new and not of this one.
func TestDirectoryBeginsAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	k, key, err := h.CreateKey(root, access.KeyInput{Name: "app", Role: models.RoleReader})
	if err != nil {
		t.Fatal(err)
	}
	h.login(t, key)
	h.Admin(t, `DELETE FROM api_keys WHERE id = $1`, k.ID)
	h.Admin(t, `UPDATE heads SET revision = 1 WHERE environment IN ('keys', 'roles')`)
	h.login(t, key)
	h.Anew()
	h.Hear([]models.Head{{TenantID: models.Platform, Environment: models.HeadKeys, Revision: 1}})
	for end := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, err = h.Authenticate(t.Context(), key) // the one before serves while the load takes long
	}
	wantCode(t, err, models.CodeUnauthenticated)
}

// allow lets the application connect, or ends its connections and refuses new ones.
func allow(t *testing.T, h *house, yes bool) {
	t.Helper()
	conn := h.Connect(t, strings.Replace(h.AdminURL, "/"+h.Name, "/postgres", 1))
	if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %v", h.Name, yes)); err != nil {
		t.Fatal(err)
	}
	if yes {
		return
	}
	_, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, h.Name)
	if err != nil {
		t.Fatal(err)
	}
}

func TestWithoutAnyDirectoryNobodyIsKnown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	allow(t, h, false)
	_, err := h.Authenticate(t.Context(), "hs_x")
	wantCode(t, err, models.CodeUnavailable)
	allow(t, h, true)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Directory(ctx); err != nil { // unless it was faster
		wantCode(t, err, models.CodeUnavailable)
	}
	h.directory(t)
}

func TestNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	k, _, err := h.CreateKey(root, access.KeyInput{Name: "app", Role: models.RoleReader})
	if err != nil {
		t.Fatal(err)
	}
	p := h.account(t, "ann", models.RoleViewer, "acme")
	d := h.directory(t)
	for stored, want := range map[string]string{
		"person:" + p.ID: "ann", "service:" + k.ID: "app", "system:scan": "scan", "person:gone": "", "service:gone": "",
	} {
		if got := d.Name(models.ParseActorRef(stored)); got.Name != want || got.String() != stored {
			t.Errorf("%s is called %q, want %q", stored, got.Name, want)
		}
	}
	if got, ok := d.Person(p.ID); !ok || got.Email != "ann@example.com" {
		t.Errorf("person %+v", got)
	}
	if _, ok := d.Person("gone"); ok {
		t.Error("somebody unknown is known")
	}
	if _, ok := d.Actor("gone", h.now()); ok {
		t.Error("somebody unknown has rights")
	}
}

func TestOneVerifiedMailIsOneIdentity(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sign := func(subject, email string, verified bool) string {
		p, err := h.SignIn(t.Context(), access.Claims{Issuer: issuer, Subject: subject, Email: email, EmailVerified: verified})
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	a, b, c, e := sign("a", "Ann@Example.com", true), sign("b", " ann@example.com", true), sign("c", "ann@example.com", false), sign("e", "", true)
	d := h.directory(t)
	if d.Identity(a) != "mail:ann@example.com" || d.Identity(a) != d.Identity(b) {
		t.Errorf("%s and %s", d.Identity(a), d.Identity(b))
	}
	if d.Identity(c) != c || d.Identity(e) != e || d.Identity("gone") != "gone" {
		t.Errorf("%s, %s, %s", d.Identity(c), d.Identity(e), d.Identity("gone"))
	}
}

func TestGroupsAreTrustedForAWhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	claims := access.Claims{Issuer: issuer, Subject: "ann", Email: "ann@example.com", EmailVerified: true, Groups: []string{"ops", "dev"}}
	p, err := h.SignIn(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleEngineer, Group: "ops"}); err != nil {
		t.Fatal(err)
	}
	me := models.WithActor(t.Context(), h.actor(t, p))
	_, key, err := h.CreateKey(me, access.KeyInput{Name: "k", Role: models.RoleEngineer, TenantID: "acme", Owner: access.OwnerMe})
	if err != nil {
		t.Fatal(err)
	}
	can := func() bool {
		t.Helper()
		byPerson := h.actor(t, p).Can(models.PermEditConfigs, "acme", "QA")
		if byKey := h.login(t, key).Can(models.PermEditConfigs, "acme", "QA"); byKey != byPerson {
			t.Errorf("person %v, key %v", byPerson, byKey)
		}
		return byPerson
	}
	if !can() {
		t.Error("a group gives nothing")
	}
	h.sleep(models.GroupTrust - time.Second)
	if !can() {
		t.Error("a group gives nothing just before its trust ends")
	}
	h.sleep(time.Second)
	if can() {
		t.Error("a group is trusted for ever")
	}
	if _, err := h.SignIn(t.Context(), claims); err != nil {
		t.Fatal(err)
	}
	if !can() {
		t.Error("a new login does not renew a group")
	}
	claims.Groups = []string{"dev"}
	if _, err := h.SignIn(t.Context(), claims); err != nil {
		t.Fatal(err)
	}
	if can() {
		t.Error("the group that the person left still counts")
	}
}

func TestDisabledPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.account(t, "ann", models.RoleEngineer, "acme")
	me := models.WithActor(t.Context(), h.actor(t, p))
	_, key, err := h.CreateKey(me, access.KeyInput{Name: "k", Role: models.RoleEngineer, TenantID: "acme", Owner: access.OwnerMe})
	if err != nil {
		t.Fatal(err)
	}
	h.login(t, key)
	h.Admin(t, `UPDATE people SET disabled_at = now() WHERE id = $1`, p.ID)
	h.Admin(t, `UPDATE heads SET revision = revision + 1 WHERE environment = 'roles'`)
	h.Raise([]models.Head{{TenantID: models.Platform, Environment: models.HeadRoles, Revision: revision(t, h)}})
	_, err = h.Authenticate(t.Context(), key)
	wantCode(t, err, models.CodeUnauthenticated)
	if _, ok := h.directory(t).Actor(p.ID, h.now()); ok {
		t.Error("a disabled person has rights")
	}
	claims := access.Claims{Issuer: issuer, Subject: "ann", Email: "new@example.com", EmailVerified: true}
	_, err = h.SignIn(t.Context(), claims)
	wantCode(t, err, models.CodeForbidden)
	h.claims = func(string) (access.Claims, error) { return claims, nil }
	_, err = h.Authenticate(t.Context(), "a.jwt.token")
	wantCode(t, err, models.CodeUnauthenticated)
}

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	soon := h.now().Add(time.Hour)
	_, key, err := h.CreateKey(root, access.KeyInput{Name: "app", Role: models.RoleReader, ExpiresAt: &soon})
	if err != nil {
		t.Fatal(err)
	}
	h.login(t, key)
	_, other := access.NewKey()
	last := "A"
	if strings.HasSuffix(key, "A") {
		last = "B"
	}
	h.claims = func(string) (access.Claims, error) { return access.Claims{}, errors.New("bad signature") }
	for name, credential := range map[string]string{
		"empty": "", "prefix": "hs_", "no secret": key[:30], "another secret": key[:len(key)-1] + last, "longer": key + "A",
		"unknown": other, "upper case": strings.ToUpper(key), "huge": key + strings.Repeat("A", 10_000), "jwt": "a.b.c",
	} {
		if _, err := h.Authenticate(t.Context(), credential); err == nil {
			t.Errorf("%s: let in", name)
		} else {
			wantCode(t, err, models.CodeUnauthenticated)
		}
	}
	h.sleep(time.Hour - 1)
	h.login(t, key)
	h.sleep(1)
	_, err = h.Authenticate(t.Context(), key)
	wantCode(t, err, models.CodeUnauthenticated)
}

func TestKnownKeyCostsNoAllocation(t *testing.T) {
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	_, key, err := h.CreateKey(root, access.KeyInput{Name: "app", Role: models.RoleReader})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	h.login(t, key)
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Authenticate(ctx, key) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAuthenticateKey(b *testing.B) {
	h := benchHouse(b)
	_, key := access.NewKey()
	if _, err := h.EnsureKey(b.Context(), models.APIKey{Name: "app", Role: models.RoleReader}, key); err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Authenticate(ctx, key); err != nil {
			b.Fatal(err)
		}
	}
}
