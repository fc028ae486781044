package snapshots_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		"in clear": {secrets(t, "acme"), snapshots.CompareIn{TenantID: "acme", From: "Development", To: production}, []string{
			`limit changed 1@@platform 2@@tier.enterprise false`,
			`password added @ "hunter2"@acme false`,
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
