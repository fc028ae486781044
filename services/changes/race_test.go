package changes_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

// rounds is how often two writers race. Who begins first, and by how much, is another in each round.
const rounds = 24

// race lets two writers loose, and returns what each was told.
func race(round int, first, second func() error) (one, two error) {
	var wg sync.WaitGroup
	lead := time.Duration(round-rounds/2) * time.Millisecond * 2
	wg.Go(func() { time.Sleep(-lead); one = first() })
	wg.Go(func() { time.Sleep(lead); two = second() })
	wg.Wait()
	return one, two
}

// raced fails the test unless each outcome that can be was reached, and no other.
func raced(t *testing.T, got map[string]int, want ...string) {
	t.Helper()
	total := 0
	for _, outcome := range want {
		total += got[outcome]
		if got[outcome] == 0 {
			t.Errorf("%s was never reached: %v", outcome, got)
		}
	}
	if total != rounds {
		t.Errorf("outcomes %v", got)
	}
}

// told is what both writers were told.
func told(one, two error) string { return fmt.Sprintf("%q %q", codeOf(one), codeOf(two)) }

func TestRaces(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := racers{h, h.as("author"), h.as("engineer")}
	r.raceForALock(t)
	r.raceForAVersion(t)
	r.raceForADefinition(t)
	r.raceForASecret(t)
	r.raceForATier(t)
	h.sound()
	if kept, done := h.count(`SELECT count(*) FROM changes`), h.count(`SELECT count(DISTINCT change_id) FROM deployments`); kept != done {
		t.Errorf("%d changes are kept, %d were carried out: a refused one left something", kept, done)
	}
}

// racers write at the same time: one on layers, one below them.
type racers struct {
	*house

	above, below context.Context
}

// write is a change in QA of one item, with a key of its own in each round.
func (r racers) write(d changes.Draft, round int) func() error {
	by := r.below
	if models.IsLayer(d.TenantID) {
		by = r.above
	}
	d.Environment, d.Pointer, d.Origin = "QA", changes.ItemPointer, models.OriginEdit
	d.Items[0].Key = fmt.Sprintf("%s-%d", d.Items[0].Key, round)
	return func() error { return errOf(r.Submit(by, d)) }
}

// An override that came first stays, below the lock; one that came later is refused.
func (r racers) raceForALock(t *testing.T) {
	t.Helper()
	got := map[string]int{}
	for n := range rounds {
		layer := []string{models.Platform, enterprise}[n%2]
		lock, override := race(n,
			r.write(changes.Draft{TenantID: layer, Items: []changes.Edit{{Key: "l", Op: models.OpSet, Value: "1", Locked: new(true)}}}, n),
			r.write(changes.Draft{TenantID: "acme", Items: []changes.Edit{set("l", "2")}}, n))
		got[told(lock, override)]++
	}
	raced(t, got, `"" ""`, `"" "invalid"`)
}

// Of two that write on one version one is told that it moved.
func (r racers) raceForAVersion(t *testing.T) {
	t.Helper()
	got := map[string]int{}
	r.did("acme", "QA", set("v-0", "0"))
	for n := range rounds {
		by := func(v models.Value) func() error {
			return r.write(changes.Draft{TenantID: "acme", Items: []changes.Edit{{Key: "v", Op: models.OpSet, Value: v, BaseVersion: new(int64(n + 1))}}}, 0)
		}
		one, two := race(n, by("1"), by("2"))
		got[told(one, two)]++
	}
	raced(t, got, `"" "conflict"`, `"conflict" ""`)
	if n := r.count(`SELECT last FROM configs WHERE tenant_id = 'acme' AND key = 'v-0'`); n != rounds+1 {
		t.Errorf("%d versions", n)
	}
}

// A definition and a value that does not satisfy it are never both there.
func (r racers) raceForADefinition(t *testing.T) {
	t.Helper()
	got := map[string]int{}
	for n := range rounds {
		strict := models.Defines{Type: models.TypeNumber, Schema: `{"minimum":5}`}
		defined, valued := race(n,
			r.write(changes.Draft{TenantID: models.Platform, Items: []changes.Edit{define("d", strict)}}, n),
			r.write(changes.Draft{TenantID: "acme", Items: []changes.Edit{set("d", "1")}}, n))
		got[told(defined, valued)]++
	}
	raced(t, got, `"" "invalid"`, `"invalid" ""`)
	if n := r.count(`SELECT count(*) FROM definitions d JOIN configs c ON c.key = d.key WHERE d.tenant_id = '@platform' AND d.key LIKE 'd-%'`); n != 0 {
		t.Errorf("%d values below a definition that they do not satisfy", n)
	}
}

