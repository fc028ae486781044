package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// do runs actions within a bounded time; what names the step in errors.
func (t *Tab) do(what string, actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func ask[T any](t *Tab, what, script string) (T, error) {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		return v, fmt.Errorf("%s: %w", what, err)
	}
	return v, nil
}

// Visit opens a path of the site.
func (t *Tab) Visit(path string) error { return t.do("visit "+path, chromedp.Navigate(t.base+path)) }

// SignIn opens the site's sign-in and presses the account's button at the development identity provider.
func (t *Tab) SignIn(email string) error {
	if err := t.Visit("/login"); err != nil {
		return err
	}
	return t.Leave(email)
}

// Click presses the first link or button that shows the text, and waits for nothing.
func (t *Tab) Click(text string) error {
	return t.do("click "+text, chromedp.Click(chromedp.Search(pressable(text))))
}

// Leave presses like Click and waits until the page it leads to is loaded.
func (t *Tab) Leave(text string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.Search(pressable(text)))); err != nil {
		return fmt.Errorf("press %s: %w", text, err)
	}
	return nil
}

// pressable finds what can be pressed by its text or label.
func pressable(text string) string {
	quoted := quote(text)
	return fmt.Sprintf(`(//a|//button|//summary|//label)[contains(normalize-space(.), %[1]s) or @aria-label=%[1]s]`, quoted)
}

// quote is a text as XPath writes one.
func quote(text string) string {
	if !strings.Contains(text, "'") {
		return "'" + text + "'"
	}
	return `"` + text + `"`
}

// Fill replaces the text of the input, area or select with that label.
func (t *Tab) Fill(label, text string) error {
	field := chromedp.Search(fmt.Sprintf(`//*[@id=//label[contains(normalize-space(.), %s)]/@for]`, quote(label)))
	return t.do("fill "+label, chromedp.Focus(field), chromedp.SetValue(field, ""), chromedp.SendKeys(field, text))
}

// Press sends keys to where the focus is: "Tab", "Enter", "Space", "Shift+Tab", or a text.
func (t *Tab) Press(keys ...string) error {
	for _, key := range keys {
		var action chromedp.Action[chromedp.Void]
		switch key {
		case "Tab":
			action = chromedp.KeyEvent(kb.Tab)
		case "Enter":
			action = chromedp.KeyEvent(kb.Enter)
		case "Space":
			action = chromedp.KeyEvent(" ")
		default:
			action = chromedp.KeyEvent(key)
		}
		if err := t.do("press "+key, action); err != nil {
			return err
		}
	}
	return nil
}

// Focused tells what has the focus: its text, label or name.
func (t *Tab) Focused() (string, error) {
	return ask[string](t, "focus", `(() => { const e = document.activeElement;
		return (e.getAttribute("aria-label") || e.innerText || e.labels?.[0]?.innerText || e.name || e.tagName).trim(); })()`)
}

// Await waits until the page shows the text.
func (t *Tab) Await(text string) error {
	deadline := time.Now().Add(stepLimit)
	for {
		shown, err := t.Text()
		if err == nil && strings.Contains(shown, text) {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("the page does not show %q: %s", text, shown), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Text is all that the page shows.
func (t *Tab) Text() (string, error) { return ask[string](t, "text", `document.body.innerText`) }

// URL is where the tab is.
func (t *Tab) URL() (string, error) { return ask[string](t, "address", `location.href`) }

// Save writes a picture of the whole page.
func (t *Tab) Save(file string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	return os.WriteFile(file, picture, 0o600)
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

// Axe checks the page for accessibility with axe-core, whose script is given: WCAG 2.2 A and AA, and best practices.
func (t *Tab) Axe(script string) ([]Finding, error) {
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

// Snap writes a picture of what the screen shows.
func (t *Tab) Snap(file string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	return os.WriteFile(file, picture, 0o600)
}
