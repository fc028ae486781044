package browser

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// stepLimit bounds each step; a page that never comes fails the step.
const stepLimit = 20 * time.Second

// Tab is one person's browser: cookies of its own, one page.
type Tab struct {
	ctx   context.Context //nolint:containedctx // chromedp keeps the tab in a context
	close context.CancelFunc
	base  string

	mu       sync.Mutex
	problems []string
	hosts    map[string]bool
	kinds    map[network.RequestID]network.ResourceType // what was asked for
	document network.RequestID                          // the page that was loaded last
	status   int64                                      // how it was answered
}

// Look is how a tab shows pages.
type Look struct {
	Width, Height int64
	Dark          bool
	NoScript      bool // JavaScript is off
}

// Open opens a tab for the site at the base address.
func (b *Browser) Open(base string, look Look) (*Tab, error) {
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t := &Tab{ctx: ctx, close: cancel, base: strings.TrimSuffix(base, "/")}
	t.hosts, t.kinds = map[string]bool{}, map[network.RequestID]network.ResourceType{}
	if err := t.prepare(look); err != nil {
		cancel()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return t, nil
}

// Close ends the tab.
func (t *Tab) Close() { t.close() }

func (t *Tab) prepare(look Look) error {
	if err := chromedp.Do(t.ctx); err != nil {
		return err
	}
	if err := chromedp.Listen(t.ctx, t.note); err != nil {
		return err
	}
	if _, err := chromedp.Call(t.ctx, log.Enable, cdp.Empty{}); err != nil {
		return err
	}
	if _, err := chromedp.Call(t.ctx, audits.Enable, cdp.Empty{}); err != nil {
		return err
	}
	if _, err := chromedp.Call(t.ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	if err := t.Show(look); err != nil {
		return err
	}
	if !look.NoScript {
		return nil
	}
	_, err := chromedp.Call(t.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
}

// Show changes the size and the colours.
func (t *Tab) Show(look Look) error {
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
	if err != nil {
		return err
	}
	return chromedp.Do(t.ctx, chromedp.EmulateViewport(look.Width, look.Height))
}

// note writes down what a page of ours must not do.
func (t *Tab) note(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			t.problems = append(t.problems, "console: "+said(e.Args))
		}
	case *runtime.EventExceptionThrown:
		t.problems = append(t.problems, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !t.expected(e.Entry) {
			t.problems = append(t.problems, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			t.problems = append(t.problems, fmt.Sprintf("content security policy: %+v", *e.Issue.Details.ContentSecurityPolicyIssueDetails))
		}
	case *network.EventRequestWillBeSent:
		t.asked(e)
	case *network.EventResponseReceived:
		if e.RequestID == t.document {
			t.status = e.Response.Status
		}
	}
}

// Status is the HTTP status of the page that was loaded last.
func (t *Tab) Status() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

func (t *Tab) asked(e *network.EventRequestWillBeSent) {
	t.hosts[e.Request.URL] = true
	t.kinds[e.RequestID] = e.Type
	if e.Type == network.ResourceTypeDocument {
		t.document = e.RequestID
	}
}

// expected is the browser's own line about an answer that a page or a form expects: 401 to 423. For a style, a script
// or a picture it is a fault.
func (t *Tab) expected(e *log.Entry) bool {
	switch t.kinds[e.NetworkRequestID] {
	case network.ResourceTypeDocument, network.ResourceTypeFetch, network.ResourceTypeXHR:
		return strings.HasPrefix(e.Text, "Failed to load resource: the server responded with a status of 4")
	default:
		return false
	}
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, string(a.Value)+a.Description)
	}
	return strings.Join(words, " ")
}

// Problems are what the browser complained about since the last call: errors on the console, violations of
// the content security policy, requests to hosts other than these.
func (t *Tab) Problems(hosts ...string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.problems
	t.problems = nil
	for url := range t.hosts {
		if !ours(url, append(hosts, t.base)) {
			out = append(out, "request to another host: "+url)
		}
	}
	clear(t.hosts)
	return out
}

func ours(url string, hosts []string) bool {
	if strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "about:") {
		return true
	}
	for _, h := range hosts {
		if url == h || strings.HasPrefix(url, h+"/") {
			return true
		}
	}
	return false
}
