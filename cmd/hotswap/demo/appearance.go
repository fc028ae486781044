package demo

import "github.com/hotswap/hotswap/models"

// appearance is how the application looks for a customer.
var appearance = []key{
	{
		name: "ui.theme", kind: models.TypeJSON, about: "Accent colour and the roundness of corners, in pixels.",
		schema: `{"type":"object","required":["accent","radius"],"additionalProperties":false,
			"properties":{"accent":{"type":"string","pattern":"^#[0-9a-f]{6}$"},"radius":{"type":"integer","minimum":0,"maximum":24}}}`,
		on: map[string]across{
			platform:       {`{"accent":"#0d9488","radius":8}`, `{"accent":"#0d9488","radius":8}`, `{"accent":"#2563eb","radius":8}`, `{"accent":"#2563eb","radius":6}`},
			FirstTenant:    same(`{"accent":"#b91c1c","radius":2}`),
			"hooli":        same(`{"accent":"#16a34a","radius":12}`),
			"cobalt-media": same(`{"accent":"#0047ab","radius":4}`),
		},
	},
	{
		name: "ui.logo_url", kind: models.TypeString, about: "The picture at the top left, 160 × 40 pixels.",
		schema: `{"type":"string","pattern":"^https://[^ ]+\\.(svg|png)$"}`,
		on: map[string]across{
			platform:            same(`"https://cdn.workbench.example/logo.svg"`),
			FirstTenant:         {"", "", `"https://cdn.workbench.example/t/globex-2.svg"`, `"https://cdn.workbench.example/t/globex.svg"`},
			"hooli":             {"", "", `"https://cdn.workbench.example/t/hooli.svg"`, `"https://cdn.workbench.example/t/hooli.svg"`},
			"harbour-vale-bank": {"", "", "", `"https://cdn.workbench.example/t/harbour-vale.svg"`},
		},
	},
	{
		name: "ui.welcome_message", kind: models.TypeString, about: "The first sentence that people see after they signed in.",
		schema: `{"type":"string","maxLength":120}`,
		on: map[string]across{
			platform: same(`"Welcome back."`), "juniper-yoga": {"", "", "", `"Breathe in. Your classes are below."`},
			"paper-lantern": {"", "", "", `"おかえりなさい。"`},
		},
	},
	{
		name: "ui.date_format", kind: models.TypeString, about: "How dates are written.",
		schema: `{"enum":["2006-01-02","01/02/2006","02.01.2006","02/01/2006"]}`,
		on: map[string]across{
			platform: same(`"2006-01-02"`), "initech": same(`"01/02/2006"`), "nordlicht-energie": same(`"02.01.2006"`),
		},
	},
	{
		name: "ui.navigation", kind: models.TypeJSON, about: "The entries of the menu, in their order.",
		schema: `{"type":"array","minItems":1,"uniqueItems":true,"items":{"enum":["home","inbox","projects","reports","invoices","people","insights"]}}`,
		on: map[string]across{
			platform:           {`["home","inbox","projects","reports","people","insights"]`, `["home","inbox","projects","reports","people","insights"]`, `["home","inbox","projects","reports","people","insights"]`, `["home","inbox","projects","reports","people"]`},
			free:               {`["home","inbox","projects"]`, `["home","inbox","projects"]`, `["home","inbox","projects"]`, `["home","inbox","projects"]`},
			"tidewater-travel": {"", "", "", `["home","projects","invoices","people"]`},
		},
	},
	{
		name: "ui.labels", kind: models.TypeJSON, deep: true, about: "What things are called. A layer names only what it calls otherwise.",
		schema: `{"type":"object","additionalProperties":false,"properties":{"project":{"type":"string","maxLength":30},
			"ticket":{"type":"string","maxLength":30},"customer":{"type":"string","maxLength":30},"invoice":{"type":"string","maxLength":30}}}`,
		on: map[string]across{
			platform:    same(`{"customer":"Customer","invoice":"Invoice","project":"Project","ticket":"Ticket"}`),
			enterprise:  same(`{"ticket":"Service request"}`),
			FirstTenant: {"", "", `{"project":"Programme"}`, `{"project":"Programme"}`}, "alder-finch": same(`{"customer":"Client","project":"Commission"}`),
		},
	},
	{
		name: "ui.show_powered_by", kind: models.TypeBoolean, about: "Our name in the foot of public pages.",
		on: map[string]across{platform: same("true"), enterprise: same("false"), "cobalt-media": {"", "", "", "false"}},
	},
}
