package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
)

func filter(tenant string) audit.Filter {
	return audit.Filter{TenantID: tenant, Page: models.Page{Limit: models.DefaultLimit}}
}

func TestListShowsOnlyWhatOneMaySee(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := as(t, person("root", grant(models.RolePlatformAdmin, models.Platform)))
	for _, tenant := range []string{"acme", "globex", models.Platform} {
		if err := h.record(root, tenant, models.Act{Action: "tenant.update", Resource: "tenant/" + tenant}); err != nil {
			t.Fatal(err)
		}
	}
	acmeAuditor := person("a", grant(models.RoleAuditor, "acme"))
	both := person("b", grant(models.RoleAuditor, "acme"), grant(models.RoleAuditor, "globex"))
	oneEnvironment := person("q", models.Grant{Role: models.RoleAuditor, Tenant: "acme", Environment: "QA"})
	everyQA := person("p", models.Grant{Role: models.RoleAuditor, Tenant: models.Platform, Environment: "QA"})
	partly := person("y", oneEnvironment.Grants[0], grant(models.RoleAuditor, "globex"))
	mixed := person("m", grant(models.RoleAuditor, "acme"), grant(models.RoleViewer, models.Platform))
	tests := map[string]struct {
		by     context.Context
		tenant string
		want   string // tenants whose entries come back
		code   models.Code
	}{
		"auditor":                 {as(t, acmeAuditor), "acme", "acme", ""},
		"auditor, all":            {as(t, acmeAuditor), "", "acme", ""},
		"auditor of two":          {as(t, both), "", "acme globex", ""},
		"viewer elsewhere":        {as(t, mixed), "", "acme", ""},
		"viewer of that one":      {as(t, mixed), "globex", "", models.CodeForbidden},
		"platform-admin":          {root, "", "@platform acme globex", ""},
		"platform-admin, one":     {root, "globex", "globex", ""},
		"one environment":         {as(t, oneEnvironment), "acme", "", models.CodeForbidden},
		"one environment, all":    {as(t, oneEnvironment), "", "", models.CodeForbidden},
		"one environment, beyond": {as(t, oneEnvironment), "globex", "", models.CodeNotFound},
		"QA of all tenants":       {as(t, everyQA), "", "", models.CodeForbidden},
		"QA here, all there":      {as(t, partly), "", "globex", ""},
		"other tenant":            {as(t, acmeAuditor), "globex", "", models.CodeNotFound},
		"unknown tenant":          {as(t, acmeAuditor), "initech", "", models.CodeNotFound},
		"platform, from a tenant": {as(t, acmeAuditor), models.Platform, "", models.CodeNotFound},
		"engineer":                {as(t, person("e", grant(models.RoleEngineer, "acme"))), "acme", "", models.CodeForbidden},
		"engineer, all":           {as(t, person("e", grant(models.RoleEngineer, "acme"))), "", "", models.CodeForbidden},
		"nobody":                  {t.Context(), "acme", "", models.CodeUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := h.log.List(test.by, filter(test.tenant))
			wantCode(t, err, test.code)
			var got []string
			for _, e := range page.Items {
				got = append(got, e.TenantID)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("entries of %v, want %s", got, test.want)
			}
		})
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := as(t, person("root", grant(models.RolePlatformAdmin, models.Platform)))
	if err := h.record(root, "acme", models.Act{Action: "tenant.update", Resource: "tenant/acme"}); err != nil {
		t.Fatal(err)
	}
	page, err := h.log.List(root, filter("acme"))
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d entries, %v", len(page.Items), err)
	}
	want := page.Items[0]
	tests := map[string]struct {
		by   context.Context
		id   string
		code models.Code
	}{
		"auditor":         {as(t, person("a", grant(models.RoleAuditor, "acme"))), want.ID, ""},
		"platform-admin":  {root, want.ID, ""},
		"viewer":          {as(t, person("v", grant(models.RoleViewer, "acme"))), want.ID, models.CodeForbidden},
		"one environment": {as(t, person("q", models.Grant{Role: models.RoleAuditor, Tenant: "acme", Environment: "QA"})), want.ID, models.CodeForbidden},
		"other tenant":    {as(t, person("g", grant(models.RoleAuditor, "globex"))), want.ID, models.CodeNotFound},
		"nobody":          {t.Context(), want.ID, models.CodeUnauthenticated},
		"unknown":         {root, uuid.NewString(), models.CodeNotFound},
		"no id":           {root, "1", models.CodeNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := h.log.Get(test.by, test.id)
			wantCode(t, err, test.code)
			if test.code == "" {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	start := h.now
	admins := []models.Grant{grant(models.RolePlatformAdmin, models.Platform)}
	for i, action := range []string{"change.submit", "change.approve", "config.set"} {
		h.now = start.Add(time.Duration(i) * time.Hour)
		by := as(t, person([]string{"ann", "bob", "ann"}[i], admins...))
		if err := h.record(by, "acme", models.Act{Action: action, Resource: fmt.Sprintf("thing/%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	root := as(t, person("root", admins...))
	tests := map[string]struct {
		f    audit.Filter
		want string
	}{
		"all":            {audit.Filter{}, "config.set change.approve change.submit"},
		"prefix":         {audit.Filter{Action: "change."}, "change.approve change.submit"},
		"no wildcard":    {audit.Filter{Action: "%."}, ""},
		"exact":          {audit.Filter{Action: "change.submit"}, "change.submit"},
		"half a word":    {audit.Filter{Action: "change"}, ""},
		"actor":          {audit.Filter{Actor: "ann"}, "config.set change.submit"},
		"resource":       {audit.Filter{Resource: "thing/1"}, "change.approve"},
		"from":           {audit.Filter{From: start.Add(time.Hour).Truncate(time.Microsecond)}, "config.set change.approve"},
		"to":             {audit.Filter{To: start.Add(time.Hour).Truncate(time.Microsecond)}, "change.submit"},
		"actor and noun": {audit.Filter{Actor: "ann", Action: "config.", TenantID: "acme"}, "config.set"},
		"other tenant":   {audit.Filter{TenantID: "globex"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.f.Page = models.Page{Limit: 50}
			page, err := h.log.List(root, test.f)
			wantCode(t, err, "")
			var got []string
			for _, e := range page.Items {
				got = append(got, e.Action)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
		})
	}
	for _, f := range []audit.Filter{{Actor: "\x00"}, {Action: "\xff"}, {Resource: strings.Repeat("x", 600)}, {Page: models.Page{Cursor: "x"}}} {
		_, err := h.log.List(root, f)
		wantCode(t, err, models.CodeInvalid)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := as(t, person("root", grant(models.RolePlatformAdmin, models.Platform)))
	start := h.now
	for i := range 12 { // several entries of several tenants in the same instant
		h.now = start.Add(time.Duration(i/4) * time.Second)
		act := models.Act{Action: "config.set", Resource: fmt.Sprintf("config/%d", i)}
		if err := h.record(root, []string{"acme", "globex"}[i%2], act, act); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := h.log.List(root, filter(""))
	if err != nil || len(whole.Items) != 24 || whole.Next != "" {
		t.Fatalf("%d entries, next %q, %v", len(whole.Items), whole.Next, err)
	}
	var paged []models.Entry
	f := audit.Filter{Page: models.Page{Limit: 5}}
	for {
		page, err := h.log.List(root, f)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, page.Items...)
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(whole.Items, paged); diff != "" {
		t.Error(diff)
	}
}

func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	both := as(t, person("b", grant(models.RoleAuditor, "acme"), grant(models.RoleAuditor, "globex")))
	root := as(t, person("root", grant(models.RolePlatformAdmin, models.Platform)))
	first := audit.Filter{Page: models.Page{Limit: 1}}
	for range 2 {
		if err := h.record(root, "acme", models.Act{Action: "a.b", Resource: "a/b"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, by := range []context.Context{both, root} {
		page, err := h.log.List(by, first)
		if err != nil {
			t.Fatal(err)
		}
		next := first
		next.Cursor = page.Next
		if _, err := h.log.List(by, next); err != nil {
			t.Fatal(err)
		}
		if _, err := h.log.Get(by, page.Items[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.log.List(by, audit.Filter{TenantID: "acme", Resource: "a/b", Actor: "root", Action: "a.", Page: first.Page}); err != nil {
			t.Fatal(err)
		}
	}
	conn := h.Connect(t, h.AdminURL)
	if _, err := conn.Exec(t.Context(), `SET enable_seqscan = off`); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, s := range h.Recorder.Statements() {
		if !strings.Contains(s.SQL, "audit_entries") || strings.HasPrefix(strings.TrimSpace(s.SQL), "SET") {
			continue
		}
		looked++
		rows, err := conn.Query(t.Context(), "EXPLAIN "+s.SQL, s.Args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if rows.Err() != nil || strings.Contains(plan.String(), "Seq Scan") {
			t.Errorf("%s\n%s%v", s.SQL, plan.String(), rows.Err())
		}
	}
	if looked < 10 {
		t.Errorf("only %d statements looked at", looked)
	}
}
