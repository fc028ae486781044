package access

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
)

// The owners of a key.
const (
	OwnerService = "service"
	OwnerMe      = "me"
)

// The bounds of what a caller says of a key or a binding.
const (
	maxName        = 100 // characters
	maxResponsible = 20
)

// KeyInput is what a caller says of a key to be made.
type KeyInput struct {
	Name        string
	Role        models.Role
	TenantID    string // empty for all tenants
	Environment string // empty for all environments
	ExpiresAt   *time.Time
	Owner       string   // OwnerService, also when empty, or OwnerMe
	Responsible []string // ids of people; empty means the caller
	Grants      []models.Permission
	Denies      []models.Permission
}

// check gathers the rules the input breaks by itself.
func (in KeyInput) check(now time.Time) error {
	var broken []models.FieldError
	rule := func(holds bool, pointer, message string) {
		if !holds {
			broken = append(broken, models.FieldError{Pointer: pointer, Message: message})
		}
	}
	mine := in.Owner == OwnerMe
	rule(strings.TrimSpace(in.Name) != "" && models.ValidText(in.Name, maxName), "/name", "a name has 1 to 100 characters")
	rule(in.Role.Valid(), "/role", "there is no such role")
	rule(in.Owner == "" || in.Owner == OwnerService || mine, "/owner", `owner is "service" or "me"`)
	rule(in.ExpiresAt == nil || in.ExpiresAt.After(now), "/expiresAt", "this has passed")
	rule(len(in.Responsible) <= maxResponsible, "/responsible", "at most 20 people answer for a service")
	rule(!mine || len(in.Responsible) == 0, "/responsible", "a personal key is its person's")
	rule(!mine || len(in.Grants) == 0, "/grants", "a personal key has no more rights than its person")
	for i, id := range in.Responsible {
		_, err := uuid.Parse(id)
		rule(err == nil, "/responsible/"+strconv.Itoa(i), "there is no such person")
	}
	for i, p := range in.Grants {
		rule(p == models.PermReadSecrets, "/grants/"+strconv.Itoa(i), "only secrets:read is granted beside a role")
	}
	for i, p := range in.Denies {
		rule(isPermission(p), "/denies/"+strconv.Itoa(i), "there is no such permission")
	}
	return models.InvalidFields(broken)
}

func isPermission(p models.Permission) bool {
	return p == models.PermReadSecrets || slices.ContainsFunc(models.Roles(), func(r models.Role) bool { return r.Allows(p) })
}

// authorize tells whether the actor may make that key, and where it shall hold.
func (in KeyInput) authorize(actor models.Actor) (tenantID string, err error) {
	if in.Owner == OwnerMe {
		return in.authorizeMine(actor)
	}
	tenantID, err = place(actor, in.TenantID, models.PermManageAccess)
	if err != nil {
		return "", err
	}
	return tenantID, mayManage(actor, "tenant", tenantID, in.Environment, in.Role)
}

// authorizeMine lets people make keys of roles they hold in that place themselves.
func (in KeyInput) authorizeMine(actor models.Actor) (string, error) {
	tenantID := in.TenantID
	switch {
	case actor.Kind != models.ActorPerson:
		return "", models.Forbidden("only people have personal keys")
	case tenantID != "" && !actor.Sees(tenantID):
		return "", models.NotFound("tenant")
	case tenantID == "":
		tenantID = models.Platform
	}
	if !holds(actor, in.Role, tenantID, in.Environment) {
		return "", models.Forbidden("you do not hold this role there")
	}
	return tenantID, nil
}

// key is the key as it is kept, but for its secret.
func (in KeyInput) key(actor models.Actor, tenantID string, now time.Time) models.APIKey {
	k := models.APIKey{
		TenantID: tenantID, Name: in.Name, Role: in.Role, Environment: in.Environment,
		Grants: unique(in.Grants), Denies: unique(in.Denies, actor.Denied),
		CreatedBy: actor.ActorRef, CreatedAt: now, ExpiresAt: in.ExpiresAt,
	}
	switch {
	case in.Owner == OwnerMe:
		k.PersonID = actor.ID
	case actor.Kind == models.ActorService: // who answers for the maker answers for what it makes
		k.Responsible = unique(in.Responsible, actor.Responsible)
	case len(in.Responsible) == 0 && actor.Kind == models.ActorPerson:
		k.Responsible = []string{actor.ID}
	default:
		k.Responsible = unique(in.Responsible)
	}
	return k
}

// unique joins lists and drops what comes again.
func unique[T comparable](lists ...[]T) []T {
	var out []T
	for _, item := range slices.Concat(lists...) {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

// secretSize is the length of a key's secret in bytes.
const secretSize = 32

// NewKey makes a random API key of the form hs_<id>_<256-bit secret>.
func NewKey() (id, key string) {
	id = strings.ToLower(rand.Text())
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails, or ends the program
	return id, models.APIKeyPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(secret)
}
