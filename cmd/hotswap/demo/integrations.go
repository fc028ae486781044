package demo

import "github.com/hotswap/hotswap/models"

// integrations say how other systems are reached.
var integrations = []key{
	{
		name: "integration.crm_url", kind: models.TypeString, about: "Where contacts are copied to; empty switches it off.",
		schema: `{"type":"string","pattern":"^(https://.+)?$"}`,
		on: map[string]across{
			platform: same(`""`),
			FirstTenant: {
				`"https://sandbox.crm.example/globex"`, `"https://sandbox.crm.example/globex"`,
				`"https://sandbox.crm.example/globex"`, `"https://crm.example/globex"`,
			},
			"saffron-foods": {"", "", `"https://sandbox.crm.example/saffron"`, `"https://crm.example/saffron"`},
		},
	},
	{
		name: "integration.crm_token", kind: models.TypeString, secret: true, about: "What the CRM knows us by.",
		schema: `{"type":"string","minLength":8}`,
		on: map[string]across{
			FirstTenant: {`"fake-crm-token-dev"`, `"fake-crm-token-qa"`, `"fake-crm-token-staging-1"`, `"fake-crm-token-not-a-secret"`},
		},
	},
	{
		name: "integration.webhook_secret", kind: models.TypeString, secret: true, about: "Signs what we send to customers' webhooks.",
		schema: `{"type":"string","minLength":8}`,
		on: map[string]across{
			platform: {`"fake-webhook-key-dev"`, `"fake-webhook-key-qa"`, `"fake-webhook-key-staging"`, `"fake-webhook-key-not-a-secret"`},
		},
	},
	{
		name: "integration.payment_provider", kind: models.TypeString, about: "Who takes the money.",
		schema: `{"enum":["sandbox","cardhouse","eurogiro"]}`,
		on: map[string]across{
			platform: {`"sandbox"`, `"sandbox"`, `"sandbox"`, `"cardhouse"`}, "nordlicht-energie": {"", "", "", `"eurogiro"`},
		},
	},
	{
		name: "integration.smtp", kind: models.TypeJSON, about: "The server that sends our mail.",
		schema: `{"type":"object","required":["host","port","tls"],"additionalProperties":false,
			"properties":{"host":{"type":"string","format":"hostname"},"port":{"enum":[25,465,587,1025]},"tls":{"type":"boolean"}}}`,
		on: map[string]across{
			platform: {
				`{"host":"localhost","port":1025,"tls":false}`, `{"host":"mail-trap.workbench.example","port":1025,"tls":false}`,
				`{"host":"mail-trap.workbench.example","port":1025,"tls":false}`, `{"host":"smtp.workbench.example","port":465,"tls":true}`,
			},
			"harbour-vale-bank": {"", "", "", `{"host":"relay.harbourvale.example","port":587,"tls":true}`},
		},
	},
	{
		name: "integration.sync_interval_minutes", kind: models.TypeNumber, about: "How often calendars and contacts are fetched.",
		schema: `{"type":"integer","minimum":1,"maximum":1440}`,
		on:     map[string]across{platform: {"1", "5", "15", "30"}, pro: {"1", "5", "10", "15"}, enterprise: {"1", "5", "5", "5"}},
	},
	{
		name: "integration.chat_channel", kind: models.TypeString, about: "Where alerts of this tenant are posted.",
		schema: `{"type":"string","pattern":"^#[a-z0-9-]{1,60}$"}`,
		on: map[string]across{
			platform: {`"#alerts-dev"`, `"#alerts-test"`, `"#alerts-test"`, `"#alerts"`}, enterprise: {"", "", "", `"#alerts-enterprise"`},
			FirstTenant: {"", "", "", `"#customer-globex"`},
		},
	},
}
