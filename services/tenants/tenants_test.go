package tenants_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

// site is the service on a database of its own, with the directory raised as it is in the program.
type site struct {
	*tenants.Service
	db        *storetest.Database
	directory *tenants.Directory
}

func newSite(t testing.TB) site {
	t.Helper()
	db := storetest.New(t)
	directory := tenants.NewDirectory(db.DB, nil)
	db.OnMoved(directory.Raise)
	log := audit.New(db.DB, time.Now, slog.New(slog.DiscardHandler))
	s := site{tenants.New(db.DB, log, directory), db, directory}
	if err := directory.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// as is a context of a person with one role in one place; environment may be empty.
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

func (s site) seed(t testing.TB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := s.Create(admin(t), tenants.In{TenantID: id, Name: "The " + id, Tier: "Enterprise"}); err != nil {
			t.Fatalf("create %s: %v", id, err)
		}
	}
}

func page(limit int, cursor string) models.Page { return models.Page{Limit: limit, Cursor: cursor} }

func TestCreate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := models.WithRequest(admin(t), models.Request{ID: "r-1", Address: "10.0.0.1"})
	made, err := s.Create(ctx, tenants.In{TenantID: "acme-corp", Name: "Acme", Tier: "enterprise", Metadata: `{"crm":7}`})
	if err != nil {
		t.Fatal(err)
	}
	if made.Tier != "Enterprise" || made.Status != models.TenantActive || made.Version != 1 || made.CreatedAt.IsZero() {
		t.Errorf("made %+v", made)
	}
	got, err := s.Get(ctx, "acme-corp")
	if err != nil || !cmp.Equal(got, made, cmp.Comparer(time.Time.Equal)) {
		t.Errorf("got %+v (%v), made %+v", got, err, made)
	}
	var versions, heads int
	s.db.Scan(t, `SELECT count(*) FROM tenant_versions WHERE tenant_id = 'acme-corp' AND live_to IS NULL`, nil, &versions)
	s.db.Scan(t, `SELECT count(*) FROM heads WHERE tenant_id = 'acme-corp' AND environment = ''`, nil, &heads)
	if versions != 1 || heads != 1 {
		t.Errorf("%d live versions, %d heads", versions, heads)
	}
	var action, resource, request string
	var number int64
	s.db.Scan(t, `SELECT action, resource, request_id, number FROM audit_entries WHERE tenant_id = 'acme-corp'`, nil,
		&action, &resource, &request, &number)
	if action != "tenant.create" || resource != "tenant/acme-corp" || request != "r-1" || number != 0 {
		t.Errorf("audit: %s %s %s %d", action, resource, request, number)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme", "gone")
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	fine := tenants.In{TenantID: "new", Name: "New", Tier: "Pro"}
	with := func(change func(*tenants.In)) tenants.In { in := fine; change(&in); return in }
	tests := map[string]struct {
		by   context.Context
		in   tenants.In
		want models.Code
	}{
		"nobody":              {t.Context(), fine, models.CodeUnauthenticated},
		"viewer of all":       {as(t, models.RoleViewer, models.Platform, ""), fine, models.CodeForbidden},
		"tenant-admin of all": {as(t, models.RoleTenantAdmin, models.Platform, ""), fine, models.CodeForbidden},
		"tenant-admin of one": {as(t, models.RoleTenantAdmin, "acme", ""), fine, models.CodeForbidden},
		"admin of one environment only": {
			as(t, models.RolePlatformAdmin, models.Platform, "QA"), fine, models.CodeForbidden,
		},
		"id in use":       {admin(t), with(func(in *tenants.In) { in.TenantID = "acme" }), models.CodeConflict},
		"id was in use":   {admin(t), with(func(in *tenants.In) { in.TenantID = "gone" }), models.CodeConflict},
		"id of a layer":   {admin(t), with(func(in *tenants.In) { in.TenantID = "@platform" }), models.CodeInvalid},
		"id with capital": {admin(t), with(func(in *tenants.In) { in.TenantID = "Acme" }), models.CodeInvalid},
		"no such tier":    {admin(t), with(func(in *tenants.In) { in.Tier = "Gold" }), models.CodeInvalid},
		"nearly a tier":   {admin(t), with(func(in *tenants.In) { in.Tier = "Pro!" }), models.CodeInvalid},
		"no tier":         {admin(t), with(func(in *tenants.In) { in.Tier = "" }), models.CodeInvalid},
		"no name":         {admin(t), with(func(in *tenants.In) { in.Name = " " }), models.CodeInvalid},
		"NUL in the name": {admin(t), with(func(in *tenants.In) { in.Name = "a\x00" }), models.CodeInvalid},
		"metadata is no object": {
			admin(t), with(func(in *tenants.In) { in.Metadata = `[1]` }), models.CodeInvalid,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := s.Create(test.by, test.in); code(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme", "globex")
	name := func(n string) tenants.Patch { return tenants.Patch{Name: &n} }
	tests := map[string]struct {
		by      context.Context
		id      string
		ifMatch string
		want    models.Code
	}{
		"nobody":              {t.Context(), "acme", "", models.CodeUnauthenticated},
		"other tenant":        {as(t, models.RoleTenantAdmin, "globex", ""), "acme", "", models.CodeNotFound},
		"engineer":            {as(t, models.RoleEngineer, "acme", ""), "acme", "", models.CodeForbidden},
		"unknown":             {admin(t), "nobody-here", "", models.CodeNotFound},
		"other state":         {admin(t), "acme", `"7"`, models.CodePreconditionFailed},
		"weak tag":            {admin(t), "acme", `W/"1"`, models.CodePreconditionFailed},
		"name of a layer":     {admin(t), models.TierLayer("Pro"), "", models.CodeInvalid},
		"a name of 201 runes": {admin(t), "acme", "", models.CodeInvalid},
	}
	for title, test := range tests {
		in := name("Renamed")
		if test.id == "acme" && test.want == models.CodeInvalid {
			in = name(string(make([]rune, 201)))
		}
		if _, err := s.Update(test.by, test.id, in, test.ifMatch); code(err) != test.want {
			t.Errorf("%s: got %v, want %q", title, err, test.want)
		}
	}

	metadata := models.Value(`{"a":1}`)
	got, err := s.Update(as(t, models.RoleTenantAdmin, "acme", ""), "acme", tenants.Patch{Metadata: &metadata}, `"0", "1"`)
	if err != nil || got.Version != 2 || got.Metadata != `{"a":1}` || got.Name != "The acme" || got.Tag() != `"2"` {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err = s.Update(admin(t), "acme", tenants.Patch{Metadata: &metadata}, ""); err != nil || got.Version != 2 {
		t.Errorf("an edit that changes nothing: %+v, %v", got, err)
	}
	if got, err = s.Update(admin(t), "acme", name("Renamed"), ""); err != nil || got.Version != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	var gaps, live int
	s.db.Scan(t, `SELECT count(*) FILTER (WHERE live_to IS NULL), count(*) FILTER (WHERE live_to IS NOT NULL AND NOT EXISTS (
		SELECT FROM tenant_versions n WHERE n.tenant_id = v.tenant_id AND n.live_from = v.live_to))
		FROM tenant_versions v WHERE tenant_id = 'acme'`, nil, &live, &gaps)
	if live != 1 || gaps != 0 {
		t.Errorf("%d live versions, %d gaps between versions", live, gaps)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme", "globex", "gone")
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	tests := map[string]struct {
		by   context.Context
		id   string
		want models.Code
	}{
		"own":              {as(t, models.RoleViewer, "acme", ""), "acme", ""},
		"own, one env":     {as(t, models.RoleViewer, "acme", "QA"), "acme", ""},
		"other tenant":     {as(t, models.RoleViewer, "globex", ""), "acme", models.CodeNotFound},
		"unknown":          {as(t, models.RoleViewer, "globex", ""), "never", models.CodeNotFound},
		"application key":  {as(t, models.RoleReader, "acme", ""), "acme", models.CodeForbidden},
		"nobody":           {t.Context(), "acme", models.CodeUnauthenticated},
		"deleted":          {admin(t), "gone", models.CodeNotFound},
		"layer":            {admin(t), models.Platform, ""},
		"layer above mine": {as(t, models.RoleViewer, "acme", ""), models.Platform, models.CodeNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := s.Get(test.by, test.id)
			if code(err) != test.want || err == nil && got.ID != test.id {
				t.Errorf("got %+v, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme", "globex", "initech", "a-100percent")
	if _, err := s.Create(admin(t), tenants.In{TenantID: "umbrella", Name: "100% Umbrella", Tier: "free"}); err != nil {
		t.Fatal(err)
	}
	s.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'initech'`)
	s.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'globex'`)
	two := models.WithActor(t.Context(), models.Actor{Grants: []models.Grant{
		{Role: models.RoleReader, Tenant: models.Platform},
		{Role: models.RoleViewer, Tenant: "acme"},
		{Role: models.RoleViewer, Tenant: "umbrella"},
	}})
	tests := map[string]struct {
		by     context.Context
		filter tenants.Filter
		want   []string
		code   models.Code
	}{
		"all":                  {admin(t), tenants.Filter{}, []string{"a-100percent", "acme", "initech", "umbrella"}, ""},
		"own":                  {as(t, models.RoleViewer, "acme", ""), tenants.Filter{}, []string{"acme"}, ""},
		"own, layers too":      {as(t, models.RoleViewer, "acme", ""), tenants.Filter{Layers: true}, []string{"acme"}, ""},
		"reads all, views two": {two, tenants.Filter{}, []string{"acme", "umbrella"}, ""},
		"search by name":       {admin(t), tenants.Filter{Search: "THE A"}, []string{"a-100percent", "acme"}, ""},
		"search is no pattern": {admin(t), tenants.Filter{Search: "100%"}, []string{"umbrella"}, ""},
		"tier":                 {admin(t), tenants.Filter{Tier: "free"}, []string{"umbrella"}, ""},
		"no such tier":         {admin(t), tenants.Filter{Tier: "gold"}, nil, models.CodeInvalid},
		"suspended":            {admin(t), tenants.Filter{Status: models.TenantSuspended}, []string{"initech"}, ""},
		"deleted":              {admin(t), tenants.Filter{Status: models.TenantDeleted}, []string{"globex"}, ""},
		"layers": {
			admin(t),
			tenants.Filter{Layers: true, Search: "e"},
			[]string{"@tier.enterprise", "@tier.free", "@tier.pro", "a-100percent", "acme", "initech", "umbrella"},
			"",
		},
		"application key": {as(t, models.RoleReader, "acme", ""), tenants.Filter{}, nil, models.CodeForbidden},
		"nobody":          {t.Context(), tenants.Filter{}, nil, models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.filter.Page = page(50, "")
			got, err := s.List(test.by, test.filter)
			if code(err) != test.code {
				t.Fatalf("got %v, want %q", err, test.code)
			}
			var ids []string
			for _, item := range got.Items {
				ids = append(ids, item.ID)
			}
			if !cmp.Equal(ids, test.want) {
				t.Errorf("got %v, want %v", ids, test.want)
			}
		})
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "a", "b", "c", "d", "e")
	var ids []string
	cursor := ""
	for range 3 {
		got, err := s.List(admin(t), tenants.Filter{Page: page(2, cursor)})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range got.Items {
			ids = append(ids, item.ID)
		}
		cursor = got.Next
	}
	if want := []string{"a", "b", "c", "d", "e"}; !cmp.Equal(ids, want) || cursor != "" {
		t.Errorf("got %v and %q, want %v", ids, cursor, want)
	}
	first, err := s.List(admin(t), tenants.Filter{Page: page(2, "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(admin(t), tenants.Filter{Search: "x", Page: page(2, first.Next)}); code(err) != models.CodeInvalid {
		t.Errorf("a cursor of another search: %v", err)
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(t, "acme")
	made, err := s.CreateTier(admin(t), "Small Business")
	if err != nil || made.ID != "@tier.small-business" || made.Slug() != "small-business" {
		t.Fatalf("made %+v, %v", made, err)
	}
	for name, test := range map[string]struct {
		by   context.Context
		name string
		want models.Code
	}{
		"again":        {admin(t), "Small Business", models.CodeConflict},
		"same slug":    {admin(t), "small-business", models.CodeConflict},
		"no letters":   {admin(t), "???", models.CodeInvalid},
		"tenant-admin": {as(t, models.RoleTenantAdmin, "acme", ""), "Gold", models.CodeForbidden},
		"nobody":       {t.Context(), "Gold", models.CodeUnauthenticated},
	} {
		if _, err := s.CreateTier(test.by, test.name); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	names := func(by context.Context) (out []string) {
		tiers, err := s.Tiers(by)
		if err != nil {
			t.Fatal(err)
		}
		for _, tier := range tiers {
			out = append(out, tier.Name)
		}
		return out
	}
	if got, want := names(admin(t)), []string{"Enterprise", "Free", "Pro", "Small Business"}; !cmp.Equal(got, want) {
		t.Errorf("all: %v", got)
	}
	if got, want := names(as(t, models.RoleViewer, "acme", "")), []string{"Enterprise"}; !cmp.Equal(got, want) {
		t.Errorf("of one tenant: %v", got)
	}
	if _, err := s.Create(admin(t), tenants.In{TenantID: "new", Name: "New", Tier: "small business"}); err != nil {
		t.Errorf("a tenant of the new tier: %v", err)
	}
}
