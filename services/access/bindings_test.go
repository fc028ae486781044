package access_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

func TestWhoMayBindWhat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	allTenants := h.as(t, "all", models.RoleTenantAdmin, "")
	eng := h.as(t, "eng", models.RoleEngineer, "acme")
	globex := h.as(t, "gta", models.RoleTenantAdmin, "globex")
	boss := h.account(t, "boss", models.RolePlatformAdmin, "")
	nobody := t.Context()
	limited := models.WithActor(t.Context(), personalKey(t, h, boss, models.RolePlatformAdmin, models.RoleTenantAdmin))
	tests := map[string]struct {
		by     context.Context
		role   models.Role
		tenant string
		want   models.Code
	}{
		"tenant-admin":                        {ta, models.RoleEngineer, "acme", ""},
		"tenant-admin, tenant-admin":          {ta, models.RoleTenantAdmin, "acme", ""},
		"tenant-admin, platform-admin":        {ta, models.RolePlatformAdmin, "acme", models.CodeForbidden},
		"tenant-admin, all tenants":           {ta, models.RoleViewer, "", models.CodeForbidden},
		"tenant-admin, platform by name":      {ta, models.RoleViewer, models.Platform, models.CodeNotFound},
		"tenant-admin, other tenant":          {ta, models.RoleViewer, "globex", models.CodeNotFound},
		"tenant-admin of all":                 {allTenants, models.RoleManager, "", ""},
		"tenant-admin of all, platform-admin": {allTenants, models.RolePlatformAdmin, "", models.CodeForbidden},
		"platform-admin":                      {root, models.RolePlatformAdmin, "", ""},
		"platform-admin, unknown tenant":      {root, models.RoleViewer, "initech", models.CodeNotFound},
		"platform-admin, platform by name":    {root, models.RoleViewer, models.Platform, ""},
		"platform-admin, a tier":              {root, models.RoleViewer, models.TierLayer("Enterprise"), models.CodeInvalid},
		"tenant-admin, its tier":              {ta, models.RoleViewer, models.TierLayer("Enterprise"), models.CodeNotFound},
		"an admin's lesser key":               {limited, models.RoleViewer, "", ""},
		"an admin's lesser key, too much":     {limited, models.RolePlatformAdmin, "", models.CodeForbidden},
		"engineer":                            {eng, models.RoleViewer, "acme", models.CodeForbidden},
		"other tenant's admin":                {globex, models.RoleViewer, "acme", models.CodeNotFound},
		"nobody":                              {nobody, models.RoleViewer, "acme", models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := h.Bind(test.by, access.BindingInput{TenantID: test.tenant, Role: test.role, Group: name})
			wantCode(t, err, test.want)
			if test.want != "" {
				return
			}
			_, err = h.Bind(test.by, access.BindingInput{TenantID: test.tenant, Role: test.role, Group: name})
			wantCode(t, err, models.CodeConflict)
			engineer := models.CodeNotFound
			if b.TenantID == "acme" {
				engineer = models.CodeForbidden
			}
			wantCode(t, h.Unbind(eng, b.ID), engineer)
			wantCode(t, h.Unbind(globex, b.ID), models.CodeNotFound)
			wantCode(t, h.Unbind(nobody, b.ID), models.CodeUnauthenticated)
			wantCode(t, h.Unbind(test.by, b.ID), "")
			wantCode(t, h.Unbind(test.by, b.ID), models.CodeNotFound)
			var kept string
			h.Scan(t, `SELECT string_agg(action, ' ' ORDER BY number) FROM audit_entries WHERE resource = $1`,
				[]any{"role_binding/" + b.ID}, &kept)
			if kept != "role_binding.create role_binding.delete" {
				t.Errorf("recorded: %s", kept)
			}
		})
	}
	wantCode(t, h.Unbind(root, "x"), models.CodeNotFound)
	_, _, err := h.CreateKey(root, access.KeyInput{Name: "k", Role: models.RoleReader, TenantID: models.TierLayer("Enterprise")})
	wantCode(t, err, models.CodeInvalid)
}

