package demo

// productStories are what happened to defaults and plans after the start.
var productStories = []step{
	{
		place: place{platform, staging, "Search v2 for everybody in Staging"}, by: engineer,
		reason: "The index is complete. The load test next week needs all traffic on it.", edits: []edit{{"gradual.search_v2", `{"percent":100}`}},
	},
	{
		place: place{platform, production, "Search v2 for 5 %"}, by: engineer,
		reason: "A day at 1 % without a complaint; p95 is 40 ms below the old search.", edits: []edit{{"gradual.search_v2", `{"percent":5}`}},
		said: []string{"Dashboards agree.", "Go ahead.", "No new data is stored. Fine."},
	},
	{
		place: place{platform, development, "Friendlier welcome"}, by: engineer2,
		reason: "From the usability test.", edits: []edit{{"ui.welcome_message", `"Welcome back! Here is what is new."`}},
	},
	{
		place: place{platform, development, "Welcome without exclamation mark"}, by: engineer,
		reason: "Style guide, section 4.", edits: []edit{{"ui.welcome_message", `"Welcome back. Here is what is new."`}},
	},
	{
		place: place{platform, production, "Search v2 for 10 %"}, by: engineer,
		reason: "Week two of the plan.", edits: []edit{{"gradual.search_v2", `{"percent":10}`}},
		said: []string{"", "As planned.", ""},
	},
	{
		place: place{platform, qa, "Old checkout back in QA"}, by: engineer2,
		reason: "The new one drops the voucher when the address is edited. CHK-311.", edits: []edit{{"feature.new_checkout", "false"}},
	},
	{
		place: place{platform, production, "Search v2 for 25 %"}, by: engineer2,
		reason: "Erin is on holiday; next step of the plan.", edits: []edit{{"gradual.search_v2", `{"percent":25}`}},
		said: []string{"Thanks for covering.", "OK", ""},
	},
	{
		place: place{platform, qa, "New checkout again in QA"}, by: engineer,
		reason: "CHK-311 is fixed and has a test now.", edits: []edit{{"feature.new_checkout", "true"}},
	},
	{
		place: place{platform, production, "Search v2 back to 10 %"}, by: engineer2,
		reason: "Two shards run hot at 25 %. Back until they are split, nobody is hurt so far.", edits: []edit{{"gradual.search_v2", `{"percent":10}`}},
		said: []string{"Saw it too. Good call.", "Please add it to the incident page.", "Noted."},
	},
	{
		place: place{platform, staging, "New checkout in Staging"}, by: engineer,
		reason: "QA signed off this morning.", edits: []edit{{"feature.new_checkout", "true"}},
	},
	{
		place: place{platform, production, "Announce the database upgrade"}, by: admin,
		reason: "Sunday, 02:00 to 03:00 UTC. Text agreed with support.",
		edits:  []edit{{"app.maintenance_banner", `{"shown":true,"text":"On Sunday from 02:00 to 03:00 UTC pages may load slowly while we upgrade."}`}},
		said:   []string{"", "Support knows.", "Notice period kept."},
	},
	{
		place: place{platform, qa, "Discounts up to 12.5 %"}, by: engineer2,
		reason: "Sales want to try the new tiers of discounts before they decide.", edits: []edit{{"rules.discount_limit_percent", "12.5"}},
	},
	{
		place: place{platform, production, "Search v2 to 25 % on split shards"}, by: engineer,
		reason: "Shards are split, the load test held 3× the traffic.", edits: []edit{{"gradual.search_v2", `{"percent":25}`}},
		said: []string{"Load test linked in the ticket, looks right.", "Good.", ""},
	},
	{
		place: place{platform, production, "Take the upgrade notice down"}, by: admin,
		reason: "Done at 02:41, nobody noticed.", edits: []edit{{"app.maintenance_banner", `{"shown":false,"text":""}`}},
		said: []string{"Well done.", "", ""},
	},
	{
		place: place{platform, development, "Shorter welcome"}, by: engineer2,
		reason: "It wraps on phones.", edits: []edit{{"ui.welcome_message", `"Welcome back. New for you:"`}},
	},
	{
		place: place{enterprise, staging, "Sign in again after 30 minutes"}, by: engineer,
		reason: "Finding 7 of the penetration test.", edits: []edit{{"app.session_timeout_minutes", "30"}},
	},
	{
		place: place{enterprise, production, "Sign in again after 45 minutes"}, by: engineer,
		reason: "Finding 7 of the penetration test, first half: see whether support hears of it.", edits: []edit{{"app.session_timeout_minutes", "45"}},
		said: []string{"In Staging for a week.", "Customers were told on the 3rd.", "Closes half of finding 7."},
	},
	{
		place: place{enterprise, production, "Sign in again after 30 minutes"}, by: engineer2,
		reason: "Second half of finding 7. Two tickets came in, both answered.", edits: []edit{{"app.session_timeout_minutes", "30"}},
		said: []string{"", "Fine.", "Finding 7 is closed with this."},
	},
	{
		place: place{platform, production, "Only we announce maintenance"}, by: engineer,
		reason: "A customer's banner looked like ours last month. Locked, so that no plan and no tenant sets its own.",
		edits:  []edit{{"app.maintenance_banner", lock}},
		said:   []string{"Nobody has one of their own now, so nothing moves.", "Support asked for this.", ""},
	},
	{
		place: place{enterprise, production, "No guests in Enterprise"}, by: engineer2,
		reason: "Finding 9 of the penetration test: a customer's admin must not be able to let guests in again.",
		edits:  []edit{{"feature.guest_access", lock}},
		said:   []string{"Harbour & Vale have the same value of their own, nothing moves for them.", "Told them both.", "Closes finding 9."},
	},
	{
		place: place{platform, qa, "Discounts up to 15 %"}, by: engineer,
		reason: "Second variant for the same trial.", edits: []edit{{"rules.discount_limit_percent", "15"}},
	},
	{
		place: place{platform, production, "Thirty days of trial"}, by: engineer2,
		reason: "Marketing expects a third more sign-ups.", edits: []edit{{"rules.trial_days", "30"}},
		said: []string{"Technically fine.", "Not before the pricing review: 30 days would overlap with the old plan's notice period. Please bring it again in June."},
		end:  rejected,
	},
	{
		place: place{pro, staging, "Hundred seats for Pro"}, by: engineer2,
		reason: "For the pricing review: see how the seat page behaves.", edits: []edit{{"rules.max_seats", "100"}},
	},
	{
		place: place{platform, production, "Search v2 for half of all people"}, by: engineer,
		reason: "Two quiet weeks at 25 %.", edits: []edit{{"gradual.search_v2", `{"percent":50}`}},
		said: []string{"p95 110 ms, errors flat.", "Let's finish this before the summer.", ""},
	},
}
