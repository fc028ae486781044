package views

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Editor is the form that sets a key of a tenant or layer in one environment.
type Editor struct {
	Tenant     models.Tenant
	Heirs      int                // tenants that inherit from a layer; -1 when it is not said
	Overrides  int                // layers below that set the key themselves
	Definition *models.Definition // nil for a key that nothing defines
	Place      EditorPlace        // what is live there now
	Choices    []EditorPlace      // environments to choose from, for a new key
	Form       EditorForm
	Errors     map[string]string // by pointer
	Checked    bool              // the form was tried and would be taken
}

// EditorPlace is what a key comes to in an environment now, and what a change there waits for.
type EditorPlace struct {
	Environment      string
	Stages           []models.Stage
	Set, Own, Masked bool
	Value            models.Value
	AsSet            models.Value // as Layer sets it: of a merged value what it contributes
	Merged           bool         // layers above contribute to the value
	Layer            string
	LayerKey         bool   // whether who looks may open the key on that layer
	LockedBy         string // the layer whose lock makes the value win; empty for none
	Version          int64
	Author           models.ActorRef
	Below            *EditorValue // what would show through without the own value; nil for nothing
}

// EditorValue is a value with the layer that sets it.
type EditorValue struct {
	Value  models.Value
	Masked bool
	Layer  string
}

// EditorForm is what was typed.
type EditorForm struct {
	Key, Environment, Description, Reason string
	Type                                  models.ValueType // of a new key
	Input                                 ValueInput
	Base                                  *int64 // the version that was live when the form was drawn; 0 for none
	Return                                string // where to go afterwards
	Removing                              bool   // the value is to be taken away
	Locks                                 bool   // the form has a switch for the lock
	Locked                                bool   // which is on
}

// Type is the type that the value must have.
func (e Editor) Type() models.ValueType {
	switch {
	case e.Definition != nil:
		return e.Definition.Type
	case e.Form.Type.Valid():
		return e.Form.Type
	default:
		return models.TypeString
	}
}

// IsNew tells whether the key has no definition yet: the form asks what it is.
func (e Editor) IsNew() bool { return e.Definition == nil }

func (e Editor) schema() string {
	if e.Definition == nil {
		return ""
	}
	return e.Definition.Schema
}

// Fresh is the editor with a form that nobody has typed into: it shows the live value.
func (e Editor) Fresh() Editor {
	e.Form.Input = InputFor(e.Type(), e.schema(), e.start(), e.Place.Masked)
	base := e.base()
	e.Form.Base, e.Form.Locked = &base, e.locked()
	return e
}

// Typed is the editor with what was typed.
func (e Editor) Typed() Editor {
	e.Form.Input = InputFor(e.Type(), e.schema(), e.start(), e.Place.Masked).Retyped(e.Form.Input)
	return e
}

// Value is the typed value; invalid at /value.
func (e Editor) Value() (models.Value, error) {
	if e.KeepsSecret() {
		return "", models.Invalid("/value", "the value is hidden, and an empty field leaves it as it is: type the new one")
	}
	return ParseInput(e.Type(), e.Form.Input)
}

// Keeps tells whether the value is what is live and the tenant's or layer's own, so that saving it would do nothing.
func (e Editor) Keeps(v models.Value) bool {
	return e.Place.Own && !e.Place.Masked && e.Place.AsSet == v
}

// base is the own version that is live now, 0 for none.
func (e Editor) base() int64 {
	if e.Place.Own {
		return e.Place.Version
	}
	return 0
}

// Moved tells whether another version is live than when the form was drawn.
func (e Editor) Moved() bool { return e.Form.Base != nil && *e.Form.Base != e.base() }

// mine is the typed value, as far as it is one, to be held against what is live.
func (e Editor) mine() models.Value {
	v, err := e.Value()
	if err != nil {
		return ""
	}
	return v
}

// url is where the form goes; check is where it is tried.
func (e Editor) url() string    { return TenantURL(e.Tenant.ID) + "/edit" }
func (e Editor) check() string  { return e.url() + "?check=1" }
func (e Editor) remove() string { return TenantURL(e.Tenant.ID) + "/remove" }

// back is where the form leads to when it is closed.
func (e Editor) back() string {
	if e.Form.Return != "" {
		return e.Form.Return
	}
	return TenantURL(e.Tenant.ID)
}

