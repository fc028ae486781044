package demo

// customerStories are what happened for single customers.
var customerStories = []step{
	{
		place: place{FirstTenant, staging, "Try 10,000 calls a minute"}, by: engineer,
		reason: "Globex rehearses the start of its new app here.", edits: []edit{{"rules.requests_per_minute", "10000"}},
	},
	{
		place: place{FirstTenant, staging, "Down to 9,000 calls a minute"}, by: engineer2,
		reason: "The gateway queues above that with two replicas.", edits: []edit{{"rules.requests_per_minute", "9000"}},
	},
	{
		place: place{FirstTenant, production, "9,000 calls a minute for Globex"}, by: engineer,
		reason: "They ran into the limit twice last week. 9,000 held in Staging.", edits: []edit{{"rules.requests_per_minute", "9000"}},
		said: []string{"Held for four hours, yes.", "Within their contract.", ""},
	},
	{
		place: place{FirstTenant, staging, "12,000 calls a minute with four replicas"}, by: engineer,
		reason: "Second rehearsal, gateway scaled out.", edits: []edit{{"rules.requests_per_minute", "12000"}},
	},
	{
		place: place{FirstTenant, production, "10,000 calls a minute for Globex"}, by: engineer2,
		reason: "Step towards their start on the 1st; two more replicas are up.", edits: []edit{{"rules.requests_per_minute", "10000"}},
		said: []string{"Replicas are up.", "", "No objection."},
	},
	{
		place: place{FirstTenant, staging, "Rotate the CRM token"}, by: engineer2,
		reason: "Every 90 days.", edits: []edit{{"integration.crm_token", `"fake-crm-token-staging-2"`}},
	},
	{
		place: place{FirstTenant, staging, "Rotate the CRM token once more"}, by: engineer,
		reason: "The last one was pasted into a chat.", edits: []edit{{"integration.crm_token", `"fake-crm-token-staging-3"`}},
	},
	{
		place: place{"hooli", staging, "Hooli's new green"}, by: engineer,
		reason: "Their rebranding, first draft.", edits: []edit{{"ui.theme", `{"accent":"#22c55e","radius":12}`}},
	},
	{
		place: place{"hooli", staging, "A green that can be read"}, by: engineer2,
		reason: "White on the first one has a contrast of 2.3; this has 5.0.", edits: []edit{{"ui.theme", `{"accent":"#15803d","radius":12}`}},
	},
	{
		place: place{"hooli", staging, "Squarer corners for Hooli"}, by: engineer2,
		reason: "As in their style guide, page 12.", edits: []edit{{"ui.theme", `{"accent":"#15803d","radius":4}`}},
	},
	{
		place: place{"hooli", production, "Hooli's new brand"}, by: engineer,
		reason: "Their go-live is today at noon.",
		edits:  []edit{{"ui.theme", `{"accent":"#15803d","radius":4}`}, {"ui.logo_url", `"https://cdn.workbench.example/t/hooli-2.svg"`}},
		said:   []string{"Looked at it in Staging on a phone as well.", "They confirmed by mail."},
	},
	{
		place: place{"octant-robotics", production, "Debug log for Octant"}, by: engineer2,
		reason: "OCT-88: webhooks arrive twice, we see nothing at info.", edits: []edit{{"app.log_level", `"debug"`}},
		said: []string{"Until tomorrow, please.", ""},
	},
	{
		place: place{"octant-robotics", production, "Octant's log back to info"}, by: engineer2,
		reason: "Found it: they registered the webhook twice.", edits: []edit{{"app.log_level", `"info"`}},
		said: []string{"", "Thanks."},
	},
	{
		place: place{"tidewater-travel", production, "Summer campaign"}, by: engineer,
		reason: "Starts on Friday. Texts and colours from their agency, new checkout as they asked.",
		edits: []edit{
			{"feature.new_checkout", "true"},
			{"ui.theme", `{"accent":"#0891b2","radius":16}`},
			{"ui.welcome_message", `"Where to this summer?"`},
			{"rules.requests_per_minute", "1200"},
		},
		said: []string{"Looked at all four, nothing out of place.", "Campaign is in the contract."},
	},
	{
		place: place{"vandelay", production, "Dark mode for Vandelay after all"}, by: engineer2,
		reason: "Their own default is gone, so the platform's counts.", edits: []edit{{"feature.dark_mode", ""}},
		said: []string{"", "They asked twice."},
	},
	{
		place: place{"kestrel-insurance", development, "Kestrel's approval limits"}, by: engineer,
		reason: "First numbers from their finance department.",
		edits:  []edit{{"rules.approval_limits", `{"currency":"GBP","director":25000,"manager":2000}`}},
	},
	{
		place: place{"kestrel-insurance", qa, "Kestrel's approval limits"}, by: engineer,
		reason: "To be tried with their chart of accounts.",
		edits:  []edit{{"rules.approval_limits", `{"currency":"GBP","director":25000,"manager":2000}`}},
	},
	{
		place: place{"kestrel-insurance", staging, "Kestrel's approval limits, corrected"}, by: engineer2,
		reason: "Directors sign up to 40,000, says their mail of Tuesday.",
		edits:  []edit{{"rules.approval_limits", `{"currency":"GBP","director":40000,"manager":2000}`}},
	},
	{
		place: place{"harbour-vale-bank", staging, "Eighteen characters"}, by: engineer,
		reason: "The bank's new rule for everybody without single sign-on.",
		edits:  []edit{{"app.password_policy", `{"expiresDays":90,"minLength":18,"secondFactor":"required"}`}},
	},
	{
		place: place{"harbour-vale-bank", staging, "Passwords that do not expire"}, by: engineer2,
		reason: "Their auditors follow the newer advice: long, second factor, no expiry.",
		edits:  []edit{{"app.password_policy", `{"minLength":18,"secondFactor":"required"}`}},
	},
	{
		place: place{"bluefin-logistics", production, "Offline mode for Bluefin's drivers"}, by: engineer,
		reason: "The pilot in Singapore went well.", edits: []edit{{"feature.offline_mode", "true"}},
		said: []string{"Ready from our side."}, end: cancelled, // a tracker bug came up; the author took it back
	},
	{
		place: place{"meridian-health", staging, "Guests for Meridian's study"}, by: engineer2,
		reason: "External reviewers need to read along until the end of the study.", edits: []edit{{"feature.guest_access", "true"}},
	},
}

// undecided are changes that wait, at different stages, for whoever signs in first.
var undecided = []step{
	{
		place: place{"kestrel-insurance", production, "Approval limits in pounds for Kestrel"}, by: engineer,
		reason: "Kestrel orders in GBP from next month on. Same numbers as in Staging, which their finance department has signed off.",
		edits: []edit{
			{"rules.approval_limits", `{"currency":"GBP","director":40000,"manager":2000}`},
			{"rules.invoice_due_days", "45"},
		},
		said: []string{"Same as in Staging, and the 45 days are in the amended contract."}, end: waiting,
	},
	{
		place: place{FirstTenant, production, "Raise Globex's limit to 12,000 calls a minute"}, by: engineer2,
		reason: "Their new app starts on the 1st and doubles the traffic. 12,000 held for a whole rehearsal in Staging with four replicas.",
		edits:  []edit{{"rules.requests_per_minute", "12000"}},
		end:    waiting,
	},
}
