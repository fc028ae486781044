package changes_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// queue reads a whole queue, two at a time, as "key why" in its order.
func (h *house) queue(ctx context.Context, kind changes.QueueKind) (out []string) {
	h.t.Helper()
	page := models.Page{Limit: 2}
	for {
		got, err := h.Queue(ctx, kind, page)
		h.must(err)
		if len(got.Items) > page.Limit {
			h.t.Fatalf("%d items on a page", len(got.Items))
		}
		for _, q := range got.Items {
			text := q.Change.Items[0].Key
			if q.Why != "" {
				text += " " + string(q.Why)
			}
			if q.Decision != nil {
				text += " " + string(q.Decision.Verdict)
			}
			out = append(out, text)
		}
		if page.Cursor = got.Next; got.Next == "" {
			return out
		}
	}
}

func TestQueues(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var all []models.Change
	for i, tenant := range []string{"acme", "acme", "acme", "globex", "@tier.free"} {
		all = append(all, h.set("author", tenant, "Production", fmt.Sprintf("k%d", i), "1").Change)
	}
	h.set("author", "acme", "QA", "direct", "1")
	_, err := h.approve("engineer", all[2])
	h.must(err)
	_, err = h.Decide(h.as("engineer"), changes.Decide{ChangeID: all[0].ID, Verdict: models.Reject, Digest: all[0].Digest})
	h.must(err)

	service := models.WithActor(t.Context(), models.Actor{
		ActorRef: models.ActorRef{ID: "hs", Kind: models.ActorService},
		Grants:   []models.Grant{{Role: models.RoleEngineer, Tenant: models.Platform}},
	})
	for name, tt := range map[string]struct {
		by                    context.Context
		mine, others, decided []string
	}{
		"author":   {h.as("author"), nil, []string{"k4 author", "k3 author", "k2 author", "k1 author"}, nil},
		"engineer": {h.as("engineer"), []string{"k4", "k3", "k1"}, []string{"k2 decided"}, []string{"k0 reject", "k2 approve"}},
		"manager":  {h.as("manager"), []string{"k2"}, []string{"k4 role", "k3 role", "k1 role"}, nil},
		"viewer":   {h.as("viewer"), nil, []string{"k4 role", "k3 role", "k2 role", "k1 role"}, nil},
		"outsider": {h.as("outsider"), []string{"k3"}, nil, nil},
		"service":  {service, nil, []string{"k4 service", "k3 service", "k2 service", "k1 service"}, nil},
	} {
		got := [][]string{h.queue(tt.by, changes.QueueMine), h.queue(tt.by, changes.QueueOthers), h.queue(tt.by, changes.QueueDecided)}
		if diff := cmp.Diff([][]string{tt.mine, tt.others, tt.decided}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, kind := range []changes.QueueKind{changes.QueueMine, changes.QueueOthers, changes.QueueDecided} {
		_, err := h.Queue(t.Context(), kind, models.Page{Limit: 2})
		h.want(err, models.CodeUnauthenticated)
		_, err = h.Queue(h.as("viewer"), kind, models.Page{Limit: 2, Cursor: "x"})
		h.want(err, models.CodeInvalid)
	}
	_, err = h.Queue(h.as("viewer"), "lost", models.Page{Limit: 2})
	h.want(err, models.CodeInvalid)
}

// A change that somebody decided twice, for it was edited in between, stands once in the queue, with the newest.
// Who lost a tenant no longer sees what they decided there.
func TestDecidedQueue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person("guest", models.RoleEngineer, "acme")
	h.told()
	first := h.set("author", "acme", "Production", "first", "1").Change
	_, err := h.approve("guest", first)
	h.must(err)
	second := h.set("author", "acme", "Production", "second", "1").Change
	_, err = h.approve("guest", second)
	h.must(err)
	title := "Another"
	first, err = h.Revise(h.as("author"), changes.Revise{ChangeID: first.ID, Title: &title})
	h.must(err)
	if got := h.queue(h.as("guest"), changes.QueueMine); !slices.Equal(got, []string{"first"}) {
		t.Errorf("an edited change is to be decided anew: %v", got)
	}
	_, err = h.Decide(h.as("guest"), changes.Decide{ChangeID: first.ID, Verdict: models.Reject, Digest: first.Digest})
	h.must(err)
	if got := h.queue(h.as("guest"), changes.QueueDecided); !slices.Equal(got, []string{"first reject", "second approve"}) {
		t.Error(got)
	}
	h.d.Admin(t, `UPDATE role_bindings SET tenant_id = 'globex' WHERE subject = $1`, h.people["guest"])
	h.told()
	if got := h.queue(h.as("guest"), changes.QueueDecided); got != nil {
		t.Errorf("still sees %v", got)
	}
}

// Secrets are masked in every queue.
func TestQueuesMask(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.d.Define(t, "acme", "password", models.TypeString, true)
	c := h.set("author", "acme", "Production", "password", `"hush"`).Change
	look := func(who string, kind changes.QueueKind) {
		t.Helper()
		got, err := h.Queue(h.as(who), kind, models.Page{Limit: 2})
		h.must(err)
		if len(got.Items) != 1 || got.Items[0].Change.Items[0].Value != models.Masked {
			t.Errorf("%s of %s: %+v", kind, who, got.Items)
		}
	}
	look("engineer", changes.QueueMine)
	look("viewer", changes.QueueOthers)
	_, err := h.approve("engineer", c)
	h.must(err)
	look("engineer", changes.QueueDecided)
}

func TestFilterByAuthorAndOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "acme", "QA", "deployed", "1")
	h.set("author", "acme", "Production", "pending", "1")
	h.set("engineer", "globex", "Production", "other", "1")
	_, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "initech", Environment: "QA", Origin: models.OriginEdit, Pointer: changes.ItemPointer, Draft: true,
		Items: []changes.Edit{{Key: "draft", Op: models.OpSet, Value: "1"}},
	})
	h.must(err)
	gone := h.set("author", "acme", "Production", "cancelled", "1").Change
	_, err = h.Cancel(h.as("author"), gone.ID, "")
	h.must(err)
	lapsed := h.set("author", "acme", "Production", "lapsed", "1").Change
	h.d.Admin(t, `UPDATE changes SET expires_at = now() - interval '1 second' WHERE id = $1`, lapsed.ID)

	byKey := h.set("engineer", "initech", "Staging", "by-key", "1").Change
	h.d.Admin(t, `UPDATE changes SET author = 'service:k1' WHERE id = $1`, byKey.ID)

	me := h.people["author"]
	keys := func(who string, f changes.Filter) (out []string) {
		t.Helper()
		for f.Page.Limit = 1; ; {
			got, err := h.List(h.as(who), f)
			h.must(err)
			for _, c := range got.Items {
				out = append(out, c.Items[0].Key)
			}
			if f.Page.Cursor = got.Next; got.Next == "" {
				return out
			}
		}
	}
	for name, tt := range map[string]struct {
		who    string
		filter changes.Filter
		want   []string
	}{
		"mine":              {"author", changes.Filter{Author: me}, []string{"lapsed", "cancelled", "draft", "pending", "deployed"}},
		"open":              {"author", changes.Filter{Open: true}, []string{"draft", "other", "pending"}},
		"my open ones":      {"author", changes.Filter{Author: me, Open: true}, []string{"draft", "pending"}},
		"open of a tenant":  {"viewer", changes.Filter{TenantID: "globex", Open: true}, []string{"other"}},
		"open and deployed": {"viewer", changes.Filter{Status: models.ChangeDeployed, Open: true}, nil},
		"of an outsider":    {"outsider", changes.Filter{Open: true}, []string{"other"}},
		"not theirs":        {"outsider", changes.Filter{Author: me}, nil},
		"a service's":       {"viewer", changes.Filter{Author: "k1"}, []string{"by-key"}},
		"nobody's":          {"viewer", changes.Filter{Author: "nobody"}, nil},
	} {
		if got := keys(tt.who, tt.filter); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	_, err = h.List(h.as("viewer"), changes.Filter{Author: "\x00", Page: models.Page{Limit: 1}})
	h.want(err, models.CodeInvalid)
	first, err := h.List(h.as("viewer"), changes.Filter{Author: me, Page: models.Page{Limit: 1}})
	h.must(err)
	_, err = h.List(h.as("viewer"), changes.Filter{Author: me, Open: true, Page: models.Page{Limit: 1, Cursor: first.Next}})
	h.want(err, models.CodeInvalid)
}

