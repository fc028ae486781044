package main

import (
	"context"
	"errors"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/tenants"
)

// firstDemoTenant is the one whose administrator the account tenant-admin is.
const firstDemoTenant = "globex"

// demo fills an empty installation the way its users would: through the services, as the accounts.
type demo struct {
	server.Services
	keys devKeys
}

// seedDemo makes the demo data unless it is there.
func seedDemo(ctx context.Context, services server.Services, keys devKeys) error {
	d := demo{services, keys}
	admin, err := d.as(ctx, "admin")
	if err != nil {
		return err
	}
	_, err = d.Tenants.Get(admin, firstDemoTenant)
	var known *models.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &known) || known.Code != models.CodeNotFound:
		return err
	}
	// The first tenant comes last: where it is, all of the demo is.
	if err := d.tenants(admin); err != nil {
		return err
	}
	return d.values(ctx)
}

// as acts with the personal key of an account.
func (d demo) as(ctx context.Context, login string) (context.Context, error) {
	actor, err := d.Access.Authenticate(ctx, d.keys[login])
	return models.WithActor(ctx, actor), err
}

func demoTenants() []tenants.In {
	return []tenants.In{
		{TenantID: "initech", Name: "Initech", Tier: "Enterprise"},
		{TenantID: "hooli", Name: "Hooli", Tier: "Pro"},
		{TenantID: "vandelay", Name: "Vandelay Industries", Tier: "Pro"},
		{TenantID: "sirius", Name: "Sirius Cybernetics", Tier: "Free"},
		{TenantID: "monarch", Name: "Monarch Solutions", Tier: "Free"},
		{TenantID: firstDemoTenant, Name: "Globex Corporation", Tier: "Enterprise"},
	}
}

func (d demo) tenants(admin context.Context) error {
	for _, in := range demoTenants() {
		var known *models.Error
		if _, err := d.Tenants.Create(admin, in); errors.As(err, &known) && known.Code == models.CodeConflict {
			continue // left by a first start that was cut short
		} else if err != nil {
			return err
		}
	}
	return nil
}

// demoValues are what each layer holds in every environment, and what differs where.
func demoValues() map[string]map[string]models.Value {
	return map[string]map[string]models.Value{
		models.Platform: {
			"app.session-timeout": "1800", "app.support-email": `"support@example.com"`, "feature.dark-mode": "true",
			"feature.export": "false", "limits.requests-per-minute": "60", "ui.theme": `{"accent":"#2563eb","radius":6}`,
		},
		"@tier.pro":        {"feature.export": "true", "limits.requests-per-minute": "600"},
		"@tier.enterprise": {"feature.export": "true", "limits.requests-per-minute": "6000"},
		firstDemoTenant:    {"ui.theme": `{"accent":"#b91c1c","radius":2}`, "integration.crm-url": `"https://crm.example.com/globex"`},
		"hooli":            {"limits.requests-per-minute": "900"},
	}
}

func (d demo) values(ctx context.Context) error {
	for _, environment := range []string{"Development", "QA", "Staging", "Production"} {
		for _, layer := range []string{models.Platform, "@tier.pro", "@tier.enterprise", firstDemoTenant, "hooli"} {
			if err := d.fill(ctx, layer, environment, demoValues()[layer]); err != nil {
				return err
			}
		}
	}
	return d.waiting(ctx)
}

// fill writes a layer's values as one change, approved by whoever the policy asks for.
func (d demo) fill(ctx context.Context, layer, environment string, values map[string]models.Value) error {
	author, err := d.as(ctx, "engineer")
	if err != nil {
		return err
	}
	draft := changes.Draft{
		TenantID: layer, Environment: environment, Title: "Starting values", Reason: "Demo data",
		Origin: models.OriginEdit, Pointer: changes.ItemPointer,
	}
	for key, value := range values {
		draft.Items = append(draft.Items, changes.Edit{Key: key, Op: models.OpSet, Value: value})
	}
	out, err := d.Changes.Submit(author, draft)
	if err != nil {
		return err
	}
	return d.approve(ctx, out.Change)
}

// approve signs every stage of a change.
func (d demo) approve(ctx context.Context, c models.Change) error {
	logins := map[models.Role]string{
		models.RoleEngineer: "engineer2", models.RoleManager: "manager", models.RoleCompliance: "compliance",
	}
	for {
		stage, ok := c.CurrentStage()
		if !ok {
			return nil
		}
		by, err := d.as(ctx, logins[stage.Role])
		if err != nil {
			return err
		}
		if c, err = d.Changes.Decide(by, changes.Decide{
			ChangeID: c.ID, Verdict: models.Approve, Digest: c.Digest, Comment: "Looks right.",
		}); err != nil {
			return err
		}
	}
}

// waiting leaves a change for the approvers to find.
func (d demo) waiting(ctx context.Context) error {
	author, err := d.as(ctx, "engineer")
	if err != nil {
		return err
	}
	_, err = d.Changes.Submit(author, changes.Draft{
		TenantID: firstDemoTenant, Environment: "Production", Title: "Raise Globex's rate limit",
		Reason: "Their new mobile app doubles the traffic.", Origin: models.OriginEdit, Pointer: changes.ItemPointer,
		Items: []changes.Edit{{Key: "limits.requests-per-minute", Op: models.OpSet, Value: "12000"}},
	})
	return err
}
