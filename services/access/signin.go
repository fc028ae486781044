package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// ActionLogin is the audit action of a sign-in.
const ActionLogin = "session.login"

// What is kept of claims, in characters and in groups.
const (
	maxClaim  = 255
	maxGroups = 1000
)

// SignIn keeps what the identity provider says of somebody who signs in. Somebody added by e-mail is recognised by
// the verified one. Unauthenticated when the claims name nobody, forbidden for a person who was disabled.
func (s *Service) SignIn(ctx context.Context, claims Claims) (p models.Person, err error) {
	claims = claims.clean()
	if claims.Issuer == "" || claims.Subject == "" {
		return models.Person{}, models.Unauthenticated()
	}
	err = s.asAuth(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if p, err = s.signIn(ctx, tx, claims); err != nil {
			return err
		}
		return s.recordLogin(ctx, tx, p)
	})
	return p, err
}

// signIn writes the person down; recordLogin comes when all else is written.
func (s *Service) signIn(ctx context.Context, tx *gorm.DB, c Claims) (models.Person, error) {
	if err := lockPerson(tx, c); err != nil {
		return models.Person{}, err
	}
	now := s.now().UTC()
	old, err := findLogin(tx, c)
	if err != nil {
		return models.Person{}, err
	}
	if old.DisabledAt != nil {
		return models.Person{}, models.Forbidden("this account is disabled")
	}
	c = c.over(old)
	p, err := saveLogin(tx, old, c, now)
	if err != nil {
		return models.Person{}, err
	}
	if c.tellNews(old, now) {
		err = store.ControlMoved(ctx, tx, models.HeadRoles)
	}
	return p, err
}

// recordLogin tells the log of the platform, in the name of the person.
func (s *Service) recordLogin(ctx context.Context, tx *gorm.DB, p models.Person) error {
	person := models.WithActor(ctx, models.Actor{ActorRef: p.Ref()})
	return s.audit.Record(person, tx, models.Platform, s.now().UTC(), models.Act{Action: ActionLogin, Resource: "person/" + p.ID})
}

// lockPerson lets sign-ins and invitations of one person pass one after the other.
func lockPerson(tx *gorm.DB, c Claims) error {
	if err := lockText(tx, "login "+c.Issuer+" "+c.Subject); err != nil {
		return err
	}
	return lockText(tx, "mail "+c.Issuer+" "+c.Email)
}

func lockText(tx *gorm.DB, text string) error {
	return tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 1))`, text).Error
}

// findLogin finds the row of somebody: by subject, else one added by the e-mail that the provider vouches for.
func findLogin(tx *gorm.DB, c Claims) (models.Person, error) {
	p, err := scanPerson(tx.Raw(`
		SELECT `+personColumns+` FROM people WHERE issuer = ? AND subject = ?`, c.Issuer, c.Subject).Row())
	if !errors.Is(err, sql.ErrNoRows) || !c.EmailVerified || c.Email == "" {
		return p, orNone(err)
	}
	p, err = scanPerson(tx.Raw(`
		SELECT `+personColumns+` FROM people WHERE issuer = ? AND email = ? AND subject IS NULL
		ORDER BY created_at, id LIMIT 1`, c.Issuer, c.Email).Row())
	return p, orNone(err)
}

// orNone takes a missing row for an empty one.
func orNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// saveLogin writes the row of somebody, or a new one when nobody was found. Groups that were not told do not become
// younger.
func saveLogin(tx *gorm.DB, old models.Person, c Claims, now time.Time) (models.Person, error) {
	id, groupsAt := old.ID, &now
	if id == "" {
		id = uuid.NewString()
	}
	if c.Unsaid.Groups {
		groupsAt = old.GroupsAt
	}
	p, err := scanPerson(tx.Raw(`
		INSERT INTO people (id, issuer, subject, email, email_verified, name, groups, groups_at, last_login_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, email = excluded.email,
			email_verified = excluded.email_verified, name = excluded.name, groups = excluded.groups,
			groups_at = excluded.groups_at, last_login_at = excluded.last_login_at
		RETURNING `+personColumns,
		id, c.Issuer, c.Subject, c.Email, c.EmailVerified, c.Name, texts[string](c.Groups), groupsAt, now, now).Row())
	if err != nil {
		return models.Person{}, fmt.Errorf("keep the login: %w", err)
	}
	return p, nil
}

// clean brings claims into the form in which they are kept and compared. The provider is trusted, its spelling is not.
func (c Claims) clean() Claims {
	c.Issuer, c.Subject = storable(c.Issuer), storable(c.Subject)
	c.Email, c.Name = cleanEmail(c.Email), storable(c.Name)
	c.EmailVerified = c.EmailVerified && c.Email != ""
	c.Unsaid.EmailVerified = c.Unsaid.EmailVerified || c.Unsaid.Email
	var groups []string
	for _, g := range c.Groups {
		if g != "" && storable(g) == g {
			groups = append(groups, g)
		}
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	c.Groups = groups[:min(len(groups), maxGroups)]
	return c
}

// over fills in what clean claims leave open from what is known of the person.
func (c Claims) over(p models.Person) Claims {
	if c.Unsaid.Email {
		c.Email = p.Email
	}
	if c.Unsaid.EmailVerified { // which is about an e-mail, and not about another one
		c.EmailVerified = c.Email == p.Email && p.EmailVerified
	}
	if c.Unsaid.Name {
		c.Name = p.Name
	}
	if c.Unsaid.Groups {
		c.Groups = p.Groups
	}
	return c
}

func cleanEmail(email string) string { return storable(strings.ToLower(strings.TrimSpace(email))) }

// storable is the text if it can be kept, else empty.
func storable(text string) string {
	if !models.ValidText(text, maxClaim) {
		return ""
	}
	return text
}
