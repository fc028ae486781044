package definitions_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

type site struct {
	*definitions.Service
	db    *storetest.Database
	moved []models.Head
}

// newSite has two tenants of the tier Enterprise and one of the tier Free.
func newSite(t testing.TB) *site {
	t.Helper()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Enterprise")
	db.Tenant(t, "globex", "Enterprise")
	db.Tenant(t, "small", "Free")
	directory := tenants.NewDirectory(db.DB, nil)
	log := audit.New(db.DB, time.Now, slog.New(slog.DiscardHandler))
	master, err := secrets.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	vault := secrets.New(secrets.Options{
		DB: db.DB, Master: master, Now: time.Now, NewID: uuid.NewString, Log: slog.New(slog.DiscardHandler),
	})
	s := &site{definitions.New(db.DB, log, directory, vault, definitions.NewValidator()), db, nil}
	db.OnMoved(func(heads []models.Head) { s.moved = append(s.moved, heads...) })
	return s
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

func pointer(err error) string {
	if f := fields(err); len(f) > 0 {
		return f[0].Pointer
	}
	return ""
}

func TestCreate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := definitions.In{
		TenantID: "acme", Key: "checkout.limit", Type: models.TypeNumber, Description: "How many at once",
		Schema: `{"minimum":1}`, Sensitive: true,
	}
	made, err := s.Create(as(t, models.RoleEngineer, "acme", ""), in)
	if err != nil || made.Version != 1 || made.Tag() != `"1"` || made.CreatedAt.IsZero() {
		t.Fatalf("made %+v, %v", made, err)
	}
	got, err := s.Get(as(t, models.RoleViewer, "acme", ""), "acme", in.Key)
	if err != nil || !cmp.Equal(got, made, cmp.Comparer(time.Time.Equal)) {
		t.Errorf("got %+v, %v, want %+v", got, err, made)
	}
	var versions, entries int
	s.db.Scan(t, `SELECT count(*) FROM definition_versions WHERE tenant_id = 'acme' AND key = $1 AND live_to IS NULL AND author LIKE 'person:%'`,
		[]any{in.Key}, &versions)
	s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE tenant_id = 'acme' AND action = 'definition.create'
		AND resource = 'definition/checkout.limit'`, nil, &entries)
	if versions != 1 || entries != 1 {
		t.Errorf("%d live versions, %d audit entries", versions, entries)
	}
	if len(s.moved) != 4 { // one per environment: whether readers may see the key changed everywhere
		t.Errorf("moved %v", s.moved)
	}
	if _, err := s.Create(admin(t), in); code(err) != models.CodeConflict {
		t.Errorf("again: %v", err)
	}
}

func TestCreateAuthority(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fine := definitions.In{TenantID: "acme", Key: "k", Type: models.TypeString}
	with := func(change func(*definitions.In)) definitions.In { in := fine; change(&in); return in }
	tests := map[string]struct {
		by   context.Context
		in   definitions.In
		want models.Code
	}{
		"nobody":                 {t.Context(), fine, models.CodeUnauthenticated},
		"other tenant":           {as(t, models.RoleEngineer, "globex", ""), fine, models.CodeNotFound},
		"viewer":                 {as(t, models.RoleViewer, "acme", ""), fine, models.CodeForbidden},
		"engineer of one env":    {as(t, models.RoleEngineer, "acme", "QA"), fine, models.CodeForbidden},
		"engineer for the layer": {as(t, models.RoleEngineer, "acme", ""), with(func(in *definitions.In) { in.TenantID = models.Platform }), models.CodeNotFound},
		"unknown tenant":         {admin(t), with(func(in *definitions.In) { in.TenantID = "never" }), models.CodeNotFound},
		"bad key":                {admin(t), with(func(in *definitions.In) { in.Key = "Upper" }), models.CodeInvalid},
		"bad type":               {admin(t), with(func(in *definitions.In) { in.Type = "date" }), models.CodeInvalid},
		"bad schema":             {admin(t), with(func(in *definitions.In) { in.Schema = `{"type":7}` }), models.CodeInvalid},
		"schema is no schema":    {admin(t), with(func(in *definitions.In) { in.Schema = `"text"` }), models.CodeInvalid},
		"long description": {
			admin(t), with(func(in *definitions.In) { in.Description = strings.Repeat("x", 2001) }), models.CodeInvalid,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := s.Create(test.by, test.in); code(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCreateFitsTheChain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	enterprise, free := models.TierLayer("Enterprise"), models.TierLayer("Free")
	s.db.Define(t, enterprise, "above", models.TypeString, false)
	s.db.Define(t, "globex", "typed", models.TypeString, false)
	s.db.Define(t, "globex", "secret", models.TypeString, true)
	s.db.Set(t, "globex", "Production", "valued", `5`)
	s.db.Set(t, "globex", "QA", "valued", `"5"`)
	s.db.Set(t, "globex", "Development", "open", `"x"`)
	s.db.Set(t, "globex", "QA", "gone", `"text"`)
	s.db.Unset(t, "globex", "QA", "gone")
	s.db.Set(t, "globex", "QA", "ended", `"text"`)
	s.db.Unset(t, "globex", "QA", "ended")
	tests := map[string]struct {
		in   definitions.In
		want string // pointer; empty for success
	}{
		"defined above":                {definitions.In{TenantID: "acme", Key: "above", Type: models.TypeString}, "/key"},
		"beside another tenant's":      {definitions.In{TenantID: "acme", Key: "typed", Type: models.TypeNumber}, ""},
		"defined above, other tier":    {definitions.In{TenantID: "small", Key: "above", Type: models.TypeNumber}, ""},
		"another type below":           {definitions.In{TenantID: enterprise, Key: "typed", Type: models.TypeNumber}, "/type"},
		"another type, platform":       {definitions.In{TenantID: models.Platform, Key: "typed", Type: models.TypeNumber}, "/type"},
		"not below":                    {definitions.In{TenantID: free, Key: "typed", Type: models.TypeNumber}, ""},
		"a secret below":               {definitions.In{TenantID: enterprise, Key: "secret", Type: models.TypeString}, "/sensitive"},
		"a secret below, kept":         {definitions.In{TenantID: enterprise, Key: "secret", Type: models.TypeString, Sensitive: true}, ""},
		"live value below":             {definitions.In{TenantID: enterprise, Key: "valued", Type: models.TypeNumber}, "/schema"},
		"live value below, no schema":  {definitions.In{TenantID: models.Platform, Key: "valued", Type: models.TypeString}, "/schema"},
		"live values below, any type":  {definitions.In{TenantID: enterprise, Key: "valued", Type: models.TypeJSON}, ""},
		"hides a value below":          {definitions.In{TenantID: enterprise, Key: "open", Type: models.TypeString, Sensitive: true}, "moves"},
		"hides a value on the layer":   {definitions.In{TenantID: "globex", Key: "open", Type: models.TypeString, Sensitive: true}, "moves"},
		"hides no value elsewhere":     {definitions.In{TenantID: free, Key: "open", Type: models.TypeString, Sensitive: true}, ""},
		"hides what was deleted":       {definitions.In{TenantID: "globex", Key: "ended", Type: models.TypeString, Sensitive: true}, ""},
		"what was deleted counts not":  {definitions.In{TenantID: enterprise, Key: "gone", Type: models.TypeNumber}, ""},
		"live values of another layer": {definitions.In{TenantID: free, Key: "valued", Type: models.TypeBoolean}, ""},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		test := tests[name]
		_, err := s.Create(admin(t), test.in)
		if moves, ok := errors.AsType[definitions.MovesError](err); ok != (test.want == "moves") || ok && len(moves.Environments) == 0 {
			t.Errorf("%s: %v", name, err)
		} else if ok {
			continue // a change is to make it
		}
		if pointer(err) != test.want || test.want == "" && err != nil {
			t.Errorf("%s: got %v %v, want %q", name, err, fields(err), test.want)
		}
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, models.Platform, "limit", models.TypeNumber, false)
	s.db.Set(t, "acme", "Production", "limit", `5`)
	s.db.Set(t, "globex", "Production", "limit", `5`)
	s.db.Set(t, models.Platform, "QA", "limit", `50`)
	text := func(v string) *string { return &v }
	schema := func(v models.Value) *models.Value { return &v }
	yes, no := true, false
	steps := []struct {
		name    string
		by      context.Context
		in      definitions.Patch
		ifMatch string
		want    models.Code
		moved   int
	}{
		{"nobody", t.Context(), definitions.Patch{}, "", models.CodeUnauthenticated, 0},
		{"heir", as(t, models.RoleEngineer, "acme", ""), definitions.Patch{}, "", models.CodeNotFound, 0},
		{"viewer", as(t, models.RoleViewer, models.Platform, ""), definitions.Patch{}, "", models.CodeForbidden, 0},
		{"other state", admin(t), definitions.Patch{Description: text("x")}, `"2"`, models.CodePreconditionFailed, 0},
		{"description", admin(t), definitions.Patch{Description: text("x")}, `"1"`, "", 0},
		{"nothing", admin(t), definitions.Patch{Description: text("x")}, `"2"`, "", 0},
		{"three values break it", admin(t), definitions.Patch{Schema: schema(`{"maximum":1}`)}, "", models.CodeInvalid, 0},
		{"schema", admin(t), definitions.Patch{Schema: schema(`{"maximum":50}`)}, "", "", 4},
		{"sensitive, live below", admin(t), definitions.Patch{Sensitive: &yes}, "", "moves", 0},
		{"sensitive, live on the layer", admin(t), definitions.Patch{Sensitive: &yes}, "", "moves", 0},
		{"sensitive", admin(t), definitions.Patch{Sensitive: &yes}, "", "", 4 + 3}, // and where values were once
		{"no longer sensitive, without the right", as(t, models.RoleEngineer, models.Platform, ""), definitions.Patch{Sensitive: &no}, "", models.CodeForbidden, 0},
		{"no longer sensitive", admin(t), definitions.Patch{Sensitive: &no}, "", "", 4 + 3},
		{"no schema", admin(t), definitions.Patch{Schema: schema("")}, `"5"`, "", 4},
	}
	for _, step := range steps {
		switch step.name { // what is live then
		case "sensitive, live below":
			s.db.Unset(t, models.Platform, "QA", "limit")
		case "sensitive, live on the layer":
			s.db.Unset(t, "acme", "Production", "limit")
			s.db.Unset(t, "globex", "Production", "limit")
			s.db.Set(t, models.Platform, "QA", "limit", `50`)
		case "sensitive":
			s.db.Unset(t, models.Platform, "QA", "limit")
		}
		s.moved = nil
		_, err := s.Update(step.by, models.Platform, "limit", step.in, step.ifMatch)
		if _, moves := errors.AsType[definitions.MovesError](err); moves {
			err = &models.Error{Code: "moves"}
		}
		if code(err) != step.want || len(s.moved) != step.moved {
			t.Errorf("%s: got %v %v, %d heads", step.name, err, fields(err), len(s.moved))
		}
		if step.name == "three values break it" && !strings.Contains(err.Error(), "3 live values") {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	got, err := s.Get(admin(t), models.Platform, "limit")
	if err != nil || got.Version != 6 || got.Sensitive || got.Schema != "" || got.Description != "x" {
		t.Errorf("got %+v, %v", got, err)
	}
	var live, gaps, entries int
	s.db.Scan(t, `SELECT count(*) FILTER (WHERE live_to IS NULL), count(*) FILTER (WHERE live_to IS NOT NULL AND NOT EXISTS (
		SELECT FROM definition_versions n WHERE n.key = v.key AND n.tenant_id = v.tenant_id AND n.live_from = v.live_to))
		FROM definition_versions v WHERE key = 'limit'`, nil, &live, &gaps)
	s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE action = 'definition.update'`, nil, &entries)
	if live != 1 || gaps != 0 || entries != 5 {
		t.Errorf("%d live versions, %d gaps, %d audit entries", live, gaps, entries)
	}
	if _, err := s.Update(admin(t), "acme", "limit", definitions.Patch{}, ""); code(err) != models.CodeNotFound {
		t.Errorf("what the layer itself does not define: %v", err)
	}
}

func TestListAndCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	enterprise := models.TierLayer("Enterprise")
	s.db.Define(t, models.Platform, "a.top", models.TypeNumber, false)
	s.db.Define(t, "acme", "a.top", models.TypeNumber, true) // made before the platform's
	s.db.Define(t, enterprise, "b.tier", models.TypeBoolean, false)
	s.db.Define(t, "acme", "c_own", models.TypeString, false)
	s.db.Define(t, "globex", "d.other", models.TypeString, false)
	viewer := as(t, models.RoleViewer, "acme", "")
	keys := func(by context.Context, tenant, search string) (out []string) {
		cursor := ""
		for {
			got, err := s.List(by, tenant, search, models.Page{Limit: 2, Cursor: cursor})
			if err != nil {
				t.Fatalf("%s %q: %v", tenant, search, err)
			}
			for _, d := range got.Items {
				out = append(out, d.TenantID+" "+d.Key)
			}
			if cursor = got.Next; cursor == "" {
				return out
			}
		}
	}
	if got, want := keys(viewer, "acme", ""), []string{"@platform a.top", "@tier.enterprise b.tier", "acme c_own"}; !cmp.Equal(got, want) {
		t.Errorf("acme: %v", got)
	}
	if got, want := keys(viewer, "acme", "C_O"), []string{"acme c_own"}; !cmp.Equal(got, want) {
		t.Errorf("search: %v", got)
	}
	if got, want := keys(admin(t), "small", ""), []string{"@platform a.top"}; !cmp.Equal(got, want) {
		t.Errorf("small: %v", got)
	}
	top, err := s.Get(viewer, "acme", "a.top")
	if err != nil || !top.Sensitive || top.TenantID != models.Platform {
		t.Errorf("a secret stays one under a definition from above: %+v, %v", top, err)
	}

	checks := map[string]struct {
		by          context.Context
		key, value  string
		want        models.Value
		code        models.Code
		fieldOfCode string
	}{
		"as it is":     {viewer, "b.tier", `true`, `true`, "", ""},
		"converted":    {viewer, "b.tier", `"true"`, `true`, "", ""},
		"another type": {viewer, "b.tier", `5`, "", models.CodeInvalid, "/value"},
		"undefined":    {viewer, "never", `5`, "", models.CodeNotFound, ""},
		"of another":   {viewer, "d.other", `5`, "", models.CodeNotFound, ""},
		"other tenant": {as(t, models.RoleViewer, "globex", ""), "c_own", `"x"`, "", models.CodeNotFound, ""},
		"reader":       {as(t, models.RoleReader, "acme", ""), "c_own", `"x"`, "", models.CodeForbidden, ""},
		"nobody":       {t.Context(), "c_own", `"x"`, "", models.CodeUnauthenticated, ""},
	}
	for name, test := range checks {
		got, err := s.Preview(test.by, "acme", test.key, value(t, test.value))
		if code(err) != test.code || err == nil && got != test.want || pointer(err) != test.fieldOfCode {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
