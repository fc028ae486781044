package changes

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Rollback leads a config back to a version it had.
type Rollback struct {
	ConfigID  string
	ToVersion int64
	Reason    string
	Live      *int64 // the version that is live as far as the caller knows, 0 for none; nil for any
}

// Rollback writes an earlier version anew. It is live at once where the last change of the key replaced just that
// version, within 72 hours, with the same approvals as today's policy asks, and the actor may roll back; anything else
// is an ordinary change of origin rollback. not_found: the config is unknown; invalid at /toVersion: it has no such
// version, or it is the live one; conflict: another version is live than the caller knows. See Submit for its other errors.
func (s *Service) Rollback(ctx context.Context, in Rollback) (Outcome, error) {
	config, err := s.locateAny(ctx, in.ConfigID)
	if err != nil {
		return Outcome{}, err
	}
	if in.ToVersion < 1 {
		return Outcome{}, models.Invalid("/toVersion", "the number of a version")
	}
	return s.Submit(ctx, in.draft(config))
}

// draft is the rollback as a change that takes its value under the locks.
func (in Rollback) draft(config located) Draft {
	return Draft{
		TenantID: config.TenantID, Environment: config.Environment, Reason: in.Reason, Origin: models.OriginRollback,
		Title:   "Roll back " + config.Key + " to version " + strconv.FormatInt(in.ToVersion, 10) + " in " + config.Environment,
		Items:   []Edit{{Key: config.Key, Op: models.OpSet, Value: models.Null, BaseVersion: in.Live}},
		Pointer: Single, rolls: &rollback{in},
	}
}

// MayRollBack tells whether the lane without stages leads the actor of the context back to a version, so that Rollback
// makes it live at once whatever the policy asks. It looks without a lock; Rollback looks again. See Rollback for errors.
func (s *Service) MayRollBack(ctx context.Context, configID string, version int64) (lane bool, err error) {
	config, err := s.locateAny(ctx, configID)
	if err != nil {
		return false, err
	}
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return false, models.Unauthenticated()
	}
	in := Rollback{ConfigID: configID, ToVersion: version}
	d := in.draft(config)
	if err := d.may(actor, d.TenantID, d.Environment); err != nil {
		return false, err
	}
	err = s.glance(ctx, config.TenantID, func(ctx context.Context, tx *gorm.DB, chain []string) error {
		if err := store.Narrow(ctx, chain); err != nil {
			return err
		}
		f, err := d.read(chain).Now(ctx)
		if err != nil {
			return err
		}
		c := s.begin(d, actor)
		err = d.rolls.fill(tx, actor, &c, f)
		lane = c.RollsBack != ""
		return err
	})
	return lane, err
}

// rollback is where a draft takes its value from, under the locks.
type rollback struct{ Rollback }

// target is the version to go back to.
type target struct {
	Value     models.Value
	Locked    bool
	RollsBack *string // of the change that made it
	Stages    string  // of the change that made it
}

// fill puts the version into the change, and opens the lane without stages where it leads there.
func (r rollback) fill(tx *gorm.DB, by models.Actor, c *models.Change, f models.Facts) error {
	item := &c.Items[0]
	live := f.Live[item.Key]
	if live.Version == r.ToVersion {
		return models.Invalid("/toVersion", "this version is live")
	}
	var found []target
	err := tx.Raw(`
		SELECT v.value, v.locked, h.rolls_back, h.stages FROM config_versions v JOIN changes h ON h.tenant_id = v.tenant_id AND h.id = v.change_id
		WHERE v.tenant_id = ? AND v.config_id = ? AND v.version = ?`, c.TenantID, r.ConfigID, r.ToVersion).Scan(&found).Error
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return models.Invalid("/toVersion", "there is no such version")
	}
	item.Value, item.Locked, item.Defines = found[0].Value, &found[0].Locked, nil // a lock is part of its version
	last, err := r.last(tx, c, live)
	if err != nil {
		return err
	}
	last.Unsure = found[0].RollsBack != nil
	if err := json.Unmarshal([]byte(found[0].Stages), &last.Stages); err != nil {
		return fmt.Errorf("read stages: %w", err)
	}
	if c.Lane(last, r.ToVersion, f, by) {
		c.RollsBack = last.ChangeID
	}
	return nil
}

