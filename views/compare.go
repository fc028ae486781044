package views

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// Comparison lays two sides next to each other: environments of a tenant or layer, of two of them, or at two instants.
type Comparison struct {
	Tenant         models.Tenant
	Other          models.Tenant // on the other side; the zero Tenant where it is the same
	Query          CompareQuery
	Environments   []string        // those that who looks may view
	ToEnvironments []string        // likewise, of the other side
	Others         []models.Tenant // that may be chosen for the other side; not always all
	Now            time.Time
	Faults         map[string]string // with what was chosen, by field; then nothing is compared
	Rows           []CompareRow
	Counts         CompareCounts
	MayPromote     bool
	ReadOnly       string         // why nothing can be promoted; empty when MayPromote
	Stages         []models.Stage // that a promotion waits for; none: it goes live at once
	Reason         string
	Problems       []string // with the promotion as a whole
}

// CompareQuery is what is compared, as the address says it.
type CompareQuery struct {
	From, To         string
	With             string // another tenant on the other side; empty for the same
	FromWhen, ToWhen Moment
	Equal            bool // shows equal keys as well
	All              bool // ticks all that differ
}

// Timed tells whether one of the sides is in the past.
func (q CompareQuery) Timed() bool { return q.FromWhen.Past() || q.ToWhen.Past() }

// CompareCounts are how many keys there are of each status, shown or not.
type CompareCounts struct{ Changed, OnlyFrom, OnlyTo, Equal int }

// CompareStatus is how a key's two values relate.
type CompareStatus string

// The statuses, seen from From to To.
const (
	OnlyTo    CompareStatus = "added"
	OnlyFrom  CompareStatus = "removed"
	Differs   CompareStatus = "changed"
	BothEqual CompareStatus = "equal"
)

// CompareRow is one key.
type CompareRow struct {
	Key       string
	Type      models.ValueType
	Sensitive bool
	Status    CompareStatus
	From, To  CompareSide
	Ticked    bool
	Problems  []string // with promoting it
}

// CompareSide is the value on one of the two sides.
type CompareSide struct {
	Value  models.Value // empty for none
	Masked bool
	Layer  string
	Own    bool // set on the tenant or layer that is looked at

	LayerSeen bool  // whether who looks may open that layer
	Version   int64 // that is live, if it is Own; else 0
}

// Set tells whether there is a value.
func (s CompareSide) Set() bool { return s.Layer != "" }

// CompareURL is the comparison of two environments of a tenant or layer.
func CompareURL(tenantID, from, to string) string {
	return address(TenantURL(tenantID)+"/compare", "from", from, "to", to)
}

// CompareTenantsURL is the comparison of two tenants or layers in an environment.
func CompareTenantsURL(tenantID, with, environment string) string {
	return CompareQuery{From: environment, To: environment, With: with}.of(tenantID)
}

// URL is the address of what is shown with other switches.
func (c Comparison) URL(q CompareQuery) string { return q.of(c.Tenant.ID) }

func (q CompareQuery) of(tenantID string) string {
	flag := map[bool]string{true: "1"}
	return address(TenantURL(tenantID)+"/compare", "from", q.From, "fromAt", q.FromWhen.param(), "with", q.With, "to", q.To,
		"toAt", q.ToWhen.param(), "equal", flag[q.Equal], "all", flag[q.All])
}

// Here is the address of what is shown.
func (c Comparison) Here() string { return c.URL(c.Query) }

// Swapped is the same comparison the other way round.
func (c Comparison) Swapped() string {
	q := CompareQuery{From: c.Query.To, To: c.Query.From, FromWhen: c.Query.ToWhen, ToWhen: c.Query.FromWhen, Equal: c.Query.Equal}
	if !c.Crosses() {
		return c.URL(q)
	}
	q.With = c.Tenant.ID
	return q.of(c.Other.ID)
}

// AllURL ticks all that differ.
func (c Comparison) AllURL() string {
	q := c.Query
	q.All = true
	return c.URL(q)
}

// NoneURL ticks nothing.
func (c Comparison) NoneURL() string {
	q := c.Query
	q.All = false
	return c.URL(q)
}

// Settle fills in what the address leaves open: the last environment, and the one before it; of two tenants or times the
// same one.
func (c *Comparison) Settle() {
	last := len(c.Environments) - 1
	if last < 0 {
		return
	}
	alike := c.Crosses() || c.Query.Timed()
	if c.Query.To == "" {
		c.Query.To = c.Environments[last]
		if alike && c.Query.From != "" {
			c.Query.To = c.Query.From
		}
	}
	if c.Query.From != "" {
		return
	}
	c.Query.From = c.Query.To
	if !alike {
		c.Query.From = c.Environments[max(slices.Index(c.Environments, c.Query.To)-1, 0)]
	}
}

// Allow tells whether values may go from From to To, or why not. mayEdit is the right to change values of To.
func (c *Comparison) Allow(mayEdit bool) {
	from, to := slices.Index(c.Environments, c.Query.From), slices.Index(c.Environments, c.Query.To)
	switch {
	case c.Crosses():
		c.ReadOnly = "Values are promoted between the environments of one tenant. To bring one over, set it on the tenant that shall have it."
	case c.Query.Timed():
		c.ReadOnly = "The past is only looked at. To bring a value back, open its key: its history has every version."
	case from == to:
	case to < from:
		c.ReadOnly = "Values are promoted to a later environment only: swap the two to promote from " + c.Query.To + " to " + c.Query.From + "."
	case !mayEdit:
		c.ReadOnly = "You may look at both. Promoting to " + c.Query.To + " needs the right to change its values."
	default:
		c.MayPromote = true
	}
}

