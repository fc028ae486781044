package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

const sessionColumns = `id::text, coalesce(person_id::text, ''), address, user_agent, created_at, seen_at, expires_at`

func scanSession(r row) (m models.Session, err error) {
	err = r.Scan(&m.ID, &m.PersonID, &m.Address, &m.UserAgent, &m.CreatedAt, &m.SeenAt, &m.ExpiresAt)
	return m, err
}

// sessionRow is a session, or a login in progress, with what is never shown.
type sessionRow struct {
	models.Session
	token Token
	data  string
}

func insertSession(tx *gorm.DB, r sessionRow) error {
	hash, ok := r.token.hash()
	if !ok {
		return errors.New("access: a session without a token")
	}
	var person *string
	if r.PersonID != "" {
		person = &r.PersonID
	}
	// GORM takes a hash right behind the parenthesis for a list of numbers.
	err := tx.Exec(`
		INSERT INTO sessions (id, hash, person_id, data, address, user_agent, created_at, seen_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, hash, person, r.data, r.Address, r.UserAgent, r.CreatedAt, r.SeenAt, r.ExpiresAt).Error
	if err != nil {
		return fmt.Errorf("keep a session: %w", err)
	}
	return nil
}

// removeLimit keeps a clearing short; the next one goes on.
const removeLimit = 1000

// removeExpired clears away what nobody can use any more. Two at a time do not wait for each other.
func removeExpired(tx *gorm.DB, now time.Time) error {
	err := tx.Exec(`
		DELETE FROM sessions WHERE hash = ANY (ARRAY(
			SELECT hash FROM sessions WHERE expires_at <= ? LIMIT ? FOR UPDATE SKIP LOCKED))`, now, removeLimit).Error
	if err != nil {
		return fmt.Errorf("remove expired sessions: %w", err)
	}
	return nil
}

// SessionFilter says whose sessions a list has.
type SessionFilter struct {
	PersonID string // empty: of everybody, for who may not view access only the caller's own
	models.Page
}

// ListSessions is a page of living sessions, the newest first. The sessions of others need the right to view access
// of all tenants: not_found for a person's who has no right over all, forbidden for one who has another.
func (s *Service) ListSessions(ctx context.Context, f SessionFilter) (models.Paged[models.Session], error) {
	none := models.Paged[models.Session]{}
	actor, err := caller(ctx)
	if err != nil {
		return none, err
	}
	personID, err := f.person(actor)
	if err != nil {
		return none, err
	}
	cursor := models.NewCursor("sessions", f.PersonID)
	after, err := cursor.Decode(f.Cursor, 2)
	if err != nil {
		return none, err
	}
	condition, args, err := s.listed(personID, after)
	if err != nil {
		return none, err
	}
	var items []models.Session
	err = s.asAuth(ctx, func(_ context.Context, tx *gorm.DB) error {
		return each(tx, func(rows *sql.Rows) error {
			m, err := scanSession(rows)
			items = append(items, m)
			return err
		}, `SELECT `+sessionColumns+` FROM sessions WHERE `+condition+` ORDER BY created_at DESC, id DESC LIMIT ?`,
			slices.Concat(args, []any{f.Limit + 1})...)
	})
	if err != nil {
		return none, err
	}
	keys := func(m models.Session) []string { return []string{m.CreatedAt.UTC().Format(time.RFC3339Nano), m.ID} }
	return models.Cut(items, f.Limit, keys, cursor), nil
}

// person is whose sessions the caller is shown; empty for everybody's.
func (f SessionFilter) person(actor models.Actor) (string, error) {
	own := ""
	if actor.Kind == models.ActorPerson {
		own = actor.ID
	}
	may := actor.Can(models.PermViewAccess, models.Platform, "")
	switch {
	case f.PersonID == "" && may, f.PersonID != "" && f.PersonID == own:
		return f.PersonID, nil
	case f.PersonID == "" && own != "":
		return own, nil
	case f.PersonID == "":
		return "", models.Forbidden("this needs the permission " + string(models.PermViewAccess))
	}
	if err := actor.Require(models.PermViewAccess, "person", models.Platform, ""); err != nil {
		return "", err
	}
	if uuid.Validate(f.PersonID) != nil {
		return "", models.NotFound("person")
	}
	return f.PersonID, nil
}

// listed is the condition of living sessions behind a place of the list.
func (s *Service) listed(personID string, after []string) (condition string, args []any, err error) {
	now := s.instant()
	condition, args = `person_id IS NOT NULL AND expires_at > ? AND seen_at > ?`, []any{now, now.Add(-models.SessionIdle)}
	if personID != "" {
		condition, args = condition+` AND person_id = ?`, append(args, personID)
	}
	if after == nil {
		return condition, args, nil
	}
	at, err := time.Parse(time.RFC3339Nano, after[0])
	if err != nil || uuid.Validate(after[1]) != nil {
		return "", nil, models.InvalidCursor()
	}
	return condition + ` AND (created_at, id) < (?, ?)`, append(args, at, after[1]), nil
}

// RevokeSession ends a session by its public name. People end their own, others need the right to manage access of
// all tenants; not_found for what the caller may not even see.
func (s *Service) RevokeSession(ctx context.Context, id string) error {
	actor, err := caller(ctx)
	if err != nil {
		return err
	}
	if uuid.Validate(id) != nil {
		return models.NotFound("session")
	}
	return s.asAuth(ctx, func(ctx context.Context, tx *gorm.DB) error {
		gone, err := scanSession(tx.Raw(`
			DELETE FROM sessions WHERE id = ? AND person_id IS NOT NULL RETURNING `+sessionColumns, id).Row())
		if errors.Is(err, sql.ErrNoRows) {
			return models.NotFound("session")
		}
		if err != nil {
			return err
		}
		if err := mayRevoke(actor, gone); err != nil {
			return err // and the session stays
		}
		return s.recordSession(models.WithActor(ctx, actor), tx, ActionSessionRevoke, gone)
	})
}

func mayRevoke(actor models.Actor, m models.Session) error {
	switch {
	case actor.Kind == models.ActorPerson && m.PersonID == actor.ID:
		return nil
	case !actor.Can(models.PermViewAccess, models.Platform, ""):
		return models.NotFound("session")
	case !actor.Everywhere(models.PermManageAccess, models.Platform):
		return models.Forbidden("this needs the permission " + string(models.PermManageAccess) + " everywhere")
	default:
		return nil
	}
}
