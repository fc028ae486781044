package api_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("admin")
	good := webtest.Body{"tenantId": "initech", "name": "Initech", "tier": "pro"}
	with := func(name string, value any) webtest.Body {
		body := maps.Clone(good)
		body[name] = value
		return body
	}
	for pointer, body := range map[string]webtest.Body{
		"/tenantId": with("tenantId", "No_Tenant"), "/name": with("name", ""), "/tier": with("tier", "Gold"),
		"/metadata": with("metadata", []int{1}), "/status": with("status", "active"),
	} {
		if got := admin.Post("/tenants", body).Refused(422, "invalid"); got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s: %s", pointer, got.Field("errors.0.pointer"), got.Text)
		}
	}
	site.As("engineer").Post("/tenants", good).Refused(403, "forbidden")
	site.As("tenant-admin").Post("/tenants", good).Refused(403, "forbidden")
	made := admin.Post("/tenants", good).Want(201)
	if made.Field("tier") != "Pro" || made.Field("metadata") != "{}" || !strings.HasSuffix(made.Field("createdAt"), "Z") {
		t.Errorf("made: %s", made.Text)
	}
	admin.Post("/tenants", good).Refused(409, "conflict")
	if got := admin.Get(made.Header.Get("Location")).Want(200); got.Text != made.Text {
		t.Errorf("read: %s", got.Text)
	}
	patched := site.As("tenant-admin").Patch("/tenants/acme", webtest.Body{"metadata": webtest.Body{"a": 1.50}}).Want(200)
	if patched.Field("metadata") != `{"a":1.5}` || patched.Field("name") != "Acme" {
		t.Errorf("patched: %s", patched.Text)
	}
	site.As("tenant-admin").Patch("/tenants/globex", webtest.Body{"name": "x"}).Refused(404, "not_found")
	site.As("viewer").Patch("/tenants/acme", webtest.Body{"name": "x"}).Refused(403, "forbidden")
}

