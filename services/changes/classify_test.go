package changes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// shown are the values of a change by key.
func shown(c models.Change) map[string]models.Value {
	out := map[string]models.Value{}
	for _, i := range c.Items {
		out[i.Key] = i.Value
	}
	return out
}

// propose writes a change for Production that waits and sets every key to "geheim".
func (h *house) propose(tenant string, keys ...string) models.Change {
	h.t.Helper()
	d := changes.Draft{TenantID: tenant, Environment: "Production", Origin: models.OriginEdit, Pointer: changes.ItemPointer}
	for _, key := range keys {
		d.Items = append(d.Items, changes.Edit{Key: key, Op: models.OpSet, Value: `"geheim"`})
	}
	out, err := h.Submit(h.as("author"), d)
	h.must(err)
	return out.Change
}

// secretKeys are what the tests define after the changes were written.
var secretKeys = []string{"own", "tier", "platform", "free", "globex", "plain"}

// seal makes keys sensitive on one layer each; "plain" is defined, but no secret.
func (h *house) seal() {
	h.t.Helper()
	for key, layer := range map[string]string{
		"own": "acme", "tier": "@tier.enterprise", "platform": models.Platform, "free": "@tier.free", "globex": "globex",
	} {
		h.d.Define(h.t, layer, key, models.TypeString, true)
	}
	h.d.Define(h.t, models.Platform, "plain", models.TypeString, false)
}

// sealed is what people see of a change of those keys, of which some are secrets on the chain.
func sealed(hidden ...string) map[string]models.Value {
	out := map[string]models.Value{}
	for _, key := range secretKeys {
		out[key] = `"geheim"`
	}
	for _, key := range hidden {
		out[key] = models.Masked
	}
	return out
}

// limited makes an engineer of two tenants, who sees no layer above them.
func (h *house) limited(name string) {
	h.t.Helper()
	h.person(name, models.RoleEngineer, "acme")
	h.d.Admin(h.t, `INSERT INTO role_bindings (tenant_id, id, role, subject_kind, subject, created_by, created_at)
		VALUES ('initech', gen_random_uuid(), 'engineer', 'person', $1, 'system:test', now())`, h.people[name])
	h.told()
}

// A key that became a secret after a change was written is hidden by every reader, for who sees the layers above and
// for who does not.
func TestSecretsOfToday(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.limited("insider")
	acme, initech := h.propose("acme", secretKeys...), h.propose("initech", secretKeys...)
	h.seal()
	want := map[string]map[string]models.Value{
		acme.ID: sealed("own", "tier", "platform"), initech.ID: sealed("platform", "free"),
	}
	check := func(reader string, list ...models.Change) {
		t.Helper()
		if len(list) == 0 {
			t.Errorf("%s shows nothing", reader)
		}
		for _, c := range list {
			if diff := cmp.Diff(want[c.ID], shown(c)); diff != "" {
				t.Errorf("%s of a change of %s: %s", reader, c.TenantID, diff)
			}
		}
	}
	read := func(who string, kinds ...changes.QueueKind) {
		t.Helper()
		for _, c := range []models.Change{acme, initech} {
			got, err := h.Get(h.as(who), c.ID)
			h.must(err)
			check(who+": get", got)
		}
		list, err := h.List(h.as(who), changes.Filter{Page: models.Page{Limit: 10}})
		h.must(err)
		check(who+": list", list.Items...)
		for _, kind := range kinds {
			queue, err := h.Queue(h.as(who), kind, models.Page{Limit: 10})
			h.must(err)
			if len(queue.Items) == 0 {
				t.Errorf("%s has nothing in the queue %s", who, kind)
			}
			for _, q := range queue.Items {
				check(who+": queue "+string(kind), q.Change)
			}
		}
	}
	for _, who := range []string{"insider", "engineer"} {
		read(who, changes.QueueMine)
	}
	for _, who := range []string{"manager", "author"} {
		read(who, changes.QueueOthers)
	}
	for _, c := range []models.Change{acme, initech} {
		got, err := h.approve("insider", c)
		h.must(err)
		check("decide", got)
	}
	read("insider", changes.QueueOthers, changes.QueueDecided)
	read("manager", changes.QueueMine)

	title := "Another"
	got, err := h.Revise(h.as("author"), changes.Revise{ChangeID: acme.ID, Title: &title})
	h.must(err)
	check("revise", got)
	got, err = h.Cancel(h.as("insider"), acme.ID, "")
	h.must(err)
	check("cancel", got)
	read("viewer")
}

