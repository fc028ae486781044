package views

import (
	"fmt"

	"github.com/hotswap/hotswap/models"
)

// LockedAbove tells whether a layer above locks the key: nothing that is set here has an effect.
func (e Editor) LockedAbove() bool { return e.Place.LockedBy != "" && !e.Place.Own }

// locked tells whether the live value is this very layer's, and locked.
func (e Editor) locked() bool { return e.Place.LockedBy != "" && e.Place.Own }

// Lockable tells whether there is anything below that a lock could bind.
func (e Editor) Lockable() bool { return models.IsLayer(e.Tenant.ID) && !e.LockedAbove() }

// NewLock is the lock that the form asks for; nil where it stays as it is.
func (e Editor) NewLock() *bool {
	if !e.Lockable() || !e.Form.Locks || e.Form.Locked == e.locked() {
		return nil
	}
	return &e.Form.Locked
}

// KeepsSecret tells whether the field was left empty and a hidden value is there to keep.
func (e Editor) KeepsSecret() bool { return e.Place.Masked && e.Form.Input.Text == "" }

// lockSaid says what the lock does to those below, in numbers.
func (e Editor) lockSaid() string {
	said := "Tenants and layers below read this value and cannot set their own."
	switch {
	case e.Overrides == 1:
		return said + " 1 of them sets the key itself in some environment: the lock hides that."
	case e.Overrides > 1:
		return said + fmt.Sprintf(" %d of them set the key themselves in some environment: the lock hides that.", e.Overrides)
	default:
		return said
	}
}

// unlocker says who can do something about a lock.
func (e Editor) unlocker() string {
	return "Nothing that is set for " + e.whose() + " has an effect while the lock is there. Whoever may edit " +
		layerWords(e.Place.LockedBy) + " can take it off."
}

// secret tells whether values of the key are hidden from people.
func (e Editor) secret() bool { return e.Place.Masked || e.Definition != nil && e.Definition.Sensitive }

// Forget drops a secret that was typed, so that no page shows it again.
func (e Editor) Forget() Editor {
	if e.secret() {
		e.Form.Input = e.Form.Input.Retyped(ValueInput{})
	}
	return e
}

// required tells whether the form needs a value: an own secret may stay as it is.
func (e Editor) required() bool {
	if e.Place.Masked && e.Place.Own {
		return false
	}
	return e.Form.Input.required || e.Form.Input.how != typedText
}

// deep tells whether values of the layers come together.
func (e Editor) deep() bool { return e.Definition != nil && e.Definition.Merge == models.MergeDeep }

// starts tells whether an own value begins as an object without members, which changes nothing of what is inherited.
func (e Editor) starts() bool {
	_, object := e.Place.Value.Members()
	return e.deep() && e.Place.Set && !e.Place.Own && object
}

// start is the value that the form begins with.
func (e Editor) start() models.Value {
	switch {
	case e.Place.Own:
		return e.Place.AsSet
	case e.starts():
		return "{}"
	default:
		return e.Place.Value
	}
}
