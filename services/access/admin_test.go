package access_test

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// benchHouse is a service on the owner's store alone.
func benchHouse(b *testing.B) *access.Service {
	b.Helper()
	h := &house{Database: storetest.New(b)}
	owner := openOwner(b, h)
	log := slog.New(slog.DiscardHandler)
	s := access.New(access.Options{DB: owner, Audit: audit.New(owner, h.now, log), Now: h.now, Log: log})
	owner.OnMoved(s.Raise)
	return s
}

func TestFirstAdmin(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 2 { // again does nothing
		if _, err := h.operator.AddAdmin(t.Context(), issuer, "Boss@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.entries(t, models.Platform, access.ActionBind); n != 1 {
		t.Errorf("%d entries", n)
	}
	var by string
	h.Scan(t, `SELECT kind || ':' || actor_id FROM audit_subjects`, nil, &by)
	if by != "system:admin" {
		t.Errorf("recorded as %s", by)
	}
	p, err := h.SignIn(t.Context(), access.Claims{Issuer: issuer, Subject: "b", Email: "boss@example.com", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	if a := h.actor(t, p); !a.Everywhere(models.PermManagePlatform, models.Platform) {
		t.Errorf("the first admin holds %+v", a.Grants)
	}
	// Somebody who signed in before is found by the mail.
	ann := h.account(t, "ann", "", "")
	again, err := h.operator.AddAdmin(t.Context(), issuer, "ann@example.com")
	if err != nil || again.ID != ann.ID {
		t.Errorf("%+v, %v", again, err)
	}
	_, err = h.operator.AddAdmin(t.Context(), issuer, "nonsense")
	wantCode(t, err, models.CodeInvalid)
	_, err = h.operator.AddAdmin(t.Context(), "", "a@example.com")
	wantCode(t, err, models.CodeInvalid)
	if _, err := h.AddAdmin(t.Context(), issuer, "evil@example.com"); err == nil {
		t.Error("the application's own store made an admin")
	}
}

func TestAccountsAndKeysStay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := access.NewKey()
	account := access.Account{Issuer: issuer, Subject: "s", Email: "eng@example.com", Name: "Eng", Role: models.RoleEngineer}
	var first models.APIKey
	for i := range 2 { // as two starts of `hotswap dev`
		p, err := h.operator.EnsureAccount(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		k, err := h.operator.EnsureKey(t.Context(), models.APIKey{Name: "engineer", Role: models.RoleEngineer, PersonID: p.ID}, key)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = k
		} else if diff := cmp.Diff(first.SecretHash, k.SecretHash); diff != "" || k.ID != first.ID || !k.CreatedAt.Equal(first.CreatedAt) {
			t.Errorf("%+v\n%+v", first, k)
		}
		if a := h.login(t, key); a.ID != p.ID || !a.Holds(models.RoleEngineer, "acme", "Production") {
			t.Errorf("%+v", a)
		}
	}
	if n := h.entries(t, models.Platform, access.ActionKeyCreate); n != 1 {
		t.Errorf("%d entries", n)
	}
	forged := key[:len(key)-4] + "AAAA"
	_, err := h.operator.EnsureKey(t.Context(), models.APIKey{Name: "x", Role: models.RoleReader}, forged)
	wantCode(t, err, models.CodeConflict)
	_, err = h.operator.EnsureKey(t.Context(), models.APIKey{Name: "x", Role: models.RoleReader}, "hs_short")
	wantCode(t, err, models.CodeInvalid)
	_, err = h.operator.EnsureAccount(t.Context(), access.Account{Issuer: issuer})
	wantCode(t, err, models.CodeInvalid)

	_, app := access.NewKey()
	if _, err := h.operator.EnsureKey(t.Context(), models.APIKey{Name: "app", Role: models.RoleReader}, app); err != nil {
		t.Fatal(err)
	}
	if a := h.login(t, app); a.Kind != models.ActorService || !a.Can(models.PermResolve, "globex", "QA") {
		t.Errorf("%+v", a)
	}
}
