package snapshots_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	seedKeys(t, n)
	n.set(t, "acme", "QA", "password", `"other"`)
	n.set(t, models.TierLayer("Enterprise"), "QA", "theme", `null`)
	text := func(differences []snapshots.Difference) (out []string) {
		for _, d := range differences {
			out = append(out, fmt.Sprintf("%s %s %s@%s %s@%s %v", d.Key, d.Status, d.From, d.FromLayer, d.To, d.ToLayer, d.Masked))
		}
		return out
	}
	viewer := as(t, models.RoleViewer, "acme", "")
	for name, test := range map[string]struct {
		by   context.Context
		in   snapshots.CompareIn
		want []string
	}{
		"differences": {viewer, snapshots.CompareIn{TenantID: "acme", From: "QA", To: production}, []string{
			`banner removed "Say \"Hi\""@acme @ false`,
			`limit changed 1@acme 2@@tier.enterprise false`,
			`password changed "********"@acme "********"@acme true`,
			`theme removed null@@tier.enterprise @ false`,
		}},
		"the other way": {viewer, snapshots.CompareIn{TenantID: "acme", From: production, To: "QA"}, []string{
			`banner added @ "Say \"Hi\""@acme false`,
			`limit changed 2@@tier.enterprise 1@acme false`,
			`password changed "********"@acme "********"@acme true`,
			`theme added @ null@@tier.enterprise false`,
		}},
		"all": {viewer, snapshots.CompareIn{TenantID: "acme", From: "Staging", To: production, Equal: true}, []string{
			`limit changed 1@@platform 2@@tier.enterprise false`,
			`password equal "********"@acme "********"@acme true`,
			`same equal {"greeting":"Hello"}@acme {"greeting":"Hello"}@acme false`,
		}},
		"by a key that may read secrets": {secrets(t, "acme"), snapshots.CompareIn{TenantID: "acme", From: "Development", To: production}, []string{
			`limit changed 1@@platform 2@@tier.enterprise false`,
			`password added @ "********"@acme true`,
		}},
		"itself": {viewer, snapshots.CompareIn{TenantID: "acme", From: "QA", To: "QA"}, nil},
		"tier": {as(t, models.RoleViewer, models.Platform, ""), snapshots.CompareIn{TenantID: "@tier.enterprise", From: "QA", To: production}, []string{
			`limit changed 1@@platform 2@@tier.enterprise false`,
			`theme removed null@@tier.enterprise @ false`,
		}},
		"platform": {as(t, models.RoleViewer, models.Platform, ""), snapshots.CompareIn{TenantID: models.Platform, From: "QA", To: production}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := n.Compare(test.by, test.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, text(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	got, err := n.Compare(viewer, snapshots.CompareIn{TenantID: "acme", From: "QA", To: production})
	if err != nil {
		t.Fatal(err)
	}
	banner, limit, password := got[0], got[1], got[2]
	if banner.ConfigID == "" || limit.ConfigID == "" || limit.ToConfigID != "" || password.ConfigID == password.ToConfigID {
		t.Errorf("configs of banner %+v, limit %+v, password %+v", banner, limit, password)
	}
	if !password.Sensitive || limit.Type != models.TypeNumber || limit.Sensitive {
		t.Errorf("kinds of limit %+v, password %+v", limit, password)
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.db.Tenant(t, "held", "Free")
	n.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	viewer, qa := as(t, models.RoleViewer, "acme", ""), as(t, models.RoleViewer, "acme", "QA")
	for name, test := range map[string]struct {
		by               context.Context
		tenant, from, to string
		want             models.Code
		pointer          string
	}{
		"own":               {viewer, "acme", "QA", production, "", ""},
		"suspended":         {as(t, models.RoleViewer, "held", ""), "held", "QA", production, "", ""},
		"from nowhere":      {viewer, "acme", "qa", production, models.CodeInvalid, "/from"},
		"to nowhere":        {viewer, "acme", "QA", "", models.CodeInvalid, "/to"},
		"one that I see":    {qa, "acme", "QA", "QA", "", ""},
		"from what I don't": {qa, "acme", production, "QA", models.CodeForbidden, ""},
		"to what I don't":   {qa, "acme", "QA", production, models.CodeForbidden, ""},
		"other tenant":      {as(t, models.RoleViewer, "globex", ""), "acme", "QA", production, models.CodeNotFound, ""},
		"unknown":           {as(t, models.RoleViewer, models.Platform, ""), "never", "QA", production, models.CodeNotFound, ""},
		"application key":   {as(t, models.RoleReader, "acme", ""), "acme", "QA", production, models.CodeForbidden, ""},
		"nobody":            {t.Context(), "acme", "QA", production, models.CodeUnauthenticated, ""},
	} {
		_, err := n.Compare(test.by, snapshots.CompareIn{TenantID: test.tenant, From: test.from, To: test.to})
		if code(err) != test.want {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if fields := fieldsOf(err); test.pointer != "" && (len(fields) != 1 || fields[0].Pointer != test.pointer) {
			t.Errorf("%s points at %+v", name, fields)
		}
	}
}

func TestCompareTenantsAndInstants(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	both := models.WithActor(t.Context(), models.Actor{Grants: []models.Grant{
		{Role: models.RoleViewer, Tenant: "acme"}, {Role: models.RoleViewer, Tenant: "globex", Environment: production},
	}})
	h.set(models.Platform, "limit", `1`, false)
	h.set("acme", "limit", `2`, false)
	then := h.moments[len(h.moments)-1].at
	h.set("acme", "limit", `3`, false)
	h.set("acme", "mine", `true`, false)
	h.set("globex", "theirs", `null`, false)
	h.set("globex", "limit", `3`, false)
	now := h.moments[len(h.moments)-1].at
	h.node.set(t, "acme", "QA", "limit", `4`)
	future := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		in      snapshots.CompareIn
		want    string
		code    models.Code
		pointer string
	}{
		"tenants":              {in: snapshots.CompareIn{ToTenantID: "globex"}, want: "mine removed true@acme @,theirs added @ null@globex"},
		"instants":             {in: snapshots.CompareIn{FromAt: &then}, want: "limit changed 2@acme 3@acme,mine added @ true@acme"},
		"back in time":         {in: snapshots.CompareIn{ToAt: &then}, want: "limit changed 3@acme 2@acme,mine removed true@acme @"},
		"two instants":         {in: snapshots.CompareIn{FromAt: &then, ToAt: &now}, want: "limit changed 2@acme 3@acme,mine added @ true@acme"},
		"one instant":          {in: snapshots.CompareIn{FromAt: &then, ToAt: &then}},
		"all at once":          {in: snapshots.CompareIn{From: "QA", ToTenantID: "globex", ToAt: &then}, want: "limit changed 4@acme 1@@platform"},
		"the same tenant":      {in: snapshots.CompareIn{ToTenantID: "acme"}},
		"from the future":      {in: snapshots.CompareIn{FromAt: &future}, code: models.CodeInvalid, pointer: "/fromAt"},
		"to the future":        {in: snapshots.CompareIn{ToAt: &future}, code: models.CodeInvalid, pointer: "/toAt"},
		"before it was there":  {in: snapshots.CompareIn{FromAt: &time.Time{}}, code: models.CodeNotFound},
		"a tenant not seen":    {in: snapshots.CompareIn{ToTenantID: "small"}, code: models.CodeNotFound},
		"an unknown tenant":    {in: snapshots.CompareIn{ToTenantID: "never"}, code: models.CodeNotFound},
		"the layer above":      {in: snapshots.CompareIn{ToTenantID: models.Platform}, code: models.CodeNotFound},
		"where I see nothing":  {in: snapshots.CompareIn{ToTenantID: "globex", To: "QA"}, code: models.CodeForbidden},
		"no environment there": {in: snapshots.CompareIn{ToTenantID: "globex", To: "Nowhere"}, code: models.CodeInvalid, pointer: "/to"},
	} {
		in := test.in
		in.TenantID, in.From, in.To = "acme", orProduction(in.From), orProduction(in.To)
		got, err := h.Compare(both, in)
		var lines []string
		for _, d := range got {
			lines = append(lines, fmt.Sprintf("%s %s %s@%s %s@%s", d.Key, d.Status, d.From, d.FromLayer, d.To, d.ToLayer))
		}
		if code(err) != test.code || strings.Join(lines, ",") != test.want {
			t.Errorf("%s: %q, %v, want %q", name, lines, err, test.want)
		}
		if test.pointer != "" && fieldsOf(err)[0].Pointer != test.pointer {
			t.Errorf("%s points at %+v", name, fieldsOf(err))
		}
	}
	_, foreign := h.Compare(both, snapshots.CompareIn{TenantID: "acme", From: production, To: production, ToTenantID: "small"})
	_, unknown := h.Compare(both, snapshots.CompareIn{TenantID: "acme", From: production, To: production, ToTenantID: "never"})
	if !cmp.Equal(foreign, unknown) {
		t.Errorf("another tenant answers %v, an unknown one %v", foreign, unknown)
	}
	h.matrixOfThen(both, t, then)
}

func orProduction(environment string) string {
	if environment == "" {
		return production
	}
	return environment
}

// matrixOfThen looks at the matrix of acme before its limit was raised.
func (h *history) matrixOfThen(ctx context.Context, t *testing.T, then time.Time) {
	t.Helper()
	if got := show(h.matrix(ctx, t, snapshots.MatrixFilter{TenantID: "acme", At: &then})); !cmp.Equal(got, []string{"limit: - - - 2@acme*"}) {
		t.Errorf("the matrix of then: %v", got)
	}
	got := h.matrix(ctx, t, snapshots.MatrixFilter{TenantID: "acme", Page: models.Page{Limit: 1}})
	if got.Rows.Next == "" {
		t.Fatal("one page")
	}
	future := time.Now().Add(time.Hour)
	for name, f := range map[string]snapshots.MatrixFilter{
		"another time's cursor": {TenantID: "acme", At: &then, Page: models.Page{Limit: 1, Cursor: got.Rows.Next}},
		"the future":            {TenantID: "acme", At: &future, Page: models.Page{Limit: 1}},
	} {
		if _, err := h.Matrix(ctx, f); code(err) != models.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCompareLeadsThere applies a comparison to what is on one side and finds what is on the other.
func TestCompareLeadsThere(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	admin := as(t, models.RoleViewer, models.Platform, "")
	values := func(tenant, environment string) map[string]models.Value {
		out := map[string]models.Value{}
		for _, r := range n.read(t, tenant, environment, false).Entries() {
			out[r.Key] = r.Value
		}
		return out
	}
	var before map[string]models.Value
	var at time.Time
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(rt, "sets") {
			layer := rapid.SampledFrom([]string{models.Platform, "acme", "globex", "@tier.enterprise"}).Draw(rt, "layer")
			environment := rapid.SampledFrom([]string{"QA", production}).Draw(rt, "environment")
			key := rapid.SampledFrom([]string{"a", "b", "b-c", "b.c", "d", "e"}).Draw(rt, "key")
			if rapid.IntRange(0, 3).Draw(rt, "unset") == 0 {
				n.db.Unset(t, layer, environment, key)
				n.Raise([]models.Head{n.db.Head(t, layer, environment)})
				continue
			}
			n.set(t, layer, environment, key, rapid.SampledFrom([]string{`1`, `null`, `{"a":1}`, `"x"`}).Draw(rt, "value"))
		}
		leads := func(in snapshots.CompareIn, from, to map[string]models.Value) {
			in.Equal = rapid.Bool().Draw(rt, "equal")
			differences, err := n.Compare(admin, in)
			if err != nil {
				rt.Fatal(err)
			}
			got := maps.Clone(from)
			for _, d := range differences {
				if from[d.Key] != d.From || (d.Status == snapshots.StatusEqual) != (d.From == d.To) {
					rt.Fatalf("from %v: %+v", from, d)
				}
				if d.Status == snapshots.StatusRemoved {
					delete(got, d.Key)
				} else {
					got[d.Key] = d.To
				}
			}
			if !maps.Equal(got, to) {
				rt.Fatalf("%+v makes %v, want %v", in, got, to)
			}
			if all := maps.Clone(from); in.Equal {
				maps.Copy(all, to)
				if len(differences) != len(all) {
					rt.Fatalf("%d differences of %d keys", len(differences), len(all))
				}
			}
		}
		from, to := values("acme", "QA"), values("globex", production)
		leads(snapshots.CompareIn{TenantID: "acme", From: "QA", ToTenantID: "globex", To: production}, from, to)
		leads(snapshots.CompareIn{TenantID: "globex", From: production, ToTenantID: "acme", To: "QA"}, to, from)
		if before != nil {
			leads(snapshots.CompareIn{TenantID: "acme", From: "QA", FromAt: &at, To: "QA"}, before, from)
		}
		before = from
		n.db.Scan(t, `SELECT clock_timestamp()`, nil, &at)
	})
}

func BenchmarkCompare(b *testing.B) {
	n := newNode(b)
	bulk(b, n, "acme", 100)
	bulk(b, n, "globex", 100)
	then := time.Now()
	n.set(b, "acme", production, "last", `2`)
	admin := as(b, models.RoleViewer, models.Platform, "")
	for name, in := range map[string]snapshots.CompareIn{
		"environments": {TenantID: "acme", From: "QA", To: production},
		"tenants":      {TenantID: "acme", From: "QA", ToTenantID: "globex", To: "QA"},
		"instants":     {TenantID: "acme", From: production, FromAt: &then, To: production},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := n.Compare(admin, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
