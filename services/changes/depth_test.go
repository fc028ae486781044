package changes_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/tenants"
)

// enterprise is the layer of acme and globex.
const enterprise = "@tier.enterprise"

// submit writes a change of these items.
func (h *house) submit(who, tenant, environment string, items ...changes.Edit) (models.Change, error) {
	h.t.Helper()
	out, err := h.Submit(h.as(who), changes.Draft{
		TenantID: tenant, Environment: environment, Items: items, Origin: models.OriginEdit, Pointer: changes.ItemPointer,
	})
	return out.Change, err
}

// did writes a change of these items that is live at once.
func (h *house) did(tenant, environment string, items ...changes.Edit) models.Change {
	h.t.Helper()
	c, err := h.submit("author", tenant, environment, items...)
	h.must(err)
	if c.Status != models.ChangeDeployed {
		h.t.Fatalf("the change waits: %+v", c.Stages)
	}
	return c
}

// waits writes a change of these items that waits.
func (h *house) waits(who, tenant, environment string, items ...changes.Edit) models.Change {
	h.t.Helper()
	c, err := h.submit(who, tenant, environment, items...)
	h.must(err)
	if c.Status != models.ChangePending {
		h.t.Fatalf("the change is %s", c.Status)
	}
	return c
}

// decide gives a change all approvals but the last, and returns what came of that one.
func (h *house) decide(c models.Change) (models.Change, error) {
	h.t.Helper()
	var err error
	for i, s := range c.Stages {
		c, err = h.approve(string(s.Role), c) // people are called as their role
		if i < len(c.Stages)-1 {
			h.must(err)
		}
	}
	return c, err
}

// pass gives a change all its approvals, by which it is live.
func (h *house) pass(c models.Change) models.Change {
	h.t.Helper()
	c, err := h.decide(c)
	h.must(err)
	if c.Status != models.ChangeDeployed {
		h.t.Fatalf("after its last approval the change is %s", c.Status)
	}
	return c
}

// refusedLast gives a change all its approvals, of which the last is refused and changes nothing.
func (h *house) refusedLast(c models.Change, want models.Code) {
	h.t.Helper()
	before, versions := h.actions(c.TenantID), h.count(`SELECT count(*) FROM config_versions`)
	_, err := h.decide(c)
	if got := codeOf(err); got != want {
		h.t.Fatalf("the last approval: got %q (%v), want %q", got, err, want)
	}
	got, err := h.Get(h.as("viewer"), c.ID)
	h.must(err)
	if stage, ok := got.CurrentStage(); got.Status != models.ChangePending || !ok || stage != c.Stages[len(c.Stages)-1] {
		h.t.Errorf("a refused approval left %s", got.Status)
	}
	after := h.actions(c.TenantID)
	before["change.approve"] += len(c.Stages) - 1
	for action, n := range after {
		if n != before[action] {
			h.t.Errorf("a refused approval left %d entries %s, not %d", n, action, before[action])
		}
	}
	if n := h.count(`SELECT count(*) FROM config_versions`); n != versions {
		h.t.Errorf("a refused approval left %d versions, not %d", n, versions)
	}
}

func (h *house) count(sql string, args ...any) (n int) {
	h.t.Helper()
	h.d.Scan(h.t, sql, args, &n)
	return n
}

// resolved is what a node that starts now answers readers; with secrets in clear, or without them.
func (h *house) resolved(tenant, environment string, inClear bool) (map[string]models.Value, error) {
	h.t.Helper()
	directory := tenants.NewDirectory(h.d.DB, nil)
	node, err := snapshots.New(snapshots.Options{
		DB: h.d.DB, Tenants: directory, Secrets: h.secrets, MaxBytes: 1 << 20,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Now: h.now,
	})
	h.must(err)
	h.must(node.Load(h.t.Context()))
	got, err := node.Get(h.t.Context(), snapshots.Ask{TenantID: tenant, Environment: environment, InClear: inClear})
	if err != nil {
		return nil, err
	}
	out := map[string]models.Value{}
	for _, r := range got.Entries() {
		out[r.Key] = r.Value
	}
	return out, nil
}

// reads fails the test unless readers get that value, "" for none.
func (h *house) reads(tenant, environment, key string, want models.Value) {
	h.t.Helper()
	got, err := h.resolved(tenant, environment, false)
	h.must(err)
	if got[key] != want {
		h.t.Errorf("%s reads %s of %s in %s, want %s", tenant, got[key], key, environment, want)
	}
}

// hides is what a value hides, as layer, value and why.
func (h *house) hides(tenant, environment, key string) (lockedBy string, hidden []string) {
	h.t.Helper()
	e, err := h.configs.Explain(h.as("viewer"), configs.ExplainIn{TenantID: tenant, Environment: environment, Key: key})
	h.must(err)
	for _, v := range e.Hides {
		hidden = append(hidden, v.Layer+" "+string(v.Value.Raw())+" "+string(v.Why))
	}
	return e.LockedBy, hidden
}

// sound fails the test if any version ends before it begins, two of a config overlap or are live, or an override began
// while a lock above it was live.
func (h *house) sound() {
	h.t.Helper()
	for what, sql := range map[string]string{
		"versions that end before they begin": `SELECT count(*) FROM config_versions WHERE live_to <= live_from`,
		"configs with two live versions": `SELECT count(*) FROM (
			SELECT FROM config_versions WHERE live_to IS NULL GROUP BY tenant_id, config_id HAVING count(*) > 1) v`,
		"configs whose live version is not the one": `SELECT count(*) FROM configs c LEFT JOIN config_versions v
			ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.live_to IS NULL
			WHERE c.live IS DISTINCT FROM v.version OR c.locked IS DISTINCT FROM coalesce(v.locked, false)`,
		"versions that overlap": `SELECT count(*) FROM config_versions a JOIN config_versions b
			ON b.tenant_id = a.tenant_id AND b.config_id = a.config_id AND b.version > a.version AND b.live_from < coalesce(a.live_to, 'infinity')`,
		"definitions that end before they begin": `SELECT count(*) FROM definition_versions WHERE live_to <= live_from`,
		"tenants that end before they begin":     `SELECT count(*) FROM tenant_versions WHERE live_to <= live_from`,
		"overrides that began below a lock": `
			SELECT count(*) FROM config_versions o JOIN configs oc ON oc.tenant_id = o.tenant_id AND oc.id = o.config_id
			JOIN tenant_versions t ON t.tenant_id = o.tenant_id AND o.live_from >= t.live_from AND o.live_from < coalesce(t.live_to, 'infinity')
			JOIN configs lc ON lc.key = oc.key AND lc.environment = oc.environment
			JOIN config_versions l ON l.tenant_id = lc.tenant_id AND l.config_id = lc.id AND l.locked
			LEFT JOIN tenants above ON above.tenant_id = lc.tenant_id
			WHERE (lc.tenant_id = '@platform' AND o.tenant_id <> '@platform' OR lc.tenant_id LIKE '@tier.%' AND above.name = t.tier)
			  AND o.live_from >= l.live_from AND o.live_from < coalesce(l.live_to, 'infinity')`,
	} {
		if n := h.count(sql); n != 0 {
			h.t.Errorf("%d %s", n, what)
		}
	}
}

func set(key string, v models.Value) changes.Edit {
	return changes.Edit{Key: key, Op: models.OpSet, Value: v}
}

func op(key string, o models.Op) changes.Edit { return changes.Edit{Key: key, Op: o} }

func define(key string, d models.Defines) changes.Edit {
	return changes.Edit{Key: key, Op: models.OpDefine, Definition: &d}
}

func says(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not say %q: %v", want, err)
	}
}
