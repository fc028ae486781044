package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

const (
	coldClients   = 2000
	loadedTenants = 200

	// How many loads are looked at beside a writer: in `make test`, and with HOTSWAP_TORTURE=full.
	labelledLoads = 2000
	tortureLoads  = 100_000
)

// loads is how many layer sets the node read from Postgres.
func (n *node) loads(t testing.TB) (count int) {
	t.Helper()
	const name = `hotswap_layer_set_loads_total{result="ok"} `
	_, rest, found := strings.Cut(n.metrics(t), name)
	if _, err := fmt.Sscan(rest, &count); !found || err != nil {
		t.Fatalf("no metric %s: %v", name, err)
	}
	return count
}

// TestCrowdLoadsOnce has 2,000 clients ask for one tenant that nobody loaded: its three layer sets are loaded once each.
// Then the platform's value moves under many tenants, which costs one load more.
func TestCrowdLoadsOnce(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	names := []string{}
	for n := range loadedTenants {
		names = append(names, fmt.Sprintf("crowd-%d", n))
		site.DB.Tenant(t, names[n], "Pro")
	}
	site.DB.Set(t, "@platform", "Development", "top", `1`)
	n := newNode(t, site, nodeOptions{redis: storetest.NewRedis(t)})
	app := caller{t, n.url, site.Key("app")}
	before := n.loads(t)
	var asking sync.WaitGroup
	release := make(chan struct{})
	for range coldClients {
		q := app.request(http.MethodGet, "/configs/tenant/"+names[0]+"?environment=Development", nil)
		asking.Go(func() {
			<-release
			if got, err := app.try(q); err != nil || got.status != http.StatusOK || got.number("configs.top") != 1 {
				t.Errorf("%v %d %s", err, got.status, got.body)
			}
		})
	}
	close(release)
	asking.Wait()
	if got := n.loads(t) - before; got != 3 {
		t.Errorf("%d loads for the 3 layer sets of a tenant", got)
	}

	read := func(want int) {
		t.Helper()
		for _, name := range names {
			if got := app.get("/configs/tenant/" + name + "?environment=Development").want(http.StatusOK); got.number("configs.top") != want {
				t.Fatalf("%s reads %s, want %v", name, got.body, want)
			}
		}
	}
	read(1)
	before = n.loads(t)
	caller{t, n.url, site.Key("engineer")}.post("/configs", webtest.Body{
		"tenantId": "@platform", "environment": "Development", "key": "top", "value": 2,
	}).want(http.StatusCreated)
	read(2)
	if got := n.loads(t) - before; got != 1 {
		t.Errorf("a value of the platform under %d tenants costs %d loads", loadedTenants, got)
	}
}

// TestTortureLoadsBearTheirToken loads a layer set again and again beside a writer whose every value tells the revision
// that it makes: none is ever labelled with another head.
func TestTortureLoadsBearTheirToken(t *testing.T) {
	t.Parallel()
	total := labelledLoads
	if torture() {
		total = tortureLoads
	}
	db := storetest.New(t)
	db.Tenant(t, "acme", "Free")
	id := db.Set(t, "acme", "Production", "revision", `1`)
	db.Admin(t, `UPDATE heads SET revision = 1 WHERE tenant_id = 'acme' AND environment = 'Production'`)
	writer := db.Connect(t, db.AdminURL)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writing sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			// One transaction moves the value and the head. Versions never change but here.
			_, err := writer.Exec(t.Context(), `BEGIN; SET LOCAL session_replication_role = replica;
				UPDATE config_versions v SET value = (h.revision + 1)::text FROM heads h
				WHERE v.tenant_id = 'acme' AND v.config_id = '`+id+`' AND h.tenant_id = 'acme' AND h.environment = 'Production';
				UPDATE heads SET revision = revision + 1, token = gen_random_uuid() WHERE tenant_id = 'acme' AND environment = 'Production'; COMMIT`)
			if err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	})
	var done atomic.Int64
	var seen sync.Map
	var loading sync.WaitGroup
	for range 4 {
		loading.Go(func() {
			for done.Add(1) <= int64(total) {
				set, err := configs.LoadLayerSet(t.Context(), db.DB, "acme", "Production")
				if err != nil {
					t.Error(err)
					return
				}
				if want := strconv.FormatInt(set.Head.Revision, 10); string(set.Entries["revision"].Value) != want {
					t.Errorf("revision %s bears the value of %s", want, set.Entries["revision"].Value)
				}
				seen.Store(set.Head.Token, true)
			}
		})
	}
	loading.Wait()
	stop()
	writing.Wait()
	heads := 0
	seen.Range(func(any, any) bool { heads++; return true })
	t.Logf("%d loads under %d heads", total, heads)
	if heads < total/100 {
		t.Errorf("only %d heads were seen: the writer did not run beside", heads)
	}
}
