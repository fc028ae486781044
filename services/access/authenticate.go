package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
)

// groupsRenewal is how old the groups of somebody who only uses JWTs may become before one renews them.
const groupsRenewal = 24 * time.Hour

// Authenticate finds the actor behind an API key or a JWT of the identity provider; unauthenticated when there
// is none. A known key costs a hash and a look into memory.
func (s *Service) Authenticate(ctx context.Context, credential string) (models.Actor, error) {
	d, err := s.Directory(ctx)
	if err != nil {
		return models.Actor{}, err
	}
	if strings.HasPrefix(credential, models.APIKeyPrefix) {
		return s.byKey(d, credential)
	}
	if s.verify == nil {
		return models.Actor{}, models.Unauthenticated()
	}
	return s.byToken(ctx, d, credential)
}

func (s *Service) byKey(d *Directory, credential string) (models.Actor, error) {
	id, ok := models.ParseAPIKey(credential)
	if !ok {
		return models.Actor{}, models.Unauthenticated()
	}
	k, ok := d.keys[id]
	if !ok {
		return models.Actor{}, models.Unauthenticated()
	}
	if s.Refused(id) {
		return models.Actor{}, models.Unauthenticated()
	}
	hash := hashKey(credential)
	if subtle.ConstantTimeCompare(hash[:], k.hash[:]) != 1 {
		return models.Actor{}, models.Unauthenticated()
	}
	actor, ok := d.keyActor(k, s.now())
	if !ok {
		return models.Actor{}, models.Unauthenticated()
	}
	return actor, nil
}

// hashKey hashes a key that ParseAPIKey accepted, without a copy on the heap.
func hashKey(key string) [sha256.Size]byte {
	var buffer [models.MaxAPIKeyLength]byte
	return sha256.Sum256(buffer[:copy(buffer[:], key)])
}

// byToken is the person a JWT speaks of. The first one of somebody, or one with other claims, is a sign-in.
func (s *Service) byToken(ctx context.Context, d *Directory, raw string) (models.Actor, error) {
	claims, err := s.verify(ctx, raw)
	if err != nil {
		s.log.DebugContext(ctx, "a JWT was refused", "error", err)
		var known *models.Error
		if errors.As(err, &known) && known.Code == models.CodeUnavailable {
			return models.Actor{}, err // nobody can tell yet whether it is valid
		}
		return models.Actor{}, models.Unauthenticated()
	}
	claims = claims.clean()
	now := s.now()
	p, known := d.Login(claims.Issuer, claims.Subject)
	if !known || claims.over(p).tellNews(p, now) && s.signed.pass(p.ID, now) {
		if p, d, err = s.renew(ctx, d, p, claims); err != nil {
			return models.Actor{}, err
		}
	}
	actor, ok := d.Actor(p.ID, now)
	if !ok {
		return models.Actor{}, models.Unauthenticated()
	}
	actor.Until = claims.Until
	return actor, nil
}

// renew signs the person of a JWT in. While Postgres does not answer, somebody known stays who they were.
func (s *Service) renew(ctx context.Context, d *Directory, old models.Person, c Claims) (models.Person, *Directory, error) {
	if old.DisabledAt != nil {
		return old, d, models.Unauthenticated()
	}
	p, err := s.SignIn(ctx, c)
	var known *models.Error
	switch {
	case err == nil:
		d, err = s.Directory(ctx)
		return p, d, err
	case old.ID != "" && errors.As(err, &known) && known.Code == models.CodeUnavailable:
		return old, d, nil
	default:
		return old, d, err
	}
}

// tellNews tells whether a sign-in with these clean claims, filled in by over, would alter what is known of the person.
func (c Claims) tellNews(p models.Person, now time.Time) bool {
	return c.differ(p) || !c.Unsaid.Groups && len(c.Groups) > 0 && (p.GroupsAt == nil || now.Sub(*p.GroupsAt) > groupsRenewal)
}

func (c Claims) differ(p models.Person) bool {
	return c.Subject != p.Subject || c.Email != p.Email || c.EmailVerified != p.EmailVerified || c.Name != p.Name ||
		!slices.Equal(c.Groups, p.Groups)
}
