package browser

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Looks are how each page is looked at: light and dark, wide and narrow.
func Looks() map[string]Look {
	return map[string]Look{
		"light-wide":   {Width: 1280, Height: 800},
		"dark-wide":    {Width: 1280, Height: 800, Dark: true},
		"light-narrow": {Width: 390, Height: 844},
		"dark-narrow":  {Width: 390, Height: 844, Dark: true},
	}
}

// Inspect looks at the page that was just loaded and names what is wrong with it: with its markup, with what does not
// fit the screen, with what axe-core finds light and dark, wide and narrow, and what the browser complained about.
func (t *Tab) Inspect(axe string, hosts ...string) ([]string, error) {
	source, err := t.Source()
	if err != nil {
		return nil, err
	}
	found := Markup(source)
	for _, name := range []string{"dark-wide", "light-narrow", "dark-narrow", "light-wide"} {
		if err := t.Show(Looks()[name]); err != nil {
			return nil, err
		}
		wide, err := t.Wide()
		if err != nil {
			return nil, err
		}
		for _, w := range wide {
			found = append(found, name+": wider than the screen: "+w)
		}
		if name != "light-wide" && name != "dark-narrow" {
			continue
		}
		faults, err := t.Axe(axe)
		if err != nil {
			return nil, err
		}
		for _, f := range faults {
			found = append(found, name+": "+f.String())
		}
	}
	return append(found, t.Problems(hosts...)...), nil
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
		return wide.slice(0, 10); })()`)
}

// Finding is what axe-core found: a rule that is broken, and where.
type Finding struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

func (f Finding) String() string {
	return fmt.Sprintf("axe %s: %s: %s", f.ID, f.Help, strings.Join(f.Nodes, "; "))
}

// Axe checks the page for accessibility with axe-core, whose script is given: WCAG 2.2 A and AA, and best practices.
func (t *Tab) Axe(script string) ([]Finding, error) {
	there, err := ask[bool](t, "axe", `typeof axe === "object"`)
	if err != nil {
		return nil, err
	}
	if there {
		script = ""
	}
	raw, err := ask[string](t, "axe", script+`;
		axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) =>
			({id: v.id, help: v.help, nodes: v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " "))}))))`)
	if err != nil {
		return nil, err
	}
	var found []Finding
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		return nil, fmt.Errorf("axe: %w", err)
	}
	return found, nil
}
