package definitions_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
)

// All that a definition says is stored, in its version and in the log as well.
func TestCreateKeepsAll(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	expires := time.Date(2031, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600))
	made, err := s.Create(admin(t), definitions.In{
		TenantID: "acme", Key: "k", Type: models.TypeJSON, Description: "What it is", Schema: `{"type":"object"}`, Owner: "team a",
		Tags: []string{"b", "a", "b"}, Merge: models.MergeDeep, ExpiresAt: &expires,
	})
	if err != nil || made.Tags != "a,b" || made.Merge != models.MergeDeep {
		t.Fatalf("made %+v, %v", made, err)
	}
	got, err := s.Get(as(t, models.RoleViewer, "acme", ""), "acme", "k")
	if err != nil || !got.Same(made) || !got.ExpiresAt.Equal(expires) {
		t.Errorf("got %+v, %v", got, err)
	}
	var version, entry string
	s.db.Scan(t, `SELECT concat_ws('|', type, schema, description, owner, tags, sensitive, merge, expires_at = $1) FROM definition_versions
		WHERE tenant_id = 'acme' AND key = 'k'`, []any{expires}, &version)
	if version != `json|{"type":"object"}|What it is|team a|a,b|f|deep|t` {
		t.Errorf("the version says %s", version)
	}
	s.db.Scan(t, `SELECT after FROM audit_entries WHERE action = 'definition.create' AND resource = 'definition/k'`, nil, &entry)
	const want = `{"description":"What it is","expiresAt":"2031-02-03T03:05:06.000007Z","key":"k","merge":"deep","owner":"team a",` +
		`"schema":{"type":"object"},"sensitive":false,"tags":"a,b","tenantId":"acme","type":"json"}`
	if entry != want {
		t.Errorf("the log says %s", entry)
	}

	before := got
	none := time.Time{}
	got, err = s.Update(admin(t), "acme", "k", definitions.Patch{Tags: &[]string{}, ExpiresAt: &none, Schema: new(models.Value)}, "")
	if err != nil || got.Tags != "" || got.ExpiresAt != nil || got.Schema != "" || got.Owner != "team a" || !got.CreatedAt.Equal(before.CreatedAt) {
		t.Errorf("after an edit %+v, %v", got, err)
	}
	for name, p := range map[string]definitions.Patch{
		"/tags":  {Tags: &[]string{"a,b"}},
		"/owner": {Owner: new(strings.Repeat("x", 201))},
		"/merge": {Merge: new(models.Merge("sideways"))},
	} {
		if _, err := s.Update(admin(t), "acme", "k", p, ""); code(err) != models.CodeInvalid || pointer(err) != name {
			t.Errorf("%s: %v at %s", name, err, pointer(err))
		}
	}
}

// The topmost definition counts, in whatever order they were made; lists are in the order of keys.
func TestTheTopmostCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	enterprise := models.TierLayer("Enterprise")
	layers := []string{"acme", enterprise, models.Platform}
	for _, key := range []string{"c", "a", "b"} {
		for _, layer := range layers {
			s.db.Define(t, layer, key, models.TypeString, false)
		}
		layers = append(layers[1:], layers[0])
	}
	got, err := s.List(admin(t), "acme", "", models.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, d := range got.Items {
		keys = append(keys, d.TenantID+" "+d.Key)
	}
	if want := []string{"@platform a", "@platform b", "@platform c"}; !slices.Equal(keys, want) {
		t.Errorf("the list is %v", keys)
	}
	for _, key := range []string{"a", "b", "c"} {
		for _, layer := range layers {
			if d, err := s.Get(admin(t), layer, key); err != nil || d.TenantID != models.Platform {
				t.Errorf("%s of %s: %+v, %v", key, layer, d, err)
			}
		}
	}
}

