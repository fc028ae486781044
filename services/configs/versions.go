package configs

import (
	"context"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// versionRow is a row of config_versions.
type versionRow struct {
	Version  int64
	Value    models.Value
	ChangeID string
	Author   string
	LiveFrom time.Time
	LiveTo   *time.Time
}

const versionsSQL = `
	SELECT version, value, change_id, author, live_from, live_to FROM config_versions
	WHERE tenant_id = ? AND config_id = ? AND version `

// Versions is the history of a config, newest first; it stays after a delete.
func (s *Service) Versions(ctx context.Context, configID string, page models.Page) (out models.Paged[models.Version], err error) {
	cursor := models.NewCursor("versions", configID)
	after, err := cursor.Decode(page.Cursor, 1)
	if err != nil {
		return out, err
	}
	before := int64(1<<63 - 1)
	if after != nil {
		if before, err = strconv.ParseInt(after[0], 10, 64); err != nil {
			return out, models.InvalidCursor()
		}
	}
	rows, err := s.versions(ctx, configID, `< ? ORDER BY version DESC LIMIT ?`, before, page.Limit+1)
	if err != nil {
		return out, err
	}
	key := func(v models.Version) []string { return []string{strconv.FormatInt(v.Number, 10)} }
	return models.Cut(rows, page.Limit, key, cursor), nil
}

// Version is one version of a config by its number.
func (s *Service) Version(ctx context.Context, configID string, number int64) (models.Version, error) {
	rows, err := s.versions(ctx, configID, `= ?`, number)
	if err != nil {
		return models.Version{}, err
	}
	if len(rows) == 0 {
		return models.Version{}, models.NotFound("version")
	}
	return rows[0], nil
}

// versions reads what the condition on the number picks, as the actor may see it.
func (s *Service) versions(ctx context.Context, configID, condition string, args ...any) (out []models.Version, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return nil, models.Unauthenticated()
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		c, err := find(ctx, tx, actor, configID)
		if err != nil {
			return err
		}
		defined, err := s.definitions(ctx, tx, c.TenantID, []string{c.Key})
		if err != nil {
			return err
		}
		sensitive := defined[c.Key].Sensitive
		var rows []versionRow
		if err := tx.Raw(versionsSQL+condition, append([]any{c.TenantID, configID}, args...)...).Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, models.Version{
				Number: r.Version, Value: shown(r.Value, sensitive, actor, c), ChangeID: r.ChangeID,
				Masked: sensitive && !actor.Can(models.PermReadSecrets, c.TenantID, c.Environment),
				Author: models.ParseActorRef(r.Author), LiveFrom: r.LiveFrom.UTC(), LiveTo: r.LiveTo,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	name, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Author = name(out[i].Author)
	}
	return out, nil
}
