package views

import (
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

func TestEveryRoleHasAMeaning(t *testing.T) {
	t.Parallel()
	for _, r := range models.Roles() {
		if roleMeans(r) == "" {
			t.Errorf("nothing says what %s means", r)
		}
	}
}

func TestRoleLoses(t *testing.T) {
	t.Parallel()
	reach := Reach{
		Tenants:      TenantChoices{Items: []models.Tenant{{ID: models.Platform}, {ID: "acme"}, {ID: "globex"}}, Whole: true},
		Environments: []string{"QA"},
	}
	many := Reach{Environments: []string{"QA", "Production"}}
	tests := map[string]struct {
		row   RoleRow
		reach Reach
		want  string
	}{
		"person":     {RoleRow{Subject: "Erin", Binding: models.Binding{SubjectKind: models.SubjectPerson, TenantID: models.Platform}}, reach, "Erin loses 1 role in all 2 tenants and all 1 environment: "},
		"oneself":    {RoleRow{Subject: "Erin", Mine: true, Binding: models.Binding{SubjectKind: models.SubjectPerson, TenantID: "acme"}}, reach, "You lose 1 role in acme and all 1 environment: "},
		"group":      {RoleRow{Subject: "ops", Binding: models.Binding{SubjectKind: models.SubjectGroup, TenantID: "acme", Environment: "QA"}}, reach, "Everybody in the group ops loses 1 role in acme and QA: "},
		"key":        {RoleRow{Subject: "shop", Binding: models.Binding{SubjectKind: models.SubjectKey, TenantID: models.Platform}}, many, "Applications with the key shop lose 1 role in all tenants and all 2 environments: "},
		"in a tenth": {RoleRow{Subject: "Erin", Binding: models.Binding{SubjectKind: models.SubjectPerson, TenantID: "acme"}}, many, "Erin loses 1 role in acme and all 2 environments: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.row.Role = models.RoleViewer
			want := tt.want + "viewer, which sees values, changes and tenants. It ends within 2 seconds. " +
				"Other roles stay as they are, and what was done with this one stays in the log."
			if got := tt.row.loses(tt.reach); got != want {
				t.Errorf("says\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestKeyState(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tests := map[string]struct {
		row  KeyRow
		want string
		tone components.Tone
	}{
		"in use":              {KeyRow{Usable: true}, "active", components.Good},
		"expired":             {KeyRow{}, "expired", components.Waiting},
		"revoked":             {KeyRow{APIKey: models.APIKey{RevokedAt: &now}}, "revoked", components.Bad},
		"revoked and expired": {KeyRow{APIKey: models.APIKey{RevokedAt: &now, ExpiresAt: &now}}, "revoked", components.Bad},
	}
	for name, tt := range tests {
		if tt.row.stateText() != tt.want || tt.row.stateTone() != tt.tone {
			t.Errorf("%s: %s (%v)", name, tt.row.stateText(), tt.row.stateTone())
		}
	}
}

func TestKeyOwned(t *testing.T) {
	t.Parallel()
	personal := models.APIKey{PersonID: "p1"}
	tests := map[string]KeyRow{
		"your own key":          {APIKey: personal, Owner: "Erin", Mine: true},
		"personal key of Erin":  {APIKey: personal, Owner: "Erin"},
		"a service of Erin, Mo": {Owner: "Erin, Mo"},
		"a service":             {},
	}
	for want, row := range tests {
		if got := row.owned(); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}

func TestKeyExpires(t *testing.T) {
	t.Parallel()
	end, err := KeyForm{Expires: "2026-12-31"}.ExpiresAt()
	if err != nil || !end.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the last day ends at %v, %v", end, err)
	}
	if end, err = (KeyForm{}).ExpiresAt(); end != nil || err != nil {
		t.Errorf("no day is %v, %v", end, err)
	}
	if _, err = (KeyForm{Expires: "soon"}).ExpiresAt(); err == nil {
		t.Error("soon is a day")
	}
}

func TestSessionDevice(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"": "an unnamed browser",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                    "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0": "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":              "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":     "Safari on macOS",
		"curl/8.5.0": "curl",
		"my robot":   "my robot",
	}
	for agent, want := range tests {
		if got := (SessionRow{Session: models.Session{UserAgent: agent}}).device(); got != want {
			t.Errorf("%s is %q, want %q", agent, got, want)
		}
	}
}

func TestTenantChoices(t *testing.T) {
	t.Parallel()
	c := TenantChoices{Items: []models.Tenant{{ID: models.Platform}, {ID: "@tier.pro", Name: "Pro"}, {ID: "acme", Name: "Acme"}}, Whole: true}
	var labels []string
	for _, o := range c.options("gone", "All") {
		labels = append(labels, o.Label)
		if o.Selected != (o.Value == "gone") {
			t.Errorf("%s is selected: %v", o.Label, o.Selected)
		}
	}
	if got := strings.Join(labels, "|"); got != "All|Platform (for all tenants)|Pro tier|Acme (acme)|gone" {
		t.Error(got)
	}
	if left := c.customers().Items; len(left) != 1 || left[0].ID != "acme" || len(c.Items) != 3 {
		t.Errorf("customers: %v of %v", left, c.Items)
	}
}