// A definition above takes neither a merge nor a secret from one below.
func TestAgreesBelow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	enterprise := models.TierLayer("Enterprise")
	if _, err := s.Create(admin(t), definitions.In{TenantID: enterprise, Key: "shape", Type: models.TypeJSON, Merge: models.MergeDeep}); err != nil {
		t.Fatal(err)
	}
	in := definitions.In{TenantID: models.Platform, Key: "shape", Type: models.TypeJSON}
	if _, err := s.Create(admin(t), in); pointer(err) != "/merge" {
		t.Errorf("without its merge: %v", err)
	}
	in.Merge = models.MergeDeep
	if _, err := s.Create(admin(t), in); err != nil {
		t.Errorf("with its merge: %v", err)
	}
	s.db.Define(t, "acme", "token", models.TypeString, true)
	if _, err := s.Create(admin(t), definitions.In{TenantID: models.Platform, Key: "token", Type: models.TypeString, Sensitive: true}); err != nil {
		t.Fatal(err)
	}
	for layer, want := range map[string]string{models.Platform: "/sensitive"} {
		_, err := s.Update(admin(t), layer, "token", definitions.Patch{Sensitive: new(false)}, "")
		if pointer(err) != want {
			t.Errorf("%s: %v", layer, err)
		}
	}
	s.db.Admin(t, `UPDATE definitions SET sensitive = false WHERE tenant_id = 'acme' AND key = 'token'`)
	if _, err := s.Update(admin(t), models.Platform, "token", definitions.Patch{Sensitive: new(false)}, ""); err != nil {
		t.Errorf("when nobody below calls it a secret: %v", err)
	}
}

// The values that once were are sealed with their key, on the layer and below, and opened again; nobody else's are.
func TestReclassify(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	enterprise := models.TierLayer("Enterprise")
	s.db.Define(t, enterprise, "token", models.TypeString, false)
	layers := []string{enterprise, "acme", "globex", "small"}
	for _, layer := range layers {
		for _, value := range []string{`"one"`, `"two"`, `"one"`} {
			s.db.Set(t, layer, "QA", "token", value)
		}
		s.db.Set(t, layer, "QA", "token-2", `"one"`)
		if layer != "small" {
			s.db.Unset(t, layer, "QA", "token")
		}
	}
	texts := func() (out map[string]int) {
		out = map[string]int{}
		for _, layer := range layers {
			var sealed, commitments, open int
			s.db.Scan(t, `SELECT count(*) FILTER (WHERE v.value LIKE 'sealed:%'), count(DISTINCT split_part(v.value, ':', 3)) FILTER (WHERE v.value LIKE 'sealed:%'),
				count(*) FILTER (WHERE v.value IN ('"one"', '"two"')) FROM config_versions v JOIN configs c ON c.id = v.config_id
				WHERE c.tenant_id = $1 AND c.key = 'token'`, []any{layer}, &sealed, &commitments, &open)
			out[layer+" sealed"], out[layer+" different"], out[layer+" open"] = sealed, commitments, open
		}
		return out
	}
	of := func(sealed, different, open int) map[string]int {
		out := map[string]int{"small sealed": 0, "small different": 0, "small open": 3}
		for _, layer := range layers[:3] {
			out[layer+" sealed"], out[layer+" different"], out[layer+" open"] = sealed, different, open
		}
		return out
	}
	if _, err := s.Update(admin(t), enterprise, "token", definitions.Patch{Sensitive: new(true)}, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(of(3, 2, 0), texts()); diff != "" {
		t.Errorf("as a secret: %s", diff)
	}
	var others int
	s.db.Scan(t, `SELECT count(*) FROM config_versions v JOIN configs c ON c.id = v.config_id WHERE c.key = 'token-2' AND v.value = '"one"'`, nil, &others)
	if others != len(layers) {
		t.Errorf("%d values of another key are left", others)
	}
	var entries int
	s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE action = 'secret.uncover'`, nil, &entries)
	if _, err := s.Update(admin(t), enterprise, "token", definitions.Patch{Sensitive: new(false)}, ""); err != nil || entries != 0 {
		t.Fatalf("%v, %d entries", err, entries)
	}
	if diff := cmp.Diff(of(0, 0, 3), texts()); diff != "" {
		t.Errorf("opened: %s", diff)
	}
	s.db.Scan(t, `SELECT count(*) FROM audit_entries WHERE action = 'secret.uncover' AND tenant_id = $1`, []any{enterprise}, &entries)
	if entries != 1 {
		t.Errorf("%d entries", entries)
	}
}
