package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// The audit actions on sessions beside ActionLogin.
const (
	ActionLogout        = "session.logout"
	ActionSessionRevoke = "session.revoke"
)

const (
	tokenSize    = 32          // bytes of randomness in a token
	touchEvery   = time.Minute // how exact the last activity is known
	maxUserAgent = 255
)

// Token is what a browser holds: it opens a session or belongs to a login in progress. Only its hash is kept.
type Token string

func newToken() Token {
	random := make([]byte, tokenSize)
	_, _ = rand.Read(random) // never fails, or ends the program
	return Token(base64.RawURLEncoding.EncodeToString(random))
}

// hash is how the token is kept. What can be no token of ours has none.
func (t Token) hash() ([]byte, bool) {
	if len(t) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return nil, false
	}
	sum := sha256.Sum256([]byte(t))
	return sum[:], true
}

// BeginLogin keeps data of a login in progress for models.LoginLife and returns the token that takes it out again.
func (s *Service) BeginLogin(ctx context.Context, data string) (Token, error) {
	token, now := newToken(), s.instant()
	row := sessionRow{token: token, data: data}
	row.ID, row.CreatedAt, row.SeenAt, row.ExpiresAt = uuid.NewString(), now, now, now.Add(models.LoginLife)
	return token, s.asAuth(ctx, func(_ context.Context, tx *gorm.DB) error {
		if err := removeExpired(tx, now); err != nil {
			return err
		}
		return insertSession(tx, row)
	})
}

// TakeLogin returns what BeginLogin kept, and forgets it: of several calls with one token only one succeeds. Not_found when there
// is no such login or it took too long.
func (s *Service) TakeLogin(ctx context.Context, token Token) (data string, err error) {
	hash, ok := token.hash()
	if !ok {
		return "", models.NotFound("login")
	}
	err = s.asAuth(ctx, func(_ context.Context, tx *gorm.DB) error {
		var expires time.Time
		err := tx.Raw(`DELETE FROM sessions WHERE hash = ? AND person_id IS NULL RETURNING data, expires_at`, hash).Row().
			Scan(&data, &expires)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !s.now().Before(expires) {
			return models.NotFound("login")
		}
		return err
	})
	return data, err
}

// SessionStart is the end of a login.
type SessionStart struct {
	Claims
	Data      string // kept with the session
	UserAgent string
	Earlier   Token // of the browser's session until now, which ends; empty without one
}

// StartSession signs somebody in, as SignIn does, and begins a session. Unauthenticated when the claims name nobody,
// forbidden for a person who was disabled.
func (s *Service) StartSession(ctx context.Context, in SessionStart) (token Token, err error) {
	claims := in.clean()
	if claims.Issuer == "" || claims.Subject == "" {
		return "", models.Unauthenticated()
	}
	token = newToken()
	now := s.instant()
	row := sessionRow{token: token, data: in.Data}
	row.ID, row.CreatedAt, row.SeenAt, row.ExpiresAt = uuid.NewString(), now, now, now.Add(models.SessionAbsolute)
	row.Address, row.UserAgent = models.RequestFrom(ctx).Address, storable(clip(in.UserAgent))
	err = s.asAuth(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := removeExpired(tx, now); err != nil {
			return err
		}
		return s.start(ctx, tx, claims, row, in.Earlier)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// start does all the writing before it tells the log, whose lock comes last.
func (s *Service) start(ctx context.Context, tx *gorm.DB, c Claims, row sessionRow, earlier Token) error {
	p, err := s.signIn(ctx, tx, c)
	if err != nil {
		return err
	}
	gone, err := removeSession(tx, earlier)
	if err != nil {
		return err
	}
	row.PersonID = p.ID
	if err := insertSession(tx, row); err != nil {
		return err
	}
	if err := s.recordLogout(ctx, tx, gone); err != nil {
		return err
	}
	return s.recordLogin(ctx, tx, p)
}

// clip shortens what a browser says of itself to what is kept of it.
func clip(text string) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), maxUserAgent)])
}

// Entered is a session in use: who it is, with all rights held now.
type Entered struct {
	models.Session
	Actor   models.Actor
	Data    string
	Flashed bool // sentences wait for the next page
}

