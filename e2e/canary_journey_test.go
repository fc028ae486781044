package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hotswap/hotswap/views"
)

// fields is a JSON object as a caller writes it.
type fields = map[string]any

// The keys of the run. All but the last two are secrets from their first value on.
const (
	sharedKey = "shared.token" // of the platform
	tierKey   = "tier.token"
	textKey   = "db.password"
	numberKey = "db.port"
	jsonKey   = "db.login"
	laterKey  = "later.token"
	openKey   = "open.note"
)

// doEverything sends secrets into everything that takes values, and looks at everything that shows some.
func (w *witness) doEverything() {
	w.t.Helper()
	w.define()
	ids := w.write()
	w.refusals(ids[textKey])
	w.locks()
	early := time.Now().UTC().Format(time.RFC3339Nano)
	w.becomesSecret()
	waiting := w.approvals(ids)
	w.forms()
	w.rotate(operator(w.t))
	w.failInside()
	w.reads(early)
	w.looks(ids, waiting, early)
	w.pages(waiting, early)
}

func (w *witness) define() {
	w.t.Helper()
	admin := w.as("admin")
	for _, d := range []fields{
		{"tenantId": "@platform", "key": sharedKey, "type": "string"},
		{"tenantId": "@tier.enterprise", "key": tierKey, "type": "string"},
		{"tenantId": "acme", "key": textKey, "type": "string", "schema": fields{"pattern": "^Kz", "maxLength": 90}},
		{"tenantId": "acme", "key": numberKey, "type": "number", "schema": fields{"minimum": 1, "multipleOf": 1}},
		{"tenantId": "acme", "key": jsonKey, "type": "json", "schema": fields{
			"type": "object", "required": []string{"user"}, "properties": fields{"password": fields{"type": "string", "minLength": 20}},
		}},
		{"tenantId": "globex", "key": textKey, "type": "string"},
	} {
		d["sensitive"] = true
		w.do(admin, "POST", "/definitions", d, http.StatusCreated)
	}
}

func place(tenant, environment, key string, value any) fields {
	return fields{"tenantId": tenant, "environment": environment, "key": key, "value": value, "reason": "a test"}
}