// What becomes a secret while it is written is sealed, whoever comes first.
func (r racers) raceForASecret(t *testing.T) {
	t.Helper()
	for n := range rounds {
		one, two := race(n,
			r.write(changes.Draft{TenantID: models.Platform, Items: []changes.Edit{define("s", models.Defines{Type: models.TypeString, Sensitive: true})}}, n),
			r.write(changes.Draft{TenantID: "acme", Items: []changes.Edit{set("s", `"canary"`)}}, n))
		if one != nil || two != nil {
			t.Errorf("%v, %v", one, two)
		}
	}
	if n := r.count(`SELECT count(*) FROM config_versions WHERE value LIKE '%canary%'`) + r.count(`SELECT count(*) FROM change_items WHERE value LIKE '%canary%'`); n != 0 {
		t.Errorf("%d are in clear", n)
	}
}

// A tenant moves below a lock while it overrides what is locked there.
func (r racers) raceForATier(t *testing.T) {
	t.Helper()
	r.d.Admin(t, `UPDATE policies SET stages = '[]'`)
	admin := r.as("admin")
	tiers := []string{"Free", "Pro"}
	for n := range rounds {
		r.did("@tier."+models.TierSlug(tiers[n%2]), "QA", changes.Edit{Key: fmt.Sprintf("t-%d", n), Op: models.OpSet, Value: "1", Locked: new(true)})
		one, two := race(n,
			func() error { return errOf(r.Retier(admin, "globex", tiers[n%2], "")) },
			r.write(changes.Draft{TenantID: "globex", Items: []changes.Edit{set("t", "2")}}, n))
		if one != nil || two != nil && codeOf(two) != models.CodeInvalid {
			t.Errorf("%v, %v", one, two)
		}
	}
}

// act is one thing that somebody does in a random history.
type act struct {
	Layer, Environment, Key string
	Kind                    string
	Value                   models.Value
	Version                 int64
	Lock                    *bool
	Defines                 models.Defines
}

func drawAct(t *rapid.T) act {
	of := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	a := act{
		Layer: of("layer", "acme", "globex", enterprise, models.Platform), Environment: of("environment", "Development", "QA"),
		Key:  of("key", "a", "b"),
		Kind: of("kind", "set", "set", "set", "set", "delete", "lock", "unlock", "define", "define", "promote", "rollback"),
	}
	switch a.Kind {
	case "promote":
		a.Environment = "QA"
	case "set":
		a.Value = models.Value(of("value", "1", "2", "3", `"x"`, `{"a":1}`, `{"b":2}`))
		a.Lock = rapid.SampledFrom([]*bool{nil, nil, nil, new(true), new(false)}).Draw(t, "lock")
	case "define":
		a.Defines = rapid.SampledFrom([]models.Defines{
			{},
			{Type: models.TypeNumber},
			{Type: models.TypeJSON},
			{Type: models.TypeJSON, Merge: models.MergeDeep},
			{Type: models.TypeNumber, Schema: `{"maximum":2}`},
			{Type: models.TypeNumber, Sensitive: true},
			{Type: models.TypeJSON, Sensitive: true},
		}).Draw(t, "definition")
	case "rollback":
		a.Version = rapid.Int64Range(1, 4).Draw(t, "version")
	}
	return a
}

// do carries an act out; what it did is live, or refused.
func (h *house) do(a act) error {
	h.t.Helper()
	by := h.as("admin")
	switch a.Kind {
	case "promote":
		return errOf(h.PromoteKeys(by, changes.PromoteKeys{TenantID: a.Layer, From: "Development", To: "QA", Keys: []changes.PromoteKey{{Key: a.Key}}}))
	case "rollback":
		var id string
		h.d.Scan(h.t, `SELECT coalesce((SELECT id::text FROM configs WHERE tenant_id = $1 AND environment = $2 AND key = $3), '')`,
			[]any{a.Layer, a.Environment, a.Key}, &id)
		return errOf(h.Rollback(by, changes.Rollback{ConfigID: id, ToVersion: a.Version}))
	}
	e := changes.Edit{Key: a.Key, Op: models.Op(a.Kind), Value: a.Value, Locked: a.Lock}
	if a.Kind == "define" {
		e.Definition = &a.Defines
	}
	return errOf(h.Submit(by, changes.Draft{
		TenantID: a.Layer, Environment: a.Environment, Items: []changes.Edit{e}, Origin: models.OriginEdit, Pointer: changes.ItemPointer,
	}))
}

