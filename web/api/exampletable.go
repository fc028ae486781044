package api

import (
	"encoding/json"
	"net/http"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

// tagReads groups what web/read serves.
const tagReads = "Reads"

func readExamples() map[string]example {
	return map[string]example{
		"resolved.get": {
			about: "The values of a tenant in an environment, resolved over its chain: `@platform`, its tier, the tenant; the nearest wins, but " +
				"for a lock above. Send the `ETag` as `If-None-Match` and get 304 without a body until anything moves. Keys that the " +
				"credential may not read are absent, and named in `withheld` with `include=metadata`. `X-HotSwap-Stale: true` marks an " +
				"answer that could not be renewed because the database does not answer.",
			query: map[string]any{"environment": "Production"},
			out: ok(json.RawMessage(`{"tenantId":"` + exampleTenant + `","environment":"Production","revision":"` + exampleRevision +
				`","configs":{"` + exampleKey + `":true,"limits.users":250}}`)),
		},
		"resolved.key": {
			about: "One of the values that the read of all gives, with its type and the layer and version it comes from.",
			query: map[string]any{"environment": "Production"},
			out: ok(json.RawMessage(`{"tenantId":"` + exampleTenant + `","environment":"Production","revision":"` + exampleRevision +
				`","key":"` + exampleKey + `","value":true,"type":"boolean","layer":"` + exampleTenant + `","version":4}`)),
		},
		"resolved.stream": {
			query: map[string]any{"environment": "Production"},
			out: ok("retry: 2417\n\nevent: snapshot\nid: " + exampleRevision + "\ndata: {\"tenantId\":\"" + exampleTenant +
				"\",\"environment\":\"Production\",\"revision\":\"" + exampleRevision + "\",\"configs\":{\"" + exampleKey + "\":true}}\n\n"),
		},
		"resolved.notices": {
			query: map[string]any{"environment": "Production"},
			out: ok("retry: 3025\n\nevent: ready\nid: l2k9x0f.17\ndata: {\"resumed\":false}\n\nevent: change\nid: l2k9x0f.18\n" +
				"data: {\"tenantId\":\"" + exampleTenant + "\",\"revision\":\"" + exampleRevision + "\"}\n\n"),
		},
	}
}

func configExamples() map[string]example {
	change := `{"value":false,"reason":"Off until Monday"}`
	return map[string]example{
		"config.list": {
			about: "Values that the layer sets itself; what it inherits is part of the resolved reads. `search` finds parts of keys and of " +
				"values, in any case; sensitive values are never searched.",
			query: map[string]any{"tenantId": exampleTenant, "environment": "Staging", "search": "dashboard"},
			out:   listed(exampleConfig()),
		},
		"config.set": {
			about: "The first value of a key that nothing defines makes its definition too, of the `type` given or that of the value. On a key " +
				"that has a value here it writes the next version. Where the environment's policy has stages, a change waits: 202.",
			in:  `{"tenantId":"` + exampleTenant + `","environment":"Staging","key":"` + exampleKey + `","value":true,"description":"Shows the new dashboard"}`,
			out: or(made(exampleConfig())),
		},
		"config.get":    {about: "A sensitive value is `\"********\"` with `masked: true`; see reveal.", out: ok(exampleConfig())},
		"config.update": {about: "`baseVersion` or `If-Match` make the write depend on what was read.", in: change, out: or(ok(exampleConfig()))},
		"config.delete": {about: "The config is not found afterwards; its versions stay, and a later value continues its id and numbers.", out: or(none())},
		"config.promote": {
			about: "The live value becomes a change in a later environment, with the id of the version it comes from.",
			in:    `{"targetEnvironment":"Production","reason":"Tried in Staging"}`, out: or(made(exampleConfig())),
		},
		"config.rollback": {
			about: "Without stages only back to what the last change of the key replaced, within 72 hours and by who may roll back; anything " +
				"else is an ordinary change, which waits where the policy has stages.",
			in: `{"toVersion":1,"reason":"Errors since ten o'clock"}`, out: or(ok(exampleConfig())),
		},
		"config.reveal": {out: ok(exampleRevealed())},
		"config.compare": {
			about: "Every key that has a value on one of the two sides. Sides may be environments, tenants (`toTenantId`) and instants " +
				"(`fromAt`, `toAt`).",
			query: map[string]any{"tenantId": exampleTenant, "from": "Staging", "to": "Production"},
			out: ok(map[string]any{"items": []difference{{
				Key: exampleKey, Type: models.TypeBoolean, Status: "changed", From: wire.RawJSON("true"), To: wire.RawJSON("false"),
				FromLayer: optional(exampleTenant), ToLayer: optional(models.Platform),
			}}}),
		},
		"config.explain": {
			about: "Layer, version, change, who approved it, since when, and what the value hides. With `at` it tells of another time.",
			query: map[string]any{"environment": "Production", "key": exampleKey}, out: ok(exampleExplanation()),
		},
		"version.list": {out: listed(exampleVersion())},
		"version.get":  {out: ok(exampleVersion())},
		"version.diff": {
			about: "`operations` is the JSON Patch (RFC 6902) that makes the second value of the first; `text` is a unified diff. Of sensitive " +
				"values only `equal` is told.",
			query: map[string]any{"from": 1, "to": 2},
			out: ok(diff{
				From: 1, To: 2, Operations: []operation{{Op: "replace", Path: "", Value: wire.RawJSON("false")}},
				Text: "--- version 1\n+++ version 2\n@@ -1 +1 @@\n-true\n+false\n",
			}),
		},
	}
}

func changeExamples() map[string]example {
	draft := `{"tenantId":"` + exampleTenant + `","environment":"Production","title":"New dashboard for ACME","reason":"Agreed with the customer",` +
		`"items":[{"key":"` + exampleKey + `","op":"set","value":true},{"key":"limits.users","op":"set","value":500,"baseVersion":2}]}`
	decision := `{"digest":"` + exampleDigest + `","comment":"Tried in Staging"}`
	dry := made(exampleChange())
	dry[http.StatusOK] = exampleChange()
	moves := ok(exampleChange())
	return map[string]example{
		"change.list": {query: map[string]any{"tenantId": exampleTenant, "status": "pending"}, out: listed(exampleChange())},
		"change.create": {
			about: "All items are checked together and take effect together. Where the policy of the environment has no stage the change is " +
				"`deployed` in the answer, else it is `pending`. `dryRun=true` checks and writes nothing.",
			in: draft, out: dry,
		},
		"change.get":    {out: moves},
		"change.edit":   {about: "What is given replaces what was there, `items` as a whole. The caller becomes an editor, who cannot decide.", in: `{"title":"New dashboard"}`, out: moves},
		"change.submit": {out: moves},
		"change.cancel": {about: "Whoever may edit there may cancel.", out: moves},
		"change.rebase": {about: "For a change whose keys moved since it was written.", out: moves},
		"approval.list": {out: listed(exampleChange())},
		"change.approve": {
			about: "`digest` is that of the change as you saw it; if it was edited since, the answer is 409. The last approval applies the " +
				"change. Author and editors cannot decide, and one person counts in one stage.",
			in: decision, out: moves,
		},
		"change.reject": {about: "One reject ends the change.", in: decision, out: moves},
	}
}

func definitionExamples() map[string]example {
	d := exampleDefinition()
	return map[string]example{
		"definition.list": {about: "Those of the layer and of the layers above it.", query: map[string]any{"tenantId": exampleTenant}, out: listed(d)},
		"definition.create": {
			about: "Values that are live below must satisfy it. A definition that moves what readers see in an environment with stages is a " +
				"change, and waits: 202.",
			in:  `{"tenantId":"@platform","key":"limits.users","type":"number","schema":{"minimum":1,"maximum":1000},"description":"How many users a customer may have","owner":"billing","tags":["limits"]}`,
			out: or(made(d)),
		},
		"definition.get":    {out: ok(d)},
		"definition.update": {about: "The type stays. To make what is sensitive readable needs the right to reveal, and is a change.", in: `{"description":"Users of one customer","schema":{"minimum":1,"maximum":5000}}`, out: or(ok(d))},
		"definition.validate": {
			about: "Writes nothing. An invalid value answers 422, as a write of it would.",
			in:    `{"tenantId":"` + exampleTenant + `","key":"limits.users","value":250}`,
			out:   ok(map[string]any{"valid": true, "value": 250}),
		},
	}
}

func tenantExamples() map[string]example {
	t, suspended := exampleTenantThing(), exampleTenantThing()
	suspended.Status = models.TenantSuspended
	return map[string]example{
		"tenant.list":   {query: map[string]any{"search": "acme", "tier": "enterprise"}, out: listed(t)},
		"tenant.create": {in: `{"tenantId":"` + exampleTenant + `","name":"ACME Corporation","tier":"Enterprise","metadata":{"region":"eu"}}`, out: made(t)},
		"tenant.get":    {out: ok(t)},
		"tenant.update": {
			about: "Name and metadata at once. Another tier moves what the tenant inherits: that is a change, given alone, and waits where any environment has stages.",
			in:    `{"name":"ACME Inc"}`, out: or(ok(t)),
		},
		"tenant.suspend":  {about: "Reads answer 403 afterwards. It waits where any environment has stages.", in: `{"reason":"Unpaid since May"}`, out: or(ok(suspended))},
		"tenant.activate": {out: ok(t)},
		"tenant.delete": {
			about: "Only of a suspended tenant. Its reads answer 404 at once, its changes are cancelled and its keys refused; for 30 days `activate` " +
				"undoes that, then its values are purged and its secrets shredded.",
			query: map[string]any{"confirm": exampleTenant}, out: none(),
		},
		"tier.list":   {out: listed(exampleTier())},
		"tier.create": {about: "The tier's own layer is made with it.", in: `{"name":"Enterprise"}`, out: made(exampleTier())},
	}
}

func environmentExamples() map[string]example {
	e := environment{Name: "Staging", Position: 3, CreatedAt: exampleTime(0)}
	put := ok(e)
	put[http.StatusCreated] = e
	return map[string]example{
		"environment.list": {out: listed(e)},
		"environment.put":  {about: "It has a policy without stages. One that is there cannot be moved: 409.", in: `{"position":3}`, out: put},
		"policy.list":      {out: listed(examplePolicy())},
		"policy.put": {
			about: "What is absent stays as it is. It holds for changes made afterwards.",
			in:    `{"stages":[{"name":"engineer","role":"engineer","required":1},{"name":"manager","role":"manager","required":1}],"requirePrevious":true,"minSoak":"24h"}`,
			out:   ok(examplePolicy()),
		},
	}
}

func accessExamples() map[string]example {
	environment, key := "Production", exampleAPIKey()
	key.Environment = &environment
	me := me{
		ID: ada().ID, Kind: models.ActorPerson, Name: "Ada", Email: "ada@example.com",
		Roles: []held{{Role: models.RoleEngineer, TenantID: models.Platform}}, KeyID: optional("p2w8r4t6y1"),
	}
	return map[string]example{
		"api_key.list": {out: listed(key)},
		"api_key.create": {
			about: "The answer has the key's text, this once. A service's key has people who answer for it; a personal one (`owner: me`) acts as " +
				"its person, with at most that person's rights.",
			in:  `{"name":"checkout-service","role":"reader","tenantId":"` + exampleTenant + `","environment":"Production","grants":["secrets:read"]}`,
			out: made(keyMade{Text: "hs_k7n3q5x2m4_4Jx0…", Key: key}),
		},
		"api_key.revoke":    {about: "It opens nothing from then on.", out: none()},
		"role_binding.list": {out: listed(exampleBinding())},
		"role_binding.create": {
			about: "To exactly one of `personId`, `email`, `group` and `keyId`; for one tenant or all, one environment or all.",
			in:    `{"role":"engineer","group":"platform-team","tenantId":"` + exampleTenant + `"}`, out: made(exampleBinding()),
		},
		"role_binding.delete": {out: none()},
		"session.list":        {about: "Your own, and everybody's for who may view access of all tenants.", out: listed(exampleSession())},
		"session.revoke":      {out: none()},
		"me.get":              {out: ok(me)},
	}
}

func recordExamples() map[string]example {
	return map[string]example{
		"deployment.list": {query: map[string]any{"tenantId": exampleTenant}, out: listed(exampleDeployment())},
		"deployment.get":  {out: ok(exampleDeployment())},
		"instance.list": {
			about: "By tenant, environment and name. `current` tells whether the instance holds the revision of now, null when that is not known; " +
				"`currentAt` is when it last did as far as it reported. Who was silent for a day is gone.",
			query: map[string]any{"tenantId": exampleTenant, "environment": "Production"}, out: listed(exampleInstance()),
		},
		"instance.put": {
			about: "A heartbeat, to be sent when the revision held changes and about every 30 seconds. A credential for one tenant and environment " +
				"leaves both out. It is accepted without the database, too; `firstSeenAt` is null until the node knows it.",
			in: `{"revision":"` + exampleRevision + `","client":"hotswap-go/1.0"}`, out: ok(exampleInstance()),
		},
		"audit.list": {
			about: "`action` is exact, or all of a noun: `change.`. `number` has no gap within a tenant.",
			query: map[string]any{"tenantId": exampleTenant, "action": "config."}, out: listed(exampleEntry()),
		},
		"audit.get": {out: ok(exampleEntry())},
	}
}
