// Package changes is the one way by which anything an application reads is altered: a change is written,
// reviewed as the policy asks, and handed to deployments.
package changes

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// Options are what changes are made of.
type Options struct {
	DB          *store.DB
	Audit       *audit.Log
	Access      *access.Service
	Tenants     *tenants.Directory
	Deployments *deployments.Service
	Now         func() time.Time
	NewID       func() string // random UUIDs
	Metrics     prometheus.Registerer
}

// Service writes, reviews and applies changes.
type Service struct {
	Options

	writes *prometheus.CounterVec
}

// New needs every option.
func New(o Options) *Service {
	writes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotswap_writes_total", Help: "Writes of changes that committed, by where the change stands afterwards.",
	}, []string{"status"})
	o.Metrics.MustRegister(writes)
	return &Service{o, writes}
}

// count counts a write that committed.
func (s *Service) count(c models.Change) { s.writes.WithLabelValues(string(c.Status)).Inc() }

// retries bounds how often a write locks again because the layer's chain or somebody's rights moved meanwhile.
const retries = 4

// place is where a write happens, as known before its locks.
type place struct {
	chain []string
	who   *access.Directory // people and their rights
	read  *deployments.Reading
}

// write runs fn in a transaction that holds the locks of the tenant's chain. It locks again when what was
// known before the locks turns out to be old.
// What first prepares is read under the locks, in the same round trip.
func (s *Service) write(ctx context.Context, tenantID string, first func(chain []string) *deployments.Reading,
	fn func(context.Context, *gorm.DB, place) error,
) error {
	for range retries {
		tenant, err := s.Tenants.Get(ctx, tenantID)
		if err != nil {
			return err
		}
		who, err := s.Access.Directory(ctx)
		if err != nil {
			return err
		}
		at := place{chain: tenant.Chain(), who: who}
		var statements []store.Statement
		if first != nil {
			at.read = first(at.chain)
			statements = append(statements, at.read.Statement)
		}
		err = s.DB.Write(ctx, at.chain, func(ctx context.Context, tx *gorm.DB) error { return fn(ctx, tx, at) }, statements...)
		var moved deployments.MovedError
		if !errors.As(err, &moved) {
			return err
		}
		s.Tenants.Raise([]models.Head{moved.Head})
		s.Access.Raise([]models.Head{moved.Head})
	}
	return models.Unavailable("the tenant is being changed", time.Second)
}

// Outcome is what a write led to: a change, and the config when it is live at once.
type Outcome struct {
	Change models.Change
	Config *models.Config
}

// Live tells whether the change took effect at once.
func (o Outcome) Live() bool { return o.Change.Status == models.ChangeDeployed }

// mask hides sensitive values.
func (o *Outcome) mask() {
	o.Change.Mask()
	if o.Config != nil && o.Config.Sensitive {
		o.Config.Value = models.Masked
	}
}

// route sends a change on its way, and writes it with what it did: live at once where nothing asks for a
// decision, else waiting.
func (s *Service) route(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts, did func() models.Act) error {
	c.Stages = models.MergeStages(c.Stages, f.StagesFor(c)) // an edit never loses a stage that was asked
	if len(c.Stages) == 0 {
		return s.start(ctx, c, f, did)
	}
	expires := f.At.Add(f.Policy().ExpiresIn)
	c.Status, c.ExpiresAt = models.ChangePending, &expires
	if err := store.Enqueue(ctx, tx, Expire{TenantID: c.TenantID, ChangeID: c.ID}, expires); err != nil {
		return err
	}
	return s.keep(ctx, c, f.At, did())
}

// start applies the change, and writes it with what it did before and by that.
func (s *Service) start(ctx context.Context, c *models.Change, f models.Facts, did func() models.Act) error {
	c.Status, c.ExpiresAt = models.ChangeDeployed, nil
	row, err := save(c, f.At)
	if err != nil {
		return err
	}
	deployment, acts, err := s.Deployments.Start(ctx, c, f)
	if err != nil {
		return err
	}
	entries, err := s.Audit.Statement(ctx, c.TenantID, f.At, append([]models.Act{did()}, acts...)...)
	if err != nil {
		return err
	}
	return store.Send(ctx, row, deployment, entries)
}

// keep writes a change that is not applied by this, and what it did.
func (s *Service) keep(ctx context.Context, c *models.Change, at time.Time, acts ...models.Act) error {
	row, err := save(c, at)
	if err != nil {
		return err
	}
	entries, err := s.Audit.Statement(ctx, c.TenantID, at, acts...)
	if err != nil {
		return err
	}
	return store.Send(ctx, row, entries)
}

// fit binds the change to the facts, checks it and seals it with its digest.
func (s *Service) fit(ctx context.Context, c *models.Change, f models.Facts, pointer func(int) string) error {
	for i := range c.Items {
		if c.Items[i].ConfigID == "" {
			c.Items[i].ConfigID = s.NewID()
		}
	}
	if err := c.Bind(f, pointer); err != nil {
		return err
	}
	if err := s.Deployments.Check(ctx, c, f, pointer); err != nil {
		return err
	}
	return seal(c)
}

func seal(c *models.Change) (err error) {
	if c.Title == "" {
		c.Title = c.DefaultTitle()
	}
	c.Digest, err = c.ComputeDigest()
	return err
}

// strategy finds the strategy asked for, or the policy's default. invalid: there is none of that name;
// forbidden: the policy does not allow it here.
func strategy(name string, p models.Policy) (models.Strategy, error) {
	if name == "" {
		name = p.DefaultStrategy
	}
	found, ok := models.StrategyNamed(name)
	if !ok {
		return found, models.Invalid("/strategy", "there is no such strategy")
	}
	if slices.Contains(p.AllowedStrategies, name) {
		return found, nil
	}
	return found, models.Forbidden("the policy of this environment does not allow the strategy " + name)
}

func resource(c *models.Change) string { return "change/" + c.ID }

// summary is a change as the log keeps it: what was signed, not every value of it.
func summary(c *models.Change) models.Value {
	return models.Object(map[string]models.Value{
		"digest": models.Text(c.Digest), "environment": models.Text(c.Environment),
		"items": models.Int(int64(len(c.Items))), "status": models.Text(string(c.Status)), "title": models.Text(c.Title),
	})
}
