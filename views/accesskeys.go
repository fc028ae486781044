package views

import (
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// KeyList is a page of API keys.
type KeyList struct {
	Tenant, Cursor, Next string
	Items                []KeyRow
	Reach                Reach
	Form                 KeyForm
	All                  bool // may see the access of others
}

// URL is the address of the same list at another place.
func (l KeyList) URL(cursor string) string {
	return address(string(AccessKeys), "tenant", l.Tenant, "cursor", cursor)
}

// KeyRow is one key, with names. It has no secret: nobody has it but who was shown it.
type KeyRow struct {
	models.APIKey

	Owner     string // whose it is, or who answers for the service
	Mine      bool
	Usable    bool
	MayRevoke bool
}

// state is how the key stands; its text and tone.
func (k KeyRow) state() (string, components.Tone) {
	switch {
	case k.RevokedAt != nil:
		return "revoked", components.Bad
	case !k.Usable:
		return "expired", components.Waiting
	default:
		return "active", components.Good
	}
}

func (k KeyRow) stateText() string          { text, _ := k.state(); return text }
func (k KeyRow) stateTone() components.Tone { _, tone := k.state(); return tone }

// owned says whose key it is.
func (k KeyRow) owned() string {
	switch {
	case k.Mine:
		return "your own key"
	case k.PersonID != "":
		return "personal key of " + k.Owner
	case k.Owner == "":
		return "a service"
	default:
		return "a service of " + k.Owner
	}
}

// extras are the rights beside the role.
func (k KeyRow) extras() string {
	var texts []string
	for _, p := range k.Grants {
		texts = append(texts, "with "+string(p))
	}
	for _, p := range k.Denies {
		texts = append(texts, "without "+string(p))
	}
	return strings.Join(texts, ", ")
}

// prefix is the part of the key that is no secret.
func (k KeyRow) prefix() string { return models.APIKeyPrefix + k.ID + "_…" }

// ends says what revoking will do.
func (k KeyRow) ends(reach Reach) string {
	return "1 key ends for good: whoever uses " + k.Name + " is refused within 2 seconds, in " +
		reach.words(k.TenantID, k.Environment) + ", and open streams end. It cannot be undone; a new key can be made at any time."
}

// The owners of a key, in the form.
const (
	ForService = "service"
	ForMe      = "me"
)

// KeyForm is the form of a key to be made.
type KeyForm struct {
	Name, Owner, Role, Tenant, Environment, Expires string
	Secrets                                         bool
	Errors                                          map[string]string
	Open                                            bool
	Roles                                           []models.Role // that may be given
	Services                                        bool          // may make keys of services
	Everywhere                                      bool          // may be made for all tenants
}

func (f KeyForm) ownerOptions() []components.Option {
	mine := components.Option{Value: ForMe, Label: "Me: it acts as I do, with one role of mine", Selected: f.Owner == ForMe}
	if !f.Services {
		return []components.Option{mine}
	}
	return []components.Option{{Value: ForService, Label: "A service: an application, a job, a pipeline", Selected: f.Owner == ForService}, mine}
}

func (f KeyForm) roleHint() string {
	if f.Services {
		return "An application that only reads needs reader."
	}
	return "One of the roles that you hold."
}

// grantError is what was wrong with the rights beside the role.
func (f KeyForm) grantError() string {
	if text := f.Errors["/grants"]; text != "" {
		return text
	}
	return f.Errors["/grants/0"]
}

// ExpiresAt reads the last day on which the key works, in UTC: it ends with that day. Empty is never; invalid for what
// is no day.
func (f KeyForm) ExpiresAt() (*time.Time, error) {
	if f.Expires == "" {
		return nil, nil //nolint:nilnil // no end is a choice, and no error
	}
	day, err := time.Parse(time.DateOnly, f.Expires)
	if err != nil {
		return nil, models.Invalid("/expiresAt", "write the day like 2026-12-31")
	}
	end := day.AddDate(0, 0, 1)
	return &end, nil
}

// NewKey is a key that was just made, with its text, which is shown this once.
type NewKey struct {
	Key  KeyRow
	Text string
}