// write sets, updates, puts back and takes away. It returns the configs of acme in Development.
func (w *witness) write() map[string]string {
	w.t.Helper()
	engineer, ids := w.as("engineer"), map[string]string{}
	set := func(tenant, environment, key string, value any) string {
		w.t.Helper()
		return w.do(engineer, "POST", "/configs", place(tenant, environment, key, value), http.StatusCreated).text("id")
	}
	set("@platform", "Development", sharedKey, w.secret.text("the platform's"))
	set("@tier.enterprise", "Development", tierKey, w.secret.text("the tier's"))
	set("globex", "Development", textKey, w.secret.text("the other tenant's"))
	set("globex", "Staging", textKey, w.secret.text("the other tenant's in Staging"))
	set("acme", "Staging", textKey, w.secret.text("in Staging"))
	for key, value := range map[string]any{
		textKey: w.secret.text("first"), numberKey: w.secret.number("a number"),
		jsonKey: fields{"user": "app", "password": w.secret.text("a member")}, openKey: w.open.text("no secret"),
		sharedKey: w.secret.text("over the platform's"),
	} {
		ids[key] = set("acme", "Development", key, value)
	}
	w.do(engineer, "PUT", "/configs/"+ids[openKey], fields{"value": w.open.text("no secret, again")}, http.StatusOK)
	w.do(engineer, "PUT", "/configs/"+ids[numberKey], fields{"value": w.secret.number("another number")}, http.StatusOK)
	w.do(engineer, "PUT", "/configs/"+ids[jsonKey], fields{"value": fields{"user": "app", "password": w.secret.text("another member")}}, http.StatusOK)

	again := engineer.request("PUT", "/configs/"+ids[textKey], fields{"value": w.secret.text("sent twice")})
	for range 2 {
		again.Header.Set("Idempotency-Key", "once")
		got, err := engineer.try(again)
		if err != nil {
			w.t.Fatal(err)
		}
		w.keep(got).want(http.StatusOK)
		again.Body, err = again.GetBody()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.do(engineer, "POST", "/configs/"+ids[textKey]+"/rollback", fields{"toVersion": 1, "reason": "back"}, http.StatusOK)
	w.do(engineer, "DELETE", "/configs/"+ids[numberKey], nil, http.StatusNoContent)
	set("acme", "Development", numberKey, w.secret.number("after a delete"))
	w.do(engineer, "POST", "/changes?dryRun=true", w.change("acme", "Development", textKey, w.secret.text("a dry run")), http.StatusOK)
	w.do(engineer, "POST", "/changes", fields{"tenantId": "acme", "environment": "Development", "title": "a new secret", "items": []fields{{
		"key": "new.token", "op": "set", "value": w.secret.text("with its definition"), "definition": fields{"type": "string", "sensitive": true},
	}}}, http.StatusCreated)
	return ids
}

func (w *witness) change(tenant, environment, key string, value any) fields {
	return fields{"tenantId": tenant, "environment": environment, "title": "a value", "items": []fields{{"key": key, "op": "set", "value": value}}}
}

// refusals sends what is turned away. No answer, log or trace repeats it.
func (w *witness) refusals(id string) {
	w.t.Helper()
	engineer := w.as("engineer")
	short := func() string { return "x" + w.secret.text("not as the schema says") }
	for key, value := range map[string]any{
		textKey: short(), numberKey: w.secret.text("no number"), jsonKey: fields{"password": w.secret.text("without its neighbour")},
	} {
		w.do(engineer, "POST", "/configs", place("acme", "Development", key, value), http.StatusUnprocessableEntity)
		w.do(engineer, "POST", "/configs", place("acme", "Production", key, value), http.StatusUnprocessableEntity)
		w.do(engineer, "POST", "/definitions/validate", fields{"tenantId": "acme", "key": key, "value": value}, http.StatusUnprocessableEntity)
		w.do(engineer, "POST", "/changes?dryRun=true", w.change("acme", "Development", key, value), http.StatusUnprocessableEntity)
	}
	w.do(engineer, "PUT", "/configs/"+id, fields{"value": json.RawMessage("-" + w.secret.number("below the least"))}, http.StatusUnprocessableEntity)
	w.do(engineer, "PUT", "/configs/"+id, fields{"value": w.secret.text("against an old version"), "baseVersion": 1}, http.StatusConflict)
	w.do(engineer, "PUT", "/configs/"+id, fields{"value": strings.Repeat(w.secret.text("too long"), 2000)}, http.StatusUnprocessableEntity)
	w.do(w.as("viewer"), "PUT", "/configs/"+id, fields{"value": w.secret.text("without the right")}, http.StatusForbidden)
	w.do(w.as("globex-engineer"), "PUT", "/configs/"+id, fields{"value": w.secret.text("of another tenant")}, http.StatusNotFound)
	quoted, _ := json.Marshal(w.secret.text("malformed")) // a text has a JSON form
	for _, body := range []string{
		`{"value":` + string(quoted), `{"value":` + string(quoted) + `} x`, `{"value":` + string(quoted) + `,"value":1}`,
		`{"value":` + string(quoted) + `,"VALUE":1}`, `{"val":` + string(quoted) + `}`, string(quoted), `{"value":1,"baseVersion":` + string(quoted) + `}`,
	} {
		if got := w.keep(engineer.do("PUT", "/configs/"+id, body)); got.status != http.StatusBadRequest && got.status != http.StatusUnprocessableEntity {
			w.t.Errorf("%d for %s", got.status, body)
		}
	}
	// What is live already does not fit any more: the refusal says where, not what.
	w.do(w.as("admin"), "PATCH", "/definitions/"+textKey+"?tenantId=acme", fields{"schema": fields{"pattern": "^never$"}}, http.StatusUnprocessableEntity)
	w.do(w.as("admin"), "PATCH", "/definitions/"+jsonKey+"?tenantId=acme", fields{"schema": fields{"properties": fields{"password": fields{"maxLength": 3}}}}, http.StatusUnprocessableEntity)
	w.do(w.as("admin"), "POST", "/definitions", fields{"tenantId": "@platform", "key": textKey, "type": "number"}, http.StatusUnprocessableEntity)
}

// locks hides acme's value below the platform's, and lets it come out again.
func (w *witness) locks() {
	w.t.Helper()
	admin := w.as("admin")
	lock := func(op string) fields {
		return fields{"tenantId": "@platform", "environment": "Development", "title": op, "items": []fields{{"key": sharedKey, "op": op}}}
	}
	w.do(admin, "POST", "/changes", lock("lock"), http.StatusCreated)
	w.do(w.as("engineer"), "POST", "/configs", place("acme", "Development", sharedKey, w.secret.text("below a lock")), http.StatusUnprocessableEntity)
	hidden := w.do(admin, "GET", "/configs/tenant/acme/explain?environment=Development&key="+sharedKey, nil, http.StatusOK)
	if hidden.text("lockedBy") != "@platform" || hidden.text("shadowed.0.value") != "********" {
		w.t.Errorf("under the lock: %s", hidden.body)
	}
	w.do(admin, "POST", "/changes", lock("unlock"), http.StatusCreated)
	w.do(admin, "POST", "/configs", fields{
		"tenantId": "@platform", "environment": "QA", "key": sharedKey, "value": w.secret.text("set and locked"), "locked": true,
	}, http.StatusCreated)
}

// becomesSecret makes a secret of a key that has values; what comes afterwards is one.
func (w *witness) becomesSecret() {
	w.t.Helper()
	engineer := w.as("engineer")
	id := w.do(engineer, "POST", "/configs", place("acme", "Development", laterKey, w.open.text("before it was a secret")), http.StatusCreated).text("id")
	w.do(w.as("admin"), "PATCH", "/definitions/"+laterKey+"?tenantId=acme", fields{"sensitive": true}, http.StatusOK)
	w.do(engineer, "PUT", "/configs/"+id, fields{"value": w.secret.text("since it is a secret")}, http.StatusOK)
	w.do(engineer, "GET", "/configs/"+id+"/diff?from=1&to=2", nil, http.StatusOK)
}

// approvals takes changes through all that can become of them. It returns one that waits.
func (w *witness) approvals(ids map[string]string) string {
	w.t.Helper()
	engineer := w.as("engineer")
	submit := func(of string) string {
		w.t.Helper()
		return w.do(engineer, "POST", "/configs", place("acme", "Production", textKey, w.secret.text(of)), http.StatusAccepted).text("change.id")
	}
	items := func(of string) fields {
		return fields{"items": []fields{{"key": textKey, "op": "set", "value": w.secret.text(of)}}}
	}
	live := submit("approved and edited")
	w.do(engineer, "PATCH", "/changes/"+live, items("edited"), http.StatusOK)
	w.do(engineer, "PATCH", "/changes/"+live, fields{"items": []fields{{"key": textKey, "op": "set", "value": "x" + w.secret.text("edited wrongly")}}}, http.StatusUnprocessableEntity)
	w.approve(live)
	config := w.do(engineer, "GET", "/configs?tenantId=acme&environment=Production", nil, http.StatusOK).text("items.0.id")
	w.approve(submit("over the one before"))
	w.do(engineer, "POST", "/configs/"+config+"/rollback", fields{"toVersion": 1, "reason": "back"}, http.StatusOK)

	rejected := submit("rejected")
	digest := w.do(w.as("engineer2"), "GET", "/changes/"+rejected, nil, http.StatusOK).text("digest")
	w.do(w.as("engineer2"), "POST", "/approvals/"+rejected+"/reject", fields{"digest": digest, "comment": "no"}, http.StatusOK)
	w.do(engineer, "POST", "/changes/"+submit("cancelled")+"/cancel", nil, http.StatusOK)

	draft := w.change("acme", "Production", numberKey, w.secret.number("a draft"))
	draft["draft"] = true
	kept := w.do(engineer, "POST", "/changes", draft, http.StatusCreated).text("id")
	w.do(engineer, "POST", "/changes/"+kept+"/submit", nil, http.StatusOK)
	w.do(engineer, "POST", "/changes/"+kept+"/rebase", nil, http.StatusOK)

	promoted := w.do(engineer, "POST", "/configs/"+ids[jsonKey]+"/promote", fields{"targetEnvironment": "Production"}, http.StatusAccepted).text("change.id")
	w.approve(promoted)
	w.do(engineer, "POST", "/configs/"+ids[textKey]+"/promote", fields{"targetEnvironment": "QA"}, http.StatusCreated)
	return submit("waits")
}

// approve decides at every stage.
func (w *witness) approve(change string) {
	w.t.Helper()
	for range 4 {
		c := w.do(w.as("admin"), "GET", "/changes/"+change, nil, http.StatusOK)
		stage, open := c.field("currentStage").(string)
		if !open {
			break
		}
		who := map[string]string{"engineer": "engineer2"}[stage]
		if who == "" {
			who = stage
		}
		w.do(w.as(who), "GET", "/approvals", nil, http.StatusOK)
		w.do(w.as(who), "POST", "/approvals/"+change+"/approve", fields{"digest": c.text("digest"), "comment": "good"}, http.StatusOK)
	}
	if got := w.do(w.as("admin"), "GET", "/changes/"+change, nil, http.StatusOK).text("status"); got != "deployed" {
		w.t.Errorf("the approved change is %s", got)
	}
}

// forms does at the console what was done through the API.
func (w *witness) forms() {
	w.t.Helper()
	const edit = "/tenants/acme/edit"
	form := func(environment, value, base string) []string {
		return []string{"environment", environment, "key", textKey, "value", value, "base", base, "reason", "typed"}
	}
	w.form(edit+"?check=1", http.StatusOK, form("Development", w.secret.text("checked"), "3")...)
	w.form(edit+"?check=1", http.StatusOK, form("Development", "x"+w.secret.text("checked, and wrong"), "3")...)
	w.form(edit, http.StatusUnprocessableEntity, form("Development", "x"+w.secret.text("typed wrongly"), "3")...)
	w.form(edit, http.StatusConflict, form("Development", w.secret.text("typed too late"), "1")...)
	w.form(edit, http.StatusSeeOther, form("Development", w.secret.text("typed"), "3")...)
	w.form(edit, http.StatusUnprocessableEntity, "environment", "Development", "key", numberKey, "value", w.secret.text("typed, no number"), "reason", "typed")
	w.form(edit, http.StatusUnprocessableEntity, "environment", "Development", "key", jsonKey, "value", `{"password":"`+w.secret.word, "reason", "typed")

	at := w.form(edit, http.StatusSeeOther, form("Production", w.secret.text("typed for Production"), "3")...).header.Get("Location")
	tag := w.do(w.as("admin"), "GET", at, nil, http.StatusOK).header.Get("ETag")
	w.form(at+"/edit", http.StatusUnprocessableEntity, "title", "t", "reason", "r", "tag", tag, views.ValueField(textKey), "x"+w.secret.text("edited wrongly at the console"))
	w.form(at+"/edit", http.StatusSeeOther, "title", "t", "reason", "r", "tag", tag, views.ValueField(textKey), w.secret.text("edited at the console"))
	w.form(at+"/edit", http.StatusPreconditionFailed, "title", "t", "reason", "r", "tag", tag, views.ValueField(textKey), w.secret.text("edited too late"))
	digest := w.do(w.as("admin"), "GET", at, nil, http.StatusOK).text("digest")
	w.browse(w.session("engineer2"), http.MethodPost, at+"/reject", []string{"digest", digest, "comment", "no"}, http.StatusSeeOther)

	w.form("/tenants/acme/compare", http.StatusSeeOther, "from", "Development", "to", "Staging", "keys", textKey, "keys", jsonKey, "reason", "ticked")
	w.form("/tenants/acme/keys/"+numberKey+"/promote", http.StatusSeeOther, "from", "Development", "to", "QA", "reason", "promoted")
	w.form("/tenants/acme/keys/"+textKey+"/put-back", http.StatusSeeOther, "environment", "Staging", "version", "1", "base", "2", "reason", "back")
}

// failInside lets the database refuse rows in the middle of a write.
func (w *witness) failInside() {
	w.t.Helper()
	w.site.DB.Admin(w.t, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room for %', NEW; END $$`)
	for _, table := range []string{"config_versions", "change_items", "sealed_values"} {
		w.site.DB.Admin(w.t, `CREATE TRIGGER refused BEFORE INSERT ON `+table+` FOR EACH ROW EXECUTE FUNCTION refuse()`)
		w.do(w.as("engineer"), "POST", "/configs", place("acme", "Development", textKey, w.secret.text("refused by "+table)), http.StatusInternalServerError)
		w.form("/tenants/acme/edit", http.StatusInternalServerError, "environment", "Development", "key", textKey, "value", w.secret.text("typed, and refused by "+table), "reason", "r")
		w.site.DB.Admin(w.t, `DROP TRIGGER refused ON `+table)
	}
}

// reads asks as applications do. Who may have secrets gets them as they were set, and nobody else gets any.
func (w *witness) reads(early string) {
	w.t.Helper()
	key := w.do(w.as("tenant-admin"), "POST", "/api-keys", fields{
		"name": "vault", "role": "reader", "tenantId": "acme", "grants": []string{"secrets:read"},
	}, http.StatusCreated).text("key")
	trusted, app := caller{w.t, w.node.url, key}, w.as("app")
	for _, environment := range []string{"Development", "QA", "Staging", "Production"} {
		whole := "/configs/tenant/acme?environment=" + environment
		for _, path := range []string{
			whole, whole + "&include=metadata", whole + "&at=" + early, whole + "&include=metadata&at=" + early,
		} {
			if got, ok := w.clear(trusted, "GET", path).field("configs").(map[string]any)[textKey].(string); ok && !strings.Contains(got, awkward) {
				w.t.Errorf("%s: %q", path, got)
			}
			w.do(app, "GET", path, nil, http.StatusOK)
		}
		for _, name := range []string{textKey, numberKey, jsonKey, sharedKey, tierKey} {
			w.do(app, "GET", "/configs/tenant/acme/keys/"+name+"?environment="+environment, nil, http.StatusNotFound)
		}
	}
	one := w.clear(trusted, "GET", "/configs/tenant/acme/keys/"+textKey+"?environment=Development")
	if got := one.text("value"); !strings.HasPrefix(got, w.secret.word+awkward) {
		w.t.Errorf("in clear it is %q", got)
	}
	w.do(trusted, "GET", "/configs/tenant/globex?environment=Development", nil, http.StatusNotFound)
	unmodified := trusted.request("GET", "/configs/tenant/acme/keys/"+textKey+"?environment=Development", nil)
	unmodified.Header.Set("If-None-Match", one.header.Get("ETag"))
	got, err := trusted.try(unmodified)
	if err != nil {
		w.t.Fatal(err)
	}
	w.keep(got).want(http.StatusNotModified)
}

// looks reads everything that the API shows to people. One reveal is as it should be; all others are refused.
func (w *witness) looks(ids map[string]string, waiting, early string) {
	w.t.Helper()
	revealed := w.as("admin").do("POST", "/configs/"+ids[textKey]+"/reveal", nil).want(http.StatusOK)
	if got := revealed.text("value"); !strings.HasPrefix(got, w.secret.word+awkward) {
		w.t.Errorf("revealed is %q", got)
	}
	w.inClear++
	w.do(w.as("engineer"), "POST", "/configs/"+ids[textKey]+"/reveal", nil, http.StatusForbidden)
	for _, name := range []string{"admin", "tenant-admin", "engineer", "auditor", "viewer"} {
		who := w.as(name)
		for _, key := range []string{textKey, numberKey, jsonKey, sharedKey, tierKey, laterKey} {
			for _, environment := range []string{"Development", "QA", "Staging", "Production"} {
				path := "/configs/tenant/acme/explain?environment=" + environment + "&key=" + key
				w.keep(who.do("GET", path, nil))
				if name == "admin" && environment == "Development" {
					w.keep(who.do("GET", path+"&at="+early, nil))
				}
			}
		}
		for _, path := range w.apiPaths(ids, waiting, early) {
			if got := w.keep(who.do("GET", path, nil)); got.status != http.StatusOK && name == "admin" {
				w.t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
	}
}

func (w *witness) apiPaths(ids map[string]string, waiting, early string) []string {
	paths := []string{
		"/configs?tenantId=acme", "/configs?tenantId=acme&environment=Development&search=db", "/configs?tenantId=@platform", "/configs?tenantId=globex",
		"/configs?tenantId=@tier.enterprise", "/configs?tenantId=acme&search=" + url.QueryEscape(w.open.word),
		"/configs/compare?tenantId=acme&from=Development&to=Production", "/configs/compare?tenantId=acme&toTenantId=globex&from=Development&to=Development",
		"/configs/compare?tenantId=acme&from=Development&to=Development&fromAt=" + early, "/configs/compare?tenantId=@platform&from=Development&to=QA",
		"/changes?limit=200", "/changes?limit=200&tenantId=acme", "/changes/" + waiting, "/approvals", "/deployments?limit=200",
		"/audit?limit=200", "/audit?limit=200&tenantId=acme", "/audit?limit=200&tenantId=globex", "/definitions?tenantId=acme", "/definitions/" + textKey + "?tenantId=acme",
	}
	for _, id := range ids {
		paths = append(paths, "/configs/"+id, "/configs/"+id+"/versions", "/configs/"+id+"/versions/1")
	}
	for _, id := range []string{ids[textKey], ids[numberKey], ids[jsonKey]} {
		paths = append(paths, "/configs/"+id+"/diff?from=1&to=2", "/configs/"+id+"/diff?from=2&to=1", "/configs/"+id+"/diff?from=1&to=1")
	}
	return paths
}

// pages opens every page of the console that shows values, as an admin.
func (w *witness) pages(waiting, early string) {
	w.t.Helper()
	for _, path := range []string{
		"/", "/tenants", "/tenants/acme", "/tenants/acme?search=db&different=1", "/tenants/@platform", "/tenants/@tier.enterprise", "/tenants/globex",
		"/tenants/acme?at=" + early, "/tenants/acme/compare?from=Development&to=Production&equal=1",
		"/tenants/acme/compare?from=Development&to=Development&with=globex&equal=1", "/tenants/acme/compare?from=Development&to=Development&fromAt=" + early,
		"/changes", "/changes?tenant=acme", "/changes/" + waiting, "/changes/" + waiting + "/edit", "/approvals", "/approvals?tab=others", "/approvals?tab=decided",
		"/audit", "/audit?tenant=acme", "/audit?tenant=acme&action=config.set", "/audit?tenant=globex", "/access/keys",
	} {
		w.page(path, http.StatusOK)
	}
	for _, key := range []string{textKey, numberKey, jsonKey, sharedKey, tierKey, laterKey} {
		page := "/tenants/acme/keys/" + key
		w.page(page, http.StatusOK)
		for _, environment := range []string{"Development", "QA", "Staging", "Production"} {
			w.page(page+"?environment="+environment, http.StatusOK)
			w.page("/tenants/acme/edit?environment="+environment+"&key="+key, http.StatusOK)
		}
	}
	w.page("/tenants/acme/keys/"+textKey+"?environment=Development&from=1&to=2", http.StatusOK)
	w.page("/tenants/acme/keys/"+textKey+"?environment=Development&back=1", http.StatusOK)
	w.page("/tenants/@platform/keys/"+sharedKey, http.StatusOK)
	for _, status := range []string{"deployed", "rejected", "cancelled"} {
		w.page("/changes/"+w.as("admin").get("/changes?tenantId=acme&limit=1&status="+status).want(http.StatusOK).text("items.0.id"), http.StatusOK)
	}
	entries := w.as("admin").get("/audit?tenantId=acme&limit=200").want(http.StatusOK)
	var list struct{ Items []struct{ ID string } }
	entries.into(&list)
	for _, e := range list.Items {
		w.page("/audit/"+e.ID, http.StatusOK)
	}
}
