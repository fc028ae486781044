package tenants

import "github.com/hotswap/hotswap/models"

// Kept is a tenant or layer as a node keeps it for when the database cannot be asked.
type Kept struct {
	models.Tenant
	Revision int64
}

// Kept lists all tenants and layers that are known here.
func (d *Directory) Kept() (out []Kept) {
	d.slots.Range(func(_, s any) bool {
		if h := s.(*slot).held.Load(); h != nil {
			out = append(out, Kept{h.Tenant, h.Revision})
		}
		return true
	})
	return out
}

// Moves counts how often something was taken in that Kept lists.
func (d *Directory) Moves() int64 { return d.moves.Load() }

// Restore takes what another run of this node kept. What is read from the database is newer.
func (d *Directory) Restore(all []Kept) {
	for _, k := range all {
		d.take(&held{Tenant: k.Tenant, Revision: k.Revision}, d.epoch.Load())
	}
}
