package demo

import "github.com/hotswap/hotswap/models"

// features are switches: on or off, for a whole tenant.
var features = []key{
	{
		name: "feature.dark_mode", kind: models.TypeBoolean, about: "People may switch the application to a dark theme.",
		on: map[string]across{platform: same("true"), "vandelay": {"", "", "", "false"}},
	},
	{
		name: "feature.new_checkout", kind: models.TypeBoolean, about: "The one-page checkout. Replaces the four steps of the old one.",
		on: map[string]across{platform: {"true", "true", "false", "false"}, "hooli": {"", "", "true", "true"}},
	},
	{
		name: "feature.bulk_export", kind: models.TypeBoolean, about: "Export of more than 1,000 rows, made in the background and sent by mail.",
		on: map[string]across{platform: same("false"), pro: same("true"), enterprise: same("true")},
	},
	{
		name: "feature.audit_trail", kind: models.TypeBoolean, about: "The page that tells a customer's own admins who did what. Part of Enterprise.",
		on: map[string]across{platform: same("false"), enterprise: same("true"), "brightwell-clinics": {"", "", "true", "true"}},
	},
	{
		name: "feature.single_sign_on", kind: models.TypeBoolean, about: "Sign-in through the customer's own identity provider.",
		on: map[string]across{platform: same("false"), enterprise: same("true"), "hooli": same("true")},
	},
	{
		name: "feature.ai_summaries", kind: models.TypeBoolean, about: "Summaries of long threads. Sends text to a model provider: mind the customer's contract.",
		on: map[string]across{
			platform: {"true", "true", "false", "false"}, pro: {"true", "true", "true", "false"}, enterprise: {"true", "true", "true", "true"},
			"kestrel-insurance": same("false"), "meridian-health": same("false"),
		},
	},
	{
		name: "feature.guest_access", kind: models.TypeBoolean, about: "Share a page with people who have no account.",
		on: map[string]across{platform: same("true"), enterprise: {"true", "true", "false", "false"}, "harbour-vale-bank": same("false")},
	},
	{
		name: "feature.offline_mode", kind: models.TypeBoolean, about: "The mobile app keeps the last week for use without a network.",
		on: map[string]across{platform: {"true", "false", "false", "false"}, "bluefin-logistics": {"true", "true", "true", "false"}},
	},
}
