package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
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

// Ask evaluates a script in the page.
func Ask[T any](t *Tab, script string) (T, error) { return ask[T](t, "script", script) }

// Await waits until the page shows the text.
func (t *Tab) Await(text string) error {
	err := t.Until(func() (ok bool, err error) {
		shown, err := t.Text()
		return strings.Contains(shown, text), err
	})
	if err != nil {
		return fmt.Errorf("the page does not show %q: %w", text, err)
	}
	return nil
}

// Until asks again and again until the answer is yes. An error counts as no: the page may be on its way.
func (t *Tab) Until(ok func() (bool, error)) error {
	deadline := time.Now().Add(stepLimit)
	for {
		yes, err := ok()
		if err == nil && yes {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("not within %s", stepLimit), err)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// Text is all that the page shows; nothing while it is being loaded.
func (t *Tab) Text() (string, error) {
	return ask[string](t, "text", `document.readyState === "complete" ? document.body.innerText : ""`)
}

// Back goes to the page before this one, as the browser's button does.
func (t *Tab) Back() error { return t.do("back", chromedp.NavigateBack()) }

// Reload loads the page anew.
func (t *Tab) Reload() error { return t.do("reload", chromedp.Reload()) }

// Source is the page that was loaded last, as the server sent it. What the browser tells of a page may come a little
// later than the page.
func (t *Tab) Source() (source string, err error) {
	err = t.Until(func() (_ bool, err error) {
		source, err = t.body()
		return err == nil, err
	})
	return source, err
}

func (t *Tab) body() (string, error) {
	t.mu.Lock()
	id := t.document
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	got, err := chromedp.Call(ctx, network.GetResponseBody, network.GetResponseBodyParams{RequestID: id})
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	return string(got.Body), nil
}

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
	return os.WriteFile(file, picture, 0o644)
}

// Snap writes a picture of what the screen shows.
func (t *Tab) Snap(file string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	return os.WriteFile(file, picture, 0o644)
}