func TestTiersAndEnvironments(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("admin")
	made := admin.Post("/tiers", webtest.Body{"name": "Small Business"}).Want(201)
	if made.Field("slug") != "small-business" || made.Field("tenantId") != "@tier.small-business" {
		t.Errorf("tier: %s", made.Text)
	}
	if got := admin.Get(made.Header.Get("Location")).Want(200).Field("tenantId"); got != "@tier.small-business" {
		t.Errorf("its layer is %s", got)
	}
	admin.Post("/tiers", webtest.Body{"name": "small business"}).Refused(409, "conflict")
	site.As("viewer").Post("/tiers", webtest.Body{"name": "Gold"}).Refused(403, "forbidden")
	if n := site.As("viewer").Get("/tiers").Want(200).Len("items"); n != 4 {
		t.Errorf("%d tiers", n)
	}

	created := admin.Put("/environments/Canary", webtest.Body{"position": 4}).Want(201)
	if created.Field("position") != "4" || created.Header.Get("Location") != "/api/v1/environments/Canary" {
		t.Errorf("environment: %s", created.Text)
	}
	admin.Put("/environments/Canary", nil).Want(200)
	admin.Put("/environments/Canary", webtest.Body{"position": 1}).Refused(409, "conflict")
	admin.Put("/environments/canary", nil).Refused(409, "conflict")
	admin.Put("/environments/roles", nil).Refused(422, "invalid")
	admin.Put("/environments/Lab", webtest.Body{"name": "Other"}).Refused(422, "invalid")
	site.As("tenant-admin").Put("/environments/Lab", nil).Refused(403, "forbidden")
	list := site.As("app").Get("/environments").Want(200)
	if list.Len("items") != 5 || list.Field("items.3.name") != "Canary" || list.Field("items.4.name") != "Production" {
		t.Errorf("environments: %s", list.Text)
	}
	if got := site.As("engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Canary", "key": "a", "value": 1,
	}).Want(201).Field("environment"); got != "Canary" {
		t.Errorf("set in %s", got)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("admin")
	seeded := site.As("viewer").Get("/policies?environment=Production&tier=enterprise").Want(200)
	if seeded.Len("items") != 1 || seeded.Field("items.0.tier") != "Enterprise" || seeded.Len("items.0.stages") != 3 ||
		seeded.Field("items.0.expiresIn") != "168h" || seeded.Field("items.0.minSoak") != "0s" {
		t.Errorf("seeded: %s", seeded.Text)
	}
	put := admin.Put("/policies/Staging", webtest.Body{
		"environment": "Staging", "tier": nil, "stages": []webtest.Body{{"name": "manager", "role": "manager", "required": 1}},
		"minSoak": "1h30m", "expiresIn": "48h", "requirePrevious": true,
		"defaultStrategy": "direct", "allowedStrategies": []string{"direct"},
	}).Want(200)
	if put.Field("minSoak") != "1h30m" || put.Field("expiresIn") != "48h" || put.Field("tier") != "null" ||
		put.Field("requirePrevious") != "true" || put.Field("stages.0.role") != "manager" {
		t.Errorf("put: %s", put.Text)
	}
	kept := admin.Put("/policies/Staging", webtest.Body{"stages": []webtest.Body{}, "requirePrevious": false}).Want(200)
	if kept.Field("minSoak") != "1h30m" || kept.Field("stages") != "[]" {
		t.Errorf("what was absent: %s", kept.Text)
	}
	tier := admin.Put("/policies/Staging?tier=free", webtest.Body{
		"tier": "Free", "stages": []webtest.Body{{"name": "engineer", "role": "engineer", "required": 1}},
	}).Want(200)
	if tier.Field("tier") != "Free" || tier.Field("expiresIn") != "48h" {
		t.Errorf("of a tier: %s", tier.Text)
	}
	waits := func(tenant string) int {
		return site.As("engineer").Post("/configs", webtest.Body{
			"tenantId": tenant, "environment": "Staging", "key": "a", "value": 1,
		}).Status()
	}
	if free, enterprise := waits(webtest.Globex), waits(webtest.Acme); free != 202 || enterprise != 201 {
		t.Errorf("a change of the tier answers %d, of another %d", free, enterprise)
	}
	for pointer, body := range map[string]webtest.Body{
		"/environment":         {"environment": "QA"},
		"/tier":                {"tier": "Pro"},
		"/minSoak":             {"minSoak": "1ms"},
		"/expiresIn":           {"expiresIn": "2h"},
		"/stages/0/role":       {"stages": []webtest.Body{{"name": "a", "role": "viewer", "required": 1}}},
		"/allowedStrategies/0": {"allowedStrategies": []string{"sideways"}, "defaultStrategy": "sideways"},
	} {
		if got := admin.Put("/policies/Staging", body).Refused(422, "invalid"); got.Field("errors.0.pointer") != pointer {
			t.Errorf("%s points at %s", pointer, got.Field("errors.0.pointer"))
		}
	}
	admin.Put("/policies/Nowhere", webtest.Body{}).Refused(404, "not_found")
	admin.Put("/policies/Staging?tier=gold", webtest.Body{}).Refused(404, "not_found")
	site.As("tenant-admin").Put("/policies/Staging", webtest.Body{}).Refused(403, "forbidden")
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	admin := site.As("admin")
	made := admin.Post("/definitions", webtest.Body{
		"key": "limits.users", "type": "number", "description": "Seats", "schema": webtest.Body{"minimum": 1, "maximum": 500},
	}).Want(201)
	if made.Field("tenantId") != "@platform" || made.Field("schema.maximum") != "500" {
		t.Errorf("made: %s", made.Text)
	}
	if got := admin.Get(made.Header.Get("Location")).Want(200); got.Text != made.Text {
		t.Errorf("read: %s", got.Text)
	}
	admin.Post("/definitions", webtest.Body{"key": "limits.users", "type": "number"}).Refused(409, "conflict")
	admin.Post("/definitions?tenantId=acme", webtest.Body{"tenantId": "globex", "key": "x", "type": "json"}).Refused(422, "invalid")
	tried := site.As("engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "limits.users", "value": 501,
	}).Refused(422, "invalid")
	if tried.Field("errors.0.pointer") != "/value" {
		t.Errorf("over the maximum: %s", tried.Text)
	}
	check := func(value any) *webtest.Response {
		return site.As("viewer").Post("/definitions/validate", webtest.Body{
			"tenantId": webtest.Acme, "key": "limits.users", "value": value,
		})
	}
	if got := check("12").Want(200); got.Field("value") != "12" || got.Field("valid") != "true" {
		t.Errorf("checked: %s", got.Text)
	}
	check(0).Refused(422, "invalid")
	check(true).Refused(422, "invalid")
	patched := admin.Patch("/definitions/limits.users", webtest.Body{"schema": nil, "sensitive": true}).Want(200)
	if patched.Field("schema") != "null" || patched.Field("sensitive") != "true" || patched.Field("description") != "Seats" {
		t.Errorf("patched: %s", patched.Text)
	}
	site.As("engineer").Patch("/definitions/limits.users", webtest.Body{"sensitive": false}).Refused(403, "forbidden")
	admin.Patch("/definitions/none", webtest.Body{"description": "x"}).Refused(404, "not_found")
	site.As("acme-engineer").Patch("/definitions/limits.users?tenantId=acme", webtest.Body{"description": "x"}).Refused(404, "not_found")
	list := site.As("acme-engineer").Get("/definitions?tenantId=acme").Want(200)
	if list.Len("items") != 1 || list.Field("items.0.tenantId") != "@platform" {
		t.Errorf("list: %s", list.Text)
	}
	site.As("acme-engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "open", "value": "x",
	}).Want(201)
	hides := webtest.Body{"sensitive": true} // where no environment that it touches has stages, at once
	if got := site.As("acme-engineer").Patch("/definitions/open?tenantId=acme", hides).Want(200); got.Field("sensitive") != "true" {
		t.Errorf("hides a live value: %s", got.Text)
	}
}

