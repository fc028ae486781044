package access

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// isEmail rules out what can be no address; whether one works only a login can tell.
func isEmail(text string) bool {
	name, host, ok := strings.Cut(cleanEmail(text), "@")
	return ok && name != "" && host != "" && !strings.ContainsAny(text, "\r\n\t ,;<>")
}

// subject finds whom the input means.
func (s *Service) subject(tx *gorm.DB, actor models.Actor, in BindingInput) (kind, id string, err error) {
	switch {
	case in.PersonID != "":
		id, err = knownPerson(tx, in.PersonID)
		return models.SubjectPerson, id, err
	case in.Email != "":
		p, err := s.personByEmail(tx, s.issuer, in.Email)
		return models.SubjectPerson, p.ID, err
	case in.Group != "":
		return models.SubjectGroup, in.Group, nil
	}
	k, err := findKey(tx, actor, in.KeyID)
	var known *models.Error
	switch {
	case errors.As(err, &known) && known.Code == models.CodeNotFound:
		return "", "", models.Invalid("/keyId", "there is no such key")
	case err == nil && (k.PersonID != "" || !k.Usable(s.now())):
		return "", "", models.Invalid("/keyId", "this is not the key of a service in use")
	}
	return models.SubjectKey, k.ID, err
}

func knownPerson(tx *gorm.DB, id string) (string, error) {
	p, err := scanPerson(tx.Raw(`SELECT `+personColumns+` FROM people WHERE id = ? AND disabled_at IS NULL`, id).Row())
	if errors.Is(err, sql.ErrNoRows) {
		return "", models.Invalid("/personId", "there is no such person")
	}
	return p.ID, err
}

// personByEmail finds the person of that verified e-mail, or the one added by it, or adds one. Whether the person was
// known does not show: an e-mail cannot be probed this way.
func (s *Service) personByEmail(tx *gorm.DB, issuer, email string) (models.Person, error) {
	email = cleanEmail(email)
	if issuer == "" {
		return models.Person{}, models.Invalid("/email", "no identity provider is set up that could vouch for an e-mail")
	}
	if err := lockText(tx, "mail "+issuer+" "+email); err != nil {
		return models.Person{}, err
	}
	p, err := scanPerson(tx.Raw(`
		SELECT `+personColumns+` FROM people
		WHERE issuer = ? AND email = ? AND (email_verified OR subject IS NULL) AND disabled_at IS NULL
		ORDER BY subject IS NULL, created_at, id LIMIT 1`, issuer, email).Row())
	if !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	p, err = scanPerson(tx.Raw(`
		INSERT INTO people (id, issuer, email, created_at) VALUES (?, ?, ?, ?) RETURNING `+personColumns,
		uuid.NewString(), issuer, email, s.now().UTC()).Row())
	if err != nil {
		return models.Person{}, fmt.Errorf("add a person: %w", err)
	}
	return p, nil
}
