package snapshots_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

// node is one node's read plane on a database of its own.
type node struct {
	*snapshots.Service
	db        *storetest.Database
	directory *tenants.Directory
	registry  *prometheus.Registry
}

const production = "Production"

func newNode(t testing.TB) node {
	t.Helper()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Enterprise")
	db.Tenant(t, "globex", "Enterprise")
	db.Tenant(t, "small", "Free")
	return onDatabase(t, db)
}

func onDatabase(t testing.TB, db *storetest.Database) node {
	t.Helper()
	return withOverlays(t, db, nil)
}

// withOverlays is a node that finds these overlays over its layer sets.
func withOverlays(t testing.TB, db *storetest.Database, overlays func(models.HeadKey) []*configs.Overlay) node {
	t.Helper()
	n := node{db: db, directory: tenants.NewDirectory(db.DB, nil), registry: prometheus.NewRegistry()}
	var err error
	n.Service, err = snapshots.New(snapshots.Options{
		DB: db.DB, Tenants: n.directory, MaxBytes: 64 << 20, Log: slog.New(slog.DiscardHandler), Metrics: n.registry, Now: time.Now,
		Overlays: overlays,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.Load(t.Context()), n.directory.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	return n
}

// set makes a value live and lets the node know, as a commit on it would.
func (n node) set(t testing.TB, tenant, environment, key, value string) {
	t.Helper()
	n.db.Set(t, tenant, environment, key, value)
	n.Raise([]models.Head{n.db.Head(t, tenant, environment)})
}

func (n node) read(t testing.TB, tenant, environment string, inClear bool) *snapshots.Snapshot {
	t.Helper()
	snap, err := n.Get(t.Context(), snapshots.Ask{TenantID: tenant, Environment: environment, InClear: inClear})
	if err != nil {
		t.Fatalf("read %s in %s: %v", tenant, environment, err)
	}
	return snap
}

// counted is a metric of the node, with its label if it has one.
func (n node) counted(t testing.TB, name, label string) float64 {
	t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || labelled(m, label)) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s %s", name, label)
	return 0
}

func labelled(m *dto.Metric, value string) bool {
	for _, l := range m.GetLabel() {
		if l.GetValue() == value {
			return true
		}
	}
	return false
}

func (n node) loads(t testing.TB) int {
	t.Helper()
	return int(n.counted(t, "hotswap_layer_set_loads_total", "ok"))
}

func code(err error) models.Code {
	var e *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	default:
		return models.Code("internal: " + err.Error())
	}
}

func fieldsOf(err error) []models.FieldError {
	var e *models.Error
	if !errors.As(err, &e) {
		return nil
	}
	return e.Fields
}

func TestGetResolvesTheChain(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	tier := models.TierLayer("Enterprise")
	n.db.Define(t, models.Platform, "limit", models.TypeNumber, false)
	n.set(t, models.Platform, production, "limit", `1`)
	n.set(t, models.Platform, production, "top", `{"n":9007199254740993,"t":"<b>"}`)
	n.set(t, tier, production, "limit", `2`)
	n.set(t, "acme", production, "limit", `3`)
	n.set(t, "acme", "QA", "limit", `4`)
	n.set(t, "globex", production, "other", `true`)
	snap := n.read(t, "acme", production, false)
	want := fmt.Sprintf(`{"tenantId":"acme","environment":"Production","revision":%q,"configs":{"limit":3,"top":{"n":9007199254740993,"t":"<b>"}}}`,
		snap.Revision)
	if got := string(snap.Body()); got != want {
		t.Errorf("body\n%s, want\n%s", got, want)
	}
	r, ok := snap.Key("limit")
	if !ok || r.Layer != "acme" || r.Type != models.TypeNumber || len(r.Hides) != 2 || r.Hides[0].Layer != models.Platform {
		t.Errorf("limit: %+v", r)
	}
	wantKey := fmt.Sprintf(`{"tenantId":"acme","environment":"Production","revision":%q,"key":"limit","value":3,"type":"number","layer":"acme","version":1}`,
		snap.Revision)
	if got := string(snap.KeyBody(r)); got != wantKey {
		t.Errorf("key\n%s, want\n%s", got, wantKey)
	}
	if _, ok := snap.Key("other"); ok {
		t.Error("another tenant's key")
	}
	if got := n.read(t, models.Platform, production, false); string(got.Body()) == "" || len(got.Entries()) != 2 {
		t.Errorf("a layer: %s", got.Body())
	}
	if got := n.read(t, "small", production, false); len(got.Entries()) != 2 {
		t.Errorf("another tier: %s", got.Body())
	}
	if got := n.read(t, "small", "Staging", false); len(got.Entries()) != 0 {
		t.Errorf("where nothing ever moved: %s", got.Body())
	}
}