// TestSensitiveValuesAreMasked looks for a secret in every answer that a person could find it in.
func TestSensitiveValuesAreMasked(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	const secret = "s3cret-of-acme"
	site.As("admin").Post("/definitions", webtest.Body{"key": "token", "type": "string", "sensitive": true}).Want(201)
	dev := site.As("engineer")
	made := dev.Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "token", "value": secret,
	}).Want(201)
	if made.Field("value") != "********" || made.Field("masked") != "true" {
		t.Errorf("made: %s", made.Text)
	}
	path := "/configs/" + made.Field("id")
	for _, where := range []string{
		path, path + "/versions", path + "/versions/1", "/configs?tenantId=acme&environment=Development",
		"/changes", "/audit", "/configs/tenant/acme?environment=Development&include=metadata",
	} {
		who := site.As("admin")
		if got := who.Get(where).Want(200); strings.Contains(got.Text, secret) {
			t.Errorf("%s shows it: %s", where, got.Text)
		}
	}
	if got := dev.Get(path + "/versions/1").Want(200).Field("masked"); got != "true" {
		t.Errorf("masked: %s", got)
	}
	promoted := dev.Post(path+"/promote", webtest.Body{"targetEnvironment": "Production"}).Want(202)
	if promoted.Field("change.items.0.value") != "********" || promoted.Field("change.items.0.masked") != "true" {
		t.Errorf("promoted: %s", promoted.Text)
	}
	key := site.As("tenant-admin").Post("/api-keys", webtest.Body{
		"name": "billing", "role": "reader", "tenantId": webtest.Acme, "grants": []string{"secrets:read"},
	}).Want(201).Field("key")
	if got := site.With(key).Get("/configs/tenant/acme?environment=Development").Want(200).Field("configs.token"); got != secret {
		t.Errorf("who may read secrets reads %s", got)
	}
}
