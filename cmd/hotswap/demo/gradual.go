package demo

import "github.com/hotswap/hotswap/models"

// share is the schema of what reaches people little by little.
const share = `{"type":"object","required":["percent"],"additionalProperties":false,
	"properties":{"percent":{"type":"number","minimum":0,"maximum":100},"platforms":{"type":"array","uniqueItems":true,"items":{"enum":["web","ios","android"]}},
	"seed":{"type":"string","maxLength":20}}}`

// gradual are features for a growing share of a tenant's people; the application draws by the percentage.
var gradual = []key{
	{
		name: "gradual.search_v2", kind: models.TypeJSON, schema: share, about: "Search on the new index, for so many percent of people.",
		on: map[string]across{
			platform:            {`{"percent":100}`, `{"percent":100}`, `{"percent":50}`, `{"percent":1}`},
			"copperfield-books": {"", "", "", `{"percent":100}`},
		},
	},
	{
		name: "gradual.new_editor", kind: models.TypeJSON, schema: share, about: "The editor that saves as you type.",
		on: map[string]across{
			platform: {`{"percent":100}`, `{"percent":50}`, `{"percent":25}`, `{"percent":5}`}, "hooli": {"", "", `{"percent":100}`, `{"percent":50}`},
			"quill-partners": {"", "", "", `{"percent":0}`},
		},
	},
	{
		name: "gradual.mobile_push", kind: models.TypeJSON, schema: share, about: "Notices on phones instead of mail.",
		on: map[string]across{
			platform: {
				`{"percent":100,"platforms":["ios","android"]}`, `{"percent":100,"platforms":["ios","android"]}`,
				`{"percent":100,"platforms":["ios"]}`, `{"percent":20,"platforms":["ios"]}`,
			},
			"bluefin-logistics": {"", "", "", `{"percent":100,"platforms":["android"]}`},
		},
	},
	{
		name: "gradual.invoice_pdf", kind: models.TypeJSON, schema: share, about: "Invoices drawn by the new service. The seed keeps a person on one side.",
		on: map[string]across{platform: {`{"percent":100,"seed":"a"}`, `{"percent":100,"seed":"a"}`, `{"percent":100,"seed":"a"}`, `{"percent":10,"seed":"a"}`}},
	},
	{
		name: "gradual.edge_cache", kind: models.TypeJSON, schema: share, about: "Pictures from the cache nearest to the reader.",
		on: map[string]across{
			platform:          {`{"percent":100}`, `{"percent":25}`, `{"percent":10}`, `{"percent":0}`},
			"octant-robotics": {"", "", "", `{"percent":10}`},
		},
	},
}
