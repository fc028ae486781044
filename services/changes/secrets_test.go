package changes_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/definitions"
)

// secretive makes the key a secret of a layer that has no value of it yet.
func (h *house) secretive(layer, key string) {
	h.t.Helper()
	_, err := h.Define(h.as("author"), definitions.In{TenantID: layer, Key: key, Type: models.TypeString, Sensitive: true})
	h.must(err)
}

// nowhere fails the test if any row of the database holds the text, in any column.
func (h *house) nowhere(text string) {
	h.t.Helper()
	var tables []string
	h.d.Scan(h.t, `SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'`, nil, &tables)
	for _, table := range tables {
		if n := h.count(`SELECT count(*) FROM "`+table+`" t WHERE t::text LIKE '%' || $1 || '%'`, text); n != 0 {
			h.t.Errorf("%d rows of %s hold %s", n, table, text)
		}
	}
}

// commitments are those of a key's versions and items on a tenant, each once.
func (h *house) commitments(tenant, key string) (out []string) {
	h.t.Helper()
	h.d.Scan(h.t, `
		SELECT coalesce(array_agg(DISTINCT split_part(value, ':', 3)), '{}') FROM (
		  SELECT v.value FROM config_versions v JOIN configs c ON c.tenant_id = v.tenant_id AND c.id = v.config_id WHERE c.tenant_id = $1 AND c.key = $2
		  UNION ALL SELECT value FROM change_items WHERE tenant_id = $1 AND key = $2 AND op = 'set') t`, []any{tenant, key}, &out)
	return out
}

func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.secretive("acme", "token")
	config := h.set("author", "acme", "QA", "token", `"canary-1"`).Config
	if config.Value != models.Masked || !config.Sensitive {
		t.Errorf("who wrote it is shown %s", config.Value)
	}
	if _, err := h.Update(h.as("author"), changes.Update{ConfigID: config.ID, Value: `"canary-2"`}); err != nil {
		t.Error(err)
	}
	h.pass(h.waits("author", "acme", "Production", set("token", `"canary-3"`)))
	waits := h.waits("author", "acme", "Production", set("token", `"canary-4"`))
	if i := waits.Items[0]; i.Value != models.Masked || i.Previous != models.Masked || i.Clear.Reveal() != "" {
		t.Errorf("%+v", i)
	}
	_, err := h.Decide(h.as("engineer"), changes.Decide{ChangeID: waits.ID, Verdict: models.Approve, Digest: waits.Digest, Comment: "fine"})
	h.must(err)
	h.did("acme", "QA", op("token", models.OpLock))
	_, err = h.submit("author", "acme", "QA", set("token", "5"))
	h.want(err, models.CodeInvalid)
	h.did("acme", "QA", op("token", models.OpDelete))
	h.nowhere("canary")
	h.reads("acme", "Production", "token", "")
	got, err := h.resolved("acme", "Production", true)
	h.must(err)
	if got["token"] != `"canary-3"` {
		t.Errorf("who may read it reads %s", got["token"])
	}
	var logged, committed int
	h.d.Scan(t, `SELECT count(*), count(*) FILTER (WHERE coalesce(after, before) LIKE '%"commitment":"%' AND coalesce(after, before) LIKE '%"value":"********"%')
		FROM audit_entries WHERE tenant_id = 'acme' AND action LIKE 'config.%'`, nil, &logged, &committed)
	if logged != 5 || committed != 5 {
		t.Errorf("%d entries, %d with a commitment", logged, committed)
	}
}

