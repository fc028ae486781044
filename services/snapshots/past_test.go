package snapshots_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// history writes what happens to acme, and remembers what readers got after each step.
type history struct {
	keeper
	t       testing.TB
	moments []moment
}

// moment is what is true from an instant on.
type moment struct {
	at     time.Time
	what   string
	values map[string]string // in clear, with where each comes from
	names  map[string]bool   // without the right to secrets
}

const tierFree, tierEnterprise = "@tier.free", "@tier.enterprise"

// step does something to a layer at one instant and remembers what became of it. finish is SQL that answers the instant.
func (h *history) step(what, layer string, do func(), finish string, args ...any) {
	h.t.Helper()
	do()
	var at time.Time
	h.db.Scan(h.t, finish, args, &at)
	h.touch(layer, production)
	h.touch(layer, models.HeadTenant)
	m := moment{at: at.UTC(), what: what}
	m.values, m.names = h.now(h.t)
	h.moments = append(h.moments, m)
}

// touch moves a head and lets the node know.
func (h *history) touch(layer, environment string) {
	h.t.Helper()
	h.db.Admin(h.t, `INSERT INTO heads AS h (tenant_id, environment) VALUES ($1, $2)
		ON CONFLICT (tenant_id, environment) DO UPDATE SET revision = h.revision + 1, token = gen_random_uuid()`, layer, environment)
	moved := []models.Head{h.db.Head(h.t, layer, environment)}
	h.directory.Raise(moved)
	h.Raise(moved)
}

func (h *history) now(t testing.TB) (values map[string]string, names map[string]bool) {
	t.Helper()
	return said(h.read(t, "acme", production, true)), namesOf(h.read(t, "acme", production, false))
}

// said is what a snapshot says of each key.
func said(s *snapshots.Snapshot) map[string]string {
	out := map[string]string{}
	for _, r := range s.Entries() {
		out[r.Key] = fmt.Sprintf("%s %s@%s.%d %q %v", r.Value, r.Type, r.Layer, r.Version, r.LockedBy, len(r.Hides))
	}
	return out
}

func namesOf(s *snapshots.Snapshot) map[string]bool {
	out := map[string]bool{}
	for _, r := range s.Entries() {
		out[r.Key] = true
	}
	return out
}

const liveFrom = `SELECT v.live_from FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
	WHERE c.tenant_id = $1 AND c.environment = $2 AND c.key = $3`

func (h *history) set(layer, key, value string, locked bool) {
	h.t.Helper()
	h.step(fmt.Sprintf("set %s %s %s %v", layer, key, value, locked), layer, func() {
		id := h.db.Set(h.t, layer, production, key, value)
		h.db.Admin(h.t, `UPDATE config_versions SET locked = $3 WHERE tenant_id = $1 AND config_id = $2 AND live_to IS NULL`, layer, id, locked)
		h.db.Admin(h.t, `UPDATE configs SET locked = $3 WHERE tenant_id = $1 AND id = $2`, layer, id, locked)
	}, liveFrom, layer, production, key)
}

func (h *history) unset(layer, key string) {
	h.t.Helper()
	var live int
	h.db.Scan(h.t, `SELECT count(*) FROM configs WHERE tenant_id = $1 AND environment = $2 AND key = $3 AND live IS NOT NULL`,
		[]any{layer, production, key}, &live)
	if live == 0 {
		return
	}
	h.step(fmt.Sprintf("unset %s %s", layer, key), layer, func() { h.db.Unset(h.t, layer, production, key) },
		`SELECT max(v.live_to) FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id
		WHERE c.tenant_id = $1 AND c.environment = $2 AND c.key = $3`, layer, production, key)
}