// What an old change replaced is hidden as well, and no other value than that of the secret.
func TestSecretsOfTodayInOldChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.limited("insider")
	h.set("author", "acme", "QA", "k", `"old"`)
	h.set("author", "acme", "QA", "other", `"seen"`)
	c := h.set("author", "acme", "QA", "k", `"new"`).Change
	gone, err := h.Set(h.as("author"), changes.Set{TenantID: "acme", Environment: "Production", Key: "k", Value: `"later"`})
	h.must(err)
	_, err = h.Cancel(h.as("author"), gone.Change.ID, "")
	h.must(err)
	h.d.Admin(t, `UPDATE definitions SET sensitive = true WHERE tenant_id = 'acme' AND key = 'k'`)
	got, err := h.Get(h.as("insider"), c.ID)
	h.must(err)
	if i := got.Items[0]; !i.Sensitive || i.Value != models.Masked || i.Previous != models.Masked {
		t.Errorf("%+v", i)
	}
	list, err := h.List(h.as("insider"), changes.Filter{TenantID: "acme", Page: models.Page{Limit: 10}})
	h.must(err)
	if len(list.Items) != 4 {
		t.Errorf("%d changes", len(list.Items))
	}
	for _, c := range list.Items {
		want := models.Masked
		if c.Items[0].Key == "other" {
			want = `"seen"`
		}
		if c.Items[0].Value != want {
			t.Errorf("%s shows %s", c.Title, c.Items[0].Value)
		}
	}
}

func TestCountOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("qa only", models.RoleViewer, "acme")
	h.d.Admin(t, `UPDATE role_bindings SET environment = 'QA' WHERE subject = $1`, h.people["qa only"])
	h.told()
	count := func(who, tenant string, want int) {
		t.Helper()
		if n, err := h.CountOpen(h.as(who), tenant); err != nil || n != want {
			t.Errorf("%s counts %d of %s (%v), want %d", who, n, tenant, err, want)
		}
	}
	count("viewer", "acme", 0)
	h.propose("acme", "a")
	ends := h.propose("acme", "b")
	h.propose("globex", "a")
	h.set("author", "acme", "QA", "live", "1")
	_, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "acme", Environment: "QA", Draft: true, Origin: models.OriginEdit, Pointer: changes.ItemPointer,
		Items: []changes.Edit{{Key: "a", Op: models.OpSet, Value: "1"}},
	})
	h.must(err)
	count("viewer", "acme", 3)
	count("outsider", "globex", 1)
	count("qa only", "acme", 1)
	_, err = h.Cancel(h.as("author"), ends.ID, "")
	h.must(err)
	count("viewer", "acme", 2)
	h.ahead.Store(int64(31 * 24 * 3600e9))
	count("viewer", "acme", 1) // what waited has lapsed; the draft has not

	_, err = h.CountOpen(h.as("outsider"), "acme")
	h.want(err, models.CodeNotFound)
	_, err = h.CountOpen(t.Context(), "acme")
	h.want(err, models.CodeUnauthenticated)
}

// Who acts on a change as it was shown to them does nothing to another.
func TestActsOnWhatWasShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	out, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "acme", Environment: "Production", Draft: true, Origin: models.OriginEdit, Pointer: changes.ItemPointer,
		Items: []changes.Edit{{Key: "k", Op: models.OpSet, Value: "1"}},
	})
	h.must(err)
	read := out.Change
	title := "Another"
	moved := func() models.Change {
		t.Helper()
		title += "!"
		c, err := h.Revise(h.as("author"), changes.Revise{ChangeID: read.ID, Title: &title})
		h.must(err)
		return c
	}
	draft := moved()
	_, err = h.SubmitDraft(h.as("author"), read.ID, read.Tag())
	h.want(err, models.CodePreconditionFailed)
	sent, err := h.SubmitDraft(h.as("author"), read.ID, draft.Tag())
	h.must(err)
	_, err = h.Rebase(h.as("author"), read.ID, draft.Tag())
	h.want(err, models.CodePreconditionFailed)
	anew, err := h.Rebase(h.as("author"), read.ID, sent.Tag())
	h.must(err)
	last := moved()
	_, err = h.Cancel(h.as("author"), read.ID, anew.Tag())
	h.want(err, models.CodePreconditionFailed)
	if got, err := h.Get(h.as("viewer"), read.ID); err != nil || got.Status != models.ChangePending || got.Tag() != last.Tag() {
		t.Errorf("a refused act left %s (%v)", got.Status, err)
	}
	_, err = h.Cancel(h.as("author"), read.ID, last.Tag())
	h.must(err)
}
