package e2e_test

import (
	"testing"
	"time"

	"github.com/hotswap/hotswap/e2e/browser"
)

func TestZZ(t *testing.T) {
	s := dev(t)
	p := s.visitor(t, browser.Look{})
	p.arrive("admin", "/tenants")
	p.unfold("New tenant")
	time.Sleep(300 * time.Millisecond)
	t.Log(evaluate[string](p, `(() => {const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
	return JSON.stringify([...document.querySelectorAll("input,select,textarea")].map(e => [e.tagName, e.id, e.checkVisibility({visibilityProperty: true}), e.getClientRects().length, [...e.labels ?? []].map(l => l.innerText)])) })()`))
	t.Log(p.tab.Fill("Id", "x"))
	t.Log(evaluate[string](p, `document.activeElement.outerHTML.slice(0,300)`))
}
