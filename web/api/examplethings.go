package api

import (
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/web/wire"
)

// The things that examples are about: one customer, one key, three people.
const (
	exampleTenant   = "acme-corp"
	exampleKey      = "feature.new_dashboard"
	exampleConfigID = "5f0c9a4e-6d0b-4f0e-9a43-3b1f2c7d8e90"
	exampleChangeID = "0f6e0a52-7c43-4b8e-8a3d-5f7b9c1d2e34"
	exampleRolloff  = "b3f7d1c2-9e8a-4d6b-8c5f-1a2b3c4d5e6f"
	exampleRevision = "3KQ7ZP2M4N6R8T5V"
	exampleDigest   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func exampleTime(minute int) time.Time {
	return time.Date(2026, time.March, 2, 9, minute, 0, 0, time.UTC)
}

func ada() models.ActorRef {
	return models.ActorRef{ID: "1b4e28ba-2fa1-4d3b-8f6a-9c0d1e2f3a4b", Kind: models.ActorPerson, Name: "Ada"}
}

func bob() models.ActorRef {
	return models.ActorRef{ID: "6fa459ea-ee8a-4ca4-894e-db77e160355e", Kind: models.ActorPerson, Name: "Bob"}
}

func exampleConfig() config {
	return config{
		ID: exampleConfigID, TenantID: exampleTenant, Environment: "Staging", Key: exampleKey, Value: wire.RawJSON("true"),
		Type: models.TypeBoolean, Version: 1, Description: "Shows the new dashboard", UpdatedAt: exampleTime(30), UpdatedBy: ada(),
	}
}

func exampleRevealed() config {
	c := exampleConfig()
	c.Key, c.Type, c.Sensitive, c.Value, c.Description = "smtp.password", models.TypeString, true, wire.RawJSON(`"correct horse"`), "Of the mail relay"
	return c
}

func exampleVersion() version {
	return version{
		Version: 1, Value: wire.RawJSON("true"), LiveFrom: exampleTime(30), ChangeID: exampleChangeID, Author: ada(),
		ApprovedBy: []models.ActorRef{bob()}, CreatedAt: exampleTime(30),
	}
}

func exampleStages() []models.Stage {
	return []models.Stage{
		{Name: "engineer", Role: models.RoleEngineer, Required: 1},
		{Name: "manager", Role: models.RoleManager, Required: 1},
		{Name: "compliance", Role: models.RoleCompliance, Required: 1},
	}
}

// exampleChange waits for its second stage.
func exampleChange() change {
	strategy, _ := models.StrategyNamed(models.StrategyDirect) // there is one of that name
	second, expires := "manager", exampleTime(30).AddDate(0, 0, 7)
	c := change{
		ID: exampleChangeID, TenantID: exampleTenant, TenantIDs: []string{}, Environment: "Production",
		Title: "Set " + exampleKey, Reason: "The dashboard is ready", Origin: models.OriginEdit, Author: ada(), Editors: []models.ActorRef{},
		Status: models.ChangePending, Digest: exampleDigest, CurrentStage: &second, Strategy: strategy,
		CreatedAt: exampleTime(30), UpdatedAt: exampleTime(41), ExpiresAt: &expires,
		Items: []item{{Key: exampleKey, Op: models.OpSet, Value: wire.RawJSON("true"), Previous: wire.RawJSON("false"), BaseVersion: 3}},
	}
	for _, s := range exampleStages() {
		c.Stages = append(c.Stages, changeStage{
			Name: s.Name, Role: s.Role, Required: s.Required, Status: models.StageWaiting, Decisions: []decision{},
		})
	}
	c.Stages[0].Status, c.Stages[1].Status = models.StageApproved, models.StageOpen
	c.Stages[0].Decisions = []decision{{Actor: bob(), Decision: models.Approve, Comment: "Tried in Staging", At: exampleTime(41)}}
	return c
}

func exampleDefinition() definition {
	return definition{
		TenantID: models.Platform, Key: "limits.users", Type: models.TypeNumber, Schema: wire.RawJSON(`{"maximum":1000,"minimum":1}`),
		Description: "How many users a customer may have", Owner: "billing", Tags: []string{"limits"}, Merge: models.MergeReplace,
		Version: 1, CreatedAt: exampleTime(0), UpdatedAt: exampleTime(0),
	}
}

func exampleTenantThing() tenant {
	return tenant{
		TenantID: exampleTenant, Name: "ACME Corporation", Tier: "Enterprise", Status: models.TenantActive,
		Metadata: wire.RawJSON(`{"region":"eu"}`), CreatedAt: exampleTime(0), UpdatedAt: exampleTime(0),
	}
}

func exampleTier() tier {
	return tier{Name: "Enterprise", Slug: "enterprise", TenantID: "@tier.enterprise", CreatedAt: exampleTime(0)}
}

func examplePolicy() policy {
	return policy{
		Environment: "Production", Stages: exampleStages(), DefaultStrategy: models.StrategyDirect,
		AllowedStrategies: []string{models.StrategyDirect}, RequirePrevious: true, MinSoak: "0s", ExpiresIn: "168h",
	}
}

func exampleAPIKey() Key {
	environment := "Production"
	return Key{
		ID: "k7n3q5x2m4", Name: "checkout-service", Role: models.RoleReader, TenantID: exampleTenant, Environment: &environment,
		Owner: "service", Responsible: []string{ada().ID}, Grants: []models.Permission{models.PermReadSecrets},
		Denies: []models.Permission{}, CreatedAt: exampleTime(0), CreatedBy: bob(),
	}
}

func exampleBinding() binding {
	return binding{
		ID: "0190f3a0-5b1c-7d2e-8f3a-4b5c6d7e8f90", TenantID: exampleTenant, Role: models.RoleEngineer,
		Subject: subject{Kind: models.SubjectGroup, ID: "platform-team", Name: "platform-team"}, CreatedAt: exampleTime(0), CreatedBy: bob(),
	}
}

func exampleSession() session {
	return session{
		ID: "7d3c1f9e-0b5a-4e2d-9c8b-6a7f5e4d3c2b", Person: ada(), Address: "203.0.113.7", UserAgent: "Firefox",
		CreatedAt: exampleTime(0), LastSeenAt: exampleTime(30), ExpiresAt: exampleTime(59),
	}
}

func exampleDeployment() deployment {
	strategy, _ := models.StrategyNamed(models.StrategyDirect) // there is one of that name
	ended := exampleTime(45)
	return deployment{
		ID: exampleRolloff, ChangeID: exampleChangeID, TenantID: exampleTenant, Environment: "Production", Strategy: strategy,
		Status: models.DeploymentSucceeded, Step: 1, Percent: 100, Gates: []gate{}, StartedAt: exampleTime(45), EndedAt: &ended,
	}
}

func exampleEntry() entry {
	who := ada()
	return entry{
		ID: "a81bc81b-dead-4e5d-abff-90865d1e13b1", TenantID: exampleTenant, Number: 42, At: exampleTime(30), Actor: &who,
		Action: "config.set", Resource: "config/" + exampleConfigID, Before: wire.RawJSON("null"),
		After:   wire.RawJSON(`{"changeId":"` + exampleChangeID + `","environment":"Staging","key":"` + exampleKey + `","value":true,"version":1}`),
		Address: "203.0.113.7", RequestID: "01J9ZK6C4Q2M7T8V5R3W1X0Y9A", LeafHash: exampleDigest,
	}
}

func exampleExplanation() explanation {
	rollout := exampleRolloff
	return explanation{
		Key: exampleKey, Value: wire.RawJSON("true"), Type: models.TypeBoolean, Layer: exampleTenant, Version: 4,
		Merge: models.MergeReplace, Definition: &definedBy{Layer: models.Platform, Version: 1}, ChangeID: exampleChangeID, Author: ada(),
		ApprovedBy: []models.ActorRef{bob()}, Approvals: []approval{{Actor: bob(), Stage: "engineer", At: exampleTime(41)}},
		DeploymentID: &rollout, Side: sideStable, LiveFrom: exampleTime(45),
		Shadowed: []shadowed{{Layer: models.Platform, Value: wire.RawJSON("false"), Version: 2, Why: configs.WhyCovered}},
	}
}

func exampleInstance() instance {
	current, first, last := true, exampleTime(0), exampleTime(45)
	return instance{
		Unit: "checkout-7d9f", TenantID: exampleTenant, Environment: "Production", Revision: exampleRevision, Current: &current,
		CurrentAt: &last, Client: "hotswap-go/1.0", FirstSeenAt: &first, LastSeenAt: last,
	}
}