// personalKey is the actor of a key with a role that its person holds beside a greater one.
func personalKey(t *testing.T, h *house, p models.Person, holds, role models.Role) models.Actor {
	t.Helper()
	_, key := access.NewKey()
	if _, err := h.operator.EnsureKey(t.Context(), models.APIKey{Name: "k", Role: role, PersonID: p.ID}, key); err != nil {
		t.Fatal(err)
	}
	a := h.login(t, key)
	if len(a.Grants) != 1 || a.Grants[0].Role != holds || a.Grants[0].Limit != role {
		t.Fatalf("grants %+v", a.Grants)
	}
	return a
}

func TestWhoIsBound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	ann := h.account(t, "ann", "", "")
	acme, acmeKey, err := h.CreateKey(root, access.KeyInput{Name: "a", Role: models.RoleReader, TenantID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	everywhere, _, err := h.CreateKey(root, access.KeyInput{Name: "p", Role: models.RoleReader})
	if err != nil {
		t.Fatal(err)
	}
	mine, _, err := h.CreateKey(ta, access.KeyInput{Name: "m", Role: models.RoleTenantAdmin, TenantID: "acme", Owner: access.OwnerMe})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		in   access.BindingInput
		want models.Code
	}{
		"person":               {access.BindingInput{PersonID: ann.ID}, ""},
		"person by mail":       {access.BindingInput{Email: "Ann@example.com", Environment: "QA"}, ""},
		"somebody new":         {access.BindingInput{Email: "new@example.com"}, ""},
		"group":                {access.BindingInput{Group: "ops, dev"}, ""},
		"service":              {access.BindingInput{KeyID: acme.ID}, ""},
		"all tenants' service": {access.BindingInput{KeyID: everywhere.ID}, models.CodeInvalid},
		"personal key":         {access.BindingInput{KeyID: mine.ID}, models.CodeInvalid},
		"unknown key":          {access.BindingInput{KeyID: "x"}, models.CodeInvalid},
		"unknown person":       {access.BindingInput{PersonID: uuid.NewString()}, models.CodeInvalid},
		"no person":            {access.BindingInput{PersonID: "x"}, models.CodeInvalid},
		"no mail":              {access.BindingInput{Email: "x"}, models.CodeInvalid},
		"two mails":            {access.BindingInput{Email: "a@x.com, b@x.com"}, models.CodeInvalid},
		"long group":           {access.BindingInput{Group: strings.Repeat("x", 300)}, models.CodeInvalid},
		"two subjects":         {access.BindingInput{PersonID: ann.ID, Group: "ops"}, models.CodeInvalid},
		"no subject":           {access.BindingInput{}, models.CodeInvalid},
		"unknown environment":  {access.BindingInput{Group: "g", Environment: "Moon"}, models.CodeInvalid},
	}
	for name, test := range tests {
		test.in.TenantID, test.in.Role = "acme", models.RoleEngineer
		if _, err := h.Bind(ta, test.in); codeOf(err) != test.want {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	_, err = h.Bind(ta, access.BindingInput{TenantID: "acme", Role: "king", Group: "g"})
	wantCode(t, err, models.CodeInvalid)

	if !h.login(t, acmeKey).Can(models.PermEditConfigs, "acme", "Production") {
		t.Error("a service has no right by its binding")
	}
	a := h.actor(t, ann)
	if len(a.Grants) != 2 || a.Grants[0].Environment+a.Grants[1].Environment != "QA" {
		t.Errorf("grants of ann: %+v", a.Grants)
	}
	// Who was bound by mail finds the role at the first login.
	fresh, err := h.SignIn(t.Context(), access.Claims{Issuer: issuer, Subject: "n", Email: "new@example.com", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	if !h.actor(t, fresh).Can(models.PermEditConfigs, "acme", "QA") {
		t.Error("who was bound by mail has nothing")
	}
}

func TestMailThatIsNotVerifiedGivesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	if _, err := h.Bind(root, access.BindingInput{TenantID: "acme", Role: models.RoleEngineer, Email: "ann@example.com"}); err != nil {
		t.Fatal(err)
	}
	claims := access.Claims{Issuer: issuer, Subject: "thief", Email: "ann@example.com"}
	can := func() bool {
		p, err := h.SignIn(t.Context(), claims)
		if err != nil {
			t.Fatal(err)
		}
		return h.actor(t, p).Can(models.PermEditConfigs, "acme", "QA")
	}
	if can() {
		t.Error("an unverified mail took over what was meant for somebody")
	}
	claims.Issuer, claims.EmailVerified = "https://other.example.com", true
	if can() {
		t.Error("another provider's mail took over what was meant for somebody")
	}
	claims.Issuer = issuer // known from before, and now the provider vouches
	if !can() {
		t.Error("the mail was verified later, and gives nothing")
	}
}

func TestOneAdminStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(t, "one", models.RolePlatformAdmin, "")
	root := h.as(t, "two", models.RolePlatformAdmin, "")
	if _, err := h.Bind(root, access.BindingInput{Role: models.RolePlatformAdmin, Group: "nobody is in it"}); err != nil {
		t.Fatal(err)
	}
	page, err := h.ListBindings(root, access.ListFilter{Page: models.Page{Limit: 50}})
	if err != nil || len(page.Items) != 3 {
		t.Fatalf("%d bindings, %v", len(page.Items), err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i, b := range page.Items {
		if b.SubjectKind == models.SubjectPerson {
			wg.Go(func() { errs[i] = h.Unbind(root, b.ID) })
		}
	}
	wg.Wait()
	conflicts := 0
	for _, err := range errs {
		if err != nil {
			wantCode(t, err, models.CodeConflict)
			conflicts++
		}
	}
	var left int
	h.Scan(t, `SELECT count(*) FROM role_bindings WHERE subject_kind = 'person'`, nil, &left)
	if conflicts != 1 || left != 1 {
		t.Errorf("%d refused, %d left", conflicts, left)
	}
}

func TestListBindings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	h.as(t, "gta", models.RoleTenantAdmin, "globex")
	eng := h.as(t, "eng", models.RoleEngineer, "acme")
	tests := map[string]struct {
		by     context.Context
		tenant string
		want   int
		code   models.Code
	}{
		"platform-admin":           {root, "", 4, ""},
		"platform-admin, globex":   {root, "globex", 1, ""},
		"tenant-admin":             {ta, "", 2, ""},
		"tenant-admin, its tenant": {ta, "acme", 2, ""},
		"tenant-admin, another":    {ta, "globex", 0, models.CodeNotFound},
		"engineer":                 {eng, "", 0, models.CodeForbidden},
		"engineer, its tenant":     {eng, "acme", 0, models.CodeForbidden},
		"nobody":                   {t.Context(), "", 0, models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			f := access.ListFilter{TenantID: test.tenant, Page: models.Page{Limit: 1}}
			for more := true; more; more = f.Cursor != "" {
				page, err := h.ListBindings(test.by, f)
				wantCode(t, err, test.code)
				for _, b := range page.Items {
					seen[b.ID] = true
				}
				f.Cursor = page.Next
			}
			if len(seen) != test.want {
				t.Errorf("%d bindings, want %d", len(seen), test.want)
			}
		})
	}
	forged := models.NewCursor("role_bindings", "").Encode("acme", "no uuid")
	_, err := h.ListBindings(root, access.ListFilter{Page: models.Page{Limit: 1, Cursor: forged}})
	wantCode(t, err, models.CodeInvalid)
}

func TestMe(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	me, err := h.Me(h.as(t, "eng", models.RoleEngineer, "acme"))
	if err != nil || me.Name != "eng" || me.Email != "eng@example.com" || len(me.Grants) != 1 || me.Grants[0].Role != models.RoleEngineer {
		t.Errorf("%+v, %v", me, err)
	}
	_, err = h.Me(t.Context())
	wantCode(t, err, models.CodeUnauthenticated)
}
