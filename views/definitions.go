package views

import (
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Definitions is the list of the definitions that apply to a layer.
type Definitions struct {
	Layer   models.Tenant
	Query   DefinitionQuery
	Choices TenantChoices
	Rows    []DefinitionRow
	Next    string // cursor
	MayAdd  bool
}

// DefinitionQuery is what the list is narrowed to, as the address says it.
type DefinitionQuery struct {
	TenantID, Search, Cursor string
	Overdue                  bool
}

// DefinitionRow is one definition, with where its key is set.
type DefinitionRow struct {
	models.Definition

	Layers  int  // that set the key: the layer of the list and those below
	More    bool // and more
	Late    bool // it has outlived its purpose
	MayEdit bool
}

// URL is the address of the same list at another place.
func (q DefinitionQuery) URL(cursor string) string {
	overdue := ""
	if q.Overdue {
		overdue = "1"
	}
	return address("/definitions", "tenantId", q.TenantID, "search", q.Search, "overdue", overdue, "cursor", cursor)
}

// First is the address of the first page, empty on it.
func (q DefinitionQuery) First() string {
	if q.Cursor == "" {
		return ""
	}
	return q.URL("")
}

// NextURL is the address of the page after this one, empty on the last.
func (d Definitions) NextURL() string {
	if d.Next == "" {
		return ""
	}
	return d.Query.URL(d.Next)
}

func (d Definitions) all() string { return DefinitionQuery{TenantID: d.Query.TenantID}.URL("") }

// DefinitionURL is the form of a definition; without a key that of a new one.
func DefinitionURL(tenantID, key string) string {
	return address("/definitions/edit", "tenantId", tenantID, "key", key)
}

// used says on how many layers the key is set.
func (r DefinitionRow) used() string {
	switch {
	case r.Layers == 0:
		return "nowhere"
	case r.More:
		return "on more than " + counted(r.Layers, "layer")
	default:
		return "on " + counted(r.Layers, "layer")
	}
}

// DefinitionForm is the form of a definition, as typed and with what was wrong with it by pointer.
type DefinitionForm struct {
	Layer        models.Tenant
	Existing     *models.Definition // nil for a new one
	Environments []string           // in which the key has live values
	Key, Type    string
	Description  string
	Owner, Tags  string
	Schema       string
	Sensitive    bool
	Merge        string
	Expires      string // of a datetime-local field, in UTC
	Match        string // the state of the definition that was looked at
	Errors       map[string]string
}

// Fill puts a definition as it is into the form.
func (f DefinitionForm) Fill(d models.Definition) DefinitionForm {
	f.Key, f.Type, f.Description, f.Owner = d.Key, string(d.Type), d.Description, d.Owner
	f.Tags, f.Sensitive, f.Merge = strings.Join(d.Tags.List(), ", "), d.Sensitive, string(d.Merge)
	if d.Schema != "" {
		f.Schema = components.Indent(models.Value(d.Schema))
	}
	if d.ExpiresAt != nil {
		f.Expires = MomentAt(*d.ExpiresAt).input()
	}
	return f
}

func (f DefinitionForm) title() string {
	if f.Existing == nil {
		return "New definition"
	}
	return "Definition of " + f.Key
}

// warns says beforehand what moves live values; empty where nothing does.
func (f DefinitionForm) warns() string {
	switch {
	case f.Existing == nil:
		return "If the key has live values already, and they are to be sealed or merged, the definition becomes a change that waits for approval."
	case len(f.Environments) == 0:
		return "The key has no live values: everything here holds at once."
	default:
		return "The key has live values in " + listed(f.Environments) + ". To seal, unseal or merge them moves what applications read: that becomes a change, " +
			"and waits for all who approve there. Everything else holds at once."
	}
}

// fault is what is wrong with a field, and with anything below it.
func (f DefinitionForm) fault(pointer string) string {
	below := map[string]string{}
	for at, text := range f.Errors {
		switch {
		case at == pointer:
			below[at] = Capital(text)
		case strings.HasPrefix(at, pointer+"/"):
			below[at] = strings.TrimPrefix(at, pointer) + ": " + text
		}
	}
	return strings.Join(Problems(below), "\n")
}

// rest is what is wrong with the form as a whole.
func (f DefinitionForm) rest() []string {
	left := map[string]string{}
	for at, text := range f.Errors {
		if field, _, _ := strings.Cut(strings.TrimPrefix(at, "/"), "/"); !fieldsOfDefinition[field] {
			left[at] = Capital(text)
		}
	}
	return Problems(left)
}

var fieldsOfDefinition = map[string]bool{
	"key": true, "type": true, "description": true, "owner": true, "tags": true, "schema": true, "sensitive": true, "merge": true, "expiresAt": true,
}

func (f DefinitionForm) typeOptions() []components.Option {
	return components.Choices(f.Type, string(models.TypeString), string(models.TypeNumber), string(models.TypeBoolean), string(models.TypeJSON))
}

func (f DefinitionForm) mergeOptions() []components.Option {
	return []components.Option{
		{Value: string(models.MergeReplace), Label: "The nearest value replaces those above", Selected: f.Merge != string(models.MergeDeep)},
		{Value: string(models.MergeDeep), Label: "Objects are merged, member by member", Selected: f.Merge == string(models.MergeDeep)},
	}
}