// enterSQL finds a living session and notes the activity, at most once in touchEvery.
const enterSQL = `
	WITH touched AS (
		UPDATE sessions SET seen_at = @now
		WHERE @active AND hash = @hash AND person_id IS NOT NULL AND expires_at > @now AND seen_at > @idle AND seen_at <= @stale
		RETURNING seen_at)
	SELECT id::text, person_id::text, data, address, user_agent, created_at,
		coalesce((SELECT seen_at FROM touched), seen_at), expires_at, flashes <> '{}'
	FROM sessions WHERE hash = @hash AND person_id IS NOT NULL AND expires_at > @now AND seen_at > @idle`

// EnterSession finds the session of a token, in one round trip. Active says that a person did something, which keeps the
// session alive; polls and streams do not. Unauthenticated when there is no such session, when it was ended, idle for
// models.SessionIdle or older than models.SessionAbsolute, and when its person was disabled.
func (s *Service) EnterSession(ctx context.Context, token Token, active bool) (Entered, error) {
	hash, ok := token.hash()
	if !ok {
		return Entered{}, models.Unauthenticated()
	}
	now := s.instant()
	var e Entered
	err := s.db.Look(models.WithActor(ctx, models.System(authActor)), store.Statement{
		SQL: enterSQL,
		Args: map[string]any{
			"hash": hash, "active": active, "now": now,
			"idle": now.Add(-models.SessionIdle), "stale": now.Add(-touchEvery),
		},
		Into: []any{
			&e.ID, &e.PersonID, &e.Data, &e.Address, &e.UserAgent, &e.CreatedAt, &e.SeenAt, &e.ExpiresAt, &e.Flashed,
		},
	})
	var known *models.Error
	switch {
	case errors.As(err, &known) && known.Code == models.CodeNotFound:
		return Entered{}, models.Unauthenticated()
	case err != nil:
		return Entered{}, fmt.Errorf("look for the session: %w", err)
	}
	d, err := s.Directory(ctx)
	if err != nil {
		return Entered{}, err
	}
	if e.Actor, ok = d.Actor(e.PersonID, now); !ok {
		return Entered{}, models.Unauthenticated()
	}
	return e, nil
}

// KeepSession replaces the data of a session. Not_found when it has ended.
func (s *Service) KeepSession(ctx context.Context, token Token, data string) error {
	hash, ok := token.hash()
	if !ok {
		return models.NotFound("session")
	}
	return s.asAuth(ctx, func(_ context.Context, tx *gorm.DB) error {
		r := tx.Exec(`UPDATE sessions SET data = ? WHERE hash = ? AND person_id IS NOT NULL`, data, hash)
		if r.Error == nil && r.RowsAffected == 0 {
			return models.NotFound("session")
		}
		return r.Error
	})
}

// EndSession signs out: the session is gone when it returns. Without one it does nothing.
func (s *Service) EndSession(ctx context.Context, token Token) error {
	return s.asAuth(ctx, func(ctx context.Context, tx *gorm.DB) error {
		gone, err := removeSession(tx, token)
		if err != nil {
			return err
		}
		return s.recordLogout(ctx, tx, gone)
	})
}

// removeSession takes the session of a token away; the zero value when there was none.
func removeSession(tx *gorm.DB, token Token) (models.Session, error) {
	hash, ok := token.hash()
	if !ok {
		return models.Session{}, nil
	}
	gone, err := scanSession(tx.Raw(`
		DELETE FROM sessions WHERE hash = ? AND person_id IS NOT NULL RETURNING `+sessionColumns, hash).Row())
	return gone, orNone(err)
}

// recordLogout tells the log, in the name of the session's person.
func (s *Service) recordLogout(ctx context.Context, tx *gorm.DB, gone models.Session) error {
	if gone.ID == "" {
		return nil
	}
	p, err := scanPerson(tx.Raw(`SELECT `+personColumns+` FROM people WHERE id = ?`, gone.PersonID).Row())
	if err != nil {
		return fmt.Errorf("name the person of a session: %w", err)
	}
	return s.recordSession(models.WithActor(ctx, models.Actor{ActorRef: p.Ref()}), tx, ActionLogout, gone)
}

// recordSession tells the log of the platform about the end of a session.
func (s *Service) recordSession(ctx context.Context, tx *gorm.DB, action string, gone models.Session) error {
	before, err := models.Canonical(struct {
		PersonID  string    `json:"personId"`
		CreatedAt time.Time `json:"createdAt"`
	}{gone.PersonID, gone.CreatedAt.UTC()})
	if err != nil {
		return err
	}
	act := models.Act{Action: action, Resource: "session/" + gone.ID, Before: before}
	return s.audit.Record(ctx, tx, models.Platform, s.instant(), act)
}

// instant is now as Postgres keeps it.
func (s *Service) instant() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
