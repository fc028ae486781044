package views

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
)

// cast names two people and a service, as the directory does.
func cast(ref models.ActorRef) models.ActorRef {
	ref.Name = map[string]string{"p1": "Erin", "p2": "Mona", "k1": "shop"}[ref.ID]
	return ref
}

func TestAuditEntry(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		action, resource string
		before, after    models.Value
		says             string
		link, quote      string
	}{
		"submitted": {
			"change.submit", "change/abc-1", "", `{"digest":"77be","environment":"Production","items":1,"status":"pending","title":"Raise it"}`,
			"submitted the change Raise it for Production", "/changes/abc-1", "",
		},
		"approved": {
			"change.approve", "change/abc-1", "", `{"comment":"Fine.","digest":"92b5","stage":"manager"}`,
			"approved the change abc at the stage manager", "/changes/abc-1", "Fine.",
		},
		"set": {
			"config.set", "config/def", `{"environment":"QA","key":"a.b","value":1,"version":1}`, `{"environment":"QA","key":"a.b","value":2,"version":2}`,
			"set a.b in QA", "/tenants/acme/keys/a.b", "",
		},
		"deleted": {
			"config.delete", "config/def", `{"environment":"QA","key":"a.b","value":1,"version":1}`, "",
			"deleted a.b in QA", "/tenants/acme/keys/a.b", "",
		},
		"deployed": {
			"deployment.step", "deployment/d-1", "", `{"changeId":"abc-1","percent":100,"status":"rolled_back"}`,
			"took the deployment d to 100 %, rolled back", "/changes/abc-1", "",
		},
		"percent is exact": {
			"deployment.step", "deployment/d-1", "", `{"changeId":"abc-1","percent":0.10}`,
			"took the deployment d to 0.10 %", "/changes/abc-1", "",
		},
		"defined": {"definition.create", "definition/a.b", "", `{"key":"a.b"}`, "defined a.b", "/tenants/acme/keys/a.b", ""},
		"tenant":  {"tenant.create", "tenant/globex", "", `{"name":"Globex"}`, "created the tenant Globex", "/tenants/globex", ""},
		"tier":    {"tier.create", "tier/gold", "", `{"name":"Gold"}`, "created the tier Gold", "/tenants/@tier.gold", ""},
		"policy":  {"policy.update", "policy/QA/gold", "", `{}`, "changed the policy of QA/gold", "", ""},
		"bound": {
			"role_binding.create", "role_binding/b", "", `{"environment":"","role":"viewer","subject":"p2","subjectKind":"person","tenantId":"acme"}`,
			"gave the role viewer to Mona, acme, all environments", "/access/roles", "",
		},
		"unbound from a group": {
			"role_binding.delete", "role_binding/b", `{"environment":"QA","role":"viewer","subject":"ops","subjectKind":"group","tenantId":"@platform"}`, "",
			"took back the role viewer from the group ops, all tenants, QA", "/access/roles", "",
		},
		"bound to a key": {
			"role_binding.create", "role_binding/b", "", `{"role":"viewer","subject":"k1","subjectKind":"key","tenantId":"acme"}`,
			"gave the role viewer to the key shop, acme, all environments", "/access/roles", "",
		},
		"key": {
			"api_key.create", "api_key/k1", "", `{"name":"shop","owner":"service","role":"reader","tenantId":"@platform"}`,
			"created the API key shop with the role reader, all tenants, all environments", "/access/keys", "",
		},
		"signed in":       {"session.login", "person/p1", "", "", "signed in", "", ""},
		"signed out":      {"session.logout", "session/s", `{"personId":"p1"}`, "", "signed out", "", ""},
		"ended another's": {"session.revoke", "session/s", `{"personId":"p2"}`, "", "ended a session of Mona", "", ""},
		"refused":         {"access.denied", "change/c", "", `{"action":"change.approve","code":"forbidden","detail":"No."}`, "was refused change.approve on change/c", "", "No."},
		"refused once":    {"access.denied", "person/p1", "", `{"count":1}`, "was refused once", "", ""},
		"unknown callers": {"access.unauthenticated", "credential", "", `{"count":12}`, "turned away callers without a valid credential 12 times", "", ""},
		"led back": {
			"change.rollback", "change/abc-1", `{"environment":"QA","status":"deployed","title":"Set a.b"}`,
			`{"by":"c2","environment":"QA","status":"rolled_back","title":"Set a.b"}`, "rolled back the change Set a.b for QA", "/changes/abc-1", "",
		},
		"locked": {
			"config.lock", "config/def", "", `{"environment":"QA","key":"a.b","locked":true,"value":2}`, "locked a.b in QA", "/tenants/acme/keys/a.b", "",
		},
		"unlocked": {"config.unlock", "config/def", "", `{"environment":"QA","key":"a.b"}`, "unlocked a.b in QA", "/tenants/acme/keys/a.b", ""},
		"revealed": {
			"secret.reveal", "config/def", "", `{"environment":"QA","key":"a.b","version":2}`, "revealed a.b in QA", "/tenants/acme/keys/a.b", "",
		},
		"revealed to a key": {"secret.reveal", "api_key/k1", "", `{"count":12,"hour":"2026-03-31T14:00:00Z"}`, "revealed secrets 12 times in an hour", "", ""},
		"uncovered":         {"secret.uncover", "definition/a.b", "", "", "made readable the secret a.b", "/tenants/acme/keys/a.b", ""},
		"rotated":           {"secret.rotate", "tenant/acme", "", "", "rotated the data key of acme", "/tenants/acme", ""},
		"shredded":          {"secret.shred", "tenant/acme", "", "", "destroyed the secrets of acme", "/tenants/acme", ""},
		"suspended":         {"tenant.suspend", "tenant/acme", "", `{"name":"Acme","status":"suspended"}`, "suspended the tenant Acme", "/tenants/acme", ""},
		"moved":             {"tenant.retier", "tenant/acme", "", `{"name":"Acme"}`, "moved to another tier the tenant Acme", "/tenants/acme", ""},
		"purged":            {"tenant.purge", "tenant/acme", "", `{"configs":3}`, "purged the tenant acme", "/tenants/acme", ""},
		"aborted":           {"deployment.abort", "deployment/d-1", "", `{"changeId":"abc-1","status":"aborted"}`, "ended the deployment d aborted", "/changes/abc-1", ""},
		"an unknown one":    {"moon.land", "moon/1", "", `{"name":"x"}`, "moon.land moon/1", "", ""},
		"no object":         {"change.submit", "change/abc-1", "", `[1]`, "submitted the change abc", "/changes/abc-1", ""},
		"a hostile tenant":  {"tenant.create", "tenant/../x", "", `{}`, "created the tenant ../x", "/tenants/..%2Fx", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := NewAuditEntry(models.Entry{
				TenantID: "acme", Actor: models.ActorRef{ID: "p1", Kind: models.ActorPerson}, Action: tt.action, Resource: tt.resource,
				Before: tt.before, After: tt.after,
			}, cast)
			if says := joinTexts(" ", got.Did, got.What, got.More); says != tt.says {
				t.Errorf("says %q, want %q", says, tt.says)
			}
			if got.Link != tt.link || got.Quote != tt.quote {
				t.Errorf("leads to %q and quotes %q, want %q and %q", got.Link, got.Quote, tt.link, tt.quote)
			}
		})
	}
}

