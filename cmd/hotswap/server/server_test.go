package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// limit is how long a test waits for what happens beside requests.
const limit = 10 * time.Second

// eventually waits until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

// secondNode is another server on the site's database.
func secondNode(t *testing.T, site *webtest.Site) *server.Server {
	t.Helper()
	return nodeWith(t, site, nil)
}

// nodeWith is another server on the site's database, which shares a Redis with others like it.
func nodeWith(t *testing.T, site *webtest.Site, redis *snapshots.Redis) *server.Server {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: site.DB.URL, MaxConns: 4, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	node, err := server.New(server.Options{
		DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Version: "test",
		Master: site.Master, Redis: redis,
		Provider: auth.NewProvider(auth.ProviderOptions{Issuer: webtest.Issuer, Client: http.DefaultClient, Now: time.Now}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// run works beside requests until the function returned is called, which waits for the end.
func run(t *testing.T, node *server.Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }()
	return func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(limit):
			t.Error("run does not end with its context")
		}
	}
}

func read(t *testing.T, node *server.Server, key, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("X-Api-Key", key)
	w := httptest.NewRecorder()
	node.Handler().ServeHTTP(w, r)
	return w
}

func TestReadyAfterLoad(t *testing.T) {
	t.Parallel()
	node := secondNode(t, webtest.New(t))
	var known *models.Error
	if err := node.Ready(t.Context()); !errors.As(err, &known) || known.Code != models.CodeUnavailable {
		t.Errorf("before the load: %v", err)
	}
	if got := read(t, node, "", "/readyz").Code; got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d", got)
	}
	if err := node.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := node.Ready(t.Context()); err != nil {
		t.Errorf("after the load: %v", err)
	}
	if got := read(t, node, "", "/readyz").Code; got != http.StatusOK {
		t.Errorf("/readyz answers %d", got)
	}
}

// TestNodesFollowEachOther makes, changes and takes away on one node and looks at the other.
func TestNodesFollowEachOther(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	node := secondNode(t, site)
	if err := node.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer run(t, node)()
	path := "/api/v1/configs/tenant/acme?environment=Development"
	app := site.Key("app")
	if got := read(t, node, app, path); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"configs":{}`) {
		t.Fatalf("%d %s", got.Code, got.Body)
	}

	site.As("engineer").Post("/configs", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Development", "key": "a", "value": "new",
	}).Want(201)
	eventually(t, "the value on the other node", func() bool {
		return strings.Contains(read(t, node, app, path).Body.String(), `"a":"new"`)
	})
	made := site.As("tenant-admin").Post("/api-keys", webtest.Body{"name": "k", "role": "reader", "tenantId": webtest.Acme}).Want(201)
	eventually(t, "the key on the other node", func() bool {
		return read(t, node, made.Field("key"), path).Code == http.StatusOK
	})
	site.As("tenant-admin").Delete("/api-keys/" + made.Field("id")).Want(204)
	eventually(t, "the key's end on the other node", func() bool {
		return read(t, node, made.Field("key"), path).Code == http.StatusUnauthorized
	})
}

// TestNodesTellEachOther writes through the API of one node and looks at the other.
func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	site, redis := webtest.New(t), storetest.NewRedis(t)
	var nodes [2]*server.Server
	for i := range nodes {
		shared, err := snapshots.OpenRedis(snapshots.RedisOptions{URL: redis.URL, TTL: time.Minute, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shared.Close() })
		nodes[i] = nodeWith(t, site, shared)
		if err := nodes[i].Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer run(t, nodes[i])()
	}
	app, engineer := site.Key("app"), site.Key("engineer")
	path := "/api/v1/configs/tenant/acme?environment=Development"
	var took []time.Duration
	for i := range 60 {
		value := fmt.Sprintf(`"a":"value %d"`, i)
		body := fmt.Sprintf(`{"tenantId":"acme","environment":"Development","key":"a","value":"value %d"}`, i)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/configs", strings.NewReader(body))
		r.Header.Set("X-Api-Key", engineer)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		nodes[0].Handler().ServeHTTP(w, r)
		began := time.Now()
		if w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got := read(t, nodes[0], app, path).Body.String(); !strings.Contains(got, value) {
			t.Fatalf("the node that wrote %s reads %s", value, got)
		}
		for !strings.Contains(read(t, nodes[1], app, path).Body.String(), value) {
			if time.Since(began) > 2*time.Second {
				t.Fatalf("write %d is not seen on the other node", i)
			}
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("visible on the other node: p50 %s, p99 %s", took[len(took)/2], took[len(took)-1])
	if median := took[len(took)/2]; median > 250*time.Millisecond {
		t.Errorf("half of the writes took over %s", median)
	}
}

// TestJobsRun lets a change expire by its job.
func TestJobsRun(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	site.Start()
	id := site.As("engineer").Post("/changes", webtest.Body{
		"tenantId": webtest.Acme, "environment": "Production", "items": []webtest.Body{{"key": "a", "op": "set", "value": 1}},
	}).Want(201).Field("id")
	site.DB.Admin(t, `UPDATE changes SET expires_at = clock_timestamp() - interval '1 second'`)
	site.DB.Admin(t, `UPDATE river_job SET scheduled_at = now(), state = 'available'`)
	eventually(t, "the expiry in the log", func() bool {
		log := site.As("auditor").Get("/audit?tenantId=acme&action=change.expire").Want(200)
		return log.Len("items") == 1 && log.Field("items.0.resource") == "change/"+id && log.Field("items.0.actor.kind") == "system"
	})
}

// TestDeniedReadsAreCounted looks for the count of denied reads after the end.
func TestDeniedReadsAreCounted(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	stop := run(t, site.Server)
	for range 3 {
		site.As("viewer").Get("/audit").Refused(403, "forbidden")
		site.With("hs_nobody").Get("/me").Refused(401, "unauthenticated")
	}
	stop()
	for _, action := range []string{"access.denied", "access.unauthenticated"} {
		log := site.As("auditor").Get("/audit?action=" + action).Want(200)
		if log.Len("items") == 0 || log.Field("items.0.after.count") != "3" {
			t.Errorf("%s: %s", action, log.Text)
		}
	}
}