// kept is what a random history must leave behind, as what would be wrong.
var kept = map[string]string{
	"configs whose entries are not as many as their moves": `
		SELECT count(*) FROM (
		  SELECT 'config/' || i.config_id AS resource, count(*) AS n FROM change_items i
		  JOIN changes c ON c.tenant_id = i.tenant_id AND c.id = i.change_id AND c.status IN ('deployed', 'rolled_back')
		  WHERE i.op IN ('set', 'delete', 'lock', 'unlock') GROUP BY 1) moved
		FULL JOIN (SELECT resource, count(*) AS n FROM audit_entries WHERE action LIKE 'config.%' GROUP BY 1) told USING (resource)
		WHERE moved.n IS DISTINCT FROM told.n`,
	"logs with gaps": `
		SELECT count(*) FROM (SELECT max(number) + 1 AS next, count(*) AS n FROM audit_entries GROUP BY tenant_id) log WHERE next <> n`,
	"versions that are sealed and no secret, or the reverse": `
		SELECT count(*) FROM config_versions v JOIN configs c ON c.tenant_id = v.tenant_id AND c.id = v.config_id
		JOIN tenants t ON t.tenant_id = c.tenant_id LEFT JOIN tenants l ON l.name = t.tier AND l.tenant_id LIKE '@tier.%'
		WHERE (v.value LIKE 'sealed:%') <> EXISTS (
		  SELECT FROM definitions d WHERE d.key = c.key AND d.sensitive AND d.tenant_id IN ('@platform', l.tenant_id, c.tenant_id))`,
	"sealed values that are gone": `
		SELECT count(*) FROM config_versions v WHERE v.value LIKE 'sealed:%' AND NOT EXISTS (
		  SELECT FROM sealed_values s WHERE s.tenant_id = v.tenant_id AND s.id = split_part(v.value, ':', 2)::uuid)`,
	"definitions that are not their live version": `
		SELECT count(*) FROM definitions d LEFT JOIN definition_versions v ON v.tenant_id = d.tenant_id AND v.key = d.key AND v.live_to IS NULL
		WHERE (v.version, v.type, v.schema, v.sensitive, v.merge) IS DISTINCT FROM (d.version, d.type, d.schema, d.sensitive, d.merge)`,
	"layers below that contradict": `
		SELECT count(*) FROM definitions a JOIN definitions b ON b.key = a.key AND b.type <> a.type AND b.tenant_id <> a.tenant_id
		LEFT JOIN tenants t ON t.tenant_id = b.tenant_id LEFT JOIN tenants l ON l.tenant_id = a.tenant_id
		WHERE a.tenant_id = '@platform' OR l.name = t.tier AND a.tenant_id LIKE '@tier.%'`,
}

// TestHistory lets somebody do random things to two tenants and the layers above them.
func TestHistory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	revision := func(a act) int {
		return h.count(`SELECT coalesce(max(revision), 0) FROM heads WHERE tenant_id = $1 AND environment = $2`, a.Layer, a.Environment)
	}
	cases, refused, done := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		cases++ // each with keys that nobody has used
		for range rapid.IntRange(1, 6).Draw(rt, "acts") {
			a := drawAct(rt)
			a.Key += "-" + strconv.Itoa(cases)
			before := revision(a)
			err := h.do(a)
			switch codeOf(err) {
			case "":
				done++
			case models.CodeInvalid, models.CodeConflict, models.CodeNotFound:
				refused++
			default:
				rt.Fatalf("%+v: %v", a, err)
			}
			if moved := revision(a) > before; moved != (err == nil) {
				rt.Fatalf("%+v: %v, and the head moved: %t", a, err, moved)
			}
		}
		for what, sql := range kept {
			if n := h.count(sql); n != 0 {
				rt.Fatalf("%d %s", n, what)
			}
		}
	})
	h.sound()
	for _, tenant := range []string{"acme", "globex"} {
		if _, err := h.resolved(tenant, "QA", true); err != nil {
			t.Errorf("%s is not readable: %v", tenant, err)
		}
	}
	if done < refused/4 || refused == 0 {
		t.Errorf("%d acts were done and %d refused: that tells little", done, refused)
	}
}
