package browser

import (
	"encoding/json"
	"sync"
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

// Inspector looks at pages. Parts that stand at the same place of several pages are shown to axe-core once, which takes its
// time; what it says of pages as a whole, it says of each that has a part of its own.
type Inspector struct {
	axe string

	mu   sync.Mutex
	seen map[string]bool // by place
}

// NewInspector takes the script of axe-core.
func NewInspector(axe string) *Inspector { return &Inspector{axe: axe, seen: map[string]bool{}} }

// Inspect looks at the page that a tab just loaded and names what is wrong with it: with its markup, with what does not
// fit the screen, with what axe-core finds light and dark, wide and narrow, and what the browser complained about. Of
// what is there many times the first ones stay in the tab.
func (i *Inspector) Inspect(t *Tab, hosts ...string) ([]string, error) {
	source, err := t.Source()
	if err != nil {
		return nil, err
	}
	if _, err := ask[int](t, "unfold", unfold); err != nil {
		return nil, err
	}
	found := Markup(source)
	for _, name := range []string{"dark-wide", "light-narrow", "dark-narrow", "light-wide"} {
		faults, err := t.in(name, t.Wide)
		if err != nil {
			return nil, err
		}
		found = append(found, faults...)
	}
	isNew, err := i.mark(t)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"dark-narrow", "light-wide"} {
		if !isNew {
			break
		}
		faults, err := t.in(name, func() ([]string, error) { return t.axe(i.axe, runMarked) })
		if err != nil {
			return nil, err
		}
		found = append(found, faults...)
	}
	return append(found, t.Problems(hosts...)...), nil
}

// in looks at the page in one of the looks.
func (t *Tab) in(name string, look func() ([]string, error)) ([]string, error) {
	if err := t.Show(Looks()[name]); err != nil {
		return nil, err
	}
	found, err := look()
	for n := range found {
		found[n] = name + ": " + found[n]
	}
	return found, err
}

// unfold opens what is folded; of many that are alike the first ones.
const unfold = `(() => {
	const opened = {};
	for (const e of document.querySelectorAll("details")) {
		opened[e.className] = (opened[e.className] ?? 0) + 1;
		if (opened[e.className] <= 3) e.open = true;
	}
	return 0; })()`

// places sorts all elements by where they stand: by what they and all above them are, and what is before them. Texts do
// not count, but whether there are any.
const places = `
	const hash = (text) => {
		let a = 0xdeadbeef, b = 0x41c6ce57;
		for (let i = 0; i < text.length; i++) {
			a = Math.imul(a ^ text.charCodeAt(i), 2654435761);
			b = Math.imul(b ^ text.charCodeAt(i), 1597334677);
		}
		return (a >>> 0).toString(36) + (b >>> 0).toString(36);
	};
	const told = /^(class|role|type|aria-(current|expanded|invalid|pressed|selected|sort|hidden|disabled))$/;
	const kind = (e) => e.localName + [...e.attributes].map((a) =>
		" " + a.name + (told.test(a.name) ? "=" + a.value : a.value.trim() ? "" : "=")).join("") + (e.textContent.trim() ? "" : " empty");
	const places = new Map();
	const sort = (e, above) => {
		let before = "";
		for (const c of e.children) {
			const own = kind(c), place = hash(above + " > " + own + " after " + before);
			places.has(place) ? places.get(place).push(c) : places.set(place, [c]);
			before = own;
			sort(c, hash(above + " > " + own));
		}
	};
	sort(document.body, "");`

// mark notes in the page what stands at places that were never seen, and tells whether there is any. Of rows
// that are alike it leaves three.
func (i *Inspector) mark(t *Tab) (isNew bool, err error) {
	all, err := ask[[]string](t, "places", "(() => {"+places+" return [...places.keys()]; })()")
	if err != nil {
		return false, err
	}
	fresh := []string{}
	i.mu.Lock()
	for _, place := range all {
		if !i.seen[place] {
			fresh = append(fresh, place)
		}
		i.seen[place] = true
	}
	i.mu.Unlock()
	if len(fresh) == 0 {
		return false, nil
	}
	names, err := json.Marshal(fresh)
	if err != nil {
		return false, err
	}
	return ask[bool](t, "mark", "(() => {"+places+`
		const kept = new Set();
		for (const some of places.values())
			for (let e of some.slice(0, 3)) for (; e && !kept.has(e); e = e.parentElement) kept.add(e);
		const fresh = new Set(`+string(names)+`.flatMap((place) => places.get(place) ?? []));
		for (const e of document.body.querySelectorAll("tr, li, details, article")) if (!kept.has(e)) e.remove();
		window.unseen = [...fresh].filter((e) => e.isConnected && !fresh.has(e.parentElement));
		return true; })()`)
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
	return t.axe(script, `[await axe.run(document, {resultTypes: ["violations"]})]`)
}

// runMarked is what axe-core says of what mark noted, and of the page as a whole.
const runMarked = `[
	await axe.run({include: window.unseen}, {resultTypes: ["violations"]}),
	await axe.run(document, {resultTypes: ["violations"], runOnly: ["accesskeys", "bypass", "document-title", "duplicate-id-aria",
		"heading-order", "html-has-lang", "html-lang-valid", "landmark-banner-is-top-level", "landmark-complementary-is-top-level",
		"landmark-contentinfo-is-top-level", "landmark-main-is-top-level", "landmark-no-duplicate-banner",
		"landmark-no-duplicate-contentinfo", "landmark-no-duplicate-main", "landmark-one-main", "landmark-unique", "meta-refresh",
		"meta-viewport", "page-has-heading-one", "region", "skip-link"]})]`

func (t *Tab) axe(script, run string) ([]string, error) {
	there, err := ask[bool](t, "axe", `typeof axe === "object"`)
	if err != nil {
		return nil, err
	}
	if there {
		script = ""
	}
	return ask[[]string](t, "axe", script+`;
		(async () => { const runs = `+run+`;
			const lines = runs.flatMap((r) => r.violations).map((v) => "axe " + v.id + ": " + v.help + v.nodes.map((n) =>
				"\n        " + n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " ")).join(""));
			return [...new Set(lines)]; })()`)
}