// Title says what the form does.
func (e Editor) Title() string {
	switch {
	case e.LockedAbove():
		return e.Form.Key + " is locked"
	case e.IsNew():
		return "New key"
	case e.Place.Set:
		return "Edit " + e.Form.Key
	default:
		return "Set " + e.Form.Key
	}
}

// origin says where the live value comes from, and what saving does to it.
func (e Editor) origin() string {
	switch p := e.Place; {
	case e.LockedAbove():
		return "Set on " + layerWords(p.Layer) + "."
	case p.Own && p.Merged:
		return fmt.Sprintf("Set here, version %d, and merged with what comes from above.", p.Version)
	case p.Own:
		return fmt.Sprintf("Set here, version %d.", p.Version)
	case e.starts():
		return fmt.Sprintf("Inherited from %s. What is saved for %s is merged into it.", layerWords(p.Layer), e.whose())
	case p.Set:
		return fmt.Sprintf("Inherited from %s. Saving sets it for %s only.", layerWords(p.Layer), e.whose())
	default:
		return "Not set in " + p.Environment + ", here or above."
	}
}

// whose names the tenant or layer within a sentence.
func (e Editor) whose() string {
	if models.IsLayer(e.Tenant.ID) {
		return layerWords(e.Tenant.ID)
	}
	return e.Tenant.Name
}

// layerWords names a layer within a sentence.
func layerWords(layer string) string {
	if models.IsLayer(layer) {
		return "the " + components.LayerName(layer)
	}
	return layer
}

// reach says in numbers who is touched by an edit of a layer; empty for a tenant.
func (e Editor) reach() string {
	if !models.IsLayer(e.Tenant.ID) || e.Heirs < 0 {
		return ""
	}
	text := counted(e.Heirs, "tenant") + " below"
	switch e.Overrides {
	case 0:
		return text + "; none sets this key itself."
	case 1:
		return text + "; 1 layer or tenant among them sets this key itself."
	default:
		return fmt.Sprintf("%s; %d layers and tenants among them set this key themselves.", text, e.Overrides)
	}
}

// waits says what becomes of the form when it is sent.
func (e Editor) waits() string {
	if len(e.Choices) > 0 {
		return e.waitsByPlace()
	}
	if len(e.Place.Stages) == 0 {
		return "Live at once in " + e.Place.Environment + "."
	}
	return e.Place.Environment + " needs " + Approvers(e.Place.Stages) + " to approve. They read your reason."
}

// waitsByPlace says it for all environments that can be chosen.
func (e Editor) waitsByPlace() string {
	var direct, asking []string
	for _, p := range e.Choices {
		if len(p.Stages) == 0 {
			direct = append(direct, p.Environment)
		} else {
			asking = append(asking, p.Environment+" needs "+Approvers(p.Stages))
		}
	}
	text := strings.Join(asking, "; ")
	if len(direct) > 0 {
		asking = append(asking, "live at once in "+listed(direct))
		text = strings.Join(asking, "; ")
	}
	return Capital(text) + "."
}

// submitLabel says what the button does.
func (e Editor) submitLabel() string {
	switch {
	case len(e.Place.Stages) > 0:
		return "Send for approval"
	case e.Moved():
		return "Save over it"
	default:
		return "Save"
	}
}

// removal says what shows through once the own value is gone.
func (e Editor) removal() string {
	if e.Place.Merged {
		return "Its members go, unless a layer above sets them too; what comes from above stays:"
	}
	if e.Place.Below == nil && models.IsLayer(e.Tenant.ID) {
		return "Nothing above sets it: applications of tenants without a value of their own find none for this key in " + e.Place.Environment + " any more."
	}
	if e.Place.Below == nil {
		return "Nothing above sets it: applications find no value for this key in " + e.Place.Environment + " any more."
	}
	return "From then on the value of " + layerWords(e.Place.Below.Layer) + " shows through:"
}

func (e Editor) hints() string { return Capital(strings.Join(readSchema(e.schema()).hints(), ", ")) }

// valueErrors are the sentences about the value, and those about nothing in particular.
func (e Editor) valueErrors() []string {
	var out []string
	for pointer, message := range e.Errors {
		rest, ok := strings.CutPrefix(pointer, "/value")
		switch {
		case ok && rest != "":
			out = append(out, "At "+strings.TrimPrefix(rest, "/")+": "+message)
		case pointer == "" && e.Moved(): // said above the form, with both values
		case ok || pointer != "/reason" && (!e.IsNew() || !slices.Contains(newKeyFields, pointer)):
			out = append(out, Capital(message))
		}
	}
	slices.Sort(out)
	return out
}

