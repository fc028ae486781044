package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/hotswap/hotswap/web/webtest"
)

// TestDocsPage reads the page of the API as nobody in particular: every operation with an example, and no link that
// leads nowhere or to somebody else.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	page := site.Stranger().Get("/api/docs").Want(200)
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the page is served with the policy %q", policy)
	}
	ids := map[string]int{}
	page.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %s is there %d times", id, n)
		}
	}
	page.Find("[href], [src], [action]").Each(func(_ int, s *goquery.Selection) {
		for _, name := range []string{"href", "src", "action"} {
			to, there := s.Attr(name)
			anchor, inside := strings.CutPrefix(to, "#")
			if there && (inside && ids[anchor] != 1 || !inside && !strings.HasPrefix(to, "/")) {
				t.Errorf("a link leads to %s", to)
			}
		}
	})
	var document struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal([]byte(site.With("").Get("/api/openapi.json").Want(200).Text), &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, o := range operations {
			call := page.Find("#call-" + strings.NewReplacer(".", "-", "_", "-").Replace(o.OperationID))
			text := call.Text()
			if call.Length() != 1 || call.Find(".api-method").Text() != strings.ToUpper(method) || call.Find(".api-path").Text() != "/api/v1"+path {
				t.Errorf("%s %s is shown as %q", method, path, text)
			}
			if !strings.Contains(text, o.Summary) || !strings.Contains(text, "curl ") || strings.Contains(call.Find(".api-code").First().Text(), "{tenantId}") {
				t.Errorf("%s %s has no example: %s", method, path, text)
			}
		}
	}
	for _, code := range []string{"malformed", "unauthenticated", "conflict", "invalid", "unavailable"} {
		if page.Find("#error-"+code).Length() != 1 {
			t.Errorf("the error %s is not shown", code)
		}
	}
	if got := page.Find("#call-config-set .api-code").First().Text(); !strings.Contains(got, `-H "Idempotency-Key: `) || !strings.Contains(got, `-d '{"tenantId":"acme-corp"`) {
		t.Errorf("the call of a write reads %s", got)
	}
}
