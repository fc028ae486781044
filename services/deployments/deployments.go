// Package deployments makes approved changes live. It is the only writer of values, versions and heads.
package deployments

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
)

// Service starts deployments and tells about them.
type Service struct {
	db          *store.DB
	definitions *definitions.Service
	tenants     *tenants.Service
	newID       func() string
}

// New needs who checks and writes definitions and tenants, and a source of random UUIDs.
func New(db *store.DB, d *definitions.Service, t *tenants.Service, newID func() string) *Service {
	return &Service{db: db, definitions: d, tenants: t, newID: newID}
}

// Check tells whether the change may be applied on these facts: its own rules, the schemas above, and what stands below
// definitions. Sensitive values must be open: models.Item.Clear.
func (s *Service) Check(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts, pointer func(i int) string) error {
	if err := c.Check(f); err != nil {
		return err
	}
	for i := range c.Items {
		if err := ctx.Err(); err != nil {
			return err // schemas can be made to cost; the caller's time bounds them all
		}
		if err := s.item(ctx, tx, &c.Items[i], f, pointer(i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) item(ctx context.Context, tx *gorm.DB, i *models.Item, f models.Facts, at string) error {
	d, defined := f.Definitions[i.Key]
	switch {
	case i.Op == models.OpDefine:
		w := redefinition(i, f)
		if err := s.definitions.Validate(w.Definition, at+"/definition"); err != nil {
			return err
		}
		return models.Under(at+"/definition", s.definitions.Check(ctx, tx, f.Layer, w))
	case i.Op == models.OpRetier:
		tier, _ := i.Value.Text()
		return s.definitions.FitsTier(ctx, tx, f.Layer, tier)
	case i.Op != models.OpSet:
		return nil
	case i.Makes(f):
		d = first(i, f)
		if err := s.checkFirst(ctx, tx, d, f, at+"/definition"); err != nil {
			return err
		}
	case !defined:
		return nil
	}
	return s.definitions.Fits(d, i.Plain(), at+"/value")
}

// first is the definition that the first value of a key makes.
func first(i *models.Item, f models.Facts) models.Definition {
	return i.Defines.On(models.Definition{TenantID: f.Layer.ID, Key: i.Key})
}

// checkFirst holds such a definition against what stands below; most say no more than a type that nobody has yet.
func (s *Service) checkFirst(ctx context.Context, tx *gorm.DB, d models.Definition, f models.Facts, at string) error {
	if err := s.definitions.Validate(d, at); err != nil {
		return err
	}
	if len(f.Below[d.Key]) == 0 && d.Schema == "" && !d.Moves(models.Definition{}) {
		return nil
	}
	return models.Under(at, s.definitions.CheckFirst(ctx, tx, f.Layer, d))
}

// redefinition is what an item of define writes.
func redefinition(i *models.Item, f models.Facts) definitions.Write {
	before, defined := f.Definitions[i.Key]
	if !defined {
		before = models.Definition{}
	}
	own := before
	own.TenantID, own.Key = f.Layer.ID, i.Key
	return definitions.Write{Definition: i.Defines.On(own), Before: before}
}

// Start carries out a checked change in the transaction that holds the locks of its layer: one statement, sent
// after the one that writes the change's row, writes all values. It returns what happened as well, for the audit log.
func (s *Service) Start(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts) (store.Statement, []models.Act, error) {
	c.DeploymentID = s.newID()
	reach, err := s.reach(ctx, tx, c, f)
	if err != nil {
		return store.Statement{}, nil, err
	}
	statement, err := apply(ctx, c, f)
	return statement, append(reach, acts(c, f)...), err
}

// reach writes the definitions, tiers and statuses of a change, and seals what became a secret.
func (s *Service) reach(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts) (acts []models.Act, err error) {
	var writes []definitions.Write
	for n := range c.Items {
		switch i := &c.Items[n]; i.Op {
		case models.OpDefine:
			writes = append(writes, redefinition(i, f))
		case models.OpRetier, models.OpSuspend:
			if acts, err = s.move(ctx, tx, c, i, f); err != nil {
				return nil, err
			}
		case models.OpSet:
			if i.Makes(f) && i.Defines.Sensitive {
				if err := s.definitions.SealStored(ctx, tx, f.Layer, first(i, f)); err != nil {
					return nil, err
				}
			}
		case models.OpDelete, models.OpLock, models.OpUnlock:
		}
	}
	if len(writes) == 0 {
		return acts, nil
	}
	_, made, err := s.definitions.Apply(ctx, tx, f.Layer, f.At, c.ID, writes...)
	return append(acts, made...), err
}

// move carries out what moves the tenant itself, the only item of its change.
func (s *Service) move(ctx context.Context, tx *gorm.DB, c *models.Change, i *models.Item, f models.Facts) ([]models.Act, error) {
	act, err := s.tenants.Move(ctx, tx, *i, f.Layer.ID, f.At)
	if err != nil || i.Op != models.OpRetier {
		return []models.Act{act}, err
	}
	tier, _ := i.Value.Text()
	kept, err := s.definitions.Retier(ctx, tx, f.Layer, tier, f.At, c.ID)
	return append([]models.Act{act}, kept...), err
}

// instant is the later of the database's clock and a microsecond past the layer's last move: two versions
// of one key never share an instant, even if the clock stands still.
func instant(clock, moved time.Time) time.Time {
	if next := moved.Add(time.Microsecond); clock.Before(next) {
		return next.UTC()
	}
	return clock.UTC()
}