func TestGetFollowsHeads(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, models.Platform, production, "limit", `1`)
	first := n.read(t, "acme", production, false)
	if again := n.read(t, "acme", production, false); again != first {
		t.Error("an unmoved snapshot was made again")
	}
	before := n.loads(t)
	n.set(t, models.Platform, production, "limit", `2`)
	second := n.read(t, "acme", production, false)
	if second.Revision == first.Revision || second.ETag == first.ETag {
		t.Errorf("the revision stayed %s", first.Revision)
	}
	n.read(t, "globex", production, false)
	if r, _ := second.Key("limit"); r.Value != "2" {
		t.Errorf("got %s", r.Value)
	}
	if got := n.loads(t) - before; got != 2 { // the platform's set, and globex' own
		t.Errorf("%d loads", got)
	}
	n.set(t, "globex", production, "mine", `1`)
	if got := n.read(t, "acme", production, false); got != second {
		t.Error("another tenant's change made it again")
	}
	n.Raise([]models.Head{{TenantID: models.Platform, Environment: production, Revision: 1, Token: "old"}})
	if got := n.read(t, "acme", production, false); got != second {
		t.Error("an older head made it again")
	}
	n.db.Admin(t, `UPDATE tenants SET tier = 'Free' WHERE tenant_id = 'acme'`)
	n.directory.Raise([]models.Head{{TenantID: "acme", Environment: models.HeadTenant, Revision: 1}})
	n.db.Admin(t, `UPDATE heads SET revision = 2 WHERE tenant_id = 'acme' AND environment = ''`)
	n.directory.Raise([]models.Head{{TenantID: "acme", Environment: models.HeadTenant, Revision: 2}})
	if got := n.read(t, "acme", production, false); got == second || got.Revision == second.Revision {
		t.Error("another tier is another chain")
	}
}

func TestGetWithholdsSecrets(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.db.Define(t, "acme", "password", models.TypeString, true)
	n.db.Define(t, models.Platform, "password", models.TypeString, false) // made above later: it must not uncover
	n.set(t, "acme", production, "password", `"hunter2"`)
	n.set(t, "acme", production, "plain", `1`)
	n.set(t, models.Platform, production, "plain", `0`)
	without, with := n.read(t, "acme", production, false), n.read(t, "acme", production, true)
	if _, ok := without.Key("password"); ok || !cmp.Equal(without.Withheld, []string{"password"}) {
		t.Errorf("without the right: %s, withheld %v", without.Body(), without.Withheld)
	}
	if r, ok := with.Key("password"); !ok || r.Value != `"hunter2"` || len(with.Withheld) != 0 {
		t.Errorf("with the right: %s", with.Body())
	}
	if without.ETag == with.ETag || without.Revision != with.Revision {
		t.Errorf("tags %s and %s", without.ETag, with.ETag)
	}
	r, _ := without.Key("plain")
	want := fmt.Sprintf(`{"tenantId":"acme","environment":"Production","revision":%q,"configs":{"plain":1},`+
		`"metadata":{"plain":{"layer":"acme","version":1,"type":"number","changeId":%q,"liveFrom":%q}},"withheld":["password"]}`,
		without.Revision, r.ChangeID, r.LiveFrom.Format(time.RFC3339Nano))
	if got := string(without.WithMetadata()); got != want {
		t.Errorf("metadata\n%s, want\n%s", got, want)
	}
	if without.MetadataTag() == without.ETag {
		t.Error("another answer needs another tag")
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.db.Tenant(t, "held", "Free")
	n.db.Tenant(t, "gone", "Free")
	n.db.Admin(t, `UPDATE tenants SET status = 'suspended' WHERE tenant_id = 'held'`)
	n.db.Admin(t, `UPDATE tenants SET status = 'deleted' WHERE tenant_id = 'gone'`)
	for name, test := range map[string]struct {
		tenant, environment string
		want                models.Code
	}{
		"suspended":           {"held", production, models.CodeForbidden},
		"deleted":             {"gone", production, models.CodeNotFound},
		"unknown":             {"never", production, models.CodeNotFound},
		"no such environment": {"acme", "Nowhere", models.CodeInvalid},
		"control head":        {models.Platform, models.HeadKeys, models.CodeInvalid},
		"other letters":       {"acme", "production", models.CodeInvalid},
		"no environment":      {"acme", "", models.CodeInvalid},
	} {
		if _, err := n.Get(t.Context(), snapshots.Ask{TenantID: test.tenant, Environment: test.environment}); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	n.db.Admin(t, `INSERT INTO environments (name, position) VALUES ('Sandbox', 9)`)
	n.read(t, "acme", "Sandbox", false) // made since the node started
}

func TestColdTenantLoadsOnce(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, models.Platform, production, "limit", `1`)
	n.set(t, "acme", production, "limit", `2`)
	var wait sync.WaitGroup
	release := make(chan struct{})
	for range 200 {
		wait.Go(func() {
			<-release
			if snap, err := n.Get(t.Context(), snapshots.Ask{TenantID: "acme", Environment: production}); err != nil {
				t.Error(err)
			} else if r, _ := snap.Key("limit"); r.Value != "2" {
				t.Errorf("got %s", snap.Body())
			}
		})
	}
	close(release)
	wait.Wait()
	if got := n.loads(t); got != 3 {
		t.Errorf("%d loads for 3 layer sets", got)
	}
	if hits := n.counted(t, "hotswap_snapshot_reads_total", "hit") + n.counted(t, "hotswap_snapshot_reads_total", "composed"); hits != 200 {
		t.Errorf("%v reads counted", hits)
	}
	if held := n.counted(t, "hotswap_cache_bytes", "snapshots"); held <= 0 {
		t.Errorf("%v bytes held", held)
	}
}

// Values and token of a layer set belong together, whatever commits meanwhile: each version's token is noted
// with its value, and every load must show one of these pairs.
func TestLoadsBearTheirOwnToken(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, "acme", production, "limit", `0`)
	writer := n.db.Connect(t, n.db.AdminURL)
	var (
		mu    sync.Mutex
		pairs = map[string]string{} // token → value
		stop  atomic.Bool
		done  = make(chan error, 1)
	)
	go func() { done <- writeUntil(t.Context(), writer, &stop, &mu, pairs) }()
	type seen struct{ token, value string }
	var all []seen
	distinct := map[string]bool{} // the writer runs beside: many heads are seen
	for end := time.Now().Add(time.Minute); len(all) < 2000 || len(distinct) < 10; {
		if time.Now().After(end) {
			t.Fatalf("%d loads showed only %d different heads", len(all), len(distinct))
		}
		set, err := configs.LoadLayerSet(t.Context(), n.db.DB, "acme", production)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, seen{set.Head.Token, string(set.Entries["limit"].Value)})
		distinct[set.Head.Token] = true
	}
	stop.Store(true)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if want, ok := pairs[s.token]; ok && want != s.value {
			t.Fatalf("token %s bears %s, not %s", s.token, s.value, want)
		}
	}
}