// One value is one commitment, wherever it is kept; another, or another tenant's, is another.
func TestCommitments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, layer := range []string{"acme", "globex"} {
		h.secretive(layer, "token")
		h.secretive(layer, "other")
		h.did(layer, "QA", set("token", `"same"`), set("other", `"same"`))
		h.did(layer, "Development", set("token", `"same"`))
		h.did(layer, "QA", set("token", `"same"`))
	}
	seen := map[string]bool{}
	for _, layer := range []string{"acme", "globex"} {
		for _, key := range []string{"token", "other"} {
			got := h.commitments(layer, key)
			if len(got) != 1 || len(got[0]) != 64 || seen[got[0]] {
				t.Errorf("%s of %s has %v", key, layer, got)
			}
			seen[got[0]] = true
		}
	}
	if ids := h.count(`SELECT count(DISTINCT id) FROM sealed_values`); ids != 8 {
		t.Errorf("%d values are sealed", ids)
	}

	// A digest holds what is due and no more.
	draft := func(v models.Value) string {
		c, err := h.submit("author", "acme", "Production", set("token", v))
		h.must(err)
		return c.ID + " " + c.Digest
	}
	if one, two := draft(`"a"`), draft(`"b"`); strings.Split(one, " ")[1] == strings.Split(two, " ")[1] {
		t.Error("two secrets have one digest")
	}
}

