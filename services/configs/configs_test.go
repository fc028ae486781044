package configs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/store/storetest"
)

type site struct {
	*configs.Service
	db *storetest.Database
}

func newSite(t testing.TB) site {
	t.Helper()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Enterprise")
	db.Tenant(t, "globex", "Enterprise")
	log := audit.New(db.DB, time.Now, slog.New(slog.DiscardHandler))
	names := access.New(access.Options{DB: db.DB, Audit: log, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	return site{configs.New(configs.Options{DB: db.DB, Access: names, Audit: log, Now: time.Now}), db}
}

func as(t testing.TB, role models.Role, tenant, environment string) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "11111111-1111-4111-8111-111111111111", Kind: models.ActorPerson, Name: string(role)},
		Grants:   []models.Grant{{Role: role, Tenant: tenant, Environment: environment}},
	})
}

func admin(t testing.TB) context.Context {
	t.Helper()
	return as(t, models.RolePlatformAdmin, models.Platform, "")
}

// secrets is a service's key that may read secrets.
func secrets(t testing.TB, tenant string) context.Context {
	t.Helper()
	return models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "k", Kind: models.ActorService},
		Grants:   []models.Grant{{Role: models.RoleViewer, Tenant: tenant, Extra: models.PermReadSecrets}},
	})
}

func code(err error) models.Code {
	var e *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	default:
		return models.Code("internal: " + err.Error())
	}
}

