package browser

import "sync"

// Looks are how each page is looked at: light and dark, wide and narrow.
func Looks() map[string]Look {
	return map[string]Look{
		"light-wide":   {Width: 1280, Height: 800},
		"dark-wide":    {Width: 1280, Height: 800, Dark: true},
		"light-narrow": {Width: 390, Height: 844},
		"dark-narrow":  {Width: 390, Height: 844, Dark: true},
	}
}

// Inspector looks at pages. Pages that are built of the same parts are shown to axe-core once, which takes its time.
type Inspector struct {
	axe string

	mu   sync.Mutex
	seen map[string]bool
}

// NewInspector takes the script of axe-core.
func NewInspector(axe string) *Inspector { return &Inspector{axe: axe, seen: map[string]bool{}} }

// Inspect looks at the page that a tab just loaded and names what is wrong with it: with its markup, with what does not
// fit the screen, with what axe-core finds light and dark, wide and narrow, and what the browser complained about.
func (i *Inspector) Inspect(t *Tab, hosts ...string) ([]string, error) {
	source, err := t.Source()
	if err != nil {
		return nil, err
	}
	if _, err := ask[int](t, "unfold", unfold); err != nil {
		return nil, err
	}
	found, isNew := Markup(source), i.isNew(source)
	for _, name := range []string{"dark-wide", "light-narrow", "dark-narrow", "light-wide"} {
		if err := t.Show(Looks()[name]); err != nil {
			return nil, err
		}
		faults, err := t.Wide()
		if err == nil && isNew && (name == "light-wide" || name == "dark-narrow") {
			var more []string
			more, err = t.Axe(i.axe)
			faults = append(faults, more...)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range faults {
			found = append(found, name+": "+f)
		}
	}
	return append(found, t.Problems(hosts...)...), nil
}

// unfold opens what is folded; of many that are alike the first ones.
const unfold = `(() => {
	const opened = {};
	for (const e of document.querySelectorAll("details")) {
		opened[e.className] = (opened[e.className] ?? 0) + 1;
		if (opened[e.className] <= 3) e.open = true;
	}
	return 0; })()`

// isNew tells whether no page of the same parts was seen before.
func (i *Inspector) isNew(source string) bool {
	outline := Outline(source)
	i.mu.Lock()
	defer i.mu.Unlock()
	seen := i.seen[outline]
	i.seen[outline] = true
	return !seen
}

// Wide names what is wider than the screen, but for what lies in a box that scrolls.
func (t *Tab) Wide() ([]string, error) {
	return ask[[]string](t, "width", `(() => {
		const scrolls = (e) => { for (; e && e !== document.body; e = e.parentElement) {
			if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(e).overflowX)) return true; } return false; };
		const wide = document.documentElement.scrollWidth > innerWidth ? ["the page: " + document.documentElement.scrollWidth + " px"] : [];
		for (const e of document.body.querySelectorAll("*")) {
			const r = e.getBoundingClientRect();
			if (r.width && r.right > innerWidth + 1 && !scrolls(e.parentElement) && !e.closest(".skip, .visually-hidden"))
				wide.push(e.tagName.toLowerCase() + "." + e.className + " reaches " + Math.round(r.right) + " px");
		}
		return wide.slice(0, 10).map((w) => "wider than the screen: " + w); })()`)
}

// Axe checks the page for accessibility with axe-core, whose script is given: WCAG 2.2 A and AA, and best practices.
// It returns the rules that are broken, and where.
func (t *Tab) Axe(script string) ([]string, error) {
	there, err := ask[bool](t, "axe", `typeof axe === "object"`)
	if err != nil {
		return nil, err
	}
	if there {
		script = ""
	}
	return ask[[]string](t, "axe", script+`;
		axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) => "axe " + v.id + ": " + v.help +
			v.nodes.map((n) => "\n        " + n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " ")).join("")))`)
}