// A read is never older than what was committed, and known, before it began.
func TestReadsAreNeverOlder(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, "acme", production, "limit", `0`)
	var committed atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(100 * time.Microsecond) // the database needs the processors, too
				least := committed.Load()
				snap, err := n.Get(ctx, snapshots.Ask{TenantID: "acme", Environment: production})
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				r, _ := snap.Key("limit")
				var got int64
				if _, err := fmt.Sscan(string(r.Value), &got); err != nil || got < least {
					t.Errorf("read %s after %d was committed", r.Value, least)
					return
				}
			}
		})
	}
	for i := range int64(200) {
		n.set(t, "acme", production, "limit", strconv.FormatInt(i+1, 10))
		committed.Store(i + 1)
	}
	stop()
	wait.Wait()
}

func TestRunTellsOfMoves(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	other := onDatabase(t, n.db)
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan []models.Head, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		other.Run(ctx, func(heads []models.Head) { other.Raise(heads); told <- heads })
	}()
	if first := <-told; len(first) < 7 { // every head there is: three tenants, four layers
		t.Errorf("the first scan told of %d heads", len(first))
	}
	other.read(t, "acme", production, false)

	// A transaction that began before others, and commits after them, must not be missed.
	slow := n.db.Connect(t, n.db.AdminURL)
	if _, err := slow.Exec(ctx, `BEGIN; INSERT INTO heads (tenant_id, environment) VALUES ('globex', 'Production')`); err != nil {
		t.Fatal(err)
	}
	n.db.Set(t, "acme", production, "limit", `1`)
	if got := <-told; len(got) != 1 || got[0] != n.db.Head(t, "acme", production) {
		t.Errorf("told of %+v", got)
	}
	if r, ok := other.read(t, "acme", production, false).Key("limit"); !ok || r.Value != "1" {
		t.Error("the other node serves the old value after its scan")
	}
	time.Sleep(1200 * time.Millisecond) // a scan passes while the transaction is open
	if _, err := slow.Exec(ctx, `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if got := <-told; len(got) != 1 || got[0].TenantID != "globex" {
		t.Errorf("told of %+v", got)
	}
	stop()
	<-ended
}

func TestWithoutPostgres(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, "acme", production, "limit", `1`)
	known := n.read(t, "acme", production, false)
	hang := n.db.Connect(t, n.db.AdminURL)
	if _, err := hang.Exec(t.Context(), `BEGIN; LOCK TABLE configs IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	if got := n.read(t, "acme", production, false); got != known {
		t.Error("what is in memory needs no database")
	}
	n.Hear([]models.Head{{TenantID: "acme", Environment: production, Revision: 99, Token: "new"}})
	stale := n.read(t, "acme", production, false)
	if !stale.Stale || string(stale.Body()) != string(known.Body()) || known.Stale {
		t.Errorf("stale %v: %s", stale.Stale, stale.Body())
	}
	if _, err := n.Get(t.Context(), snapshots.Ask{TenantID: "globex", Environment: production}); code(err) != models.CodeUnavailable && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("what was never loaded: %v", err)
	}
	if _, err := hang.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	n.read(t, "globex", production, false)
}

func BenchmarkGet(b *testing.B) {
	n := newNode(b)
	for i := range 100 {
		n.set(b, models.Platform, production, fmt.Sprintf("k%d", i), `"value"`)
	}
	n.read(b, "acme", production, false)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := n.Get(b.Context(), snapshots.Ask{TenantID: "acme", Environment: production}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
