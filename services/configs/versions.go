package configs

import (
	"context"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// versionRow is a row of config_versions with what its change says and the people who approved that.
type versionRow struct {
	Version    int64
	Value      models.Value
	ChangeID   string
	Title      string
	Reason     string
	Author     string
	ApprovedBy string
	LiveFrom   time.Time
	LiveTo     *time.Time
}

const versionsSQL = `
	SELECT v.version, v.value, v.change_id, coalesce(h.title, '') AS title, coalesce(h.reason, '') AS reason,
	       v.author, v.live_from, v.live_to, ` + approvedBy + ` AS approved_by
	FROM config_versions v LEFT JOIN changes h ON h.tenant_id = v.tenant_id AND h.id = v.change_id
	WHERE v.tenant_id = ? AND v.config_id = ? AND v.version `

// approvedBy are the ids of the people who approved the change that made the version v.
const approvedBy = `(
	SELECT coalesce(string_agg(d.person_id::text, ',' ORDER BY d.at, d.id), '') FROM decisions d
	WHERE d.tenant_id = v.tenant_id AND d.change_id = v.change_id AND d.decision = 'approve' AND d.voided = '')`

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

// versions reads what the condition on the number picks, as it is shown.
func (s *Service) versions(ctx context.Context, configID, condition string, args ...any) ([]models.Version, error) {
	out, err := s.history(ctx, configID, condition, args...)
	for i := range out {
		mask(&out[i])
	}
	return out, err
}

func mask(v *models.Version) { v.Value = maskedIf(v.Masked, v.Value) }

// history reads what the condition on the number picks, as it is stored. What is not to be shown is marked as masked.
func (s *Service) history(ctx context.Context, configID, condition string, args ...any) (out []models.Version, err error) {
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
		var rows []versionRow
		if err := tx.Raw(versionsSQL+condition, append([]any{c.TenantID, configID}, args...)...).Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, models.Version{
				Number: r.Version, Value: r.Value, Masked: hidden(defined[c.Key].Sensitive, r.Value),
				ChangeID: r.ChangeID, Title: r.Title, Reason: r.Reason,
				Author: models.ParseActorRef(r.Author), ApprovedBy: people(r.ApprovedBy), LiveFrom: r.LiveFrom.UTC(), LiveTo: r.LiveTo,
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
		rename(out[i].ApprovedBy, name)
	}
	return out, nil
}

// people are those of a list of ids, without names.
func people(ids string) []models.ActorRef {
	var out []models.ActorRef
	for _, id := range strings.FieldsFunc(ids, func(r rune) bool { return r == ',' }) {
		out = append(out, models.ActorRef{ID: id, Kind: models.ActorPerson})
	}
	return out
}

func rename(refs []models.ActorRef, name func(models.ActorRef) models.ActorRef) {
	for i := range refs {
		refs[i] = name(refs[i])
	}
}