// Who edits a change that waits is shown a mask, and gives it back.
func TestEditWithTheMask(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.secretive("acme", "token")
	waits := h.waits("author", "acme", "Production", set("token", `"first"`), set("beside", "1"))
	revise := func(items ...changes.Edit) models.Change {
		t.Helper()
		c, err := h.Revise(h.as("author"), changes.Revise{ChangeID: waits.ID, Items: items})
		h.must(err)
		return c
	}
	kept := revise(set("token", models.Masked), set("beside", "2"))
	if len(h.commitments("acme", "token")) != 1 || h.count(`SELECT count(*) FROM sealed_values`) != 1 {
		t.Error("the mask was sealed")
	}
	if again := revise(set("token", `"first"`), set("beside", "2")); again.Digest != kept.Digest {
		t.Error("the same value is another digest")
	}
	if other := revise(set("token", `"second"`), set("beside", "2")); other.Digest == kept.Digest {
		t.Error("another value is the same digest")
	}
	rebased, err := h.Rebase(h.as("author"), waits.ID, "")
	h.must(err)
	h.pass(rebased)
	got, err := h.resolved("acme", "Production", true)
	h.must(err)
	if got["token"] != `"second"` || got["beside"] != "2" {
		t.Errorf("%v", got)
	}

	refuse := func(name string, err error) {
		t.Helper()
		if codeOf(err) != models.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = h.submit("author", "acme", "QA", set("token", models.Masked))
	refuse("a mask as a value", err)
	_, err = h.submit("author", "acme", "QA", changes.Edit{Key: "new", Op: models.OpSet, Value: models.Masked, Definition: &models.Defines{Sensitive: true}})
	refuse("a mask as a first value", err)
	h.secretive("acme", "third")
	waits = h.waits("author", "acme", "Production", set("token", `"x"`))
	_, err = h.Revise(h.as("author"), changes.Revise{ChangeID: waits.ID, Items: []changes.Edit{set("third", models.Masked)}})
	refuse("the mask of another key", err)
}

// What is promoted or led back is the sealed value itself; it is never opened for that and sealed anew.
func TestSecretsMove(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.secretive("acme", "token")
	config := h.set("author", "acme", "QA", "token", `"one"`).Config
	var first string
	h.d.Scan(t, `SELECT value FROM config_versions WHERE config_id = $1`, []any{config.ID}, &first)
	promoted, err := h.Promote(h.as("author"), changes.Promote{ConfigID: config.ID, Target: "Staging"})
	h.must(err)
	h.must(errOf(h.Update(h.as("author"), changes.Update{ConfigID: config.ID, Value: `"two"`})))
	back, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config.ID, ToVersion: 1})
	h.must(err)
	if !back.Live() || back.Config.Value != models.Masked {
		t.Errorf("%+v", back)
	}
	for id, version := range map[string]int{promoted.Config.ID: 1, config.ID: 3} {
		var got string
		h.d.Scan(t, `SELECT value FROM config_versions WHERE config_id = $1 AND version = $2`, []any{id, version}, &got)
		if got != first {
			t.Errorf("it became %s", got)
		}
	}
	for _, environment := range []string{"QA", "Staging"} {
		got, err := h.resolved("acme", environment, true)
		h.must(err)
		if got["token"] != `"one"` {
			t.Errorf("%s reads %s", environment, got["token"])
		}
	}
	h.nowhere(`"one"`)

	// The rule of promotion holds commitments against each other.
	h.d.Admin(t, `UPDATE policies SET require_previous = true WHERE environment = 'Staging'`)
	for v, want := range map[models.Value]models.Code{`"one"`: "", `"three"`: models.CodeConflict} {
		_, err := h.submit("author", "acme", "Staging", set("token", v))
		if codeOf(err) != want {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// A key becomes a secret, with all that was ever stored of it, and none again.
func TestBecomesASecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("owner", models.RoleTenantAdmin, "acme")
	h.told()
	config := h.set("author", "acme", "QA", "token", `"canary-old"`).Config
	h.must(errOf(h.Update(h.as("author"), changes.Update{ConfigID: config.ID, Value: `"canary-new"`})))
	h.did("globex", "QA", set("token", `"canary-other"`))
	waits := h.waits("author", "acme", "Production", set("token", `"canary-waits"`))
	head := h.d.Head(t, "globex", "QA").Revision
	h.did(models.Platform, "QA", define("token", models.Defines{Type: models.TypeString, Sensitive: true}))
	for _, table := range []string{"config_versions", "change_items"} {
		if n := h.count(`SELECT count(*) FROM ` + table + ` t WHERE t::text LIKE '%canary%'`); n != 0 {
			t.Errorf("%d rows of %s hold it in clear", n, table)
		}
	}
	if h.d.Head(t, "globex", "QA").Revision <= head {
		t.Error("the head of a layer below did not move")
	}
	h.reads("acme", "QA", "token", "")
	versions, err := h.configs.Versions(h.as("viewer"), config.ID, models.Page{Limit: 10})
	h.must(err)
	for _, v := range versions.Items {
		if v.Value != models.Masked {
			t.Errorf("version %d shows %s", v.Number, v.Value)
		}
	}
	for tenant, want := range map[string]models.Value{"acme": `"canary-new"`, "globex": `"canary-other"`} {
		got, err := h.resolved(tenant, "QA", true)
		h.must(err)
		if got["token"] != want {
			t.Errorf("%s reads %s, want %s", tenant, got["token"], want)
		}
	}
	h.refusedLast(waits, models.CodeConflict)

	// Making it readable again is a reveal, and a change where it moves what is live.
	open := define("token", models.Defines{Type: models.TypeString})
	_, err = h.submit("author", models.Platform, "QA", open)
	h.want(err, models.CodeForbidden)
	_, err = h.Redefine(h.as("author"), models.Platform, "token", definitions.Patch{Sensitive: new(false)}, "")
	h.want(err, models.CodeForbidden)
	_, err = h.submit("owner", models.Platform, "QA", open)
	h.want(err, models.CodeNotFound)
	for _, who := range []string{"acme", "globex"} { // first values had made definitions, which are no secrets
		if h.defined(who, "token").TenantID != models.Platform {
			t.Error("the topmost definition does not count")
		}
	}
	_, err = h.submit("admin", models.Platform, "QA", open)
	h.must(err)
	if n := h.count(`SELECT count(*) FROM config_versions WHERE value LIKE 'sealed:%'`); n != 0 {
		t.Errorf("%d versions are still sealed", n)
	}
	h.reads("acme", "QA", "token", `"canary-new"`)
	if got := h.actions(models.Platform); got["secret.uncover"] != 1 || got["definition.update"] != 1 {
		t.Errorf("entries %v", got)
	}
	anew, err := h.Rebase(h.as("author"), waits.ID, "")
	h.must(err)
	h.pass(anew)
	h.reads("acme", "Production", "token", `"canary-waits"`)
	h.sound()
}

// An edit, or an approval by others, does not lend the right to reveal.
func TestUncoverWho(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("owner", models.RoleTenantAdmin, "acme")
	h.told()
	h.secretive("acme", "token")
	h.pass(h.waits("author", "acme", "Production", set("token", `"geheim"`)))
	open := define("token", models.Defines{Type: models.TypeString})
	for name, tt := range map[string]struct {
		by   context.Context
		want models.Code
	}{
		"engineer":     {h.as("author"), models.CodeForbidden},
		"viewer":       {h.as("viewer"), models.CodeForbidden},
		"other tenant": {h.as("outsider"), models.CodeNotFound},
		"nobody":       {t.Context(), models.CodeUnauthenticated},
	} {
		for _, draft := range []bool{false, true} {
			_, err := h.Submit(tt.by, changes.Draft{
				TenantID: "acme", Environment: "Production", Items: []changes.Edit{open}, Draft: draft, Pointer: changes.ItemPointer,
			})
			if codeOf(err) != tt.want {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
	}
	waits := h.waits("author", "acme", "Production", set("beside", "1"))
	_, err := h.Revise(h.as("author"), changes.Revise{ChangeID: waits.ID, Items: []changes.Edit{open}})
	h.want(err, models.CodeForbidden)
	draft, err := h.Submit(h.as("owner"), changes.Draft{
		TenantID: "acme", Environment: "Production", Items: []changes.Edit{open}, Draft: true, Pointer: changes.ItemPointer,
	})
	h.must(err)
	_, err = h.SubmitDraft(h.as("author"), draft.Change.ID, "") // the owner only kept it
	h.want(err, models.CodeForbidden)
	c, err := h.SubmitDraft(h.as("owner"), draft.Change.ID, "")
	h.must(err)
	h.reads("acme", "Production", "token", "")
	h.pass(c)
	h.reads("acme", "Production", "token", `"geheim"`)
	if got := h.actions("acme"); got["secret.uncover"] != 1 {
		t.Errorf("entries %v", got)
	}
}

// The application's own role cannot write another value into a version.
func TestVersionsStay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.secretive("acme", "token")
	h.did("acme", "QA", set("k", "1"), set("token", `"x"`))
	conn := h.d.Connect(t, h.d.URL)
	if _, err := conn.Exec(t.Context(), `SELECT set_config('app.tenants', '*', false)`); err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"another value":      `UPDATE config_versions SET value = '2' WHERE value = '1'`,
		"another secret":     `UPDATE config_versions SET value = 'sealed:00000000-0000-4000-8000-000000000000:c' WHERE value LIKE 'sealed:%'`,
		"no value":           `UPDATE config_versions SET value = '' WHERE value = '1'`,
		"another beginning":  `UPDATE config_versions SET live_from = live_from - interval '1 hour'`,
		"another lock":       `UPDATE config_versions SET locked = true`,
		"another author":     `UPDATE config_versions SET author = 'person:x'`,
		"no version":         `DELETE FROM config_versions`,
		"no secret":          `DELETE FROM sealed_values`,
		"no definition then": `DELETE FROM definition_versions`,
	} {
		_, err := conn.Exec(t.Context(), sql)
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "23001" && pg.Code != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := h.count(`SELECT count(*) FROM config_versions WHERE value = '1' AND NOT locked`); n != 1 {
		t.Error("a version moved")
	}
}

// What explains a value names no secret that it hides, nor those of other tenants.
func TestExplainHidesSecrets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.secretive(models.Platform, "token")
	h.did(models.Platform, "QA", set("token", `"canary-above"`))
	h.did("acme", "QA", set("token", `"canary-below"`))
	for _, lock := range []bool{false, true} {
		if lock {
			h.did(models.Platform, "QA", op("token", models.OpLock))
		}
		e, err := h.configs.Explain(h.as("viewer"), configs.ExplainIn{TenantID: "acme", Environment: "QA", Key: "token"})
		h.must(err)
		if !e.Masked || e.Value != models.Masked || len(e.Hides) != 1 || e.Hides[0].Value != models.Masked {
			t.Errorf("%+v", e)
		}
		got, err := h.resolved("acme", "QA", true)
		h.must(err)
		if want := map[bool]models.Value{false: `"canary-below"`, true: `"canary-above"`}[lock]; got["token"] != want {
			t.Errorf("locked %t: reads %s", lock, got["token"])
		}
	}
}