// last is the last change of the key: the one that made the live version, or that deleted the one before. A deletion is
// found by its instant, which its deployment bears as well.
func (r rollback) last(tx *gorm.DB, c *models.Change, live models.Live) (out models.Replaced, err error) {
	var rows []struct {
		ChangeID, Origin string
		RollsBack        *string
		At               time.Time
		Version          int64
	}
	made := `SELECT v.change_id, v.live_from AS at FROM config_versions v
		WHERE v.tenant_id = @tenant AND v.config_id = @config AND v.version = @live`
	if live.Version == 0 {
		made = `SELECT d.change_id, v.live_to AS at FROM config_versions v
			JOIN deployments d ON d.tenant_id = v.tenant_id AND d.environment = @environment AND d.started_at = v.live_to
			WHERE v.tenant_id = @tenant AND v.config_id = @config AND v.version = @last`
	}
	err = tx.Raw(`
		SELECT m.change_id, h.origin, h.rolls_back, m.at, i.base_version AS version
		FROM (`+made+`) m
		JOIN changes h ON h.tenant_id = @tenant AND h.id = m.change_id
		JOIN change_items i ON i.tenant_id = @tenant AND i.change_id = m.change_id AND i.key = @key`, map[string]any{
		"tenant": c.TenantID, "config": r.ConfigID, "live": live.Version, "last": live.Last,
		"environment": c.Environment, "key": c.Items[0].Key,
	}).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return out, err
	}
	out = models.Replaced{ChangeID: rows[0].ChangeID, Origin: rows[0].Origin, At: rows[0].At, Version: rows[0].Version}
	if rows[0].RollsBack != nil {
		out.RollsBack = *rows[0].RollsBack
	}
	return out, nil
}

// endsSQL tells whether the change that is led back is so in all of its keys, once this one is, and its title.
const endsSQL = `
	SELECT h.title, h.status = 'deployed'
	  AND (SELECT count(*) FROM change_items i WHERE i.tenant_id = h.tenant_id AND i.change_id = h.id)
	    <= 1 + (SELECT count(*) FROM changes b WHERE b.tenant_id = h.tenant_id AND b.rolls_back = h.id AND b.id <> @by)
	FROM changes h WHERE h.tenant_id = @tenant AND h.id = @change`

// endSQL ends the story of a change.
const endSQL = `
	UPDATE changes SET status = 'rolled_back', version = version + 1, updated_at = @at
	WHERE tenant_id = @tenant AND id = @change AND status = 'deployed'`

// rolledBack ends the story of the change whose last key this one leads back, and is its entry in the log; nothing of
// both while keys of it stand.
func rolledBack(ctx context.Context, c *models.Change, at time.Time) ([]store.Statement, []models.Act, error) {
	if c.RollsBack == "" {
		return nil, nil, nil
	}
	names := func() map[string]any { return map[string]any{"tenant": c.TenantID, "change": c.RollsBack} }
	look, end := names(), names()
	look["by"], end["at"] = c.ID, at
	var title string
	var ends bool
	if err := store.Send(ctx, store.Statement{SQL: endsSQL, Args: look, Into: []any{&title, &ends}}); err != nil || !ends {
		return nil, nil, err
	}
	status := func(s models.ChangeStatus) map[string]models.Value {
		return map[string]models.Value{
			"environment": models.Text(c.Environment), "status": models.Text(string(s)), "title": models.Text(title),
		}
	}
	after := status(models.ChangeRolled)
	after["by"] = models.Text(c.ID)
	entry := models.Act{
		Action: "change.rollback", Resource: "change/" + c.RollsBack,
		Before: models.Object(status(models.ChangeDeployed)), After: models.Object(after),
	}
	return []store.Statement{{SQL: endSQL, Args: end, Rows: 1}}, []models.Act{entry}, nil
}
