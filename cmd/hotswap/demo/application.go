package demo

import "github.com/hotswap/hotswap/models"

// application are settings of the program itself.
var application = []key{
	{
		name: "app.base_url", kind: models.TypeString, about: "Where the application is reached; links in mails begin with it.",
		schema: `{"type":"string","format":"uri","pattern":"^https://"}`,
		on: map[string]across{
			platform: {
				`"https://dev.workbench.example"`, `"https://qa.workbench.example"`,
				`"https://staging.workbench.example"`, `"https://app.workbench.example"`,
			},
			"harbour-vale-bank": {"", "", "", `"https://workbench.harbourvale.example"`},
		},
	},
	{
		name: "app.session_timeout_minutes", kind: models.TypeNumber, about: "Minutes without a click after which people sign in again.",
		schema: `{"type":"integer","minimum":5,"maximum":1440}`,
		on: map[string]across{
			platform: {"480", "120", "120", "120"}, enterprise: {"480", "60", "60", "60"},
			"kestrel-insurance": {"", "", "15", "15"}, "meridian-health": {"", "", "10", "10"},
		},
	},
	{
		name: "app.log_level", kind: models.TypeString, about: "How much the application writes to its log.",
		schema: `{"enum":["debug","info","warn","error"]}`,
		on:     map[string]across{platform: {`"debug"`, `"debug"`, `"info"`, `"warn"`}, "octant-robotics": {"", "", "", `"info"`}},
	},
	{
		name: "app.default_locale", kind: models.TypeString, about: "Language and formats for people who chose none.",
		schema: `{"enum":["en-US","en-GB","de-DE","fr-FR","ja-JP"]}`,
		on: map[string]across{
			platform: same(`"en-US"`), FirstTenant: same(`"de-DE"`), "nordlicht-energie": same(`"de-DE"`),
			"paper-lantern": same(`"ja-JP"`), "tidewater-travel": same(`"en-GB"`),
		},
	},
	{
		name: "app.support_email", kind: models.TypeString, about: "Where the Help button sends mail to.",
		schema: `{"type":"string","format":"email"}`,
		on: map[string]across{
			platform: same(`"support@workbench.example"`), enterprise: same(`"priority@workbench.example"`),
			"initech": {"", "", "", `"helpdesk@initech.example"`},
		},
	},
	{
		name: "app.upload_limit_mb", kind: models.TypeNumber, about: "The largest file that can be attached, in MB.",
		schema: `{"type":"integer","minimum":1,"maximum":2048}`,
		on: map[string]across{
			platform: same("10"), pro: {"100", "100", "100", "50"}, enterprise: {"500", "500", "500", "250"},
			"alder-finch": {"", "", "400", "400"}, "cobalt-media": {"", "", "1024", "400"},
		},
	},
	{
		name: "app.maintenance_banner", kind: models.TypeJSON, about: "The line above every page while we work on the system.",
		schema: `{"type":"object","required":["shown","text"],"additionalProperties":false,
			"properties":{"shown":{"type":"boolean"},"text":{"type":"string","maxLength":200}}}`,
		on: map[string]across{platform: same(`{"shown":false,"text":""}`)},
	},
	{
		name: "app.password_policy", kind: models.TypeJSON, about: "What a password must be for those who do not sign in elsewhere.",
		schema: `{"type":"object","required":["minLength","secondFactor"],"additionalProperties":false,
			"properties":{"minLength":{"type":"integer","minimum":8,"maximum":64},"secondFactor":{"enum":["off","optional","required"]},
			"expiresDays":{"type":"integer","minimum":30}}}`,
		on: map[string]across{
			platform:            {`{"minLength":8,"secondFactor":"off"}`, `{"minLength":12,"secondFactor":"optional"}`, `{"minLength":12,"secondFactor":"optional"}`, `{"minLength":10,"secondFactor":"optional"}`},
			enterprise:          {"", "", `{"minLength":14,"secondFactor":"required"}`, `{"minLength":14,"secondFactor":"required"}`},
			"harbour-vale-bank": {"", "", "", `{"expiresDays":90,"minLength":16,"secondFactor":"required"}`},
		},
	},
}
