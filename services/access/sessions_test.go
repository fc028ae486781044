package access_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// begin signs somebody in at the console and returns the token of the session.
func (h *house) begin(t *testing.T, name string, groups ...string) access.Token {
	t.Helper()
	ctx := models.WithRequest(t.Context(), models.Request{ID: "r", Address: "192.0.2.7"})
	token, err := h.StartSession(ctx, access.SessionStart{
		Claims: access.Claims{
			Issuer: issuer, Subject: name, Email: name + "@example.com", EmailVerified: true, Name: name, Groups: groups,
		},
		Data: `{"a":"b"}`, UserAgent: "Browser/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// enters checks whether the token opens the console at this moment.
func (h *house) enters(t *testing.T, token access.Token, active bool, want models.Code) access.Entered {
	t.Helper()
	e, err := h.EnterSession(t.Context(), token, active)
	wantCode(t, err, want)
	return e
}

// rows counts the sessions of people, or logins in progress.
func (h *house) rows(t *testing.T, condition string) (n int) {
	t.Helper()
	h.Scan(t, `SELECT count(*) FROM sessions WHERE `+condition, nil, &n)
	return n
}

func TestLoginIsTakenOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token, err := h.BeginLogin(t.Context(), `{"state":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	h.enters(t, token, true, models.CodeUnauthenticated) // a login is no session
	wantCode(t, h.KeepSession(t.Context(), token, "{}"), models.CodeNotFound)
	if err := h.EndSession(t.Context(), token); err != nil || h.rows(t, "true") != 1 {
		t.Errorf("a login in progress ended like a session: %v", err)
	}

	var wg sync.WaitGroup
	var taken atomic.Int32
	for range 8 {
		wg.Go(func() {
			data, err := h.TakeLogin(t.Context(), token)
			if err == nil && data == `{"state":"x"}` {
				taken.Add(1)
				return
			}
			wantCode(t, err, models.CodeNotFound)
		})
	}
	wg.Wait()
	if taken.Load() != 1 {
		t.Errorf("taken %d times", taken.Load())
	}
}

func TestLoginTakesNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token, err := h.BeginLogin(t.Context(), "{}")
	if err != nil {
		t.Fatal(err)
	}
	h.sleep(models.LoginLife)
	_, err = h.TakeLogin(t.Context(), token)
	wantCode(t, err, models.CodeNotFound)
	for _, none := range []access.Token{"", "x", access.Token(strings.Repeat("A", 43)), access.Token(strings.Repeat("\x00", 43))} {
		_, err := h.TakeLogin(t.Context(), none)
		wantCode(t, err, models.CodeNotFound)
		h.enters(t, none, true, models.CodeUnauthenticated)
	}
	session := h.begin(t, "ann")
	_, err = h.TakeLogin(t.Context(), session)
	wantCode(t, err, models.CodeNotFound) // a session is no login, and stays
	h.enters(t, session, true, "")
}

func TestSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token := h.begin(t, "ann")
	e := h.enters(t, token, true, "")
	if e.Actor.Kind != models.ActorPerson || e.Actor.Email != "ann@example.com" || e.Actor.ID != e.PersonID || e.Data != `{"a":"b"}` ||
		e.Address != "192.0.2.7" || e.UserAgent != "Browser/1" || !e.CreatedAt.Equal(h.now()) ||
		!e.ExpiresAt.Equal(h.now().Add(12*time.Hour)) || !e.Ends().Equal(h.now().Add(30*time.Minute)) {
		t.Errorf("%+v", e)
	}
	var kept string
	h.Scan(t, `SELECT hash::text || id || data FROM sessions`, nil, &kept)
	if strings.Contains(kept, string(token)) || string(token) == e.ID {
		t.Error("the token itself is kept")
	}
	if err := h.KeepSession(t.Context(), token, `{"c":"d"}`); err != nil {
		t.Fatal(err)
	}
	if e := h.enters(t, token, true, ""); e.Data != `{"c":"d"}` {
		t.Errorf("kept %s", e.Data)
	}
	if err := h.EndSession(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	h.enters(t, token, true, models.CodeUnauthenticated)
	wantCode(t, h.KeepSession(t.Context(), token, "{}"), models.CodeNotFound)
	if err := h.EndSession(t.Context(), token); err != nil {
		t.Errorf("a second sign-out: %v", err)
	}
	var who string
	h.Scan(t, `SELECT s.kind || ':' || s.actor_id || ' ' || e.resource FROM audit_entries e JOIN audit_subjects s ON s.ref = e.subject
		WHERE e.tenant_id = '@platform' AND e.action = 'session.logout'`, nil, &who)
	if who != "person:"+e.PersonID+" session/"+e.ID || h.entries(t, models.Platform, access.ActionLogout) != 1 {
		t.Errorf("sign-out recorded as %s", who)
	}
}

func TestSessionEndsWhenIdle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	active, idle := h.begin(t, "ann"), h.begin(t, "bob")
	for range 2 { // people who work
		h.sleep(29 * time.Minute)
		h.enters(t, active, true, "")
		if h.now().Sub(h.enters(t, active, false, "").SeenAt) > time.Minute {
			t.Error("the activity was not noted")
		}
	}
	h.enters(t, idle, true, models.CodeUnauthenticated)

	polled := h.begin(t, "cid")
	for range 29 { // polls are no activity
		h.sleep(time.Minute)
		h.enters(t, polled, false, "")
	}
	h.sleep(time.Minute)
	h.enters(t, polled, false, models.CodeUnauthenticated)
	h.enters(t, polled, true, models.CodeUnauthenticated)
}

func TestSessionEndsAfterAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token := h.begin(t, "ann")
	for range 12 * 3 {
		h.enters(t, token, true, "")
		h.sleep(20 * time.Minute)
	}
	h.enters(t, token, true, models.CodeUnauthenticated)
	if h.rows(t, "true") != 1 {
		t.Error("the row is gone before anybody cleared it away")
	}
	if _, err := h.BeginLogin(t.Context(), "{}"); err != nil {
		t.Fatal(err)
	}
	if h.rows(t, "person_id IS NOT NULL") != 0 || h.rows(t, "true") != 1 {
		t.Error("what expired is not cleared away by the next login")
	}
}

func TestActivityIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token := h.begin(t, "ann")
	began := h.now()
	seen := func() (at time.Time) {
		h.Scan(t, `SELECT seen_at FROM sessions`, nil, &at)
		return at
	}
	h.sleep(59 * time.Second)
	h.enters(t, token, true, "")
	if !seen().Equal(began) {
		t.Error("written again within a minute")
	}
	h.sleep(time.Second)
	if e := h.enters(t, token, true, ""); !seen().Equal(h.now()) || !e.SeenAt.Equal(h.now()) {
		t.Error("not written after a minute")
	}
	before := len(h.Recorder.Statements())
	h.enters(t, token, true, "")
	if n := len(h.Recorder.Statements()) - before; n != 2 { // the scope and the look, which travel together
		t.Errorf("%d statements", n)
	}
}

func TestSessionFollowsTheDirectory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	token := h.begin(t, "ann", "ops")
	if h.enters(t, token, true, "").Actor.Can(models.PermEditConfigs, "acme", "QA") {
		t.Error("a group without a role gives a right")
	}
	b, err := h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleEngineer, Group: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	e := h.enters(t, token, true, "")
	if !e.Actor.Can(models.PermEditConfigs, "acme", "QA") || e.Actor.Sees("globex") {
		t.Errorf("%+v", e.Actor.Grants)
	}
	if err := h.Unbind(root, b.ID); err != nil {
		t.Fatal(err)
	}
	if h.enters(t, token, true, "").Actor.Can(models.PermEditConfigs, "acme", "QA") {
		t.Error("the right outlives its binding")
	}
	h.disable(t, e.PersonID)
	h.enters(t, token, true, models.CodeUnauthenticated)
	_, err = h.StartSession(t.Context(), access.SessionStart{Claims: access.Claims{Issuer: issuer, Subject: "ann"}, Data: "{}"})
	wantCode(t, err, models.CodeForbidden)
	if h.rows(t, "true") != 1 {
		t.Error("a disabled person got a session")
	}
}

// disable takes somebody out, as the database's operator can.
func (h *house) disable(t *testing.T, personID string) {
	t.Helper()
	h.Admin(t, `UPDATE people SET disabled_at = now() WHERE id = $1`, personID)
	h.Admin(t, `UPDATE heads SET revision = revision + 1 WHERE environment = 'roles'`)
	h.Raise([]models.Head{{TenantID: models.Platform, Environment: models.HeadRoles, Revision: revision(t, h)}})
}

func TestNewSessionEndsTheEarlierOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann, bob := h.begin(t, "ann"), h.begin(t, "bob")
	token, err := h.StartSession(t.Context(), access.SessionStart{
		Claims: access.Claims{Issuer: issuer, Subject: "cid", Email: "cid@example.com"}, Data: "{}", Earlier: ann,
		UserAgent: strings.Repeat("é", 300) + "\x00",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.enters(t, ann, true, models.CodeUnauthenticated)
	h.enters(t, bob, true, "")
	if e := h.enters(t, token, true, ""); len([]rune(e.UserAgent)) != 255 {
		t.Errorf("user agent of %d characters", len([]rune(e.UserAgent)))
	}
	if h.entries(t, models.Platform, access.ActionLogout) != 1 || h.entries(t, models.Platform, access.ActionLogin) != 3 {
		t.Error("one of the acts is not in the log")
	}
	for _, bad := range []access.Claims{{}, {Issuer: issuer}, {Issuer: issuer, Subject: "a\x00"}} {
		_, err := h.StartSession(t.Context(), access.SessionStart{Claims: bad, Data: "{}", Earlier: bob})
		wantCode(t, err, models.CodeUnauthenticated)
	}
	h.enters(t, bob, true, "") // a login that failed ends nothing
}

func TestListSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	acme := h.as(t, "acme-admin", models.RoleTenantAdmin, "acme")
	engineer := h.as(t, "engineer", models.RoleEngineer, "")
	h.begin(t, "idle")
	h.sleep(models.SessionIdle)
	if _, err := h.BeginLogin(t.Context(), "{}"); err != nil {
		t.Fatal(err)
	}
	var tokens []access.Token
	for range 3 {
		h.sleep(time.Second)
		tokens = append(tokens, h.begin(t, "engineer"))
	}
	h.begin(t, "other")
	person := h.enters(t, tokens[0], true, "").PersonID

	all := models.Page{Limit: 50}
	count := func(as string, f access.SessionFilter, want int, code models.Code) {
		t.Helper()
		ctx := map[string]func() (models.Paged[models.Session], error){
			"root":     func() (models.Paged[models.Session], error) { return h.ListSessions(root, f) },
			"acme":     func() (models.Paged[models.Session], error) { return h.ListSessions(acme, f) },
			"engineer": func() (models.Paged[models.Session], error) { return h.ListSessions(engineer, f) },
			"nobody":   func() (models.Paged[models.Session], error) { return h.ListSessions(t.Context(), f) },
		}[as]
		got, err := ctx()
		wantCode(t, err, code)
		if len(got.Items) != want {
			t.Errorf("%s sees %d of %d sessions", as, len(got.Items), want)
		}
	}
	count("root", access.SessionFilter{Page: all}, 4, "")
	count("root", access.SessionFilter{PersonID: person, Page: all}, 3, "")
	count("root", access.SessionFilter{PersonID: "no uuid", Page: all}, 0, models.CodeNotFound)
	count("engineer", access.SessionFilter{Page: all}, 3, "")
	count("engineer", access.SessionFilter{PersonID: person, Page: all}, 3, "")
	count("acme", access.SessionFilter{Page: all}, 0, "") // its own: none
	count("acme", access.SessionFilter{PersonID: person, Page: all}, 0, models.CodeNotFound)
	count("nobody", access.SessionFilter{Page: all}, 0, models.CodeUnauthenticated)
	var otherID string
	h.Scan(t, `SELECT id::text FROM people WHERE subject = 'other'`, nil, &otherID)
	count("engineer", access.SessionFilter{PersonID: otherID, Page: all}, 0, models.CodeForbidden)

	var ids []string
	f := access.SessionFilter{PersonID: person, Page: models.Page{Limit: 2}}
	for range 2 {
		page, err := h.ListSessions(root, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			ids = append(ids, m.ID)
		}
		f.Cursor = page.Next
	}
	if len(ids) != 3 || f.Cursor != "" || ids[0] != h.enters(t, tokens[2], true, "").ID || ids[2] != h.enters(t, tokens[0], true, "").ID {
		t.Errorf("paged: %v", ids)
	}
	f.Cursor = models.NewCursor("sessions", person).Encode("yesterday", ids[0])
	count("root", f, 0, models.CodeInvalid)
}

func TestRevokeSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	acme := h.as(t, "acme-admin", models.RoleTenantAdmin, "acme")
	half := h.actor(t, h.account(t, "half", "", ""))
	half.Grants = []models.Grant{{Role: models.RolePlatformAdmin, Tenant: models.Platform, Environment: "QA"}}
	ann, bob := h.begin(t, "ann"), h.begin(t, "bob")
	annID, bobID := h.enters(t, ann, true, "").ID, h.enters(t, bob, true, "").ID
	me := models.WithActor(t.Context(), h.enters(t, bob, true, "").Actor)

	wantCode(t, h.RevokeSession(acme, annID), models.CodeNotFound)
	wantCode(t, h.RevokeSession(me, annID), models.CodeNotFound)
	wantCode(t, h.RevokeSession(models.WithActor(t.Context(), half), annID), models.CodeForbidden)
	wantCode(t, h.RevokeSession(t.Context(), annID), models.CodeUnauthenticated)
	wantCode(t, h.RevokeSession(root, "no uuid"), models.CodeNotFound)
	h.enters(t, ann, true, "") // refused calls end nothing

	if err := h.RevokeSession(root, annID); err != nil {
		t.Fatal(err)
	}
	h.enters(t, ann, true, models.CodeUnauthenticated)
	wantCode(t, h.RevokeSession(root, annID), models.CodeNotFound)
	if err := h.RevokeSession(me, bobID); err != nil {
		t.Fatal(err)
	}
	h.enters(t, bob, true, models.CodeUnauthenticated)
	if n := h.entries(t, models.Platform, access.ActionSessionRevoke); n != 2 {
		t.Errorf("%d revocations recorded", n)
	}
	login, err := h.BeginLogin(t.Context(), "{}")
	if err != nil {
		t.Fatal(err)
	}
	var id string
	h.Scan(t, `SELECT id::text FROM sessions`, nil, &id)
	wantCode(t, h.RevokeSession(root, id), models.CodeNotFound)
	if _, err := h.TakeLogin(t.Context(), login); err != nil {
		t.Errorf("a login in progress was revoked: %v", err)
	}
}

// TestSessionsAreForAuthAlone reads the table as everybody else does.
func TestSessionsAreForAuthAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.begin(t, "ann")
	conn := h.Connect(t, h.URL)
	for scope, want := range map[string]int{
		`SELECT set_config('app.tenants', '*', false)`:   0,
		`SELECT set_config('app.system', 'scan', false)`: 0,
		`SELECT set_config('app.system', 'auth', false)`: 1,
	} {
		if _, err := conn.Exec(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d rows, want %d (%v)", scope, n, want, err)
		}
		if _, err := conn.Exec(t.Context(), `RESET ALL`); err != nil {
			t.Fatal(err)
		}
	}
}
