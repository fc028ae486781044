package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// finders are how people find things on a page: what they can see, by what it is called. A name fits best when it is
// the whole of it. Where several fit, the form that one is typing in comes before the rest of the page.
const finders = `
	const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
	const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
	const called = (e) => [e.getAttribute("aria-label"), ...(e.labels ? [...e.labels].map((l) => l.innerText) : []),
		e.matches("input, textarea, select") ? "" : e.innerText].map(words);
	const find = (kinds, name) => {
		const all = [...document.querySelectorAll(kinds)].filter(shown);
		const near = all.filter((e) => e.form && e.form === document.activeElement?.form);
		for (const fits of [(n) => n === name, (n) => n.startsWith(name), (n) => n.includes(name)])
			for (const some of [near, all]) {
				const e = some.find((e) => called(e).some(fits));
				if (e) return e;
			}
		return null;
	};`

const (
	pressables = "a, button, summary, label, input[type=checkbox], input[type=radio]"
	fields     = "input, textarea, select"
)

func finder(kinds, name string) chromedp.JSPath {
	return chromedp.JSPath(fmt.Sprintf("(() => {%s return find(%q, %q); })()", finders, kinds, name))
}

// Click presses the link, button, box or summary of that name, and waits for nothing.
func (t *Tab) Click(name string) error {
	return t.do("click "+name, chromedp.Click(finder(pressables, name)))
}

// Unfold presses the summary of that name.
func (t *Tab) Unfold(name string) error {
	return t.do("unfold "+name, chromedp.Click(finder("summary", name)))
}

// Leave presses like Click and waits until the page it leads to is loaded.
func (t *Tab) Leave(name string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(finder(pressables, name))); err != nil {
		return fmt.Errorf("press %s: %w", name, err)
	}
	return nil
}

// Offers tells whether there is a link, button, box or summary whose name begins so.
func (t *Tab) Offers(name string) (bool, error) {
	return ask[bool](t, "offer "+name, fmt.Sprintf(`(() => {%s
		return [...document.querySelectorAll(%q)].filter(shown).some((e) => called(e).some((n) => n.startsWith(%q))); })()`,
		finders, pressables, name))
}

// Fill types a text into the field with that label, in place of what is there.
func (t *Tab) Fill(label, text string) error {
	if err := t.do("fill "+label, chromedp.Focus(finder(fields, label))); err != nil {
		return err
	}
	if _, err := ask[bool](t, "fill "+label, `(() => { const e = document.activeElement; e.value && e.select(); return true; })()`); err != nil {
		return err
	}
	return t.do("fill "+label, typed(kb.Delete), typed(text))
}

// Choose takes an option of the select with that label.
func (t *Tab) Choose(label, option string) error {
	if err := t.do("choose "+label, chromedp.WaitVisible(finder("select", label))); err != nil {
		return err
	}
	return t.take(label, option)
}

// take chooses as the browser's own list would, whose window is not part of the page.
func (t *Tab) take(label, option string) error {
	found, err := ask[bool](t, "choose "+label, fmt.Sprintf(`(() => {%s
		const select = find("select", %q), option = [...select.options].find((o) => words(o.innerText) === %q);
		if (!option) return false;
		select.focus();
		if (select.value === option.value) return true;
		select.value = option.value;
		for (const kind of ["input", "change"]) select.dispatchEvent(new Event(kind, {bubbles: true}));
		return true; })()`, finders, label, option))
	if err == nil && !found {
		err = fmt.Errorf("%s has no option %q", label, option)
	}
	return err
}

// Press sends keys to where the focus is: "Tab", "Shift+Tab", "Enter", "Space", "Escape", or a text.
func (t *Tab) Press(keys ...string) error {
	for _, key := range keys {
		if err := t.do("press "+key, keyed(key)); err != nil {
			return err
		}
	}
	return nil
}

func keyed(key string) chromedp.Action[chromedp.Void] {
	switch key {
	case "Tab":
		return typed(kb.Tab)
	case "Shift+Tab":
		return typed(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	case "Enter":
		return typed(kb.Enter)
	case "Escape":
		return typed(kb.Escape)
	case "Space":
		return typed(" ")
	default:
		return typed(key)
	}
}

// typed presses keys as a keyboard does: a page that takes the press of a key for itself keeps its character from being
// typed. chromedp's own KeyEvent sends the character as an event of its own.
func typed(keys string, options ...chromedp.KeyOption) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for _, r := range keys {
			if err := stroke(ctx, kb.Encode(r), options); err != nil {
				return err
			}
		}
		return nil
	})
}

func stroke(ctx context.Context, events []*input.DispatchKeyEventParams, options []chromedp.KeyOption) error {
	down, up := *events[0], *events[len(events)-1]
	for _, e := range events {
		if e.Type == kb.KeyChar {
			down.Text, down.UnmodifiedText = e.Text, e.UnmodifiedText
		}
	}
	for _, e := range []*input.DispatchKeyEventParams{&down, &up} {
		for _, o := range options {
			o(e)
		}
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, *e); err != nil {
			return err
		}
	}
	return nil
}

// Stop is where the focus is.
type Stop struct {
	Name    string `json:"name"`    // its label or text
	Tag     string `json:"tag"`     // "body" when nothing has it
	ID      string `json:"id"`      // may be empty
	Place   string `json:"place"`   // tells it from all others of the page
	Visible bool   `json:"visible"` // a line around it shows that it has the focus, and it is on the screen
}

// Focused tells what has the focus.
func (t *Tab) Focused() (Stop, error) {
	return ask[Stop](t, "focus", `(() => {`+finders+`
		const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
		const around = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
		return {
			name: called(e).find((n) => n) || e.name || "", tag: e.tagName.toLowerCase(), id: e.id,
			place: String([...document.querySelectorAll("*")].indexOf(e)),
			visible: around && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
		}; })()`)
}
