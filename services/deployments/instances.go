package deployments

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store"
)

// judgeTimeout bounds how long a heartbeat waits for the revision of now, which is in memory as a rule.
const judgeTimeout = 250 * time.Millisecond

// Instances knows which instances of applications hold which revision. Their heartbeats are gathered in memory, and
// Run writes them together.
type Instances struct {
	db        *store.DB
	snapshots *snapshots.Service
	log       *slog.Logger
	now       func() time.Time
	metrics   instanceMetrics
	gathered  gathered
}

// InstancesOptions are what the knowledge of instances is made of.
type InstancesOptions struct {
	DB        *store.DB
	Snapshots *snapshots.Service // tells the revision of now
	Log       *slog.Logger
	Metrics   prometheus.Registerer
	Now       func() time.Time
}

// NewInstances knows of nobody yet.
func NewInstances(o InstancesOptions) *Instances {
	s := &Instances{db: o.DB, snapshots: o.Snapshots, log: o.Log, now: o.Now, gathered: newGathered()}
	s.metrics = newInstanceMetrics(o.Metrics, s)
	return s
}

// Beat is what an instance reports. Without a tenant or environment it means the only one that its credential reads.
type Beat struct {
	Unit, TenantID, Environment string
	Revision                    string // that it holds
	Client                      string // the program that reports; may be empty
}

// Beat notes that an instance is there and what it holds. It needs no database: what cannot be written now is written
// later. not_found, forbidden: the actor does not read there, or the tenant is gone or suspended; invalid: names that
// are none.
func (s *Instances) Beat(ctx context.Context, b Beat) (models.Instance, error) {
	var none models.Instance
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return none, models.Unauthenticated()
	}
	place, err := actor.InstancePlace(b.TenantID, b.Environment)
	if err != nil {
		return none, err
	}
	if err := actor.Require(models.PermResolve, "tenant", place.Tenant, place.Environment); err != nil {
		return none, err
	}
	if err := models.CheckInstance(b.Unit, b.Revision, b.Client); err != nil {
		return none, err
	}
	i := models.Instance{
		InstanceKey: models.InstanceKey{TenantID: place.Tenant, Environment: place.Environment, Unit: b.Unit},
		Revision:    b.Revision, Client: b.Client, LastSeenAt: s.now().UTC(),
	}
	if i.Current, err = s.judge(ctx, i); err != nil {
		return none, err
	}
	if i.Current != nil && *i.Current {
		i.CurrentAt = &i.LastSeenAt
	}
	s.metrics.beats.Inc()
	return s.gathered.note(i), nil
}

// judge tells whether the instance holds the revision of now; nil when that is out of reach.
func (s *Instances) judge(ctx context.Context, i models.Instance) (*bool, error) {
	ctx, cancel := context.WithTimeout(ctx, judgeTimeout)
	defer cancel()
	snap, err := s.snapshots.Get(ctx, snapshots.Ask{TenantID: i.TenantID, Environment: i.Environment, Unit: i.Unit})
	if outOfReach(err) {
		return nil, nil //nolint:nilnil // not to know is no error
	}
	if err != nil {
		return nil, err
	}
	current := snap.Revision == i.Revision
	return &current, nil
}

func outOfReach(err error) bool {
	known, ok := errors.AsType[*models.Error](err)
	return ok && known.Code == models.CodeUnavailable || errors.Is(err, context.DeadlineExceeded)
}

// InstanceFilter narrows a list of instances; empty members do not.
type InstanceFilter struct {
	TenantID, Environment string
	Page                  models.Page
}

// List shows the instances of the actor's scope, by tenant, environment and name: as they are written, and what this
// node has gathered since. invalid: there is no such environment.
func (s *Instances) List(ctx context.Context, f InstanceFilter) (models.Paged[models.Instance], error) {
	var none models.Paged[models.Instance]
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return none, models.Unauthenticated()
	}
	if f.TenantID != "" {
		if err := actor.Require(models.PermViewConfigs, "tenant", f.TenantID, f.Environment); err != nil {
			return none, err
		}
	}
	if f.Environment != "" {
		if err := s.snapshots.CheckEnvironment(ctx, f.Environment); err != nil {
			return none, err
		}
	}
	cursor := models.NewCursor("instances", f.TenantID, f.Environment)
	after, err := cursor.Decode(f.Page.Cursor, 3)
	if err != nil {
		return none, err
	}
	shown := shown{InstanceFilter: f, actor: actor}
	if after != nil {
		shown.after = models.InstanceKey{TenantID: after[0], Environment: after[1], Unit: after[2]}
	}
	written, err := s.written(ctx, shown)
	if err != nil {
		return none, err
	}
	page := models.Cut(s.gathered.merge(written, shown.fits), f.Page.Limit, func(i models.Instance) []string {
		return []string{i.TenantID, i.Environment, i.Unit}
	}, cursor)
	return page, s.judgeAll(ctx, page.Items)
}

// judgeAll tells of each instance whether it holds the revision of now. Of a tenant whose values nobody gets, such as
// one that is suspended, it is not told.
func (s *Instances) judgeAll(ctx context.Context, items []models.Instance) error {
	for n := range items {
		current, err := s.judge(ctx, items[n])
		if known, ok := errors.AsType[*models.Error](err); err != nil && (!ok || known.Code == models.CodeInternal) {
			return err
		}
		items[n].Current = current
	}
	return nil
}

// shown is a list of instances as one actor sees it, from one place on.
type shown struct {
	InstanceFilter

	actor models.Actor
	after models.InstanceKey // zero for the first page
}

// fits tells of what is in memory what where asks the database for.
func (f shown) fits(k models.InstanceKey) bool {
	return (f.TenantID == "" || k.TenantID == f.TenantID) && (f.Environment == "" || k.Environment == f.Environment) &&
		k.Compare(f.after) > 0 && f.actor.Can(models.PermViewConfigs, k.TenantID, k.Environment)
}

func (f shown) where(q *gorm.DB) *gorm.DB {
	q = store.Within(q, f.actor.Places(models.PermViewConfigs))
	if f.TenantID != "" {
		q = q.Where("tenant_id = ?", f.TenantID)
	}
	if f.Environment != "" {
		q = q.Where("environment = ?", f.Environment)
	}
	if f.after != (models.InstanceKey{}) {
		q = q.Where("(tenant_id, environment, unit) > (?, ?, ?)", f.after.TenantID, f.after.Environment, f.after.Unit)
	}
	return q
}

// written reads one row more than the page has.
func (s *Instances) written(ctx context.Context, f shown) ([]models.Instance, error) {
	var rows []models.Instance
	err := s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		return f.where(tx.Table("instances")).
			Select("tenant_id", "environment", "unit", "revision", "client", "current_at", "first_seen_at", "last_seen_at").
			Order("tenant_id, environment, unit").Limit(f.Page.Limit + 1).Scan(&rows).Error
	})
	for n := range rows {
		rows[n] = inUTC(rows[n])
	}
	return slices.Clip(rows), err
}

func inUTC(i models.Instance) models.Instance {
	i.LastSeenAt = i.LastSeenAt.UTC()
	for _, at := range []**time.Time{&i.FirstSeenAt, &i.CurrentAt} {
		if *at != nil {
			utc := (*at).UTC()
			*at = &utc
		}
	}
	return i
}
