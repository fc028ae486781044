package access

import (
	"slices"
	"time"

	"github.com/hotswap/hotswap/models"
)

// Directory is an unmoving picture of all people, bindings and keys, as of the tokens of their heads.
type Directory struct {
	epoch     int64 // counts the databases that took the place of another
	keysHead  models.Head
	rolesHead models.Head

	deleted  map[string]bool          // tenants whose keys and bindings open nothing
	people   map[string]models.Person // by id
	logins   map[login]string         // person ids by issuer and subject
	invited  map[invite][]string      // ids of people added by e-mail who did not sign in as such yet
	byPerson map[string][]models.Binding
	byGroup  map[string][]models.Binding
	byKey    map[string][]models.Binding
	keys     map[string]*heldKey
}

type login struct{ issuer, subject string }

type invite struct{ issuer, email string }

func newDirectory() *Directory {
	return &Directory{
		deleted: map[string]bool{}, people: map[string]models.Person{}, logins: map[login]string{}, invited: map[invite][]string{},
		byPerson: map[string][]models.Binding{}, byGroup: map[string][]models.Binding{},
		byKey: map[string][]models.Binding{}, keys: map[string]*heldKey{},
	}
}

func (d *Directory) addPerson(p models.Person) {
	d.people[p.ID] = p
	switch {
	case p.Subject != "":
		d.logins[login{p.Issuer, p.Subject}] = p.ID
	case p.DisabledAt == nil:
		key := invite{p.Issuer, p.Email}
		d.invited[key] = append(d.invited[key], p.ID)
	}
}

// addBinding leaves out those of tenants that are deleted, which are known before.
func (d *Directory) addBinding(b models.Binding) {
	if d.deleted[b.TenantID] {
		return
	}
	switch b.SubjectKind {
	case models.SubjectPerson:
		d.byPerson[b.Subject] = append(d.byPerson[b.Subject], b)
	case models.SubjectGroup:
		d.byGroup[b.Subject] = append(d.byGroup[b.Subject], b)
	case models.SubjectKey:
		d.byKey[b.Subject] = append(d.byKey[b.Subject], b)
	}
}

func (d *Directory) addKey(k models.APIKey) {
	held := &heldKey{APIKey: k, closed: d.deleted[k.TenantID]} // its name is still wanted
	copy(held.hash[:], k.SecretHash)
	d.keys[k.ID] = held
}

// RolesToken identifies the state of bindings and people: it moves whenever one of them does.
func (d *Directory) RolesToken() string { return d.rolesHead.Token }

// Person finds somebody by id.
func (d *Directory) Person(id string) (models.Person, bool) {
	p, ok := d.people[id]
	return p, ok
}

// Login finds somebody by the identity provider's names.
func (d *Directory) Login(issuer, subject string) (models.Person, bool) {
	return d.Person(d.logins[login{issuer, subject}])
}

// Actor is the person with all rights held now, by name or by groups that were seen within models.GroupTrust.
// It is false for nobody and for somebody disabled.
func (d *Directory) Actor(personID string, now time.Time) (models.Actor, bool) {
	p, ok := d.people[personID]
	if !ok || p.DisabledAt != nil {
		return models.Actor{}, false
	}
	grants, _ := d.grants(p, now)
	return models.Actor{ActorRef: p.Ref(), Email: p.VerifiedEmail(), Grants: grants}, true
}

// Current is the same actor with the rights of this picture: an actor was made when the call came in. It is false
// when the person or key opens nothing any more.
func (d *Directory) Current(a models.Actor, now time.Time) (models.Actor, bool) {
	switch {
	case a.Kind == models.ActorSystem:
		return a, true
	case !a.Until.IsZero() && now.After(a.Until):
		return models.Actor{}, false
	case a.KeyID == "":
		current, ok := d.Actor(a.ID, now)
		current.Until = a.Until
		return current, ok
	}
	k, ok := d.keys[a.KeyID]
	if !ok {
		return models.Actor{}, false
	}
	return d.keyActor(k, now)
}

// grants are the person's rights, and when they have to be worked out anew; zero means never.
func (d *Directory) grants(p models.Person, now time.Time) (grants []models.Grant, until time.Time) {
	grants = appendGrants(grants, d.byPerson[p.ID])
	for _, id := range d.invitations(p) {
		grants = appendGrants(grants, d.byPerson[id])
	}
	for _, group := range d.groups(p, now) {
		if bound := d.byGroup[group]; len(bound) > 0 {
			grants, until = appendGrants(grants, bound), p.GroupsAt.Add(models.GroupTrust)
		}
	}
	return grants, until
}

// invitations are the ids under which the person was added by e-mail, beside the person's own.
func (d *Directory) invitations(p models.Person) []string {
	email := p.VerifiedEmail()
	if email == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.invited[invite{p.Issuer, email}]), func(id string) bool { return id == p.ID })
}

// groups are those of the person that were seen lately enough to count.
func (d *Directory) groups(p models.Person, now time.Time) []string {
	if p.GroupsAt == nil || !now.Before(p.GroupsAt.Add(models.GroupTrust)) {
		return nil
	}
	return p.Groups
}

func appendGrants(grants []models.Grant, bindings []models.Binding) []models.Grant {
	for _, b := range bindings {
		g := models.Grant{Role: b.Role, Tenant: b.TenantID, Environment: b.Environment}
		if !slices.Contains(grants, g) {
			grants = append(grants, g)
		}
	}
	return grants
}

// Name fills in the name that people read; an actor that is no longer known keeps the one it has.
func (d *Directory) Name(ref models.ActorRef) models.ActorRef {
	switch ref.Kind {
	case models.ActorPerson:
		if p, ok := d.people[ref.ID]; ok {
			return p.Ref()
		}
	case models.ActorService:
		if k, ok := d.keys[ref.ID]; ok {
			ref.Name = k.Name
		}
	case models.ActorSystem:
		ref.Name = ref.ID
	}
	return ref
}

// Identity tells people apart as four eyes do: two with one verified e-mail are one.
func (d *Directory) Identity(personID string) string {
	if p, ok := d.people[personID]; ok {
		if email := p.VerifiedEmail(); email != "" {
			return "mail:" + email
		}
	}
	return personID
}
