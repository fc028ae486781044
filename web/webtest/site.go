// Package webtest runs the whole product for a test: a real server on a database of its own, with people and
// keys for every role. Only tests import it.
package webtest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/pace"
)

// The tenants that every site has, beside the layers.
const (
	Acme   = "acme"   // tier Enterprise
	Globex = "globex" // tier Free
)

// Issuer vouches for the people of a site.
const Issuer = "https://id.example.com"

// Site is the product at work.
type Site struct {
	*server.Server

	DB       *storetest.Database
	URL      string
	Registry *prometheus.Registry
	Master   *secrets.Master // for other nodes of the site

	t      testing.TB
	client *http.Client
	owner  *access.Service // the operator at the console
	keys   map[string]string
	who    map[string]models.Person
}

// cast is who is there from the beginning: the name of the key, the role and the tenant, empty for all.
var cast = []struct {
	name   string
	role   models.Role
	tenant string
}{
	{"engineer", models.RoleEngineer, ""},
	{"engineer2", models.RoleEngineer, ""},
	{"manager", models.RoleManager, ""},
	{"compliance", models.RoleCompliance, ""},
	{"auditor", models.RoleAuditor, ""},
	{"viewer", models.RoleViewer, ""},
	{"admin2", models.RolePlatformAdmin, ""},
	{"tenant-admin", models.RoleTenantAdmin, Acme},
	{"acme-engineer", models.RoleEngineer, Acme},
	{"globex-engineer", models.RoleEngineer, Globex},
}

// New starts a site with two tenants, a person for each role, and an application that reads everything ("app"). Tests
// ask for what nobody may see, and often: calls without a known credential are not limited.
func New(tb testing.TB) *Site {
	tb.Helper()
	limits := pace.Standard()
	limits.Credentials = pace.Limit{}
	return Limited(tb, limits)
}

// Limited is New with limits.
func Limited(tb testing.TB, limits pace.Limits) *Site {
	tb.Helper()
	s := &Site{
		DB: storetest.New(tb), Registry: prometheus.NewRegistry(), t: tb,
		keys: map[string]string{}, who: map[string]models.Person{},
	}
	log := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	listener := httptest.NewUnstartedServer(nil)
	s.URL = "http://" + listener.Listener.Addr().String()
	provider := auth.NewProvider(auth.ProviderOptions{
		Issuer: Issuer, ClientID: "hotswap", PublicURL: s.URL, Client: &http.Client{Transport: nobody{}}, Now: time.Now,
	})
	var err error
	if s.Master, err = secrets.NewMaster(); err != nil {
		tb.Fatalf("master key: %v", err)
	}
	s.Server, err = server.New(server.Options{
		DB: s.DB.DB, Now: time.Now, Log: log, Registry: s.Registry, Master: s.Master, Provider: provider, Version: "test",
		Limits: &limits,
	})
	if err != nil {
		tb.Fatalf("server: %v", err)
	}
	s.openDesk(log)
	s.listen(listener, log)
	s.settle()
	return s
}

// openDesk opens the database as its owner, to make people who need nobody's leave.
func (s *Site) openDesk(log *slog.Logger) {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), store.Options{
		URL: s.DB.OwnerURL, MaxConns: 2, Log: log, Owner: true, Moved: s.Access.Raise,
	})
	if err != nil {
		s.t.Fatalf("open as owner: %v", err)
	}
	s.t.Cleanup(db.Close)
	s.owner = access.New(access.Options{DB: db, Audit: audit.New(db, time.Now, log), Now: time.Now, Log: log, Issuer: Issuer})
}

func (s *Site) listen(listener *httptest.Server, log *slog.Logger) {
	s.t.Helper()
	if err := s.Load(s.t.Context()); err != nil {
		s.t.Fatalf("load: %v", err)
	}
	listener.Config = web.NewHTTPServer(s.Handler(), log)
	listener.Start()
	transport := &http.Transport{MaxIdleConnsPerHost: maxIdle}
	s.t.Cleanup(func() {
		transport.CloseIdleConnections()
		listener.Close()
	})
	s.client = &http.Client{Transport: transport, CheckRedirect: stay}
}

// nobody is an identity provider that does not answer.
type nobody struct{}

// RoundTrip fails.
func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody is there")
}

// maxIdle is how many callers at a time keep their connections.
const maxIdle = 64

// stay lets tests see redirects.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// settle makes the tenants and the people.
func (s *Site) settle() {
	s.t.Helper()
	s.Join("admin", models.RolePlatformAdmin, "")
	admin := s.As("admin")
	admin.Post("/tenants", Body{"tenantId": Acme, "name": "Acme", "tier": "Enterprise"}).Want(201)
	admin.Post("/tenants", Body{"tenantId": Globex, "name": "Globex", "tier": "Free"}).Want(201)
	for _, p := range cast {
		s.Join(p.name, p.role, p.tenant)
	}
	s.Service("app", models.RoleReader, "")
}

// Start runs what is done beside requests (scan, jobs, counts of denied calls) until the test ends.
func (s *Site) Start() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("run: %v", err)
		}
	})
}

// Join makes a person with the role in the tenant, or in all, and a personal key of that role.
func (s *Site) Join(name string, role models.Role, tenantID string) {
	s.t.Helper()
	person, err := s.owner.EnsureAccount(s.t.Context(), access.Account{
		Issuer: Issuer, Subject: name, Email: name + "@example.com", Name: name, Role: role, TenantID: tenantID,
	})
	if err != nil {
		s.t.Fatalf("account of %s: %v", name, err)
	}
	s.who[name] = person
	s.key(name, models.APIKey{Name: name, Role: role, TenantID: tenantID, PersonID: person.ID})
}

// SecondKey makes another personal key for somebody who is there.
func (s *Site) SecondKey(name, of string, role models.Role) {
	s.t.Helper()
	s.key(name, models.APIKey{Name: name, Role: role, PersonID: s.Person(of).ID})
}

// Service makes the key of a service.
func (s *Site) Service(name string, role models.Role, tenantID string, responsible ...string) {
	s.t.Helper()
	key := models.APIKey{Name: name, Role: role, TenantID: tenantID}
	for _, person := range responsible {
		key.Responsible = append(key.Responsible, s.Person(person).ID)
	}
	s.key(name, key)
}

func (s *Site) key(name string, k models.APIKey) {
	s.t.Helper()
	_, key := access.NewKey()
	if _, err := s.owner.EnsureKey(s.t.Context(), k, key); err != nil {
		s.t.Fatalf("key of %s: %v", name, err)
	}
	s.keys[name] = key
}

// Person is somebody of the site.
func (s *Site) Person(name string) models.Person {
	s.t.Helper()
	p, ok := s.who[name]
	if !ok {
		s.t.Fatalf("nobody is called %s", name)
	}
	return p
}

// Session is the cookie of somebody who signed in to the console just now.
func (s *Site) Session(name string) *http.Cookie {
	s.t.Helper()
	p := s.Person(name)
	token, err := s.Access.StartSession(s.t.Context(), access.SessionStart{Data: "{}", Claims: access.Claims{
		Issuer: p.Issuer, Subject: p.Subject, Email: p.Email, EmailVerified: true, Name: p.Name,
	}})
	if err != nil {
		s.t.Fatalf("session of %s: %v", name, err)
	}
	return &http.Cookie{Name: auth.SessionCookie, Value: string(token)}
}

// Key is the API key of that name.
func (s *Site) Key(name string) string {
	s.t.Helper()
	key, ok := s.keys[name]
	if !ok {
		s.t.Fatalf("no key is called %s", name)
	}
	return key
}
