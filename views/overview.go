package views

import "github.com/hotswap/hotswap/models"

// Overview is the first page: what waits for who looks, what is theirs, and how the installation does.
type Overview struct {
	Name       string
	MayChanges bool // whether they may see changes at all
	Decides    bool // whether any stage may ask for them
	Mine       []QueueItem
	MoreMine   bool
	Open       []models.Change // begun by who looks
	Recent     []models.Change
	Vitals     *Vitals // nil for who does not see all tenants
}

// Lead says in a line what there is to do.
func (o Overview) Lead() string {
	switch n := len(o.Mine); {
	case !o.Decides:
		return "What happens in the tenants that you see."
	case n == 0:
		return "Nothing waits for you."
	case o.MoreMine:
		return "More than " + counted(n, "change") + " wait for your decision."
	case n == 1:
		return "1 change waits for your decision."
	default:
		return counted(n, "change") + " wait for your decision."
	}
}
