package views

import (
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Changes is the list of changes.
type Changes struct {
	Query        ChangeQuery
	Items        []models.Change
	Next         string // cursor
	Fault        string // what is wrong with the filters
	Tenants      TenantChoices
	Environments []string
}

// ChangeQuery is what the list is narrowed to, as the address says it.
type ChangeQuery struct {
	Status, Tenant, Environment string
	Mine                        bool
	Cursor                      string
}

// StatusOpen stands, in an address, for all changes that still wait or are on their way.
const StatusOpen = "open"

// URL is the address of the same list at another place.
func (q ChangeQuery) URL(cursor string) string {
	mine := ""
	if q.Mine {
		mine = "1"
	}
	return address("/changes", "status", q.Status, "tenant", q.Tenant, "environment", q.Environment, "mine", mine, "cursor", cursor)
}

// First is the address of the first page, empty on it.
func (q ChangeQuery) First() string {
	if q.Cursor == "" {
		return ""
	}
	return q.URL("")
}

// Narrowed tells whether any filter is set.
func (q ChangeQuery) Narrowed() bool {
	return q.Status != "" || q.Tenant != "" || q.Environment != "" || q.Mine
}

// NextURL is the address of the page after this one, empty on the last.
func (c Changes) NextURL() string {
	if c.Next == "" {
		return ""
	}
	return c.Query.URL(c.Next)
}

func changeStatusOptions(selected string) []components.Option {
	options := []components.Option{
		{Label: "Any status"},
		{Value: StatusOpen, Label: "Open", Selected: selected == StatusOpen},
	}
	for _, s := range []models.ChangeStatus{
		models.ChangeDraft, models.ChangePending, models.ChangeApproved, models.ChangeScheduled, models.ChangeDeploying,
		models.ChangeDeployed, models.ChangeRejected, models.ChangeCancelled, models.ChangeExpired, models.ChangeRolled,
		models.ChangeFailed,
	} {
		options = append(options, components.Option{
			Value: string(s), Label: Capital(components.StatusName(s)), Selected: string(s) == selected,
		})
	}
	return options
}

// changeIcon is the picture of where a change stands; the word stands beside it.
func changeIcon(s models.ChangeStatus) string {
	switch s {
	case models.ChangeDraft:
		return "edit"
	case models.ChangeDeployed:
		return "git-merge"
	case models.ChangeRejected, models.ChangeFailed:
		return "circle-x"
	case models.ChangeCancelled:
		return "ban"
	case models.ChangeExpired:
		return "clock"
	case models.ChangeRolled:
		return "arrow-back-up"
	default:
		return "git-pull-request"
	}
}

// waitsFor names the stage that is open; empty when none is.
func waitsFor(c models.Change) string {
	stage, ok := c.CurrentStage()
	if !ok {
		return ""
	}
	return stage.Name
}

// shownKeys is how many keys of a change a line names.
const shownKeys = 3

// keysOf names the keys of a change in one line.
func keysOf(c models.Change) string {
	keys := c.Keys()
	if len(keys) <= shownKeys {
		return listed(keys)
	}
	return listed(append(keys[:shownKeys:shownKeys], counted(len(keys)-shownKeys, "other")))
}
