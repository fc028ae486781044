// Package access knows who may do what: people, the roles bound to them, API keys, and the actor behind
// a credential.
package access

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
)

// Claims are what the identity provider says of somebody.
type Claims struct {
	Issuer        string
	Subject       string
	Email         string
	EmailVerified bool
	Name          string
	Groups        []string
	Until         time.Time // when what says so ends

	Unsaid Unsaid
}

// Unsaid marks what claims leave open: what is known of the person stays. Tokens for the API often say less than a
// sign-in at the console does.
type Unsaid struct {
	Email         bool
	EmailVerified bool
	Name          bool
	Groups        bool
}

// Verify checks a JWT of the identity provider: signature, issuer, audience and time.
type Verify func(ctx context.Context, raw string) (Claims, error)

// Options say what the service works with.
type Options struct {
	DB      *store.DB
	Audit   *audit.Log
	Now     func() time.Time
	Log     *slog.Logger
	Contact *store.Contact // how long what is known is honoured; nil: for good
	Verify  Verify         // nil: JWTs are no credential
	Issuer  string         // of people who are named by e-mail before their first login; empty: only those who signed in
}

// Service answers who an actor is, and manages people, bindings and keys.
type Service struct {
	db     *store.DB
	audit  *audit.Log
	now    func() time.Time
	log    *slog.Logger
	verify Verify
	issuer string

	contact *store.Contact

	current  atomic.Pointer[Directory]
	wanted   bounds                    // what the directory should not be older than
	demanded bounds                    // and what this node itself moved
	epoch    atomic.Int64              // counts the databases that took the place of another
	failing  atomic.Pointer[time.Time] // Postgres does not answer: when to look again
	loads    singleflight.Group
	patience store.Patience
	revoked  atomic.Pointer[map[string]bool] // ids of keys that this node revoked since the directory was loaded
	signed   throttle
}

// New makes the service. It loads nothing yet.
func New(o Options) *Service {
	return &Service{db: o.DB, audit: o.Audit, now: o.Now, log: o.Log, verify: o.Verify, issuer: o.Issuer, contact: o.Contact}
}

// authActor sees all keys and bindings, and is the only actor that does without a person behind it.
const authActor = "auth"

// asAuth runs fn in a transaction of the system actor auth.
func (s *Service) asAuth(ctx context.Context, fn func(context.Context, *gorm.DB) error) error {
	return s.db.Tx(models.WithActor(ctx, models.System(authActor)), fn)
}

// throttle lets each key through once per interval, and forgets all when it holds too many.
type throttle struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const (
	signInEvery  = time.Minute // per person, by JWTs whose claims changed
	maxThrottled = 10_000
)

func (t *throttle) pass(key string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.last[key]; ok && now.Sub(last) < signInEvery {
		return false
	}
	if t.last == nil || len(t.last) >= maxThrottled {
		t.last = map[string]time.Time{}
	}
	t.last[key] = now
	return true
}
