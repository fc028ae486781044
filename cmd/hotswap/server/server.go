// Package server puts the product together: services, transport, and what runs beside the requests. The commands
// `serve` and `dev` start it, and tests that need the whole of it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/trace"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/statedir"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/api"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/console"
	"github.com/hotswap/hotswap/web/pace"
	"github.com/hotswap/hotswap/web/read"
)

const (
	// defaultCacheBytes is the memory for layer sets and snapshots.
	defaultCacheBytes = 256 << 20
	// defaultMaxStale is how long a node goes on without its database.
	defaultMaxStale = 24 * time.Hour
	// stopTimeout is how long jobs at work may take to end.
	stopTimeout = 10 * time.Second
)

// Options are what a server is made of.
type Options struct {
	DB          *store.DB // migrated, as hotswap_app; the caller closes it after Run has returned
	Now         func() time.Time
	Log         *slog.Logger
	Registry    *prometheus.Registry
	OtherMaster *secrets.Master  // while data keys go from one master key to the next; may be nil
	Master      *secrets.Master  // wraps the data keys of all tenants
	Redis       *snapshots.Redis // shared with the other nodes, the caller closes it after Run has returned; nil: none
	Provider    *auth.Provider   // vouches for people: signs them in to the console, and its JWTs are credentials
	Tracer      trace.Tracer     // of calls; nil: nothing is traced
	Version     string           // of the program, as the API document names it
	CacheBytes  int64            // 0 means 256 MiB
	Streams     read.StreamLimits
	Limits      *pace.Limits  // how often callers may call; nil means pace.Standard
	State       *statedir.Dir // where the node keeps what it serves, the caller closes it after Run has returned; nil: nowhere
	MaxStale    time.Duration // how long a node that does not hear of its database honours what it knows; 0 means a day
}

// Services are all that the server is made of.
type Services struct {
	Audit       *audit.Log
	Access      *access.Service
	Secrets     *secrets.Service
	Directory   *tenants.Directory
	Tenants     *tenants.Service
	Definitions *definitions.Service
	Configs     *configs.Service
	Snapshots   *snapshots.Service
	Deployments *deployments.Service
	Instances   *deployments.Instances
	Changes     *changes.Service
}

// Server is the product in one piece.
type Server struct {
	Services

	options Options
	limits  limits
	calls   web.Limits
	signIn  *auth.SignIn
	handler http.Handler
	gauges  gauges
	streams *read.Streams
	contact *store.Contact
	loaded  atomic.Bool
}

// New puts everything together. Nothing is read from the database before Load.
func New(o Options) (*Server, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MaxStale == 0 {
		o.MaxStale = defaultMaxStale
	}
	s := &Server{options: o, limits: newLimits(o), contact: store.NewContact(o.Now, o.MaxStale)}
	s.calls = s.limits.web(o.Now)
	if err := s.assemble(); err != nil {
		return nil, err
	}
	o.DB.OnMoved(s.committed)
	s.streams = read.NewStreams(read.StreamOptions{
		Snapshots: s.Snapshots, Rights: s.rights, Now: o.Now, Metrics: o.Registry, Limits: o.Streams,
	})
	s.gauges = newGauges(o.Registry, o.DB, s.contact)
	var err error
	s.handler, err = web.New(web.Deps{
		Log: o.Log, Registry: o.Registry, Tracer: o.Tracer, Version: o.Version, Now: o.Now,
		Authenticate: s.authenticate, Refuse: s.Audit.Refuse, Denied: s.Audit.Denied, SignIn: s.signIn, Limits: s.calls,
		Repeated: s.repeated, HTTPS: o.Provider.HTTPS(), Ready: s.Ready, Routes: s.routes,
	})
	return s, err
}

