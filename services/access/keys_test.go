package access_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

func TestWhoMayMakeWhichKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	allTenants := h.as(t, "all", models.RoleTenantAdmin, "")
	eng := h.as(t, "eng", models.RoleEngineer, "acme")
	globex := h.as(t, "gta", models.RoleTenantAdmin, "globex")
	devOnly := h.account(t, "dev", "", "")
	if _, err := h.Bind(root, access.BindingInput{TenantID: "acme", Environment: "Development", Role: models.RoleTenantAdmin, PersonID: devOnly.ID}); err != nil {
		t.Fatal(err)
	}
	dev := models.WithActor(t.Context(), h.actor(t, devOnly))
	_, serviceKey, err := h.CreateKey(ta, access.KeyInput{Name: "ci", Role: models.RoleTenantAdmin, TenantID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	service := models.WithActor(t.Context(), h.login(t, serviceKey))

	in := func(role models.Role, tenant string) access.KeyInput {
		return access.KeyInput{Name: "k", Role: role, TenantID: tenant}
	}
	mine := func(role models.Role, tenant string) access.KeyInput {
		return access.KeyInput{Name: "k", Role: role, TenantID: tenant, Owner: access.OwnerMe}
	}
	tests := map[string]struct {
		by   context.Context
		in   access.KeyInput
		want models.Code
	}{
		"tenant-admin in its tenant":            {ta, in(models.RoleReader, "acme"), ""},
		"tenant-admin gives tenant-admin":       {ta, in(models.RoleTenantAdmin, "acme"), ""},
		"tenant-admin gives platform-admin":     {ta, in(models.RolePlatformAdmin, "acme"), models.CodeForbidden},
		"tenant-admin, all tenants":             {ta, in(models.RoleReader, ""), models.CodeForbidden},
		"tenant-admin, the platform by name":    {ta, in(models.RoleReader, models.Platform), models.CodeNotFound},
		"tenant-admin, other tenant":            {ta, in(models.RoleReader, "globex"), models.CodeNotFound},
		"tenant-admin, unknown tenant":          {ta, in(models.RoleReader, "initech"), models.CodeNotFound},
		"other tenant's admin":                  {globex, in(models.RoleReader, "acme"), models.CodeNotFound},
		"tenant-admin of all":                   {allTenants, in(models.RoleReader, ""), ""},
		"tenant-admin of all, platform-admin":   {allTenants, in(models.RolePlatformAdmin, ""), models.CodeForbidden},
		"platform-admin":                        {root, in(models.RolePlatformAdmin, ""), ""},
		"platform-admin, unknown tenant":        {root, in(models.RoleReader, "initech"), models.CodeNotFound},
		"platform-admin, impossible tenant":     {root, in(models.RoleReader, "a\x00"), models.CodeNotFound},
		"engineer":                              {eng, in(models.RoleReader, "acme"), models.CodeForbidden},
		"engineer, all tenants":                 {eng, in(models.RoleReader, ""), models.CodeForbidden},
		"engineer's own":                        {eng, mine(models.RoleEngineer, "acme"), ""},
		"engineer's own as manager":             {eng, mine(models.RoleManager, "acme"), models.CodeForbidden},
		"engineer's own for all":                {eng, mine(models.RoleEngineer, ""), models.CodeForbidden},
		"engineer's own elsewhere":              {eng, mine(models.RoleEngineer, "globex"), models.CodeNotFound},
		"platform-admin's own":                  {root, mine(models.RolePlatformAdmin, ""), ""},
		"admin of one environment, there":       {dev, access.KeyInput{Name: "k", Role: models.RoleReader, TenantID: "acme", Environment: "Development"}, ""},
		"admin of one environment, another":     {dev, access.KeyInput{Name: "k", Role: models.RoleReader, TenantID: "acme", Environment: "QA"}, models.CodeForbidden},
		"admin of one environment, all of them": {dev, in(models.RoleReader, "acme"), models.CodeForbidden},
		"own of one environment, all of them":   {dev, mine(models.RoleTenantAdmin, "acme"), models.CodeForbidden},
		"service makes a key":                   {service, in(models.RoleReader, "acme"), ""},
		"service makes a platform-admin":        {service, in(models.RolePlatformAdmin, "acme"), models.CodeForbidden},
		"service makes a personal key":          {service, mine(models.RoleTenantAdmin, "acme"), models.CodeForbidden},
		"nobody":                                {t.Context(), in(models.RoleReader, "acme"), models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, key, err := h.CreateKey(test.by, test.in)
			wantCode(t, err, test.want)
			if (key == "") != (test.want != "") || (k.ID == "") != (test.want != "") {
				t.Errorf("key %q of %q", key, k.ID)
			}
		})
	}
}

func TestKeyInputIsChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	past, now := h.now().Add(-time.Second), h.now()
	tests := map[string]struct {
		change  func(*access.KeyInput)
		pointer string
	}{
		"no name":              {func(in *access.KeyInput) { in.Name = " " }, "/name"},
		"long name":            {func(in *access.KeyInput) { in.Name = strings.Repeat("x", 101) }, "/name"},
		"NUL":                  {func(in *access.KeyInput) { in.Name = "a\x00" }, "/name"},
		"role":                 {func(in *access.KeyInput) { in.Role = "king" }, "/role"},
		"owner":                {func(in *access.KeyInput) { in.Owner = "you" }, "/owner"},
		"environment":          {func(in *access.KeyInput) { in.Environment = "Moon" }, "/environment"},
		"environment, no name": {func(in *access.KeyInput) { in.Environment = "\x00" }, "/environment"},
		"expired":              {func(in *access.KeyInput) { in.ExpiresAt = &past }, "/expiresAt"},
		"expires now":          {func(in *access.KeyInput) { in.ExpiresAt = &now }, "/expiresAt"},
		"nobody responsible":   {func(in *access.KeyInput) { in.Responsible = []string{uuid.NewString()} }, "/responsible"},
		"no id":                {func(in *access.KeyInput) { in.Responsible = []string{"x"} }, "/responsible/0"},
		"unknown grant":        {func(in *access.KeyInput) { in.Grants = []models.Permission{"secrets:read", "world:rule"} }, "/grants/1"},
		"grant of a role":      {func(in *access.KeyInput) { in.Grants = []models.Permission{models.PermDecide} }, "/grants/0"},
		"unknown deny":         {func(in *access.KeyInput) { in.Denies = []models.Permission{"world:rule"} }, "/denies/0"},
		"own with grants": {func(in *access.KeyInput) {
			in.Owner, in.Role, in.Grants = access.OwnerMe, models.RolePlatformAdmin, []models.Permission{models.PermReadSecrets}
		}, "/grants"},
		"own with others": {func(in *access.KeyInput) {
			in.Owner, in.Role, in.Responsible = access.OwnerMe, models.RolePlatformAdmin, []string{uuid.NewString()}
		}, "/responsible"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := access.KeyInput{Name: "k", Role: models.RoleReader}
			test.change(&in)
			_, _, err := h.CreateKey(root, in)
			wantCode(t, err, models.CodeInvalid)
			if e, ok := err.(*models.Error); !ok || e.Fields[0].Pointer != test.pointer { //nolint:errorlint // the service returns it bare
				t.Errorf("%#v", err)
			}
		})
	}
}

func TestServiceKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	author, _ := models.ActorFrom(ta)
	other := h.account(t, "other", models.RoleViewer, "acme")
	k, key, err := h.CreateKey(ta, access.KeyInput{
		Name: "shop", Role: models.RoleReader, TenantID: "acme", Environment: "Production", Responsible: []string{other.ID},
		Grants: []models.Permission{models.PermReadSecrets}, Denies: []models.Permission{models.PermSignals},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := models.Actor{
		ActorRef:    models.ActorRef{ID: k.ID, Kind: models.ActorService, Name: "shop"},
		KeyID:       k.ID,
		Responsible: []string{other.ID, author.ID},
		Grants:      []models.Grant{{Role: models.RoleReader, Tenant: "acme", Environment: "Production", Extra: models.PermReadSecrets}},
		Denied:      []models.Permission{models.PermSignals},
	}
	got := h.login(t, key)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Can(models.PermSignals, "acme", "Production") || !got.Can(models.PermReadSecrets, "acme", "Production") {
		t.Error("grants and denies do not count")
	}
	var about, log string
	h.Scan(t, `SELECT after, audit_entries::text FROM audit_entries WHERE resource = $1`, []any{"api_key/" + k.ID}, &about, &log)
	if strings.Contains(log, strings.SplitN(key, "_", 3)[2]) || strings.Contains(log, hex.EncodeToString(k.SecretHash)) {
		t.Error("the log knows the secret")
	}
	wantAbout := fmt.Sprintf(`{"denies":["signals:write"],"environment":"Production","grants":["secrets:read"],"name":"shop",`+
		`"owner":"service","responsible":[%q],"role":"reader","tenantId":"acme"}`, other.ID)
	if about != wantAbout {
		t.Errorf("%s\n%s", about, wantAbout)
	}
}

func TestWhoAnswersForAServiceThatAServiceMade(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	author, _ := models.ActorFrom(ta)
	_, first, err := h.CreateKey(ta, access.KeyInput{
		Name: "ci", Role: models.RoleTenantAdmin, TenantID: "acme", Denies: []models.Permission{models.PermReveal},
	})
	if err != nil {
		t.Fatal(err)
	}
	maker := h.login(t, first)
	other := h.account(t, "other", models.RoleViewer, "acme")
	_, second, err := h.CreateKey(models.WithActor(t.Context(), maker), access.KeyInput{
		Name: "made", Role: models.RoleTenantAdmin, TenantID: "acme", Responsible: []string{other.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	made := h.login(t, second)
	if diff := cmp.Diff([]string{other.ID, author.ID}, made.Responsible); diff != "" {
		t.Error(diff)
	}
	if made.Can(models.PermReveal, "acme", "") {
		t.Error("a key made a key that may do more")
	}
}

func TestPersonalKeyIsItsPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	p := h.account(t, "eng", models.RoleEngineer, "acme")
	if _, err := h.operator.EnsureAccount(t.Context(), access.Account{
		Issuer: issuer, Subject: "eng", Email: p.Email, Role: models.RoleManager, TenantID: "globex",
	}); err != nil {
		t.Fatal(err)
	}
	me := models.WithActor(t.Context(), h.actor(t, p))
	k, key, err := h.CreateKey(me, access.KeyInput{
		Name: "laptop", Role: models.RoleEngineer, TenantID: "acme", Environment: "QA", Owner: access.OwnerMe,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := h.login(t, key)
	want := models.Actor{
		ActorRef: p.Ref(), Email: p.Email, KeyID: k.ID,
		Grants: []models.Grant{{Role: models.RoleEngineer, Limit: models.RoleEngineer, Tenant: "acme", Environment: "QA"}},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	if a.Sees("globex") || a.Can(models.PermEditConfigs, "acme", "Production") || !a.Can(models.PermEditConfigs, "acme", "QA") {
		t.Error("the key reaches beyond its place")
	}

	// The person loses the role: so does the key, at once.
	h.unbindAll(root, t, p.ID, "acme")
	if a = h.login(t, key); a.Can(models.PermEditConfigs, "acme", "QA") || a.Sees("acme") {
		t.Error("the key holds what its person lost")
	}
	// A smaller role in its place: no more than both allow.
	if _, err := h.Bind(root, access.BindingInput{Role: models.RoleTenantAdmin, PersonID: p.ID}); err != nil {
		t.Fatal(err)
	}
	a = h.login(t, key)
	if !a.Can(models.PermEditConfigs, "acme", "QA") || a.Can(models.PermManageAccess, "acme", "QA") || a.Sees("globex") {
		t.Errorf("grants %+v", a.Grants)
	}
}

// unbindAll takes back the person's roles in one tenant.
func (h *house) unbindAll(by context.Context, t *testing.T, personID, tenant string) {
	t.Helper()
	page, err := h.ListBindings(by, access.ListFilter{TenantID: tenant, Page: models.Page{Limit: 200}})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range page.Items {
		if b.Subject == personID {
			if err := h.Unbind(by, b.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWhoMayRevoke(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	eng := h.as(t, "eng", models.RoleEngineer, "acme")
	globex := h.as(t, "gta", models.RoleTenantAdmin, "globex")
	service := access.KeyInput{Name: "app", Role: models.RoleReader, TenantID: "acme"}
	mine := access.KeyInput{Name: "mine", Role: models.RoleEngineer, TenantID: "acme", Owner: access.OwnerMe}
	admins := access.KeyInput{Name: "boss", Role: models.RolePlatformAdmin, TenantID: "acme"}
	tests := map[string]struct {
		by, maker context.Context
		in        access.KeyInput
		want      models.Code
	}{
		"tenant-admin":                    {ta, root, service, ""},
		"tenant-admin, personal":          {ta, eng, mine, ""},
		"tenant-admin, of platform-admin": {ta, root, admins, models.CodeForbidden},
		"own":                             {eng, eng, mine, ""},
		"engineer, service":               {eng, root, service, models.CodeForbidden},
		"other tenant":                    {globex, root, service, models.CodeNotFound},
		"platform-admin":                  {root, ta, service, ""},
		"nobody":                          {t.Context(), root, service, models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, key, err := h.CreateKey(test.maker, test.in)
			if err != nil {
				t.Fatal(err)
			}
			h.login(t, key)
			wantCode(t, h.RevokeKey(test.by, k.ID), test.want)
			_, err = h.Authenticate(t.Context(), key) // right after
			if test.want != "" {
				wantCode(t, err, "")
				return
			}
			wantCode(t, err, models.CodeUnauthenticated)
			wantCode(t, h.RevokeKey(test.by, k.ID), "")
			var n int
			h.Scan(t, `SELECT count(*) FROM audit_entries WHERE resource = $1 AND action = 'api_key.revoke'`, []any{"api_key/" + k.ID}, &n)
			if n != 1 {
				t.Errorf("%d revocations are recorded", n)
			}
		})
	}
	for _, id := range []string{"", "unknown", "\x00"} {
		wantCode(t, h.RevokeKey(root, id), models.CodeNotFound)
	}
}

func TestListKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := h.as(t, "root", models.RolePlatformAdmin, "")
	ta := h.as(t, "ta", models.RoleTenantAdmin, "acme")
	eng := h.as(t, "eng", models.RoleEngineer, "acme")
	for _, k := range []struct {
		by     context.Context
		name   string
		tenant string
		owner  string
	}{{root, "g", "globex", ""}, {root, "p", "", ""}, {ta, "a", "acme", ""}, {eng, "mine", "acme", access.OwnerMe}} {
		role := models.RoleReader
		if k.owner != "" {
			role = models.RoleEngineer
		}
		if _, _, err := h.CreateKey(k.by, access.KeyInput{Name: k.name, Role: role, TenantID: k.tenant, Owner: k.owner}); err != nil {
			t.Fatal(err)
		}
	}
	_, reader, err := h.CreateKey(ta, access.KeyInput{Name: "a2", Role: models.RoleReader, TenantID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	service := models.WithActor(t.Context(), h.login(t, reader))
	tests := map[string]struct {
		by     context.Context
		tenant string
		want   int
		code   models.Code
	}{
		"platform-admin":           {root, "", 5, ""},
		"platform-admin, globex":   {root, "globex", 1, ""},
		"tenant-admin":             {ta, "", 3, ""},
		"tenant-admin, its tenant": {ta, "acme", 3, ""},
		"tenant-admin, another":    {ta, "globex", 0, models.CodeNotFound},
		"engineer, own":            {eng, "", 1, ""},
		"engineer, own there":      {eng, "acme", 1, ""},
		"reader":                   {service, "", 0, models.CodeForbidden},
		"nobody":                   {t.Context(), "", 0, models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			f := access.ListFilter{TenantID: test.tenant, Page: models.Page{Limit: 2}}
			for more := true; more; more = f.Cursor != "" {
				page, err := h.ListKeys(test.by, f)
				wantCode(t, err, test.code)
				for _, k := range page.Items {
					seen[k.ID] = true
				}
				f.Cursor = page.Next
			}
			if len(seen) != test.want {
				t.Errorf("%d keys, want %d", len(seen), test.want)
			}
		})
	}
	_, err = h.ListKeys(root, access.ListFilter{Page: models.Page{Limit: 2, Cursor: "x"}})
	wantCode(t, err, models.CodeInvalid)
}
