package demo

import "github.com/hotswap/hotswap/models"

// rules are what the business decides: limits, prices, periods.
var rules = []key{
	{
		name: "rules.requests_per_minute", kind: models.TypeNumber, about: "Calls of the public API per minute and tenant; the next one is answered with 429.",
		schema: `{"type":"integer","minimum":1,"maximum":100000}`,
		on: map[string]across{
			platform: same("60"), pro: same("600"), enterprise: same("6000"),
			FirstTenant: {"20000", "20000", "8000", "8000"}, "hooli": {"", "", "900", "900"},
		},
	},
	{
		name: "rules.max_seats", kind: models.TypeNumber, about: "How many people of a customer can have an account.",
		schema: `{"type":"integer","minimum":1}`,
		on: map[string]across{
			platform: same("5"), pro: same("50"), enterprise: same("1000"),
			"nordlicht-energie": {"", "", "", "4200"}, "saffron-foods": {"", "", "", "75"},
		},
	},
	{
		name: "rules.trial_days", kind: models.TypeNumber, about: "How long a new customer tries Pro for nothing.",
		schema: `{"enum":[7,14,30]}`,
		on:     map[string]across{platform: {"30", "30", "30", "14"}},
	},
	{
		name: "rules.discount_limit_percent", kind: models.TypeNumber, about: "The highest discount that sales may give without asking.",
		schema: `{"type":"number","minimum":0,"maximum":40}`,
		on:     map[string]across{platform: {"10", "10", "10", "10"}, enterprise: {"15", "15", "15", "12.5"}},
	},
	{
		name: "rules.invoice_due_days", kind: models.TypeNumber, about: "When an invoice is due.",
		schema: `{"enum":[14,30,45,60]}`,
		on: map[string]across{
			platform: same("14"), enterprise: same("30"), "initech": {"", "", "", "60"}, "vandelay": {"", "", "", "30"},
		},
	},
	{
		name: "rules.retention_days", kind: models.TypeNumber, about: "How long deleted documents can be brought back.",
		schema: `{"type":"integer","minimum":0,"maximum":3650}`,
		on: map[string]across{
			platform: {"7", "7", "30", "30"}, enterprise: {"7", "7", "90", "90"},
			"meridian-health": {"", "", "2190", "2190"}, "harbour-vale-bank": {"", "", "3650", "3650"},
		},
	},
	{
		name: "rules.approval_limits", kind: models.TypeJSON, about: "Up to which amount each role approves an order.",
		schema: `{"type":"object","required":["currency","manager","director"],"additionalProperties":false,
			"properties":{"currency":{"type":"string","pattern":"^[A-Z]{3}$"},"manager":{"type":"number","minimum":0},"director":{"type":"number","minimum":0}}}`,
		on: map[string]across{
			platform:    same(`{"currency":"USD","director":10000,"manager":1000}`),
			enterprise:  {`{"currency":"USD","director":100000,"manager":10000}`, `{"currency":"USD","director":100000,"manager":10000}`, `{"currency":"USD","director":100000,"manager":10000}`, `{"currency":"USD","director":50000,"manager":5000}`},
			FirstTenant: {"", "", `{"currency":"EUR","director":80000,"manager":7500}`, `{"currency":"EUR","director":80000,"manager":7500}`},
		},
	},
}
