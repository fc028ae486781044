package access_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// people reads a whole list one by one, as "name role@tenant …".
func (h *house) people(by context.Context, t *testing.T, f access.PeopleFilter, want models.Code) (out []string, last access.Member) {
	t.Helper()
	for f.Page.Limit = 1; ; {
		got, err := h.People(by, f)
		wantCode(t, err, want)
		for _, m := range got.Items {
			words := []string{m.Ref().Name}
			for _, b := range m.Bindings {
				words = append(words, string(b.Role)+"@"+b.TenantID)
			}
			out, last = append(out, strings.Join(words, " ")), m
		}
		if f.Page.Cursor = got.Next; got.Next == "" {
			return out, last
		}
	}
}

func TestPeople(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "Tess", models.RoleTenantAdmin, "acme")
	eng := h.as(t, "eve", models.RoleEngineer, "acme")
	h.as(t, "gus", models.RoleViewer, "globex")
	h.account(t, "idle", "", "")
	for _, in := range []access.BindingInput{
		{Role: models.RoleViewer, TenantID: "globex", Email: "eve@example.com"},
		{Role: models.RoleManager, TenantID: "acme", Email: "new@example.com"},
		{Role: models.RoleAuditor, TenantID: "acme", Group: "acme-auditors"},
		{Role: models.RoleAuditor, TenantID: "globex", Group: "globex-auditors"},
	} {
		if _, err := h.Bind(root, in); err != nil {
			t.Fatal(err)
		}
	}
	_, err := h.SignIn(t.Context(), access.Claims{
		Issuer: issuer, Subject: "abe", Email: "z@example.com", Name: "abe", Groups: []string{"acme-auditors", "globex-auditors"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const abe, eve, gus = "abe auditor@acme auditor@globex", "eve engineer@acme viewer@globex", "gus viewer@globex"
	const idle, invited, tess = "idle", "new@example.com manager@acme", "Tess tenant-admin@acme"
	for name, tt := range map[string]struct {
		by     context.Context
		filter access.PeopleFilter
		want   []string
		code   models.Code
	}{
		"platform-admin":            {root, access.PeopleFilter{}, []string{abe, eve, gus, idle, invited, "root platform-admin@@platform", tess}, ""},
		"search by name":            {root, access.PeopleFilter{Search: "tE"}, []string{tess}, ""},
		"search by e-mail":          {root, access.PeopleFilter{Search: "NEW@"}, []string{invited}, ""},
		"nobody of that name":       {root, access.PeopleFilter{Search: "zoe"}, nil, ""},
		"of a tenant":               {root, access.PeopleFilter{TenantID: "globex"}, []string{"abe auditor@globex", "eve viewer@globex", gus}, ""},
		"of the platform":           {root, access.PeopleFilter{TenantID: models.Platform}, []string{"root platform-admin@@platform"}, ""},
		"tenant-admin":              {ta, access.PeopleFilter{}, []string{"abe auditor@acme", "eve engineer@acme", invited, tess}, ""},
		"tenant-admin, elsewhere":   {ta, access.PeopleFilter{TenantID: "globex"}, nil, models.CodeNotFound},
		"tenant-admin, above":       {ta, access.PeopleFilter{TenantID: models.Platform}, nil, models.CodeNotFound},
		"tenant-admin, other's man": {ta, access.PeopleFilter{Search: "gus"}, nil, ""},
		"engineer":                  {eng, access.PeopleFilter{}, nil, models.CodeForbidden},
		"engineer, own tenant":      {eng, access.PeopleFilter{TenantID: "acme"}, nil, models.CodeForbidden},
		"nobody":                    {t.Context(), access.PeopleFilter{}, nil, models.CodeUnauthenticated},
		"no text":                   {root, access.PeopleFilter{Search: "\x00"}, nil, models.CodeInvalid},
	} {
		if got, _ := h.people(tt.by, t, tt.filter, tt.code); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	_, err = h.People(root, access.PeopleFilter{Page: models.Page{Limit: 1, Cursor: "x"}})
	wantCode(t, err, models.CodeInvalid)

	// Groups name other customers; they are for who sees all of them.
	if _, m := h.people(root, t, access.PeopleFilter{Search: "abe"}, ""); len(m.Groups) != 2 {
		t.Errorf("a platform-admin sees %v", m.Groups)
	}
	if _, m := h.people(ta, t, access.PeopleFilter{Search: "abe"}, ""); m.Name != "abe" || m.Groups != nil {
		t.Errorf("a tenant-admin sees %+v", m)
	}
	h.sleep(models.GroupTrust + time.Second)
	if got, _ := h.people(root, t, access.PeopleFilter{Search: "abe"}, ""); !slices.Equal(got, []string{"abe"}) {
		t.Errorf("a right of groups that no longer count is shown: %q", got)
	}
}

// Somebody disabled stays on the list.
func TestPeopleDisabled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	h.account(t, "eve", models.RoleViewer, "acme")
	h.Admin(t, `UPDATE people SET disabled_at = now() WHERE name = 'eve'`)
	h.Admin(t, `SELECT control_moved('roles')`)
	h.Raise([]models.Head{h.Head(t, models.Platform, models.HeadRoles)})
	got, m := h.people(root, t, access.PeopleFilter{Search: "eve"}, "")
	if len(got) != 1 || m.DisabledAt == nil {
		t.Errorf("%q, %+v", got, m)
	}
}