// define makes a definition, or the next version of it. Sealed values stay in step with what the definition says.
func (h *history) define(layer, key string, valueType models.ValueType, merge models.Merge, sensitive bool) {
	h.t.Helper()
	h.step(fmt.Sprintf("define %s %s %s %s %v", layer, key, valueType, merge, sensitive), layer, func() {
		h.db.Admin(h.t, `
			INSERT INTO definitions AS d (tenant_id, key, type, merge, sensitive, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
			ON CONFLICT (tenant_id, key) DO UPDATE SET type = $3, merge = $4, sensitive = $5, version = d.version + 1, updated_at = clock_timestamp()`,
			layer, key, string(valueType), string(merge), sensitive)
		h.db.Admin(h.t, `
			WITH d AS (SELECT * FROM definitions WHERE tenant_id = $1 AND key = $2), ended AS (
			  UPDATE definition_versions v SET live_to = d.updated_at FROM d WHERE v.tenant_id = $1 AND v.key = $2 AND v.live_to IS NULL)
			INSERT INTO definition_versions (tenant_id, key, version, type, schema, description, sensitive, merge, author, live_from)
			SELECT $1, $2, version, type, '', '', sensitive, merge, 'system:seed', updated_at FROM d`, layer, key)
		if sensitive {
			h.sealAll(key)
		} else {
			h.db.Admin(h.t, `UPDATE config_versions v SET value = s.was FROM configs c, shadow s WHERE c.tenant_id = v.tenant_id AND c.id = v.config_id
				AND c.key = $1 AND s.tenant_id = v.tenant_id AND s.config_id = v.config_id AND s.version = v.version AND v.value LIKE 'sealed:%'`, key)
		}
		for _, below := range []string{tierFree, tierEnterprise, "acme"} {
			h.touch(below, production) // their values have another form now
		}
	}, `SELECT updated_at FROM definitions WHERE tenant_id = $1 AND key = $2`, layer, key)
}

