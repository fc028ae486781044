package views

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// ChangeEdit is the form that edits a change which waits.
type ChangeEdit struct {
	models.Change
	Form   ChangeForm
	Types  map[string]models.ValueType // of the keys that are defined
	Errors map[string]string           // by pointer
	Moved  bool                        // somebody edited it meanwhile
}

// ChangeForm is what was typed.
type ChangeForm struct {
	Title, Reason string
	Values        map[string]string // as text, by key
	Tag           string            // of the change as it was read
}

// NewChangeForm is the form as a change fills it.
func NewChangeForm(c models.Change, types map[string]models.ValueType) ChangeForm {
	f := ChangeForm{Title: c.Title, Reason: c.Reason, Tag: c.Tag(), Values: map[string]string{}}
	for _, item := range c.Items {
		if item.Op == models.OpSet && !masked(item) {
			f.Values[item.Key] = itemText(item, types)
		}
	}
	return f
}

// TypeOf is what the values of an item's key are.
func TypeOf(i models.Item, types map[string]models.ValueType) models.ValueType {
	if t := types[i.Key]; t != "" {
		return t
	}
	if i.Defines != nil && i.Defines.Type != "" {
		return i.Defines.Type
	}
	return i.Value.Type()
}

// asJSON tells whether the value of an item is typed as JSON: all but texts that a form gives back as they are.
func asJSON(i models.Item, types map[string]models.ValueType) bool {
	text, ok := i.Value.Text()
	return !ok || TypeOf(i, types) != models.TypeString || !typable(text)
}

// itemText is a value for a form: a string as it is, all else as indented JSON.
func itemText(i models.Item, types map[string]models.ValueType) string {
	if asJSON(i, types) {
		return components.Indent(i.Value)
	}
	text, _ := i.Value.Text()
	return text
}

// Edited is the n-th item's value as it was typed; invalid or malformed at its pointer in the change.
func (e ChangeEdit) Edited(n int) (models.Value, error) {
	item := e.Items[n]
	t := TypeOf(item, e.Types)
	in := ValueInput{Text: e.Form.Values[item.Key], AsJSON: t == models.TypeString && asJSON(item, e.Types)}
	v, err := ParseInput(t, in)
	return v, models.Under(itemPointer(n), err)
}

// ValueField names the input of a key's value.
func ValueField(key string) string { return "value." + key }

// masked tells whether the item's value is hidden from who edits.
func masked(i models.Item) bool { return i.Sensitive && i.Value == models.Masked }

// KeepsSecret tells whether the field of the n-th item was left empty, so that its hidden value stays.
func (e ChangeEdit) KeepsSecret(n int) bool {
	return masked(e.Items[n]) && e.Form.Values[e.Items[n].Key] == ""
}

// Forget drops secrets that were typed, so that no page shows them again.
func (e ChangeEdit) Forget() ChangeEdit {
	e.Form.Values = maps.Clone(e.Form.Values)
	for _, i := range e.Items {
		if i.Sensitive {
			delete(e.Form.Values, i.Key)
		}
	}
	return e
}

// fields are the inputs of the values, with what was wrong with each.
func (e ChangeEdit) fields() []components.Field {
	var out []components.Field
	for i, item := range e.Items {
		if item.Op != models.OpSet {
			continue
		}
		out = append(out, components.Field{
			Name: ValueField(item.Key), Label: item.Key, Value: e.Form.Values[item.Key], Mono: true,
			Error: e.fault(i), Hint: e.hint(item),
		})
	}
	return out
}

// fault is what was wrong with the n-th item's value, and where in it.
func (e ChangeEdit) fault(n int) string {
	at := itemPointer(n) + "/value"
	if text := e.Errors[at]; text != "" {
		return text
	}
	var texts []string
	for _, pointer := range slices.Sorted(maps.Keys(e.Errors)) {
		if below, ok := strings.CutPrefix(pointer, at+"/"); ok {
			texts = append(texts, "/"+below+": "+e.Errors[pointer])
		}
	}
	return strings.Join(texts, "; ")
}

func (e ChangeEdit) hint(i models.Item) string {
	if masked(i) {
		return "A secret: what the change says is not shown. Leave the field empty to keep it."
	}
	said := "A " + string(TypeOf(i, e.Types)) + "."
	switch t := TypeOf(i, e.Types); {
	case !asJSON(i, e.Types):
		said = "A text, as it is."
	case t == models.TypeJSON:
		said = "JSON."
	case t == models.TypeString:
		said = "A text in quotes."
	}
	if e.Moved {
		said += " By now the change says: " + itemText(i, e.Types)
	}
	return said
}

// others say what the change does besides setting values; that is not edited here.
func (e ChangeEdit) others() []string {
	keys := map[models.Op][]string{}
	for _, i := range e.Items {
		switch {
		case i.Op != models.OpSet:
			keys[i.Op] = append(keys[i.Op], i.Key)
		case i.Locked != nil && *i.Locked:
			keys[models.OpLock] = append(keys[models.OpLock], i.Key)
		case i.Locked != nil:
			keys[models.OpUnlock] = append(keys[models.OpUnlock], i.Key)
		}
	}
	does := map[models.Op]string{
		models.OpDelete: "Takes away the value of ", models.OpLock: "Locks ", models.OpUnlock: "Unlocks ", models.OpDefine: "Defines ",
		models.OpRetier: "Moves the tenant to another tier", models.OpSuspend: "Suspends the tenant",
	}
	var out []string
	for _, op := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, does[op]+listed(keys[op])+".")
	}
	return out
}

// rest are the sentences that belong to no field.
func (e ChangeEdit) rest() []string {
	left := maps.Clone(e.Errors)
	delete(left, "/title")
	delete(left, "/reason")
	for i := range e.Items {
		at := itemPointer(i) + "/value"
		maps.DeleteFunc(left, func(pointer, _ string) bool { return pointer == at || strings.HasPrefix(pointer, at+"/") })
	}
	return Problems(left)
}

func itemPointer(i int) string { return "/items/" + strconv.Itoa(i) }

// rowsOf is how tall the input of a text is.
func rowsOf(text string) string {
	return strconv.Itoa(min(max(1, strings.Count(text, "\n")+1), 18))
}
