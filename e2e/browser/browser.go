// Package browser drives a real Chromium through the console, and notes what it complained about: for tests, and for
// looking at pages.
package browser

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium.
type Browser struct {
	ctx   context.Context //nolint:containedctx // chromedp keeps the browser in a context
	close context.CancelFunc
}

// Close ends Chromium and returns when it has ended.
func (b *Browser) Close() { b.close() }

// Start runs Chromium until it is closed or the context ends.
func Start(ctx context.Context) (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("force-color-profile", "srgb"),
	)
	ctx, _ = chromedp.NewExecAllocator(ctx, options...)
	ctx, end := chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		end()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return &Browser{ctx, end}, nil
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Chromium in PATH: %w", exec.ErrNotFound)
}
