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
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// Options are what changes are made of.
type Options struct {
	DB          *store.DB
	Audit       *audit.Log
	Access      *access.Service
	Tenants     *tenants.Directory
	Secrets     *secrets.Service
	Definitions *definitions.Service
	Deployments *deployments.Service
	Now         func() time.Time
	NewID       func() string // random UUIDs
	Metrics     prometheus.Registerer
}

// Service writes, reviews and applies changes.
type Service struct {
	Options

	metrics metrics
}

// New needs every option.
func New(o Options) *Service {
	return &Service{o, newMetrics(o.Metrics)}
}

// retries bounds how often a write locks again because the layer's chain or somebody's rights moved meanwhile.
const retries = 4

// place is where a write happens, as known before its locks.
type place struct {
	chain []string
	who   *access.Directory // people and their rights
	read  *deployments.Reading
}

// write runs fn in a transaction that holds the locks of the tenant's chain, and that of the tier it is to move to if
// one is named. It locks again when what was known before the locks turns out to be old.
// What first prepares is read under the locks, in the same round trip.
func (s *Service) write(ctx context.Context, tenantID, tier string, first func(chain []string) *deployments.Reading,
	fn func(context.Context, *gorm.DB, place) error,
) error {
	began := s.Now()
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
			statements = at.read.Statements()
		}
		err = s.Secrets.Retry(ctx, func() error {
			return s.DB.Write(ctx, with(at.chain, tier), func(ctx context.Context, tx *gorm.DB) error { return fn(ctx, tx, at) }, statements...)
		})
		if err == nil {
			s.metrics.took.Observe(s.Now().Sub(began).Seconds())
		}
		var moved deployments.MovedError
		if !errors.As(err, &moved) {
			return err
		}
		s.Tenants.Raise([]models.Head{moved.Head})
		s.Access.Raise([]models.Head{moved.Head})
	}
	return models.Unavailable("the tenant is being changed", time.Second)
}

// with is the chain with another tier in its place among the layers that are locked: topmost first, tiers by name.
func with(chain []string, tier string) []string {
	if tier == "" || slices.Contains(chain, tier) {
		return chain
	}
	own := len(chain) - 1
	layers := append(slices.Clone(chain[1:own]), tier)
	slices.Sort(layers)
	return append(append([]string{chain[0]}, layers...), chain[own])
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
	if c.RollsBack == "" {
		c.Stages = models.MergeStages(c.Stages, f.StagesFor(c)) // an edit never loses a stage that was asked
	}
	if len(c.Stages) == 0 {
		return s.start(ctx, tx, c, f, did)
	}
	expires := f.At.Add(f.Policy().ExpiresIn)
	c.Status, c.ExpiresAt = models.ChangePending, &expires
	if err := store.Enqueue(ctx, tx, Expire{TenantID: c.TenantID, ChangeID: c.ID}, expires); err != nil {
		return err
	}
	return s.keep(ctx, c, f.At, did())
}

// start applies the change, and writes it with what it did before and by that.
func (s *Service) start(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts, did func() models.Act) error {
	c.Status, c.ExpiresAt = models.ChangeDeployed, nil
	row, err := save(c, f.At)
	if err != nil {
		return err
	}
	if c.Reaches() { // definitions name the change that makes them
		if err := store.Send(ctx, row); err != nil {
			return err
		}
		row = store.Statement{}
	}
	deployment, acts, err := s.Deployments.Start(ctx, tx, c, f)
	if err != nil {
		return err
	}
	ended, endings, err := rolledBack(ctx, c, f.At)
	if err != nil {
		return err
	}
	entries, err := s.Audit.Statement(ctx, c.TenantID, f.At, slices.Concat([]models.Act{did()}, acts, endings)...)
	if err != nil {
		return err
	}
	statements := append([]store.Statement{row, deployment}, append(ended, entries)...)
	if row.SQL == "" {
		statements = statements[1:]
	}
	return store.Send(ctx, statements...)
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

// fit binds the change to the facts, seals its sensitive values, checks it and gives it its digest.
func (s *Service) fit(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts, pointer func(int) string) error {
	if err := s.open(ctx, c); err != nil {
		return err
	}
	for i := range c.Items {
		if c.Items[i].ConfigID == "" {
			c.Items[i].ConfigID = s.NewID()
		}
	}
	if err := c.Bind(f, pointer); err != nil {
		return err
	}
	if err := s.seal(ctx, c); err != nil {
		return err
	}
	if err := s.Deployments.Check(ctx, tx, c, f, pointer); err != nil {
		return err
	}
	return sign(c)
}

func sign(c *models.Change) (err error) {
	if c.Title == "" {
		c.Title = c.DefaultTitle()
	}
	c.Digest, err = c.ComputeDigest()
	return err
}

// strategy finds the strategy asked for, or the policy's default. invalid: there is none of that name;
// forbidden: the policy does not allow it here.
func strategy(name string, c *models.Change, f models.Facts) (models.Strategy, error) {
	p := f.Policy()
	if c.Reaches() { // what holds in all environments has no steps
		p.DefaultStrategy, p.AllowedStrategies = models.StrategyDirect, []string{models.StrategyDirect}
	}
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
