package tenants

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Environments lists all environments in their order. Every actor may see them.
func (s *Service) Environments(ctx context.Context) (all []models.Environment, err error) {
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		all, err = environments(tx)
		return err
	})
	return all, err
}

func environments(tx *gorm.DB) ([]models.Environment, error) {
	all := []models.Environment{}
	err := tx.Raw(`SELECT name, position, created_at FROM environments ORDER BY position, name`).Scan(&all).Error
	return all, err
}

// PutEnvironment makes an environment at a position, at the end if none is given; it starts with a policy
// without stages. One that is there already stays where it is: conflict if it should move, for another order
// can weaken control. made tells whether it is new.
func (s *Service) PutEnvironment(ctx context.Context, name string, position *int) (e models.Environment, made bool, err error) {
	if err := mayPlatform(ctx, models.PermManagePlatform); err != nil {
		return e, false, err
	}
	if !models.ValidEnvironmentName(name) {
		return e, false, models.Invalid("/environment",
			"an environment's name has up to 32 letters, digits and -, begins with a letter and is not keys or roles")
	}
	err = s.db.Write(ctx, []string{models.Platform}, func(ctx context.Context, tx *gorm.DB) error {
		all, err := environments(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(have models.Environment) bool { return strings.EqualFold(have.Name, name) })
		if i >= 0 {
			e = all[i]
			return unmoved(e, name, position)
		}
		made = true
		e, err = s.addEnvironment(ctx, tx, name, place(len(all), position))
		return err
	})
	return e, made, err
}

// unmoved refuses what would change an environment that is there.
func unmoved(have models.Environment, name string, position *int) error {
	switch {
	case have.Name != name:
		return models.Conflict("an environment of that name in other letters is there already")
	case position != nil && *position != have.Position:
		return models.Conflict("an environment cannot be moved")
	default:
		return nil
	}
}

// place is the position of a new environment among count others, counted from 1.
func place(count int, position *int) int {
	if position == nil {
		return count + 1
	}
	return min(max(*position, 1), count+1)
}

func (s *Service) addEnvironment(ctx context.Context, tx *gorm.DB, name string, position int) (models.Environment, error) {
	at, err := store.Instant(tx)
	if err != nil {
		return models.Environment{}, err
	}
	e := models.Environment{Name: name, Position: position, CreatedAt: at}
	err = tx.Exec(`UPDATE environments SET position = position + 1 WHERE position >= ?`, position).Error
	if err != nil {
		return e, err
	}
	err = tx.Exec(`INSERT INTO environments (name, position, created_at) VALUES (?, ?, ?)`, name, position, at).Error
	if err != nil {
		return e, err
	}
	err = tx.Exec(`INSERT INTO policies (tenant_id, environment, updated_at) VALUES (?, ?, ?)`, models.Platform, name, at).Error
	if err != nil {
		return e, err
	}
	return e, s.log.Record(ctx, tx, models.Platform, at, models.Act{
		Action: "environment.create", Resource: "environment/" + name,
		After: models.Object(map[string]models.Value{"name": models.Text(name), "position": models.Int(int64(position))}),
	})
}
