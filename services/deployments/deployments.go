// Package deployments makes approved changes live. It is the only writer of values, versions and heads.
package deployments

import (
	"context"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Validate checks a value against the JSON Schema of its definition; invalid with the pointer given.
type Validate func(d models.Definition, v models.Value, pointer string) error

// Service starts deployments and tells about them.
type Service struct {
	db       *store.DB
	validate Validate
	newID    func() string
}

// New needs the definitions' schema check and a source of random UUIDs.
func New(db *store.DB, validate Validate, newID func() string) *Service {
	return &Service{db: db, validate: validate, newID: newID}
}

// Check tells whether the change may be applied on these facts: its own rules and the schemas above.
func (s *Service) Check(ctx context.Context, c *models.Change, f models.Facts, pointer func(i int) string) error {
	if err := c.Check(f); err != nil {
		return err
	}
	for i, item := range c.Items {
		if err := ctx.Err(); err != nil {
			return err // schemas can be made to cost; the caller's time bounds them all
		}
		if d, ok := f.Definitions[item.Key]; ok && item.Op == models.OpSet {
			if err := s.validate(d, item.Value, pointer(i)+"/value"); err != nil {
				return err
			}
		}
	}
	return nil
}

// Start carries out a checked change in the transaction that holds the locks of its layer: one statement, sent
// after the one that writes the change's row, writes all. It returns what happened as well, for the audit log.
func (s *Service) Start(ctx context.Context, c *models.Change, f models.Facts) (store.Statement, []models.Act, error) {
	c.DeploymentID = s.newID()
	statement, err := apply(ctx, c, f)
	return statement, acts(c, f), err
}

// acts are one entry for each definition made and each key that moved, and one for the deployment's only step.
func acts(c *models.Change, f models.Facts) []models.Act {
	out := make([]models.Act, 0, 2*len(c.Items)+1)
	for _, i := range c.Items {
		if i.Makes(f) {
			out = append(out, models.Act{
				Action: "definition.create", Resource: "definition/" + i.Key,
				After: models.Object(map[string]models.Value{
					"changeId": models.Text(c.ID), "description": models.Text(i.Defines.Description),
					"key": models.Text(i.Key), "type": models.Text(string(i.Defines.Type)), "version": "1",
				}),
			})
		}
		act := models.Act{Action: "config." + string(i.Op), Resource: "config/" + i.ConfigID}
		if i.BaseVersion > 0 {
			act.Before = cell(c, i, i.Previous, i.BaseVersion)
		}
		if i.Op == models.OpSet {
			act.After = cell(c, i, i.Value, f.Live[i.Key].Last+1)
		}
		out = append(out, act)
	}
	return append(out, models.Act{
		Action: "deployment.step", Resource: "deployment/" + c.DeploymentID,
		After: models.Object(map[string]models.Value{
			"changeId": models.Text(c.ID), "percent": "100", "status": models.Text(string(models.DeploymentSucceeded)),
		}),
	})
}

// cell is one key's value in one environment as the log keeps it.
func cell(c *models.Change, i models.Item, v models.Value, version int64) models.Value {
	if i.Sensitive {
		v = models.Masked
	}
	return models.Object(map[string]models.Value{
		"changeId": models.Text(c.ID), "environment": models.Text(c.Environment), "key": models.Text(i.Key),
		"value": v, "version": models.Int(version),
	})
}

// instant is the later of the database's clock and a microsecond past the layer's last move: two versions
// of one key never share an instant, even if the clock stands still.
func instant(clock, moved time.Time) time.Time {
	if next := moved.Add(time.Microsecond); clock.Before(next) {
		return next.UTC()
	}
	return clock.UTC()
}