func TestMay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pending := h.set("author", "acme", "Production", "k", "1").Change
	deployed := h.set("author", "acme", "QA", "k", "1").Change
	out, err := h.Submit(h.as("author"), changes.Draft{
		TenantID: "acme", Environment: "QA", Origin: models.OriginEdit, Pointer: changes.ItemPointer, Draft: true,
		Items: []changes.Edit{{Key: "d", Op: models.OpSet, Value: "1"}},
	})
	h.must(err)
	draft := out.Change
	const no, late = models.CodeForbidden, models.CodeConflict
	for name, tt := range map[string]struct {
		who                          string
		change                       models.Change
		barrier                      models.Barrier
		decide, edit, cancel, submit models.Code
	}{
		"engineer":           {"engineer", pending, "", "", "", "", late},
		"author":             {"author", pending, models.BarrierAuthor, no, "", "", late},
		"manager":            {"manager", pending, models.BarrierRole, no, no, no, no},
		"viewer":             {"viewer", pending, models.BarrierRole, no, no, no, no},
		"engineer, deployed": {"engineer", deployed, models.BarrierStatus, late, late, late, late},
		"engineer, draft":    {"engineer", draft, models.BarrierStatus, late, "", "", ""},
		"author, draft":      {"author", draft, models.BarrierAuthor, no, "", "", ""},
		"viewer, draft":      {"viewer", draft, models.BarrierStatus, late, no, no, no},
	} {
		may, err := h.May(h.as(tt.who), tt.change)
		h.must(err)
		got := []models.Code{codeOf(may.Decide), codeOf(may.Edit), codeOf(may.Cancel), codeOf(may.Submit)}
		if want := []models.Code{tt.decide, tt.edit, tt.cancel, tt.submit}; may.Barrier != tt.barrier || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v, want %q %v", name, may.Barrier, got, tt.barrier, want)
		}
	}
	_, err = h.May(t.Context(), pending)
	h.want(err, models.CodeUnauthenticated)
	_, err = h.May(h.as("outsider"), pending)
	h.want(err, models.CodeNotFound)

	h.ahead.Store(int64(8 * 24 * time.Hour))
	may, err := h.May(h.as("engineer"), pending)
	h.must(err)
	if may.Barrier != models.BarrierExpired || codeOf(may.Decide) != late || codeOf(may.Edit) != late {
		t.Errorf("%+v", may)
	}
}