// Arrange counts the rows, ticks them as asked, and drops the equal ones unless they are shown.
func (c *Comparison) Arrange(rows []CompareRow, ticked []string) {
	for _, r := range rows {
		switch r.Status {
		case OnlyTo:
			c.Counts.OnlyTo++
		case OnlyFrom:
			c.Counts.OnlyFrom++
		case Differs:
			c.Counts.Changed++
		case BothEqual:
			c.Counts.Equal++
		}
		asked := slices.Contains(ticked, r.Key)
		if r.Status == BothEqual && !c.Query.Equal && !asked {
			continue
		}
		r.Ticked = c.MayPromote && r.Hindrance(c.Query) == "" && (asked || c.Query.All && !r.Takes())
		c.Rows = append(c.Rows, r)
	}
}

// keyPointer finds the number of a key in what a promotion was refused for.
var keyPointer = regexp.MustCompile(`^/keys/([0-9]+)(/|$)`)

// Complain puts what a promotion was refused for to the rows it is about, and the rest above the table. keys are those
// of the promotion in their order.
func (c *Comparison) Complain(keys []string, said map[string]string) {
	rest := map[string]string{}
	for pointer, text := range said {
		if row := c.pointed(keys, pointer); row != nil {
			row.Problems = append(row.Problems, text)
		} else {
			rest[pointer] = text
		}
	}
	c.Problems = Problems(rest)
	if n := c.count(func(r CompareRow) bool { return len(r.Problems) > 0 }); n > 0 {
		c.Problems = append(c.Problems, "Nothing was promoted: see what is said at "+counted(n, "key")+" below.")
	}
}

// pointed is the row that a pointer is about; nil for none.
func (c *Comparison) pointed(keys []string, pointer string) *CompareRow {
	found := keyPointer.FindStringSubmatch(pointer)
	if found == nil {
		return nil
	}
	n, err := strconv.Atoi(found[1])
	if err != nil || n >= len(keys) {
		return nil
	}
	i := slices.IndexFunc(c.Rows, func(r CompareRow) bool { return r.Key == keys[n] })
	if i < 0 {
		return nil
	}
	return &c.Rows[i]
}

// Promoted says what a promotion that is live did.
func Promoted(keys int, to string) string {
	return "Promoted " + counted(keys, "key") + " to " + to + "."
}

// Ticked is how many rows are ticked.
func (c Comparison) Ticked() int { return c.count(func(r CompareRow) bool { return r.Ticked }) }

// Promotable is how many rows "all that differ" ticks.
func (c Comparison) Promotable() int {
	return c.count(func(r CompareRow) bool { return r.Hindrance(c.Query) == "" && !r.Takes() })
}

func (c Comparison) count(is func(CompareRow) bool) int {
	n := 0
	for _, r := range c.Rows {
		if is(r) {
			n++
		}
	}
	return n
}

// Box is the value of the box that promotes the key: the key, and what the page shows of it.
func (r CompareRow) Box() string { return r.Key + "@" + seenAs(r.From.Version, r.To.Version) }

// seenAs are two live versions of a key in a form: that which is promoted, and that which it replaces; 0 for none.
func seenAs(from, to int64) string {
	return strconv.FormatInt(from, 10) + "." + strconv.FormatInt(to, 10)
}

// Takes tells whether promoting the key takes the value of To away.
func (r CompareRow) Takes() bool { return r.Status == OnlyTo && r.To.Own }

// Hindrance is why a key cannot be promoted; empty when it can.
func (r CompareRow) Hindrance(q CompareQuery) string {
	switch {
	case r.Status == BothEqual:
		return "Equal: nothing to promote."
	case r.From.Set() && !r.From.Own:
		return "Set on " + components.LayerName(r.From.Layer) + ": promote it there."
	case r.Status == OnlyTo && !r.To.Own:
		return "Set on " + components.LayerName(r.To.Layer) + " in " + q.To + " only."
	default:
		return ""
	}
}

// Elsewhere is the layer on which a key can be promoted instead; empty for none that who looks may open.
func (r CompareRow) Elsewhere() string {
	if r.From.Set() && !r.From.Own && r.From.LayerSeen {
		return r.From.Layer
	}
	return ""
}

// words say how the two values relate.
func (r CompareRow) words(c Comparison) string {
	switch r.Status {
	case OnlyTo:
		return "only in " + c.ToName()
	case OnlyFrom:
		return "only in " + c.FromName()
	case Differs:
		return "differs"
	default:
		return "equal"
	}
}

func (r CompareRow) tone() components.Tone {
	if r.Status == BothEqual {
		return components.Neutral
	}
	return components.Waiting
}

// Summary says in one line how the two sides differ.
func (c Comparison) Summary() string {
	var said []string
	add := func(n int, where string) {
		if n > 0 {
			said = append(said, number(int64(n))+" "+where)
		}
	}
	add(c.Counts.Changed, "with another value")
	add(c.Counts.OnlyFrom, "only in "+c.FromName())
	add(c.Counts.OnlyTo, "only in "+c.ToName())
	differ := c.Counts.Changed + c.Counts.OnlyFrom + c.Counts.OnlyTo
	if differ == 0 {
		return counted(c.Counts.Equal, "key") + ", all equal"
	}
	verb := " differ"
	if differ == 1 {
		verb = " differs"
	}
	if differ == c.Counts.Changed {
		return counted(differ, "key") + verb
	}
	return counted(differ, "key") + verb + ": " + listed(said)
}

// compareLive makes a field of the filter show its effect at once.
func compareLive(c Comparison) templ.Attributes {
	return templ.Attributes{
		"hx-get": TenantURL(c.Tenant.ID) + "/compare", "hx-target": "#differences", "hx-swap": "outerHTML",
		"hx-replace-url": "true", "hx-include": "closest form",
	}
}
