package web

// about is the beginning of the API document.
const about = `Multi-tenant configuration as a service: values per customer and environment, approved, rolled out and read in well under a millisecond.

Every error is a problem document (RFC 9457). Programs look at its ` + "`code`" + `, people at its ` + "`detail`" + `. Every answer carries
` + "`X-Request-Id`" + `; send your own to find the call in the log and in the audit trail. A query parameter that a call does not take is refused
with 422, so that a misspelled one is not overlooked. What lies outside the credential's scope answers 404, with the same bytes as what does not exist.`

// paramTexts and paramExamples are for the parameters that say nothing of themselves.
var (
	paramTexts = map[string]string{
		"tenantId":      "A tenant or layer: `acme-corp`, `@tier.enterprise`, `@platform`",
		"environment":   "An environment's name",
		"key":           "The name of a key",
		"configId":      "The id of a config: one key of one layer in one environment",
		"changeId":      "The id of a change",
		"sessionId":     "The id of a session",
		"id":            "The thing's id",
		"n":             "The number of a version",
		"include":       "`metadata` adds where each value comes from, and which keys are withheld",
		"status":        "Only those that stand there",
		"If-None-Match": "The `ETag` of an earlier answer: 304 without a body while nothing has moved",
	}
	paramExamples = map[string]any{
		"tenantId": "acme-corp", "environment": "Production", "key": "feature.new_dashboard", "n": 1,
		"configId":  "5f0c9a4e-6d0b-4f0e-9a43-3b1f2c7d8e90",
		"changeId":  "0f6e0a52-7c43-4b8e-8a3d-5f7b9c1d2e34",
		"sessionId": "7d3c1f9e-0b5a-4e2d-9c8b-6a7f5e4d3c2b",
		"id":        "b3f7d1c2-9e8a-4d6b-8c5f-1a2b3c4d5e6f",
		"unit":      "checkout-7d9f",
	}
)

// headerTexts say what the headers of answers are.
var headerTexts = map[string]string{
	"ETag":         "Names this state of the thing, for If-Match",
	"Location":     "Where the new thing is",
	ReplayedHeader: "true where the call was carried out before, under the same key",
}

// memberTexts are for the members that say nothing of themselves.
var memberTexts = map[string]string{
	"action":            "What was done: `config.set`, `change.approve`, …",
	"address":           "From which the call came",
	"allowedStrategies": "Those that a change may ask for",
	"at":                "When, in UTC",
	"author":            "Who wrote it",
	"candidate":         "On the side of the change",
	"changeId":          "The change that made it",
	"comment":           "In the decider's words",
	"createdAt":         "In UTC",
	"decision":          "What was decided",
	"decisions":         "Those made so far, also of people whose decision does not count any more",
	"defaultStrategy":   "Where a change asks for none",
	"denies":            "Rights of the role that the key does not have",
	"deploymentId":      "What makes it live; null before that",
	"description":       "For people",
	"detail":            "In words",
	"emergency":         "It skipped its stages",
	"endedAt":           "null while it runs",
	"environment":       "An environment's name",
	"expiresAt":         "When it ends; null for never",
	"gates":             "What watches it",
	"grants":            "Rights beside the role",
	"hold":              "For how long, such as 60s",
	"id":                "Its name for machines",
	"items":             "In their order",
	"key":               "1 to 128 of a-z, 0-9, dot, dash and underscore, with a letter or digit at either end",
	"kind":              "What it is one of",
	"layer":             "`@platform`, `@tier.<slug>` or a tenant",
	"liveFrom":          "Since when, in UTC",
	"locked":            "Nothing below overrides it",
	"manual":            "It goes on when somebody says so",
	"masked":            "The value is not shown to the caller",
	"merge":             "`replace`: the nearest value wins; `deep`: objects come together member by member",
	"message":           "What is wrong with it",
	"name":              "For people",
	"nextStepAt":        "When it goes on by itself",
	"op":                "What the item does",
	"overlays":          "The deployments that were being rolled out in steps",
	"owner":             "Whose it is",
	"path":              "A JSON pointer (RFC 6901)",
	"percent":           "Of 100",
	"pointer":           "A JSON pointer into the body, or the name of a parameter",
	"reason":            "Why, for those who decide and those who look back",
	"requestId":         "Names the call in the log",
	"required":          "How many people",
	"requirePrevious":   "The same value must be live in the environment before",
	"resource":          "`noun/id`",
	"revision":          "Opaque; moves whenever any value moves",
	"revokedAt":         "From when on it opens nothing; null while it does",
	"role":              "`viewer`, `engineer`, `manager`, `compliance`, `auditor`, `tenant-admin`, `platform-admin` or `reader`",
	"scheduledFor":      "When it starts by itself; null for at once",
	"sensitive":         "Values are sealed, and masked for people",
	"side":              "Which side of a deployment readers see",
	"stable":            "On the side that was live before",
	"stage":             "The name of a stage",
	"stages":            "Who decides, in their order; empty where nobody has to",
	"startedAt":         "In UTC",
	"status":            "Where it stands",
	"step":              "Counted from 1",
	"steps":             "On the way to 100 percent",
	"strategy":          "How it becomes live",
	"tags":              "Words to find it by",
	"tenantId":          "A tenant or layer",
	"tenantIds":         "The tenants of a change for many",
	"title":             "In one line",
	"type":              "What values of the key are",
	"unit":              "What steps count: `instance`, `tenant`, or empty without steps",
	"updatedAt":         "In UTC",
	"userAgent":         "What the browser says it is",
	"verdict":           "What the gate says",
	"version":           "Counts from 1",
	"watch":             "For how long it is watched afterwards",
	"watchUntil":        "Until when it can be rolled back by itself",
}