func TestLoadLayerSet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	empty, err := configs.LoadLayerSet(t.Context(), s.db.DB, "acme", "QA")
	if err != nil || empty.Head.Revision != 0 || empty.Head.Token != "" || len(empty.Entries) != 0 {
		t.Errorf("what never moved: %+v, %v", empty, err)
	}
	s.db.Define(t, "acme", "a", models.TypeNumber, true)
	id := s.db.Set(t, "acme", "QA", "a", `1`)
	s.db.Set(t, "acme", "QA", "a", `9007199254740993`)
	s.db.Set(t, "acme", "QA", "b", `{"x":[1,2]}`)
	s.db.Unset(t, "acme", "QA", "b")
	s.db.Set(t, "acme", "Production", "c", `true`)
	s.db.Set(t, "globex", "QA", "d", `true`)
	set, err := configs.LoadLayerSet(t.Context(), s.db.DB, "acme", "QA")
	if err != nil {
		t.Fatal(err)
	}
	if want := s.db.Head(t, "acme", "QA"); set.Head != want {
		t.Errorf("head %+v, want %+v", set.Head, want)
	}
	e := set.Entries["a"]
	if len(set.Entries) != 1 || e.Value != `9007199254740993` || e.Version != 2 || e.ConfigID != id ||
		e.Author != storetest.SeedAuthor || e.ChangeID == "" || e.LiveFrom.IsZero() {
		t.Errorf("entries %+v", set.Entries)
	}
	if want := map[string]configs.Kind{"a": {Type: models.TypeNumber, Sensitive: true, Merge: models.MergeReplace}}; !cmp.Equal(set.Kinds, want) {
		t.Errorf("kinds %+v", set.Kinds)
	}
	if set.Bytes() <= empty.Bytes() {
		t.Errorf("%d bytes, empty %d", set.Bytes(), empty.Bytes())
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, models.Platform, "limit", models.TypeNumber, false)
	s.db.Define(t, "acme", "password", models.TypeString, true)
	s.db.Define(t, models.Platform, "password", models.TypeString, false)
	limit := s.db.Set(t, "acme", "QA", "limit", `5`)
	password := s.db.Set(t, "acme", "QA", "password", `"hunter2"`)
	sealed := s.seal(t, "acme", "QA", "token", "5")
	gone := s.db.Set(t, "acme", "QA", "gone", `1`)
	s.db.Unset(t, "acme", "QA", "gone")
	above := s.db.Set(t, models.Platform, "QA", "limit", `7`)
	tests := map[string]struct {
		by    context.Context
		id    string
		want  models.Code
		value models.Value
	}{
		"own":                  {as(t, models.RoleViewer, "acme", ""), limit, "", `5`},
		"own environment":      {as(t, models.RoleViewer, "acme", "QA"), limit, "", `5`},
		"other environment":    {as(t, models.RoleViewer, "acme", "Production"), limit, models.CodeForbidden, ""},
		"other tenant":         {as(t, models.RoleViewer, "globex", ""), limit, models.CodeNotFound, ""},
		"platform":             {admin(t), above, "", `7`},
		"layer above":          {as(t, models.RoleViewer, "acme", ""), above, models.CodeNotFound, ""},
		"application key":      {as(t, models.RoleReader, "acme", ""), limit, models.CodeForbidden, ""},
		"nobody":               {t.Context(), limit, models.CodeUnauthenticated, ""},
		"unknown":              {admin(t), "00000000-0000-4000-8000-000000000000", models.CodeNotFound, ""},
		"no id":                {admin(t), "limit", models.CodeNotFound, ""},
		"braced id":            {admin(t), "{" + limit + "}", models.CodeNotFound, ""},
		"deleted":              {admin(t), gone, models.CodeNotFound, ""},
		"secret for a person":  {admin(t), password, "", models.Masked},
		"secret for a grantee": {secrets(t, "acme"), password, "", models.Masked},
		"sealed":               {admin(t), sealed, "", models.Masked},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := s.Get(test.by, test.id)
			if code(err) != test.want || got.Value != test.value {
				t.Errorf("got %+v, %v; want %q %q", got, err, test.want, test.value)
			}
		})
	}
	got, err := s.Get(admin(t), limit)
	if err != nil || got.TenantID != "acme" || got.Environment != "QA" || got.Key != "limit" || got.Version != 1 ||
		got.Type != models.TypeNumber || got.UpdatedBy != (models.ActorRef{ID: "seed", Kind: models.ActorSystem, Name: "seed"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	_, foreign := s.Get(as(t, models.RoleViewer, "globex", ""), limit)
	_, unknown := s.Get(as(t, models.RoleViewer, "globex", ""), "00000000-0000-4000-8000-000000000000")
	if !cmp.Equal(foreign, unknown) {
		t.Errorf("another tenant's config answers %v, an unknown one %v", foreign, unknown)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, "acme", "b.password", models.TypeString, true)
	s.db.Set(t, "acme", "QA", "a", `1`)
	s.db.Set(t, "acme", "Production", "a", `2`)
	s.db.Set(t, "acme", "Production", "c", `7`)
	s.db.Set(t, "acme", "QA", "b.password", `"hunter2"`)
	s.db.Set(t, "acme", "QA", "c", `3`)
	s.db.Set(t, "acme", "QA", "gone", `4`)
	s.db.Unset(t, "acme", "QA", "gone")
	s.db.Set(t, models.Platform, "QA", "above", `5`)
	s.db.Set(t, "globex", "QA", "other", `6`)
	viewer := as(t, models.RoleViewer, "acme", "")
	tests := map[string]struct {
		by     context.Context
		filter configs.Filter
		want   []string
		code   models.Code
	}{
		"one environment": {viewer, configs.Filter{TenantID: "acme", Environment: "QA"}, []string{"QA a=1", `QA b.password="********"`, "QA c=3"}, ""},
		"all environments": {
			viewer,
			configs.Filter{TenantID: "acme"},
			[]string{"Production a=2", "Production c=7", "QA a=1", `QA b.password="********"`, "QA c=3"},
			"",
		},
		"those I may see": {
			as(t, models.RoleViewer, "acme", "Production"), configs.Filter{TenantID: "acme"}, []string{"Production a=2", "Production c=7"}, "",
		},
		"one I may not see": {
			as(t, models.RoleViewer, "acme", "Production"), configs.Filter{TenantID: "acme", Environment: "QA"}, nil, models.CodeForbidden,
		},
		"search":                {viewer, configs.Filter{TenantID: "acme", Search: "PASS"}, []string{`QA b.password="********"`}, ""},
		"search is no pattern":  {viewer, configs.Filter{TenantID: "acme", Search: "_"}, nil, ""},
		"secrets for a grantee": {secrets(t, "acme"), configs.Filter{TenantID: "acme", Search: "pass"}, []string{`QA b.password="********"`}, ""},
		"layer":                 {admin(t), configs.Filter{TenantID: models.Platform}, []string{"QA above=5"}, ""},
		"no tenant":             {admin(t), configs.Filter{}, nil, models.CodeInvalid},
		"no such environment":   {admin(t), configs.Filter{TenantID: "acme", Environment: "qa"}, nil, models.CodeInvalid},
		"unknown tenant":        {admin(t), configs.Filter{TenantID: "never"}, nil, models.CodeNotFound},
		"other tenant":          {viewer, configs.Filter{TenantID: "globex"}, nil, models.CodeNotFound},
		"nobody":                {t.Context(), configs.Filter{TenantID: "acme"}, nil, models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for test.filter.Page = (models.Page{Limit: 2}); ; {
				list, err := s.List(test.by, test.filter)
				if code(err) != test.code {
					t.Fatalf("got %v, want %q", err, test.code)
				}
				for _, c := range list.Items {
					got = append(got, c.Environment+" "+c.Key+"="+string(c.Value))
				}
				if test.filter.Page.Cursor = list.Next; list.Next == "" {
					break
				}
			}
			if !cmp.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// seal makes a value live whose text says that it is kept under another id.
func (s site) seal(t testing.TB, tenant, environment, key, commitment string) (id string) {
	t.Helper()
	id = s.db.Set(t, tenant, environment, key, `"open"`)
	s.db.Admin(t, `UPDATE config_versions SET value = $3 WHERE tenant_id = $1 AND config_id = $2 AND live_to IS NULL`, tenant, id,
		string(models.Sealed{ID: "22222222-2222-4222-8222-222222222222", Commitment: commitment}.Value()))
	return id
}

func TestListFindsValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, "acme", "password", models.TypeString, true)
	s.db.Define(t, models.Platform, "above", models.TypeString, true)
	s.db.Set(t, "acme", "QA", "password", `"hunter2"`)
	s.db.Set(t, "acme", "QA", "above", `"hunter2"`)
	s.seal(t, "acme", "QA", "token", "hunter2")
	s.db.Set(t, "acme", "QA", "banner", `"Say \\ \"Hi\" to 100 % of\nhunters"`)
	s.db.Set(t, "acme", "QA", "limits", `{"burst":100,"name":"Größe"}`)
	s.db.Set(t, "acme", "Production", "limits", `{"burst":5}`)
	s.db.Set(t, "globex", "QA", "other", `"Hi"`)
	for search, want := range map[string]string{
		"hunter": "banner", "hunter2": "", "sealed": "", "22222222": "", "********": "", `"HI"`: "banner", `\ "hi"`: "banner", "100": "banner limits",
		"100 %": "banner", "%": "banner", "_": "", "of\nhunters": "banner", "grÖßE": "limits", `{"burst":`: "limits limits", "burst": "limits limits",
		"limit": "limits limits", "pass": "password", "tok": "token", "nothing": "",
	} {
		list, err := s.List(as(t, models.RoleViewer, "acme", ""), configs.Filter{TenantID: "acme", Search: search, Page: models.Page{Limit: 10}})
		var got []string
		for _, c := range list.Items {
			got = append(got, c.Key)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q finds %v, %v, want %s", search, got, err, want)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.db.Set(t, "acme", "QA", "limit", `1`)
	for _, v := range []string{`2`, `3`, `4`, `5`} {
		s.db.Set(t, "acme", "QA", "limit", v)
	}
	s.db.Unset(t, "acme", "QA", "limit")
	viewer := as(t, models.RoleViewer, "acme", "QA")
	var values []models.Value
	cursor := ""
	for range 3 {
		list, err := s.Versions(viewer, id, models.Page{Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list.Items {
			values = append(values, v.Value)
			if v.ChangeID == "" || v.LiveTo == nil || !v.LiveTo.After(v.LiveFrom) || v.Author.Name != "seed" {
				t.Errorf("version %+v", v)
			}
		}
		cursor = list.Next
	}
	if want := []models.Value{"5", "4", "3", "2", "1"}; !cmp.Equal(values, want) || cursor != "" {
		t.Errorf("got %v, want %v", values, want)
	}
	if got := s.db.Set(t, "acme", "QA", "limit", `6`); got != id {
		t.Errorf("set again: id %s, want %s", got, id)
	}
	if got, err := s.Version(viewer, id, 6); err != nil || got.Value != "6" || got.LiveTo != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, test := range map[string]struct {
		by     context.Context
		id     string
		number int64
		want   models.Code
	}{
		"no such version": {viewer, id, 7, models.CodeNotFound},
		"version 0":       {viewer, id, 0, models.CodeNotFound},
		"other tenant":    {as(t, models.RoleViewer, "globex", ""), id, 1, models.CodeNotFound},
		"reader":          {as(t, models.RoleReader, "acme", ""), id, 1, models.CodeForbidden},
		"unknown":         {viewer, "00000000-0000-4000-8000-000000000000", 1, models.CodeNotFound},
		"nobody":          {t.Context(), id, 1, models.CodeUnauthenticated},
	} {
		if _, err := s.Version(test.by, test.id, test.number); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.db.Define(t, "acme", "limit", models.TypeNumber, true)
	if got, err := s.Version(viewer, id, 1); err != nil || got.Value != models.Masked {
		t.Errorf("history of a secret: %+v, %v", got, err)
	}
	if _, err := s.Versions(viewer, id, models.Page{Limit: 2, Cursor: "nonsense"}); code(err) != models.CodeInvalid {
		t.Errorf("cursor: %v", err)
	}
}