// What May says is what the calls answer.
func TestMayTellsTheTruth(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, who := range []string{"author", "engineer", "manager", "compliance", "viewer", "admin"} {
		c := h.set("author", "acme", "Production", "k-"+who, "1").Change
		may, err := h.May(h.as(who), c)
		h.must(err)
		_, err = h.approve(who, c)
		if fmt.Sprint(err) != fmt.Sprint(may.Decide) {
			t.Errorf("%s decides: %v, foretold %v", who, err, may.Decide)
		}
		_, err = h.Cancel(h.as(who), c.ID, "")
		if fmt.Sprint(err) != fmt.Sprint(may.Cancel) {
			t.Errorf("%s cancels: %v, foretold %v", who, err, may.Cancel)
		}
	}
}

// Lists by author, of open changes and of one's decisions are read by an index, in their order.
func TestQueuesByIndex(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 2 {
		c := h.set("author", "acme", "Production", "k", "1").Change
		_, err := h.approve("engineer", c)
		h.must(err)
	}
	h.d.Admin(t, `
		INSERT INTO changes (tenant_id, id, environment, title, origin, author, status, digest, strategy, created_at, updated_at)
		SELECT 'globex', gen_random_uuid(), 'QA', 'seeded', 'edit', 'person:' || i % 100, 'deployed', repeat('0', 64), '{}',
			now() - i * interval '1 minute', now() FROM generate_series(1, 5000) i`)
	h.d.Admin(t, `
		INSERT INTO decisions (tenant_id, id, change_id, stage, person_id, decision, digest, at)
		SELECT c.tenant_id, gen_random_uuid(), c.id, 's', p.id, 'approve', c.digest, c.created_at
		FROM (SELECT *, row_number() OVER () AS n FROM changes WHERE tenant_id = 'globex') c
		JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM people) p ON p.n = 1 + c.n % 7`)
	h.d.Admin(t, `ANALYZE changes, decisions, change_items, deployments`)
	one := models.Page{Limit: 1}
	for _, f := range []changes.Filter{{Author: h.people["author"]}, {Open: true}} {
		f.Page = one
		first, err := h.List(h.as("viewer"), f)
		h.must(err)
		f.Page.Cursor = first.Next
		_, err = h.List(h.as("viewer"), f)
		h.must(err)
	}
	first, err := h.Queue(h.as("engineer"), changes.QueueDecided, one)
	h.must(err)
	_, err = h.Queue(h.as("engineer"), changes.QueueDecided, models.Page{Limit: 1, Cursor: first.Next})
	h.must(err)
	for text, index := range map[string]string{
		"c.author =": "changes_author", "c.status IN ('draft'": "changes_open", "AS mine": "decisions_at",
	} {
		plans := h.d.Plans(t, models.ScopeAll, text)
		for sql, plan := range plans {
			if !strings.Contains(plan, index) || strings.Contains(plan, "Seq Scan on changes") ||
				strings.Contains(plan, "Seq Scan on decisions") || !strings.Contains(plan, "decisions_change") {
				t.Errorf("%s\n%s", sql, plan)
			}
		}
		if len(plans) != 2 {
			t.Errorf("%d statements with %s", len(plans), text)
		}
	}
}
