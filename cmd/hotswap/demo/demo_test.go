package demo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/cmd/hotswap/demo"
	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/tenants"
)

// all is a page that holds every list of the demo.
func all() models.Page { return models.Page{Limit: models.MaxLimit} }

func TestSeed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	began := time.Now()
	node := h.seed()
	t.Logf("seeded in %s", time.Since(began).Round(time.Millisecond))
	wantTenants(t, h, node)
	wantKeys(t, h, node)
	wantValues(t, h)
	wantFakes(t, h, node)
	wantDrift(t, h, node)
	wantHistory(t, h)
	wantUndecided(t, h, node)

	made := h.outline()
	for _, reserved := range []string{"acme-corp", "feature.new_dashboard"} {
		if strings.Contains(made, reserved) {
			t.Errorf("the demo takes %s, which the quick start makes", reserved)
		}
	}
	h.seed()
	if diff := cmp.Diff(lines(made), lines(h.outline())); diff != "" {
		t.Errorf("a second start changed something (-before +after):\n%s", diff)
	}
}

func lines(outline string) []string { return strings.Split(outline, "\n") }

func wantTenants(t *testing.T, h *house, node *server.Server) {
	t.Helper()
	list, err := node.Tenants.List(h.as(node, "admin"), tenants.Filter{Page: all()})
	h.must(err)
	tiers := map[string]int{}
	for _, tenant := range list.Items {
		tiers[tenant.Tier]++
		metadata, _ := models.Value(tenant.Metadata).Members()
		if metadata["region"] == "" || metadata["contact"] == "" {
			t.Errorf("%s has the metadata %s", tenant.ID, tenant.Metadata)
		}
	}
	if diff := cmp.Diff(map[string]int{"Enterprise": 6, "Pro": 9, "Free": 9}, tiers); diff != "" {
		t.Errorf("tenants by tier:\n%s", diff)
	}
	first, err := node.Tenants.Get(h.as(node, "admin"), demo.FirstTenant)
	if err != nil || first.Tier != "Enterprise" {
		t.Errorf("the first tenant is %+v (%v)", first, err)
	}
}

// wantKeys looks for what somebody sees of the definitions.
func wantKeys(t *testing.T, h *house, node *server.Server) {
	t.Helper()
	list, err := node.Definitions.List(h.as(node, "engineer"), demo.FirstTenant, "", all())
	h.must(err)
	uses, types := map[string]int{}, map[models.ValueType]int{}
	var schemas, sensitive int
	for _, d := range list.Items {
		use, _, _ := strings.Cut(d.Key, ".")
		uses[use]++
		types[d.Type]++
		if d.Schema != "" {
			schemas++
		}
		if d.Sensitive {
			sensitive++
		}
		if d.Description == "" {
			t.Errorf("%s has no description", d.Key)
		}
	}
	if n := len(list.Items); n < 35 || n > 50 || len(uses) != 6 || len(types) != 4 || schemas < 20 || sensitive != 2 {
		t.Errorf("%d keys over %v of the types %v, %d with a schema, %d sensitive", n, uses, types, schemas, sensitive)
	}
	for use, n := range uses {
		if n < 5 {
			t.Errorf("only %d keys of %s", n, use)
		}
	}
	_, err = node.Definitions.Create(h.as(node, "engineer"), definitions.In{
		TenantID: demo.FirstTenant, Key: "integration.crm_token", Type: models.TypeString,
	})
	if known, ok := errors.AsType[*models.Error](err); !ok || known.Code != models.CodeInvalid {
		t.Errorf("the platform does not define the keys: %v", err)
	}
}

// wantValues looks at the layers, past all rules.
func wantValues(t *testing.T, h *house) {
	t.Helper()
	for _, layer := range []string{"@platform", "@tier.free", "@tier.pro", "@tier.enterprise", demo.FirstTenant} {
		n := h.count(`SELECT count(DISTINCT environment) FROM configs WHERE tenant_id = $1 AND live IS NOT NULL`, layer)
		if n != 4 {
			t.Errorf("%s has values in %d environments", layer, n)
		}
	}
	overriding := h.count(`SELECT count(DISTINCT tenant_id) FROM configs WHERE tenant_id NOT LIKE '@%' AND live IS NOT NULL`)
	if overriding < 8 {
		t.Errorf("only %d tenants override something", overriding)
	}
	if n := h.count(`SELECT count(*) FROM definitions d WHERE NOT EXISTS (SELECT FROM configs c WHERE c.key = d.key AND c.live IS NOT NULL)`); n > 0 {
		t.Errorf("%d keys have no value anywhere", n)
	}
	if n := h.count(`SELECT count(*) FROM definition_versions v JOIN definitions d ON d.key = v.key WHERE d.sensitive <> v.sensitive`); n > 0 {
		t.Errorf("%d keys became sensitive later", n)
	}
}

// wantFakes opens the sensitive values: all are sealed, and none looks like a real secret.
func wantFakes(t *testing.T, h *house, node *server.Server) {
	t.Helper()
	honest := h.count(`
		SELECT count(*) FROM config_versions v JOIN configs c ON c.tenant_id = v.tenant_id AND c.id = v.config_id
		JOIN definitions d ON d.key = c.key WHERE d.sensitive AND v.value NOT LIKE 'sealed:%'`)
	if honest > 0 {
		t.Errorf("%d values of sensitive keys are stored in clear", honest)
	}
	var ids []string
	h.db.Scan(t, `SELECT coalesce(array_agg(c.id::text), '{}') FROM configs c JOIN definitions d ON d.key = c.key
		WHERE d.sensitive AND c.live IS NOT NULL`, nil, &ids)
	if len(ids) == 0 {
		t.Error("nothing is sensitive")
	}
	for _, id := range ids {
		c, err := node.Configs.Reveal(h.as(node, "admin"), id)
		if err != nil || !strings.HasPrefix(string(c.Value), `"fake-`) {
			t.Errorf("%s of %s is not obviously fake (%v)", c.Key, c.TenantID, err)
		}
	}
}

