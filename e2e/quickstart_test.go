package e2e_test

import (
	"net/http"
	"slices"
	"testing"
)

func TestQuickStart(t *testing.T) {
	t.Parallel()
	quickStart(t, dev(t))
}

func TestQuickStartBesideDemoData(t *testing.T) {
	t.Parallel()
	room(t, 1)
	s := start(t, t.TempDir())
	s.as("admin").get("/tenants/acme-corp").problem(http.StatusNotFound, "not_found")
	list := s.as("viewer").get("/tenants?limit=200").want(http.StatusOK)
	if tenants, ok := list.field("items").([]any); !ok || len(tenants) != 24 {
		t.Errorf("the demo has not 24 tenants: %s", list.body)
	}
	waits := s.as("engineer").get("/approvals").want(http.StatusOK)
	if waits.field("items.0.tenantId") != "globex" || waits.field("items.0.currentStage") != "engineer" {
		t.Errorf("nothing waits for the engineer who signs in first: %s", waits.body)
	}
	demo := s.as("app").get("/configs/tenant/globex?environment=Production").want(http.StatusOK)
	if configs, ok := demo.field("configs").(map[string]any); !ok || len(configs) == 0 {
		t.Errorf("the tenant of the printed curl line has nothing to read: %s", demo.body)
	}
	quickStart(t, s)
}

// quickStart is the main job: a value goes from a first call to production, through three people.
func quickStart(t *testing.T, s *stack) {
	t.Helper()
	tenant := s.as("admin").post("/tenants", `{"tenantId":"acme-corp","name":"ACME Corporation","tier":"Enterprise"}`).want(http.StatusCreated)
	if tenant.text("tenantId") != "acme-corp" || tenant.text("tier") != "Enterprise" || tenant.text("status") != "active" {
		t.Errorf("the tenant is %s", tenant.body)
	}

	config := s.as("engineer").post("/configs",
		`{"tenantId":"acme-corp","key":"feature.new_dashboard","value":"true","environment":"Staging"}`).want(http.StatusCreated)
	id := config.text("id")
	if config.text("key") != "feature.new_dashboard" || config.field("value") != "true" || config.text("type") != "string" {
		t.Errorf("the config is %s", config.body)
	}

	waits := s.as("engineer").post("/configs/"+id+"/promote", `{"targetEnvironment":"Production","approvalRequired":true}`).
		want(http.StatusAccepted)
	change := waits.text("change.id")
	if waits.field("change.currentStage") != "engineer" || waits.text("change.status") != "pending" {
		t.Errorf("the promotion is %s", waits.body)
	}

	approve(t, s, change)
	if done := s.as("viewer").get("/changes/" + change).want(http.StatusOK); done.text("status") != "deployed" {
		t.Errorf("after three approvals the change is %s", done.body)
	}
	read := s.as("app").get("/configs/tenant/acme-corp?environment=Production").want(http.StatusOK)
	var got struct{ Configs map[string]any }
	read.into(&got)
	if got.Configs["feature.new_dashboard"] != "true" {
		t.Errorf("the application reads %s", read.body)
	}
	if read.text("tenantId") != "acme-corp" || read.text("environment") != "Production" || read.text("revision") == "" {
		t.Errorf("the application reads %s", read.body)
	}
	wantAudit(t, s, change)
}

// approve has engineer2, manager and compliance decide, and the author fail to.
func approve(t *testing.T, s *stack, change string) {
	t.Helper()
	people := []string{"engineer2", "manager", "compliance"}
	stages := []any{"engineer", "manager", "compliance", nil}
	for n, name := range people {
		seen := s.as(name).get("/changes/" + change).want(http.StatusOK)
		if seen.field("currentStage") != stages[n] {
			t.Errorf("before %s decides the stage is %v", name, seen.field("currentStage"))
		}
		decision := map[string]any{"digest": seen.text("digest"), "comment": "seen by " + name}
		s.as("engineer").post("/approvals/"+change+"/approve", decision).problem(http.StatusForbidden, "forbidden")
		after := s.as(name).post("/approvals/"+change+"/approve", decision).want(http.StatusOK)
		if after.field("currentStage") != stages[n+1] {
			t.Errorf("after %s has approved the stage is %v: %s", name, after.field("currentStage"), after.body)
		}
		s.as(name).post("/approvals/"+change+"/approve", decision).problem(http.StatusForbidden, "forbidden")
	}
}

// wantAudit finds every step of the quick start in the tenant's log, in its order, with who did it.
func wantAudit(t *testing.T, s *stack, change string) {
	t.Helper()
	var log struct {
		Items []struct {
			Number           int64
			Action, Resource string
			Actor            struct{ Name string }
		}
	}
	s.as("auditor").get("/audit?tenantId=acme-corp&limit=200").want(http.StatusOK).into(&log)
	var actions []string
	for n, e := range slices.Backward(log.Items) { // newest first
		if want := int64(len(log.Items) - 1 - n); e.Number != want {
			t.Errorf("entry %s has the number %d, want %d", e.Action, e.Number, want)
		}
		if e.Action != "access.denied" {
			actions = append(actions, e.Action)
		}
		if e.Actor.Name == "" {
			t.Errorf("nobody stands behind %s", e.Action)
		}
		if e.Action == "change.approve" && e.Resource != "change/"+change {
			t.Errorf("an approval names %s", e.Resource)
		}
	}
	want := []string{
		"tenant.create", "change.submit", "definition.create", "config.set", "deployment.step", "change.submit",
		"change.approve", "change.approve", "change.approve", "config.set", "deployment.step",
	}
	if !slices.Equal(actions, want) {
		t.Errorf("the log of the tenant reads\n%v, want\n%v", actions, want)
	}
}
