package access

import (
	"maps"
	"slices"

	"github.com/hotswap/hotswap/models"
)

// Kept is a directory as a node keeps it for when the database cannot be asked. Of keys it holds hashes.
type Kept struct {
	KeysHead, RolesHead models.Head
	Deleted             []string
	People              []models.Person
	Bindings            []models.Binding
	Keys                []models.APIKey
}

// Known is the picture that is at hand, which may be old; nil before the first one.
func (s *Service) Known() *Directory { return s.current.Load() }

// Kept lists what the directory is made of.
func (d *Directory) Kept() Kept {
	out := Kept{
		KeysHead: d.keysHead, RolesHead: d.rolesHead,
		Deleted: slices.Collect(maps.Keys(d.deleted)), People: slices.Collect(maps.Values(d.people)),
	}
	for _, by := range []map[string][]models.Binding{d.byPerson, d.byGroup, d.byKey} {
		for _, bindings := range by {
			out.Bindings = append(out.Bindings, bindings...)
		}
	}
	for _, k := range d.keys {
		out.Keys = append(out.Keys, k.APIKey)
	}
	return out
}

// Restore begins with a directory that another run of this node kept, because the database cannot be asked.
func (s *Service) Restore(k Kept) {
	d := newDirectory()
	d.keysHead, d.rolesHead, d.epoch = k.KeysHead, k.RolesHead, s.epoch.Load()
	for _, id := range k.Deleted {
		d.deleted[id] = true
	}
	for _, p := range k.People {
		d.addPerson(p)
	}
	for _, b := range k.Bindings {
		d.addBinding(b)
	}
	for _, key := range k.Keys {
		d.addKey(key)
	}
	s.current.CompareAndSwap(nil, d) // what was read is newer
}