// wantDrift compares what applications read in neighbouring environments.
func wantDrift(t *testing.T, h *house, node *server.Server) {
	t.Helper()
	var before map[string]models.Value
	for _, environment := range []string{"Development", "QA", "Staging", "Production"} {
		snapshot, err := node.Snapshots.Get(h.as(node, "admin"), snapshots.Ask{TenantID: demo.FirstTenant, Environment: environment, InClear: true})
		h.must(err)
		now, differ := map[string]models.Value{}, 0
		for _, e := range snapshot.Entries() {
			now[e.Key] = e.Value
			if before != nil && before[e.Key] != e.Value {
				differ++
			}
		}
		if len(now) < 35 {
			t.Errorf("%s: only %d keys", environment, len(now))
		}
		if before != nil && (differ < 3 || differ > len(now)/2) {
			t.Errorf("%s differs from the environment before in %d of %d keys", environment, differ, len(now))
		}
		before = now
	}
}

func wantHistory(t *testing.T, h *house) {
	t.Helper()
	long := h.text(`
		SELECT coalesce(string_agg(key || ' in ' || environment, ', '), '') FROM (
		  SELECT c.key, c.environment FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id
		  GROUP BY c.tenant_id, c.id, c.key, c.environment HAVING count(*) BETWEEN 3 AND 8 AND count(DISTINCT v.author) > 1) known`)
	if n := strings.Count(long, ","); n < 7 || !strings.Contains(long, "Production") || !strings.Contains(long, "Staging") {
		t.Errorf("keys with a history by several people: %s", long)
	}
	if n := h.count(`SELECT count(*) FROM changes WHERE reason = '' OR title = ''`); n > 0 {
		t.Errorf("%d changes have no reason", n)
	}
	unsigned := h.count(`
		SELECT count(*) FROM changes c WHERE environment = 'Production' AND status = 'deployed' AND
		  (SELECT count(*) FROM decisions d WHERE d.tenant_id = c.tenant_id AND d.change_id = c.id) < jsonb_array_length(stages)`)
	if n := h.count(`SELECT count(*) FROM changes WHERE environment = 'Production' AND stages = '[]'`); n > 0 || unsigned > 0 {
		t.Errorf("%d changes of Production had no stages, %d went live without their approvals", n, unsigned)
	}
	statuses := h.text(`SELECT string_agg(status || ' ' || n, ', ' ORDER BY status) FROM
		(SELECT status, count(*) AS n FROM changes WHERE status <> 'deployed' GROUP BY status) counted`)
	if want := "cancelled 1, pending 2, rejected 1"; statuses != want {
		t.Errorf("not deployed: %s, want %s", statuses, want)
	}
}

// wantUndecided asks the approvers what waits for them.
func wantUndecided(t *testing.T, h *house, node *server.Server) {
	t.Helper()
	queue := map[string][]string{}
	for _, login := range []string{"engineer", "engineer2", "manager", "compliance"} {
		list, err := node.Changes.Approvals(h.as(node, login), all())
		h.must(err)
		for _, c := range list.Items {
			stage, _ := c.CurrentStage()
			queue[login] = append(queue[login], c.TenantID+" at "+stage.Name)
		}
	}
	want := map[string][]string{"engineer": {"globex at engineer"}, "manager": {"kestrel-insurance at manager"}}
	if diff := cmp.Diff(want, queue); diff != "" {
		t.Errorf("who may decide what (-want +got):\n%s", diff)
	}
	list, err := node.Changes.List(h.as(node, "admin"), changes.Filter{Status: models.ChangePending, Page: all()})
	h.must(err)
	for _, c := range list.Items {
		if c.Environment != "Production" || len(c.Reason) < 40 {
			t.Errorf("what waits is %q in %s: %s", c.Title, c.Environment, c.Reason)
		}
	}
}

// TestSeedCutShort ends a start in the middle of a statement, and starts again.
func TestSeedCutShort(t *testing.T) {
	t.Parallel()
	whole := newHouse(t)
	watch := &counter{}
	whole.must(demo.Seed(t.Context(), whole.node(watch).Services, whole.keys))
	want, statements := whole.outline(), watch.sent.Load()
	if statements < 500 {
		t.Fatalf("the demo takes only %d statements", statements)
	}
	for _, percent := range []int64{3, 12, 50, 90, 98} {
		t.Run(fmt.Sprintf("at %d percent", percent), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cut := &counter{at: statements * percent / 100, act: cancel}
			if err := demo.Seed(ctx, h.node(cut).Services, h.keys); err == nil || ctx.Err() == nil {
				t.Fatalf("the start was not cut short: %v", err)
			}
			if slices.Equal(lines(want), lines(h.outline())) {
				t.Fatal("nothing was left to do")
			}
			h.seed()
			if diff := cmp.Diff(lines(want), lines(h.outline())); diff != "" {
				t.Errorf("after the second start (-want +got):\n%s", diff)
			}
		})
	}
}
