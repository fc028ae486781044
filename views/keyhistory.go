package views

import (
	"strconv"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// KeyQuery is which part of a key's history is looked at, as the address says it.
type KeyQuery struct {
	Environment string
	From, To    int64 // versions to compare; 0 for none
	Back        int64 // the version to put back; 0 for none
	Cursor      string
}

// KeyHistory are the versions that a key had in one environment, newest first.
type KeyHistory struct {
	Page         string // the key's address
	Query        KeyQuery
	Environments []string
	Place        KeyPlace // of the environment
	Versions     []models.Version
	Next         string // cursor
	Changes      bool   // whether who looks may open changes
	Diff         *VersionDiff
	Back         *PutBack
}

// VersionDiff is what became different between two versions.
type VersionDiff struct {
	From, To      models.Version
	Equal, Masked bool
	Operations    []PatchOperation
}

// PatchOperation is one step of a JSON Patch.
type PatchOperation struct {
	Op, Path string
	Value    models.Value // empty for remove
}

// PutBack is an earlier version that is about to be set again, and the form that does it.
type PutBack struct {
	Version models.Version
	Live    int64 // the version that is live now; 0 for none
	Value   models.Value
	Lane    bool           // it goes live at once whatever the policy asks: it undoes the last change
	Stages  []models.Stage // that it waits for; none: it goes live at once
	PutBackForm
}

// PutBackForm is what somebody wrote about putting back, and what was wrong with it.
type PutBackForm struct {
	Reason   string
	Problems []string
}

// AtOnce tells whether putting back asks nobody.
func (b PutBack) AtOnce() bool { return b.Lane || len(b.Stages) == 0 }

// label says what the button does.
func (b PutBack) label() string {
	if b.AtOnce() {
		return "Put back version " + number(b.Version.Number) + ": live at once"
	}
	return "Send for approval"
}

// LiveVersion is the number of this very layer's version that is live; 0 for none.
func (h KeyHistory) LiveVersion() int64 {
	if h.Place.Set && h.Place.Own {
		return h.Place.Version
	}
	return 0
}

// At is the history in an environment.
func (h KeyHistory) At(environment string) string {
	return address(h.Page, "environment", environment)
}

// BackURL asks before a version is put back; empty where its value is live, and for who may not set it. Of a secret
// only the live version itself is known to be that.
func (h KeyHistory) BackURL(v models.Version) string {
	live := h.LiveVersion()
	if !h.Place.MayEdit || live == v.Number || live != 0 && !v.Masked && v.Value == h.Place.AsSet {
		return ""
	}
	return address(h.Page, "environment", h.Query.Environment, "back", number(v.Number), "cursor", h.Query.Cursor)
}

// NextURL is the address of older versions, empty where there are none.
func (h KeyHistory) NextURL() string {
	if h.Next == "" {
		return ""
	}
	return address(h.Page, "environment", h.Query.Environment, "cursor", h.Next)
}

// FirstURL is the address of the newest versions, empty when they are shown.
func (h KeyHistory) FirstURL() string {
	if h.Query.Cursor == "" {
		return ""
	}
	return h.At(h.Query.Environment)
}

// picked tells which versions are marked for comparing: those that are compared, else the newest two.
func (h KeyHistory) picked() (from, to int64) {
	if h.Diff != nil {
		return h.Diff.From.Number, h.Diff.To.Number
	}
	if len(h.Versions) < 2 {
		return 0, 0
	}
	return h.Versions[1].Number, h.Versions[0].Number
}

// isFrom and isTo tell whether a version is marked as one of the two.
func (h KeyHistory) isFrom(v models.Version) bool { from, _ := h.picked(); return v.Number == from }
func (h KeyHistory) isTo(v models.Version) bool   { _, to := h.picked(); return v.Number == to }

// patchText is a JSON Patch as a document, an operation on each line.
func patchText(operations []PatchOperation) string {
	lines := make([]string, len(operations))
	for i, o := range operations {
		members := `"op": ` + string(models.Text(o.Op)) + `, "path": ` + string(models.Text(o.Path))
		if o.Value != "" {
			members += `, "value": ` + string(o.Value)
		}
		lines[i] = "  {" + members + "}"
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n]"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// briefly is how many characters of a value stand in the history; more are folded.
const briefly = 160

// folded tells whether a value is too long for a line of the history.
func folded(v models.Version) bool { return !v.Masked && len(v.Value) > briefly }

// opening is the beginning of a value that is folded.
func opening(v models.Version) string { return openingOf(v.Value) }

func openingOf(v models.Value) string {
	text := []rune(string(v))
	return string(text[:min(len(text), briefly*3/4)]) + "…"
}

// showsThrough says what would be live instead of nothing, for a key that this very layer does not set.
func showsThrough(p KeyPlace) string {
	if !p.Set {
		return "Nothing is live there: no layer above sets it."
	}
	return "The value comes from " + components.LayerName(p.Layer) + "."
}
