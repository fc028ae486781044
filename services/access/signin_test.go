package access_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

func TestSignInKeepsWhatTheProviderSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	now := h.now()
	claims := access.Claims{
		Issuer: issuer, Subject: "a1", Email: " Ann@Example.com ", EmailVerified: true, Name: "Ann \x00",
		Groups: []string{"ops", "dev, all", `"q"`, "", "ops", "a\x00"},
	}
	p, err := h.SignIn(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	want := models.Person{
		ID: p.ID, Issuer: issuer, Subject: "a1", Email: "ann@example.com", EmailVerified: true,
		Groups: []string{`"q"`, "dev, all", "ops"}, GroupsAt: &now, LastLoginAt: &now, CreatedAt: now,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if got, ok := h.directory(t).Login(issuer, "a1"); !ok || cmp.Diff(want, got) != "" {
		t.Error(cmp.Diff(want, got))
	}
	var by string
	h.Scan(t, `SELECT s.kind || ':' || s.actor_id FROM audit_entries e JOIN audit_subjects s ON s.ref = e.subject
		WHERE e.tenant_id = '@platform' AND e.action = 'session.login'`, nil, &by)
	if by != "person:"+p.ID {
		t.Errorf("recorded as %s", by)
	}

	// The same again moves nothing; a news does.
	token := h.directory(t).RolesToken()
	h.sleep(time.Minute)
	again, err := h.SignIn(t.Context(), claims)
	if err != nil || again.ID != p.ID || !again.LastLoginAt.Equal(h.now()) {
		t.Errorf("%+v, %v", again, err)
	}
	if h.directory(t).RolesToken() != token {
		t.Error("a login that tells nothing new moved the head")
	}
	claims.Name = "Ann B."
	if _, err := h.SignIn(t.Context(), claims); err != nil {
		t.Fatal(err)
	}
	if d := h.directory(t); d.RolesToken() == token || d.Name(p.Ref()).Name != "Ann B." {
		t.Error("a login that tells something new moved no head")
	}
	if n := h.entries(t, models.Platform, access.ActionLogin); n != 3 {
		t.Errorf("%d logins recorded", n)
	}
	for _, bad := range []access.Claims{{}, {Issuer: issuer}, {Subject: "x"}, {Issuer: issuer, Subject: "a\x00"}} {
		_, err := h.SignIn(t.Context(), bad)
		wantCode(t, err, models.CodeUnauthenticated)
	}
}

func TestManyFirstLoginsAreOnePerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			_, err := h.SignIn(t.Context(), access.Claims{Issuer: issuer, Subject: "a", Email: "a@example.com", EmailVerified: true})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n int
	h.Scan(t, `SELECT count(*) FROM people`, nil, &n)
	if n != 1 {
		t.Errorf("%d people", n)
	}
}

func TestTokenOfTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	if _, err := h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleEngineer, Group: "ops"}); err != nil {
		t.Fatal(err)
	}
	claims := access.Claims{Issuer: issuer, Subject: "jwt", Email: "jwt@example.com", EmailVerified: true, Groups: []string{"ops"}}
	h.claims = func(string) (access.Claims, error) { return claims, nil }
	logins := func() int { return h.entries(t, models.Platform, access.ActionLogin) }

	a := h.login(t, "a.b.c")
	if a.Kind != models.ActorPerson || a.Email != "jwt@example.com" || !a.Can(models.PermEditConfigs, "acme", "QA") || a.KeyID != "" {
		t.Errorf("%+v", a)
	}
	claims.Until = h.now().Add(time.Minute)
	brief := h.login(t, "a.b.c")
	directory, err := h.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{0: true, time.Minute: true, time.Minute + 1: false} {
		if now, ok := directory.Current(brief, h.now().Add(after)); ok != want || ok && now.Until != claims.Until {
			t.Errorf("what a token lent %s ago is there: %v, until %s", after, ok, now.Until)
		}
	}
	claims.Until = time.Time{}
	if n := logins(); n != 1 {
		t.Errorf("%d logins by one token", n)
	}
	// Other claims count at once, but not more than once a minute.
	for _, name := range []string{"A", "B", "C"} {
		claims.Name = name
		h.login(t, "a.b.c")
	}
	if n := logins(); n != 2 {
		t.Errorf("%d logins by tokens that differ", n)
	}
	h.sleep(time.Minute)
	if a = h.login(t, "a.b.c"); a.Name != "C" || logins() != 3 {
		t.Errorf("%s after %d logins", a.Name, logins())
	}
	// Tokens alone keep groups trusted.
	for range 40 {
		h.sleep(25 * time.Hour)
		if a = h.login(t, "a.b.c"); !a.Can(models.PermEditConfigs, "acme", "QA") {
			t.Fatal("the group is no longer trusted though each token names it")
		}
	}
}