func TestAuditPeriod(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		from, to         string
		wantFrom, wantTo time.Time
		pointer          string
	}{
		"open":           {},
		"days":           {"2026-03-31", "2026-03-31", day, day.AddDate(0, 0, 1), ""},
		"minutes":        {"2026-03-31T14:30", "2026-03-31T15:00", day.Add(14*time.Hour + 30*time.Minute), day.Add(15 * time.Hour), ""},
		"typed":          {"2026-03-31 14:30", "", day.Add(14*time.Hour + 30*time.Minute), time.Time{}, ""},
		"with an offset": {"2026-03-31T02:00:00+02:00", "", day, time.Time{}, ""},
		"no beginning":   {"yesterday", "", time.Time{}, time.Time{}, "/from"},
		"no end":         {"", "31.3.2026", time.Time{}, time.Time{}, "/to"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to, err := AuditQuery{From: tt.from, To: tt.to}.Period()
			if tt.pointer != "" {
				known, ok := err.(*models.Error) //nolint:errorlint // Period wraps nothing
				if !ok || known.Fields[0].Pointer != tt.pointer {
					t.Fatalf("got %v, want it invalid at %s", err, tt.pointer)
				}
				return
			}
			if err != nil || !from.Equal(tt.wantFrom) || !to.Equal(tt.wantTo) {
				t.Errorf("got %v to %v, %v; want %v to %v", from, to, err, tt.wantFrom, tt.wantTo)
			}
		})
	}
}

func TestAuditChoices(t *testing.T) {
	t.Parallel()
	erin, key := models.ActorRef{ID: "p1", Kind: models.ActorPerson, Name: "Erin"}, models.ActorRef{ID: "k1", Kind: models.ActorService, Name: "shop"}
	entries := []models.Entry{{Actor: key}, {Actor: erin}, {}, {Actor: key}}
	actors := AuditActors([]models.ActorRef{erin}, entries)
	if diff := cmp.Diff([]models.ActorRef{erin, key}, actors); diff != "" {
		t.Errorf("each actor once, people first (-want +got):\n%s", diff)
	}
	var labels []string
	for _, o := range (Audit{Actors: actors, Query: AuditQuery{Actor: "gone"}}).actorOptions() {
		if o.Selected != (o.Value == "gone") {
			t.Errorf("%s is selected: %v", o.Label, o.Selected)
		}
		labels = append(labels, o.Label)
	}
	if got := strings.Join(labels, "|"); got != "Anybody|Erin|shop (service)|gone" {
		t.Errorf("actors to choose from: %s", got)
	}
	for _, action := range []string{"", "change.", "change.approve", "moon.land"} {
		selected := 0
		for _, g := range actionGroups(action) {
			for _, o := range g.options {
				if o.Selected {
					selected++
				}
			}
		}
		if want := min(len(action), 1); selected != want {
			t.Errorf("%q: %d actions are selected, want %d", action, selected, want)
		}
	}
}

func TestAuditQuery(t *testing.T) {
	t.Parallel()
	q := AuditQuery{Tenant: "acme", From: "2026-03-31T14:30", Cursor: "here"}
	if got := q.URL("next"); got != "/audit?cursor=next&from=2026-03-31T14%3A30&tenant=acme" {
		t.Error(got)
	}
	if got := q.First(); got != "/audit?from=2026-03-31T14%3A30&tenant=acme" {
		t.Error(got)
	}
	if !q.Narrowed() || (AuditQuery{Cursor: "here"}).Narrowed() {
		t.Error("only filters narrow, a place in the list does not")
	}
}