// assemble makes the services, each of those before it.
func (s *Server) assemble() (err error) {
	o := s.options
	s.Audit = audit.New(o.DB, o.Now, o.Log)
	s.Access = access.New(access.Options{
		DB: o.DB, Audit: s.Audit, Now: o.Now, Log: o.Log, Verify: o.Provider.Verify, Issuer: o.Provider.Issuer(),
		Contact: s.contact,
	})
	s.signIn = auth.NewSignIn(auth.SignInOptions{
		Provider: o.Provider, Access: s.Access, Log: o.Log, Denied: s.Audit.Denied,
		Pace: auth.Pace(s.limits.of("signin", s.limits.SignIns)),
	})
	s.Secrets = secrets.New(secrets.Options{
		DB: o.DB, Audit: s.Audit, Master: o.Master, Other: o.OtherMaster, Now: o.Now, NewID: uuid.NewString,
		Log: o.Log, Metrics: o.Registry,
	})
	s.Directory = tenants.NewDirectory(o.DB, s.contact)
	s.Tenants = tenants.New(o.DB, s.Audit, s.Directory)
	s.Tenants.OnPurged(s.Secrets.Forget)
	s.Definitions = definitions.New(o.DB, s.Audit, s.Directory, s.Secrets, definitions.NewValidator())
	s.Configs = configs.New(configs.Options{
		DB: o.DB, Access: s.Access, Secrets: s.Secrets, Audit: s.Audit, Now: o.Now,
	})
	s.Snapshots, err = snapshots.New(snapshots.Options{
		DB: o.DB, Tenants: s.Directory, Secrets: s.Secrets, Redis: o.Redis, MaxBytes: o.CacheBytes,
		Log: o.Log, Metrics: o.Registry, Now: o.Now, Contact: s.contact, Anew: s.anew, State: o.State,
	})
	if err != nil {
		return fmt.Errorf("read plane: %w", err)
	}
	s.Deployments = deployments.New(o.DB, s.Definitions, s.Tenants, uuid.NewString)
	s.Instances = deployments.NewInstances(deployments.InstancesOptions{
		DB: o.DB, Snapshots: s.Snapshots, Log: o.Log, Metrics: o.Registry, Now: o.Now,
	})
	s.Changes = changes.New(changes.Options{
		DB: o.DB, Audit: s.Audit, Access: s.Access, Tenants: s.Directory, Secrets: s.Secrets, Definitions: s.Definitions,
		Deployments: s.Deployments, Now: o.Now, NewID: uuid.NewString, Metrics: o.Registry,
	})
	return nil
}

// committed hands on the heads that a transaction of this node moved, before its answer leaves.
func (s *Server) committed(moved []models.Head) {
	s.Access.Raise(moved)
	s.Directory.Raise(moved)
	s.Snapshots.Raise(moved)
	s.tell(moved)
	s.Snapshots.Committed(moved)
}

// tell hands moved heads to all that keep something in memory.
func (s *Server) tell(moved []models.Head) {
	s.Access.Hear(moved)
	s.Secrets.Raise(moved) // before what is composed of secrets
	s.Directory.Hear(moved)
	s.Snapshots.Hear(moved)
}

// anew follows another database that took the place of the one before. What is kept of that one serves until it was
// read anew.
func (s *Server) anew(ctx context.Context) {
	s.Access.Anew()
	s.Secrets.Doubt()
	if err := s.Directory.Anew(ctx); err != nil {
		s.options.Log.WarnContext(ctx, "tenants are read one by one", "error", err)
	}
}

func (s *Server) authenticate(ctx context.Context, credential string, _ models.Request) (models.Actor, error) {
	return s.Access.Authenticate(ctx, credential)
}

// repeated looks whether a call was carried out before. Its digest is kept under a key: a body may hold a secret that is
// found by trying.
func (s *Server) repeated(ctx context.Context, c *models.Claim) (err error) {
	if c.Digest, err = s.Secrets.Mark(ctx, c.Digest); err != nil {
		return err
	}
	return s.options.DB.Repeated(ctx, c)
}

