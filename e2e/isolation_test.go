package e2e_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/webtest"
)

// How many requests the walk makes: in `make test`, and with HOTSWAP_TORTURE=full.
const (
	walkRequests    = 20_000
	tortureRequests = 1_000_000
)

// walkers is how many of each tenant walk at a time.
const walkers = 4

// side is a tenant as the walk knows it.
type side struct {
	tenant string
	canary string // is in every text that its people write; nobody else may ever see it
	keys   []string

	mu     sync.Mutex
	things map[string][]string // ids by noun
	ids    map[string]bool     // all of them
}

func (s *side) know(noun, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ids[id] {
		s.ids[id] = true
		s.things[noun] = append(s.things[noun], id)
	}
}

// any is one of the things, nothing's id if there is none.
func (s *side) any(noun string, r *mathrand.Rand) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all := s.things[noun]; len(all) > 0 {
		return all[r.IntN(len(all))]
	}
	return noThing
}

func (s *side) owns(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

// learn notes the ids that an answer about the tenant brought to its own people.
func (s *side) learn(got *answer) {
	if got.Status() != 200 && got.Status() != 201 && got.Status() != 202 {
		return
	}
	noun, _, _ := strings.Cut(strings.TrimPrefix(got.request.path, "/"), "?")
	switch {
	case noun == "configs" && got.request.method == "POST" && got.Has("id"):
		s.know("config", got.Field("id"))
	case noun == "audit" && got.Has("items.0.id"):
		s.know("entry", got.Field("items.0.id"))
	case noun == "deployments" && got.Has("items.0.id"):
		s.know("deployment", got.Field("items.0.id"))
	case noun == "api-keys" && got.Has("key"):
		s.know("key", got.Field("id"))
	case noun == "role-bindings" && got.Has("subject"):
		s.know("binding", got.Field("id"))
	}
	for _, prefix := range []string{"", "change."} {
		if got.Has(prefix + "digest") {
			s.know("change", got.Field(prefix+"id")+" "+got.Field(prefix+"digest"))
			s.know("id", got.Field(prefix+"id"))
		}
	}
	if noun == "changes" && got.Has("nextCursor") && got.Field("nextCursor") != "null" {
		s.know("cursor", got.Field("nextCursor"))
	}
}

// The ids of nothing.
const (
	noThing  = "00000000-0000-4000-8000-000000000000"
	noTenant = "nobody-at-all"
)

// names is what a request names: things of a side, or of nobody.
type names struct {
	tenant, config, change, digest, deployment, key, binding, entry, cursor string
}

func (s *side) names(r *mathrand.Rand) names {
	change, digest, _ := strings.Cut(s.any("change", r), " ")
	return names{
		tenant: s.tenant, config: s.any("config", r), change: change, digest: digest, deployment: s.any("deployment", r),
		key: s.any("key", r), binding: s.any("binding", r), entry: s.any("entry", r), cursor: s.any("cursor", r),
	}
}

// nobody names nothing that exists, but keeps what is no name.
func (n names) nobody() names {
	return names{
		tenant: noTenant, config: noThing, change: noThing, digest: n.digest, deployment: noThing,
		key: strings.Repeat("0", max(len(n.key), 1)), binding: noThing, entry: noThing, cursor: n.cursor,
	}
}

// walker is one of a tenant's people or services on a random way.
type walker struct {
	t          *testing.T
	site       *webtest.Site
	own, other *side
	r          *mathrand.Rand
	steps      []step
	total      int
	unanswered *atomic.Int64 // 503
}

func (w *walker) pick() step {
	n := w.r.IntN(w.total)
	for _, s := range w.steps {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	return w.steps[0]
}

// walk makes one step after the other; half of them into the other tenant, each beside its twin into nowhere.
func (w *walker) walk(budget *atomic.Int64) {
	for budget.Add(-1) >= 0 && !w.t.Failed() {
		who := w.own.keys[w.r.IntN(len(w.own.keys))]
		s := w.pick()
		if w.r.IntN(2) == 0 {
			w.own.learn(w.send(who, s.make(w.own.names(w.r), w)))
			continue
		}
		n := w.other.names(w.r)
		seed := w.r.Uint64()
		foreign := w.sendSeeded(who, s, n, seed)
		if budget.Add(-1) >= 0 {
			w.compare(who, foreign, w.sendSeeded(who, s, n.nobody(), seed))
		}
	}
}

// sendSeeded makes the request's random words again the same for the same seed.
func (w *walker) sendSeeded(who string, s step, n names, seed uint64) *answer {
	before := w.r
	w.r = mathrand.New(mathrand.NewPCG(seed, seed))
	defer func() { w.r = before }()
	return w.send(who, s.make(n, w))
}

// answer is what came back to whom for what.
type answer struct {
	*webtest.Response

	request request
}

func (w *walker) send(who string, r request) *answer {
	got := w.site.As(who).Do(r.method, r.path, r.body)
	if got.Status() == 503 {
		w.unanswered.Add(1)
	}
	if got.Status() == 500 {
		w.t.Errorf("%s: %s %s: %s", who, r.method, r.path, got.Text)
	}
	w.inspect(who, r, got)
	return &answer{got, r}
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// inspect looks for anything of the other tenant in an answer. The walker's own log repeats the ids it asked for.
func (w *walker) inspect(who string, r request, got *webtest.Response) {
	all := fmt.Sprint(got.Text, "\n", got.Header)
	if strings.Contains(all, w.other.canary) {
		w.t.Errorf("%s saw the other tenant: %s %s answered %d: %s", who, r.method, r.path, got.Status(), all)
	}
	if strings.HasPrefix(r.path, "/audit") {
		return
	}
	for _, id := range anyID.FindAllString(all, -1) {
		if w.other.owns(id) {
			w.t.Errorf("%s saw %s of the other tenant: %s %s answered %d: %s", who, id, r.method, r.path, got.Status(), all)
		}
	}
}

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

// compare holds what is said of another tenant's thing against what is said of nothing.
func (w *walker) compare(who string, foreign, nothing *answer) {
	if foreign.Status() == 503 || nothing.Status() == 503 || foreign.request.path == nothing.request.path {
		return // busy, or a call that names nobody
	}
	if strings.HasPrefix(foreign.request.path, "/tenants?") || strings.HasPrefix(foreign.request.path, "/deployments?") ||
		strings.HasPrefix(foreign.request.path, "/audit?") {
		return // filters on the caller's own list, which moves meanwhile
	}
	a, b := requestID.ReplaceAllString(foreign.Text, ""), requestID.ReplaceAllString(nothing.Text, "")
	if foreign.Status() != nothing.Status() || a != b {
		w.t.Errorf("%s can tell: %s %s answered %d %s, of nothing %d %s", who, foreign.request.method, foreign.request.path,
			foreign.Status(), foreign.Text, nothing.Status(), nothing.Text)
	}
}

// TestTortureIsolation lets people and services of two tenants walk through the whole API at random, into their
// own tenant and into the other's. Nothing of the other's ever comes back, nor whether it is there.
func TestTortureIsolation(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	sides := [2]*side{newSide(t, site, webtest.Acme), newSide(t, site, webtest.Globex)}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)

	var budget, unanswered atomic.Int64
	requests := int64(walkRequests)
	if os.Getenv("HOTSWAP_TORTURE") == "full" {
		requests = tortureRequests
	}
	budget.Store(requests)
	var walking sync.WaitGroup
	for i := range 2 * walkers {
		w := &walker{
			t: t, site: site, own: sides[i%2], other: sides[1-i%2], steps: steps(), unanswered: &unanswered,
			r: mathrand.New(mathrand.NewPCG(seed, uint64(i))),
		}
		for _, s := range w.steps {
			w.total += s.weight
		}
		walking.Go(func() { w.walk(&budget) })
	}
	walking.Wait()
	t.Logf("%d requests, %d of them found the server busy", requests, unanswered.Load())
	if unanswered.Load() > requests/50 {
		t.Error("too many requests found the server busy to prove anything")
	}
	for _, s := range sides {
		for _, noun := range []string{"config", "change", "deployment", "entry", "key", "binding", "cursor"} {
			if len(s.things[noun]) == 0 {
				t.Errorf("%s never had a %s that the other could have seen", s.tenant, noun)
			}
		}
	}
}

// newSide fills a tenant with people, services and things that bear its canary.
func newSide(t *testing.T, site *webtest.Site, tenant string) *side {
	t.Helper()
	s := &side{
		tenant: tenant, canary: "zq" + strings.ToLower(rand.Text()),
		things: map[string][]string{}, ids: map[string]bool{},
	}
	for _, role := range []models.Role{
		models.RoleEngineer, models.RoleManager, models.RoleCompliance, models.RoleAuditor, models.RoleTenantAdmin, models.RoleViewer,
	} {
		name := s.canary + "-" + string(role)
		site.Join(name, role, tenant)
		s.keys = append(s.keys, name)
	}
	site.Join(s.canary+"-second", models.RoleEngineer, tenant)
	site.Service(s.canary+"-app", models.RoleReader, tenant)
	site.Service(s.canary+"-robot", models.RoleEngineer, tenant)
	s.keys = append(s.keys, s.canary+"-second", s.canary+"-app", s.canary+"-robot", s.canary+"-engineer")
	site.As("admin").Patch("/tenants/"+tenant, webtest.Body{"name": s.canary}).Want(200)
	s.fill(site)
	return s
}

// fill makes one of everything, so that there is something to be seen from the first step on.
func (s *side) fill(site *webtest.Site) {
	value := webtest.Body{"tenantId": s.tenant, "environment": "Development", "key": s.canary, "value": s.canary}
	for range 6 { // for a list with a next page
		s.do(site, "engineer", request{"POST", "/configs", value})
	}
	for _, r := range []request{
		{"POST", "/api-keys", webtest.Body{"name": s.canary, "role": "reader", "tenantId": s.tenant}},
		{"POST", "/role-bindings", webtest.Body{"role": "viewer", "tenantId": s.tenant, "group": s.canary}},
		{"GET", "/audit", nil},
		{"GET", "/deployments", nil},
		{"GET", "/changes?limit=5", nil},
	} {
		s.do(site, "tenant-admin", r)
	}
	s.do(site, "engineer", request{"POST", "/changes", webtest.Body{
		"tenantId": s.tenant, "environment": "Production", "items": []webtest.Body{{"key": s.canary, "op": "set", "value": s.canary}},
	}})
}

func (s *side) do(site *webtest.Site, role string, r request) {
	s.learn(&answer{site.As(s.canary+"-"+role).Do(r.method, r.path, r.body), r})
}
