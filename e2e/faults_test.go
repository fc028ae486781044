package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/e2e/browser"
)

// goodPage has nothing wrong.
const goodPage = `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Good</title></head>
<body><main id="main"><h1>Good</h1><label for="a">Name</label><input id="a" name="a" hx-get="/a" hx-target="#main" hx-trigger="change">
<noscript>JavaScript is off</noscript></main></body></html>`

// badPage has one of everything that must be found. The verb is another site.
const badPage = `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Bad</title>
<style>.faint { color: #ddd }</style></head><body><main><h1>Bad</h1>
<div style="width: 3000px">wide</div><img src="%s/foreign.png" alt=""><img src="/missing.png" alt="">
<input name="a"><p class="faint">faint</p><p id="twice"></p><p id="twice"></p>
<a href="/" hx-get="/x" hx-target="#nowhere" hx-trigger="click[ctrlKey]" hx-on:click="a()" hx-vals="js:{a: 1}">link</a>
<a href="/" hx-get="/x" hx-target="closest main" hx-status:422="target:#gone">another link</a>
<script>console.error("a complaint"); console.warn("a warning"); setTimeout(() => { throw new Error("thrown") })</script></main></body></html>`

// TestChecksOfPagesCanFail serves pages with faults: each must be found, and nothing in a good one.
func TestChecksOfPagesCanFail(t *testing.T) {
	t.Parallel()
	foreign := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(foreign.Close)
	site := httptest.NewServer(badSite(foreign.URL))
	t.Cleanup(site.Close)
	for path, want := range map[string][]string{
		"/good": nil, "/gone": nil,
		"/bad": {
			"style attributes are forbidden", "light-narrow: wider than the screen: div", "request to another host: " + foreign.URL,
			"/missing.png", "light-wide: axe label", "light-wide: axe color-contrast", "dark-narrow: axe label", "the id twice is there twice",
			"nothing in the page has the id #nowhere", "filters of triggers are code", "code in attributes is forbidden",
			"values of htmx are no code", "it names no id", "nothing in the page has the id #gone",
			"console: \"a complaint\"", "console: \"a warning\"", "exception: Uncaught",
		},
		"/policy": {"style attributes are forbidden", "content security policy"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			tab := openTab(t, site.URL, browser.Look{})
			if err := tab.Visit(path); err != nil {
				t.Fatal(err)
			}
			found, err := browser.NewInspector(axe(t)).Inspect(tab)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil && len(found) > 0 {
				t.Errorf("in a good page there is found %q", found)
			}
			for _, text := range want {
				if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, text) }) {
					t.Errorf("%q is not found in\n%s", text, strings.Join(found, "\n"))
				}
			}
		})
	}
}

func badSite(foreign string) http.Handler {
	mux := http.NewServeMux()
	serve := func(status int, policy, page string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if policy != "" {
				w.Header().Set("Content-Security-Policy", policy)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(page)) // a tab that left is no matter
		}
	}
	mux.HandleFunc("/good", serve(http.StatusOK, "", goodPage))
	mux.HandleFunc("/gone", serve(http.StatusNotFound, "", goodPage))
	mux.HandleFunc("/bad", serve(http.StatusOK, "", fmt.Sprintf(badPage, foreign)))
	mux.HandleFunc("/policy", serve(http.StatusOK, "default-src 'none'", fmt.Sprintf(badPage, foreign)))
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

// TestJavaScriptCanBeOff makes sure of what the journey without it builds on.
func TestJavaScriptCanBeOff(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(badSite("http://127.0.0.1:9"))
	t.Cleanup(site.Close)
	for _, off := range []bool{false, true} {
		tab := openTab(t, site.URL, browser.Look{NoScript: off})
		if err := tab.Visit("/good"); err != nil {
			t.Fatal(err)
		}
		text, err := tab.Text()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(text, "JavaScript is off"); got != off {
			t.Errorf("with JavaScript off: %t the page shows %q", off, text)
		}
	}
}