// rights are those of now.
func (s *Server) rights(ctx context.Context) (read.Rights, error) {
	directory, err := s.Access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	now := s.options.Now()
	return func(a models.Actor) (models.Actor, bool) {
		if a.KeyID != "" && s.Access.Refused(a.KeyID) {
			return models.Actor{}, false
		}
		return directory.Current(a, now)
	}, nil
}

// Drain ends what would not end by itself: the streams. Their callers have been told when it returns, or the context
// has ended.
func (s *Server) Drain(ctx context.Context) { s.streams.Drain(ctx) }

func (s *Server) routes(r web.Router) {
	past := read.PacePast(s.options.Now, s.limits.of("past", s.limits.Past))
	reads := read.Handlers{Snapshots: s.Snapshots, Now: s.options.Now, Past: past, Revealed: s.Audit.Revealed, Streams: s.streams}
	read.Register(r.Echo.Group(web.Prefix), reads)
	read.RegisterFlags(r, reads)
	read.Document(r.API)
	api.Register(r.API, api.Services{
		Audit: s.Audit, Access: s.Access, Tenants: s.Tenants, Definitions: s.Definitions, Configs: s.Configs,
		Snapshots: s.Snapshots, Deployments: s.Deployments, Instances: s.Instances, Changes: s.Changes, Past: past,
	})
	console.Register(r.Console, console.Services{
		Audit: s.Audit, Access: s.Access, Tenants: s.Tenants, Definitions: s.Definitions, Configs: s.Configs,
		Snapshots: s.Snapshots, Deployments: s.Deployments, Instances: s.Instances, Changes: s.Changes, SignIn: s.signIn,
		Now: s.options.Now, Past: past, Ping: s.options.DB.Ping, Redis: s.redis(), Jobs: s.options.DB.Jobs,
	})
}

// redis tells whether Redis answers; nil when there is none.
func (s *Server) redis() func(context.Context) error {
	if s.options.Redis == nil {
		return nil
	}
	return s.options.Redis.Ping
}

// Handler answers all requests of the main listener.
func (s *Server) Handler() http.Handler { return s.handler }

// Load reads what every request needs. Until it has succeeded the server is not ready.
func (s *Server) Load(ctx context.Context) error {
	if err := s.loadOrRestore(ctx); err != nil {
		return err
	}
	s.loaded.Store(true)
	return nil
}

func (s *Server) load(ctx context.Context) error {
	if err := s.Directory.Load(ctx); err != nil {
		return fmt.Errorf("load tenants: %w", err)
	}
	if err := s.Snapshots.Load(ctx); err != nil {
		return fmt.Errorf("load heads: %w", err)
	}
	if _, err := s.Access.Directory(ctx); err != nil {
		return fmt.Errorf("load people and keys: %w", err)
	}
	if err := s.prepareState(ctx); err != nil {
		return err
	}
	s.rememberKeys(ctx)
	return nil
}

// Run does what is done beside requests, until the context ends: it scans for heads that other nodes moved,
// writes counts of denied calls, and works on jobs. It returns when all of that has ended.
func (s *Server) Run(ctx context.Context) error {
	stop, err := s.work(ctx)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { s.Snapshots.Run(ctx, s.tell) })
	running.Go(func() { s.Audit.Run(ctx) })
	running.Go(func() { s.Instances.Run(ctx) })
	running.Go(func() { s.calls.Run(ctx) })
	running.Go(func() { s.measure(ctx) })
	running.Go(func() { s.streams.Run(ctx) })
	running.Go(func() { s.Secrets.Run(ctx) })
	running.Go(func() { s.keepControl(ctx) })
	<-ctx.Done()
	running.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

// work starts the workers. They outlive the context that ends Run: those at work may finish.
func (s *Server) work(ctx context.Context) (stop func(context.Context) error, err error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &changes.Expirer{Changes: s.Changes}); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &tenants.Purger{Tenants: s.Tenants}); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return s.options.DB.Work(context.WithoutCancel(ctx), workers)
}