// newKeyFields are the pointers of fields that the form has for a new key only, and that tell their errors themselves.
var newKeyFields = []string{"/key", "/type", "/description", "/environment"}

func (e Editor) environmentOptions() []components.Option {
	var out []components.Option
	for _, p := range e.Choices {
		out = append(out, components.Option{Value: p.Environment, Label: p.Environment, Selected: p.Environment == e.Place.Environment})
	}
	return out
}

func (e Editor) typeOptions() []components.Option {
	return components.Choices(string(e.Type()), string(models.TypeString), string(models.TypeNumber), string(models.TypeBoolean), string(models.TypeJSON))
}

func (e Editor) baseText() string { return strconv.FormatInt(e.base(), 10) }

// codeRows is how high the field for JSON is.
func (in ValueInput) codeRows() string {
	return strconv.Itoa(min(max(strings.Count(in.Text, "\n")+2, 5), 18))
}

// textRows is how high the field for texts is.
func (in ValueInput) textRows() string {
	return strconv.Itoa(min(max(strings.Count(in.Text, "\n")+1, len(in.Text)/60+1, 2), 12))
}

// checkAttributes try the form on the server whenever the value was changed.
func (e Editor) checkAttributes() templ.Attributes {
	return templ.Attributes{
		"hx-post": e.check(), "hx-trigger": "change", "hx-include": "closest form", "hx-target": "#editor-check",
		"hx-swap": "outerHTML", "hx-sync": "closest form:replace",
	}
}

// valueAttributes are what all fields of a value but the switch share.
func (e Editor) valueAttributes() templ.Attributes {
	a := e.checkAttributes()
	a["spellcheck"], a["autocomplete"], a["autocapitalize"] = "false", "off", "off"
	a["aria-describedby"] = "editor-check"
	if e.hints() != "" {
		a["aria-describedby"] = "value-hint editor-check"
	}
	if len(e.valueErrors()) > 0 {
		a["aria-invalid"] = "true"
	}
	a["required"] = e.required()
	a["autofocus"] = !e.IsNew()
	return a
}

// focusOn tells which of the switch's sides takes the focus: the chosen one, else the first.
func (e Editor) focusOn(choice string) bool {
	if e.IsNew() {
		return false
	}
	return e.Form.Input.Text == choice || e.Form.Input.Text == "" && choice == "true"
}

func (e Editor) schemaText() string { return components.Indent(models.Value(e.schema())) }

func (e Editor) removeReason() string {
	if e.Form.Removing {
		return e.Form.Reason
	}
	return ""
}

func (e Editor) removeLabel() string {
	if len(e.Place.Stages) > 0 {
		return "Send the removal for approval"
	}
	return "Remove the value"
}

// Back is where to go once the value is live.
func (e Editor) Back() string { return e.back() }

// Untouched tells whether a field that needs a value has none yet.
func (e Editor) Untouched() bool {
	return e.Form.Input.Text == "" && (e.Form.Input.how != typedText || e.Place.Masked)
}

// Done says what became of the form.
func (e Editor) Done(c models.Change, live *models.Config) string {
	where := " in " + e.Place.Environment
	removed := "Removed " + e.Form.Key + " from " + e.Place.Environment
	switch {
	case c.Status != models.ChangeDeployed:
		return "Sent for approval. " + e.Form.Key + " stays as it is" + where + " until it is approved by " + Approvers(c.Stages) + "."
	case e.Form.Removing && e.Place.Below != nil && !e.Place.Merged:
		return removed + ": the value of " + layerWords(e.Place.Below.Layer) + " is live now."
	case e.Form.Removing && e.Place.Merged:
		return removed + ": what comes from above is live now."
	case e.Form.Removing:
		return removed + ": it has no value there now."
	case does(c, models.OpLock):
		return "Locked " + e.Form.Key + where + ": layers below cannot override it."
	case does(c, models.OpUnlock):
		return "Unlocked " + e.Form.Key + where + ": layers below may override it."
	case live == nil:
		return "Saved " + e.Form.Key + where + "."
	default:
		return fmt.Sprintf("Saved %s%s: live as version %d.", e.Form.Key, where, live.Version)
	}
}
