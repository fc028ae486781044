package definitions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
)

func TestUses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Set(t, "acme", "QA", "limit", `1`)
	s.db.Set(t, "acme", "Production", "limit", `1`)
	s.db.Set(t, "globex", "QA", "limit", `1`)
	s.db.Set(t, "small", "QA", "limit", `1`)
	s.db.Set(t, models.Platform, "QA", "above", `1`)
	s.db.Set(t, "acme", "QA", "unasked", `1`)
	keys := []string{"limit", "above", "nobody"}
	uses := func(n int) definitions.Use { return definitions.Use{Layers: n} }
	tests := map[string]struct {
		by    context.Context
		layer string
		want  map[string]definitions.Use
		code  models.Code
	}{
		"platform":     {admin(t), models.Platform, map[string]definitions.Use{"limit": uses(3), "above": uses(1)}, ""},
		"tier":         {admin(t), "@tier.enterprise", map[string]definitions.Use{"limit": uses(2)}, ""},
		"tenant":       {as(t, models.RoleViewer, "acme", ""), "acme", map[string]definitions.Use{"limit": uses(1)}, ""},
		"other tenant": {as(t, models.RoleViewer, "globex", ""), "acme", nil, models.CodeNotFound},
		"layer above":  {as(t, models.RoleViewer, "acme", ""), models.Platform, nil, models.CodeNotFound},
		"nobody":       {t.Context(), "acme", nil, models.CodeUnauthenticated},
	}
	for name, test := range tests {
		got, err := s.Uses(test.by, test.layer, keys)
		known, _ := errors.AsType[*models.Error](err)
		switch {
		case test.code != "" && (known == nil || known.Code != test.code):
			t.Errorf("%s: %v, want %s", name, err, test.code)
		case test.code == "" && (err != nil || !cmp.Equal(got, test.want)):
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if _, err := s.LiveIn(test.by, test.layer, "limit"); (err != nil) != (test.code != "") {
			t.Errorf("%s: live in: %v", name, err)
		}
	}
	if got, err := s.LiveIn(admin(t), "@tier.enterprise", "limit"); err != nil || !cmp.Equal(got, []string{"QA", "Production"}) {
		t.Errorf("live in %v, %v", got, err)
	}
}

func TestFindOverdue(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	now := time.Now()
	before, after := now.Add(-time.Hour), now.Add(time.Hour)
	for key, at := range map[string]*time.Time{"a.late": &before, "b.late": &before, "c.soon": &after, "d.lasting": nil} {
		if _, err := s.Create(admin(t), definitions.In{TenantID: models.Platform, Key: key, Type: models.TypeJSON, ExpiresAt: at}); err != nil {
			t.Fatal(err)
		}
	}
	page := models.Page{Limit: 1}
	first, err := s.Find(admin(t), definitions.Filter{TenantID: "acme", Overdue: &now, Page: page})
	if err != nil || len(first.Items) != 1 || first.Items[0].Key != "a.late" || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	page.Cursor = first.Next
	second, err := s.Find(admin(t), definitions.Filter{TenantID: "acme", Overdue: &now, Page: page})
	if err != nil || len(second.Items) != 1 || second.Items[0].Key != "b.late" || second.Next != "" {
		t.Fatalf("%+v, %v", second, err)
	}
	found, err := s.Find(admin(t), definitions.Filter{TenantID: "acme", Overdue: &now, Search: "b.", Page: models.Page{Limit: 9}})
	if err != nil || len(found.Items) != 1 || found.Items[0].Owner != "" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := s.Find(as(t, models.RoleViewer, "globex", ""), definitions.Filter{TenantID: "acme", Overdue: &now, Page: models.Page{Limit: 9}}); err == nil {
		t.Error("another tenant sees them")
	}
}