func TestNoTokensWithoutAVerifier(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.operator.Authenticate(t.Context(), "a.b.c")
	wantCode(t, err, models.CodeUnauthenticated)
}

// TestSilenceOfATokenAltersNothing is about JWTs that say less than a sign-in at the console.
func TestSilenceOfATokenAltersNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	if _, err := h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleEngineer, Group: "ops"}); err != nil {
		t.Fatal(err)
	}
	all := access.Claims{Issuer: issuer, Subject: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann", Groups: []string{"ops"}}
	before, err := h.SignIn(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	logins := h.entries(t, models.Platform, access.ActionLogin)
	nothing := access.Unsaid{Email: true, EmailVerified: true, Name: true, Groups: true}
	says := func(c access.Claims) {
		t.Helper()
		h.sleep(time.Minute) // the next news counts
		c.Issuer, c.Subject = issuer, "ann"
		h.claims = func(string) (access.Claims, error) { return c, nil }
		h.login(t, "a.b.c")
	}
	person := func() models.Person {
		t.Helper()
		p, _ := h.directory(t).Login(issuer, "ann")
		return p
	}

	says(access.Claims{Unsaid: nothing})
	says(access.Claims{Unsaid: access.Unsaid{EmailVerified: true, Name: true, Groups: true}, Email: "ann@example.com"})
	says(access.Claims{Unsaid: access.Unsaid{Email: true, Name: true, Groups: true}}) // about no e-mail
	h.sleep(25 * time.Hour)
	says(access.Claims{Unsaid: nothing}) // groups that were not told are not renewed
	if diff := cmp.Diff(before, person()); diff != "" {
		t.Error(diff)
	}
	if n := h.entries(t, models.Platform, access.ActionLogin); n != logins {
		t.Errorf("%d sign-ins by tokens that tell nothing", n-logins)
	}

	says(access.Claims{Unsaid: access.Unsaid{Email: true, EmailVerified: true, Groups: true}, Name: "Ann B."})
	if p := person(); p.Name != "Ann B." || p.Email != "ann@example.com" || !p.EmailVerified || !p.GroupsAt.Equal(*before.GroupsAt) ||
		!cmp.Equal(p.Groups, []string{"ops"}) {
		t.Errorf("news of a name: %+v", p)
	}
	says(access.Claims{Unsaid: access.Unsaid{EmailVerified: true, Name: true, Groups: true}, Email: "other@example.com"})
	if p := person(); p.Email != "other@example.com" || p.EmailVerified || p.Name != "Ann B." {
		t.Errorf("an e-mail of which nobody says that it is verified: %+v", p)
	}
	says(access.Claims{Unsaid: access.Unsaid{Email: true, EmailVerified: true, Name: true}, Groups: []string{}})
	if p := person(); len(p.Groups) != 0 || p.Name != "Ann B." {
		t.Errorf("told to be in no group: %+v", p)
	}
}

func TestSilenceOfTheFirstToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.claims = func(string) (access.Claims, error) {
		return access.Claims{Issuer: issuer, Subject: "new", Unsaid: access.Unsaid{Email: true, EmailVerified: true, Name: true, Groups: true}}, nil
	}
	h.login(t, "a.b.c")
	if p, known := h.directory(t).Login(issuer, "new"); !known || p.GroupsAt != nil || p.Email != "" {
		t.Errorf("%+v", p)
	}
}