// sealAll seals all versions of a key, as a definition that makes it a secret does.
func (h *history) sealAll(key string) {
	h.t.Helper()
	for {
		var tenant, config, value string
		var version, left int64
		h.db.Scan(h.t, `SELECT count(*), coalesce(min(v.tenant_id), '') FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id
			WHERE c.key = $1 AND v.value NOT LIKE 'sealed:%'`, []any{key}, &left, &tenant)
		if left == 0 {
			return
		}
		h.db.Scan(h.t, `SELECT v.config_id::text, v.version, v.value FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id
			WHERE c.key = $1 AND c.tenant_id = $2 AND v.value NOT LIKE 'sealed:%' LIMIT 1`, []any{key, tenant}, &config, &version, &value)
		if err := h.vault.Ready(h.t.Context(), tenant); err != nil {
			h.t.Fatal(err)
		}
		text, row, err := h.vault.Seal(tenant, key, models.NewSecret(models.Value(value)))
		if err != nil {
			h.t.Fatal(err)
		}
		h.db.Admin(h.t, `INSERT INTO sealed_values (tenant_id, id, key, ciphertext) VALUES ($1, $2, $3, $4)`, tenant, row.ID, key, row.Ciphertext)
		h.db.Admin(h.t, `INSERT INTO shadow VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, tenant, config, version, value)
		h.db.Admin(h.t, `UPDATE config_versions SET value = $4 WHERE tenant_id = $1 AND config_id = $2 AND version = $3`, tenant, config, version, string(text))
	}
}

// become gives acme another tier and status.
func (h *history) become(tier string, status models.TenantStatus) {
	h.t.Helper()
	do := func() {
		h.db.Admin(h.t, `UPDATE tenants SET tier = $1, status = $2, version = version + 1, updated_at = clock_timestamp() WHERE tenant_id = 'acme'`, tier, string(status))
		h.db.Admin(h.t, `
			WITH t AS (SELECT * FROM tenants WHERE tenant_id = 'acme'), ended AS (
			  UPDATE tenant_versions v SET live_to = t.updated_at FROM t WHERE v.tenant_id = t.tenant_id AND v.live_to IS NULL)
			INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from)
			SELECT tenant_id, version, name, tier, status, updated_at FROM t`)
	}
	if status == models.TenantActive {
		h.step("become "+tier, "acme", do, `SELECT updated_at FROM tenants WHERE tenant_id = 'acme'`)
		return
	}
	do() // nobody reads it while it is suspended, but its past is there to be looked at
	last := h.moments[len(h.moments)-1]
	last.what = "suspend"
	h.db.Scan(h.t, `SELECT updated_at FROM tenants WHERE tenant_id = 'acme'`, nil, &last.at)
	h.moments = append(h.moments, last)
	h.touch("acme", models.HeadTenant)
	h.become(tier, models.TenantActive)
}

func newHistory(t testing.TB) *history {
	t.Helper()
	n := newNode(t)
	n.db.Admin(t, `CREATE TABLE shadow (tenant_id text, config_id uuid, version bigint, was text, PRIMARY KEY (tenant_id, config_id, version))`)
	h := &history{keeper: keeperOn(t, n.db, newMaster(t)), t: t}
	h.step("begin", "acme", func() {}, `SELECT live_from FROM tenant_versions WHERE tenant_id = 'acme' AND version = 1`)
	return h
}

// random does one thing that rapid picks.
func (h *history) random(t *rapid.T, tier string) (tierNow string) {
	layer := rapid.SampledFrom([]string{models.Platform, tierFree, tierEnterprise, "acme"}).Draw(t, "layer")
	key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
	value := rapid.SampledFrom([]string{`1`, `"x"`, `null`, `{}`, `{"a":1}`, `{"a":{"b":[1]}}`, `{"a":{"c":2},"d":9007199254740993}`, `{"e":null}`})
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0, 1, 2, 3:
		h.set(layer, key, value.Draw(t, "value"), rapid.IntRange(0, 3).Draw(t, "locked") == 0)
	case 4, 5:
		h.unset(layer, key)
	case 6, 7:
		merge, sensitive := models.MergeReplace, rapid.IntRange(0, 3).Draw(t, "sensitive") == 0
		if !sensitive && rapid.Bool().Draw(t, "deep") {
			merge = models.MergeDeep
		}
		h.define(models.Platform, key, rapid.SampledFrom([]models.ValueType{models.TypeJSON, models.TypeNumber}).Draw(t, "type"), merge, sensitive)
	case 8:
		if tier == "Free" {
			tier = "Enterprise"
		} else {
			tier = "Free"
		}
		h.become(tier, models.TenantActive)
	default:
		h.become(tier, models.TenantSuspended)
	}
	return tier
}

// TestPastIsWhatWas looks at every instant at which something happened, and at the microsecond before. Every history needs
// a database of its own, so as many are drawn as fit into some seconds; one that fails is made smaller without such a limit.
func TestPastIsWhatWas(t *testing.T) {
	t.Parallel()
	began, failed := time.Now(), false
	rapid.Check(t, func(rt *rapid.T) {
		if !failed && time.Since(began) > 8*time.Second {
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		h := newHistory(t)
		tier := "Enterprise"
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			tier = h.random(rt, tier)
		}
		viewer := as(t, models.RoleViewer, "acme", "")
		for i, m := range h.moments {
			h.sameAs(viewer, rt, m, m.at)
			if i > 0 {
				h.sameAs(viewer, rt, h.moments[i-1], m.at.Add(-time.Microsecond))
				h.sameAs(viewer, rt, h.moments[i-1], m.at.Add(-time.Nanosecond))
			}
		}
		first := h.moments[0].at.Add(-time.Microsecond)
		if _, err := h.Past(viewer, "acme", production, first, true); code(err) != models.CodeNotFound {
			rt.Fatalf("before it was there: %v", err)
		}
	})
}

// sameAs compares the past at an instant with what readers got then. Without the right to secrets less may be shown than
// then: what is a secret today.
func (h *history) sameAs(ctx context.Context, t *rapid.T, want moment, at time.Time) {
	t.Helper()
	clear, err := h.Past(ctx, "acme", production, at, true)
	if err != nil {
		t.Fatalf("%s: %v", want.what, err)
	}
	if diff := cmp.Diff(want.values, said(clear)); diff != "" {
		t.Fatalf("at %s, since %q (-then +at)\n%s", at, want.what, diff)
	}
	masked, err := h.Past(ctx, "acme", production, at, false)
	if err != nil {
		t.Fatalf("%s: %v", want.what, err)
	}
	_, today := h.now(h.t)
	for key := range want.values {
		shown, isSecret := namesOf(masked)[key], slices.Contains(masked.Withheld, key)
		if shown == isSecret || shown && (!want.names[key] || h.secretToday(key)) || !shown && want.names[key] && !h.secretToday(key) {
			t.Fatalf("at %s, since %q: %s is shown %v, withheld %v; then %v, today %v", at, want.what, key, shown, isSecret, want.names[key], today[key])
		}
	}
}

func (h *history) secretToday(key string) (secret bool) {
	h.t.Helper()
	h.db.Scan(h.t, `SELECT coalesce(bool_or(sensitive), false) FROM definitions WHERE key = $1`, []any{key}, &secret)
	return secret
}

// A fixed history for what a random one may leave out.
func TestPast(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.set(models.Platform, "limit", `1`, false)
	h.set(tierEnterprise, "limit", `2`, false)
	h.set(tierFree, "limit", `3`, false)
	before := h.moments[len(h.moments)-1]
	h.become("Free", models.TenantActive)
	h.set(models.Platform, "options", `{"a":1}`, false)
	h.set("acme", "options", `{"b":2}`, false)
	h.define(models.Platform, "options", models.TypeJSON, models.MergeDeep, false)
	deep := h.moments[len(h.moments)-1]
	h.define(models.Platform, "options", models.TypeJSON, models.MergeReplace, true)
	app := models.WithActor(t.Context(), models.Actor{Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme"}}})
	past := func(at time.Time, inClear bool) *snapshots.Snapshot {
		t.Helper()
		s, err := h.Past(app, "acme", production, at, inClear)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	snap := past(before.at.Add(700*time.Nanosecond), false)
	want := fmt.Sprintf(`{"tenantId":"acme","environment":"Production","revision":%q,"at":%q,"overlays":[],"configs":{"limit":2}}`,
		snap.Revision, before.at.Format(time.RFC3339Nano))
	if string(snap.Body()) != want {
		t.Errorf("got %s, want %s", snap.Body(), want)
	}
	if r, _ := snap.Key("limit"); r.Layer != tierEnterprise || !strings.Contains(string(snap.KeyBody(r)), `"at":`) {
		t.Errorf("the key: %+v", r)
	}
	again, other := past(before.at, false), past(deep.at, false)
	if again.ETag != snap.ETag || other.ETag == snap.ETag || past(before.at, true).ETag == snap.ETag || snap.MetadataTag() == snap.ETag {
		t.Errorf("tags %s, %s and %s", snap.ETag, again.ETag, other.ETag)
	}
	if _, ok := other.Key("options"); ok || !slices.Contains(other.Withheld, "options") {
		t.Errorf("a secret of today is shown as of then: %s", other.Body())
	}
	if clear := past(deep.at, true); !strings.Contains(string(clear.Body()), `"options":{"a":1,"b":2}`) || !clear.Reveals {
		t.Errorf("merged as it was then: %s", clear.Body())
	}
	if keys := slices.Sorted(maps.Keys(namesOf(past(h.moments[0].at, false)))); len(keys) != 0 {
		t.Errorf("at the beginning there were %v", keys)
	}
}

func TestPastRefuses(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.set("acme", "limit", `1`, false)
	live := h.moments[len(h.moments)-1].at
	h.db.Tenant(t, "gone", "Free")
	h.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	app := models.WithActor(t.Context(), models.Actor{Grants: []models.Grant{{Role: models.RoleReader, Tenant: "acme"}}})
	for name, test := range map[string]struct {
		tenant, environment string
		at                  time.Time
		want                models.Code
		pointer             string
	}{
		"then":                {"acme", production, live, "", ""},
		"layer":               {models.Platform, production, live, "", ""},
		"in an hour":          {"acme", production, time.Now().Add(time.Hour), models.CodeInvalid, "/at"},
		"long ago":            {"acme", production, time.Time{}, models.CodeNotFound, ""},
		"just before":         {"acme", production, h.moments[0].at.Add(-time.Microsecond), models.CodeNotFound, ""},
		"deleted":             {"gone", production, live, models.CodeNotFound, ""},
		"unknown":             {"never", production, live, models.CodeNotFound, ""},
		"no such environment": {"acme", "Nowhere", live, models.CodeInvalid, "/environment"},
	} {
		_, err := h.Past(app, test.tenant, test.environment, test.at, false)
		if code(err) != test.want || test.pointer != "" && fieldsOf(err)[0].Pointer != test.pointer {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	h.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'acme'`)
	h.touch("acme", models.HeadTenant)
	if _, err := h.Past(app, "acme", production, live, false); code(err) != models.CodeForbidden {
		t.Errorf("an application of a suspended tenant: %v", err)
	}
	if _, err := h.Past(as(t, models.RoleViewer, "acme", ""), "acme", production, live, false); err != nil {
		t.Errorf("people look at the past of a suspended tenant: %v", err)
	}
}
