package views

import (
	"strconv"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// ChangeItem is what a change does to one key, or to the tenant itself.
type ChangeItem struct {
	Key      string // of an item on the tenant, what of it moves
	URL      string // of the key, or the tenant
	Op       string // in a word
	Tone     components.Tone
	From, To models.Value
	Kept     bool // the value stays: To is it
	Masked   bool
	Base     string // what it was written against
	Note     string // what it means, where the values do not say it; else empty
	Defines  string // what it says the key is; empty unless it is the first
	Moved    string // that something else is live by now; empty when not
	Live     models.Value

	lock models.Op // lock or unlock, where it moves the lock; else empty
}

func changeItem(c models.Change, i models.Item) ChangeItem {
	switch {
	case i.Op.OnTenant():
		return tenantItem(c, i)
	case i.Op == models.OpDefine:
		return defineItem(c, i)
	}
	out := keyItem(c, i)
	out.From, out.To = i.Previous, i.Value
	out.Masked = i.Sensitive && (i.Value == models.Masked || i.Previous == models.Masked)
	out.Base = "written against version " + strconv.FormatInt(i.BaseVersion, 10)
	switch {
	case i.Op == models.OpLock:
		out.Op, out.Tone, out.Kept, out.lock = "locked", components.Waiting, true, models.OpLock
	case i.Op == models.OpUnlock:
		out.Op, out.Kept, out.lock = "unlocked", true, models.OpUnlock
	case i.Op == models.OpDelete:
		out.Op, out.Tone = "removed", components.Bad
	case i.BaseVersion == 0:
		out.Op, out.Tone, out.Base = "added", components.Good, "no value is set here yet"
	default:
		out.Op = "changed"
	}
	if i.Locked != nil {
		out.lock = models.OpUnlock
		if *i.Locked {
			out.lock = models.OpLock
		}
	}
	out.Note = lockNotes[out.lock]
	if i.Defines != nil {
		out.Defines = "Defines the key as " + string(i.Defines.Type) + "."
		if i.Defines.Description != "" {
			out.Defines += " " + i.Defines.Description
		}
	}
	return out
}

func keyItem(c models.Change, i models.Item) ChangeItem {
	return ChangeItem{Key: i.Key, URL: address(KeyURL(c.TenantID, i.Key), "environment", c.Environment)}
}

// lockNotes say what a lock means.
var lockNotes = map[models.Op]string{
	models.OpLock:   "Locks the key: layers below cannot override it, and what they have set is hidden.",
	models.OpUnlock: "Takes the lock off: layers below may override it, and what they have set shows again.",
}

// tenantItem is what moves the tenant itself.
func tenantItem(c models.Change, i models.Item) ChangeItem {
	out := ChangeItem{URL: TenantURL(c.TenantID), From: i.Previous, To: i.Value}
	name := components.LayerName(c.TenantID)
	if i.Op == models.OpSuspend {
		out.Key, out.Op, out.Tone, out.To = "status of "+name, "suspended", components.Bad, models.Text(string(models.TenantSuspended))
		out.Note = "Its applications can read nothing any more, in all environments. Its values stay, and it can be made active again."
		return out
	}
	tier, _ := i.Value.Text()
	out.Key, out.Op = "tier of "+name, "moved"
	out.Note = "It inherits the values of the tier " + tier + " from then on, in all environments, and changes wait for what that tier asks."
	return out
}

// defineItem is a definition that is made or replaced.
func defineItem(c models.Change, i models.Item) ChangeItem {
	out := keyItem(c, i)
	out.Op, out.Base = "redefined", "written against version "+strconv.FormatInt(i.Definition, 10)+" of the definition"
	if i.Definition == 0 {
		out.Op, out.Tone, out.Base = "defined", components.Good, "nothing is defined here yet"
	}
	out.Note = "Holds in all environments."
	if i.Defines != nil {
		out.To = definitionDocument(i.Defines.On(models.Definition{}))
	}
	return out
}

// over is the item of a definition laid over the one that it replaces.
func (i ChangeItem) over(before models.Definition, item models.Item) ChangeItem {
	if item.Defines == nil {
		return i
	}
	after := item.Defines.On(before)
	if before.Version > 0 {
		i.From = definitionDocument(before)
	}
	if said := definitionEffect(before, after); said != "" {
		i.Note += " " + said
	}
	return i
}

// definitionEffect says what readers and people notice of another definition.
func definitionEffect(before, after models.Definition) string {
	said := ""
	switch {
	case after.Sensitive && !before.Sensitive:
		said = "Its values become secrets: hidden from people, and from applications without the right to read secrets."
	case before.Sensitive && !after.Sensitive:
		said = "Its values are secrets no more: people can read them, those of the past as well."
	}
	if before.Merge == after.Merge || before.Version == 0 && after.Merge != models.MergeDeep {
		return said
	}
	if said != "" {
		said += " "
	}
	if after.Merge == models.MergeDeep {
		return said + "Objects of the layers are merged, member by member."
	}
	return said + "The nearest value takes the place of those above; nothing is merged any more."
}

// definitionDocument is a definition by its members, for a comparison.
func definitionDocument(d models.Definition) models.Value {
	flag := map[bool]models.Value{true: "true", false: "false"}
	members := map[string]models.Value{
		"type": models.Text(string(d.Type)), "description": models.Text(d.Description), "sensitive": flag[d.Sensitive],
		"merge": models.Text(string(d.Merge)),
	}
	for name, text := range map[string]string{"owner": d.Owner, "tags": string(d.Tags)} {
		if text != "" {
			members[name] = models.Text(text)
		}
	}
	if d.Schema != "" {
		members["schema"] = models.Value(d.Schema)
	}
	if d.ExpiresAt != nil {
		members["expiresAt"] = models.Text(d.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return models.Object(members)
}

// what names what the change touches: keys, definitions, or the tenant itself.
func (c Change) what() string {
	switch {
	case does(c.Change, models.OpRetier):
		return "the tier"
	case does(c.Change, models.OpSuspend):
		return "the status"
	case does(c.Change, models.OpDefine):
		return counted(len(c.Change.Items), "definition")
	default:
		return counted(len(c.Change.Items), "key")
	}
}

// where says in which environments it does that.
func (c Change) where() string {
	if does(c.Change, models.OpRetier) || does(c.Change, models.OpSuspend) || does(c.Change, models.OpDefine) {
		return "all environments"
	}
	return c.Environment
}

// does tells whether the operation is all that the change does.
func does(c models.Change, op models.Op) bool {
	for _, i := range c.Items {
		if i.Op != op {
			return false
		}
	}
	return len(c.Items) > 0
}

func (i ChangeItem) toneClass() string {
	return [...]string{"", "tag-good", "tag-bad", "tag-wait"}[i.Tone]
}

// icon is that of the lock that the item moves; empty for none.
func (i ChangeItem) icon() string {
	return map[models.Op]string{models.OpLock: "lock", models.OpUnlock: "lock-open"}[i.lock]
}
