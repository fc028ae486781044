package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/hotswap/hotswap/web/webtest"
)

// maxFirstLoad is what a page and all it needs may weigh on the wire, in bytes.
const maxFirstLoad = 200_000

// TestFirstLoadIsLight opens pages as a browser does that has nothing yet, and weighs what comes, compressed.
func TestFirstLoadIsLight(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	session := site.Session("admin")
	for _, path := range []string{"/", "/tenants", "/tenants/acme", "/changes", "/approvals", "/audit", "/access/keys", "/signed-out", "/api/docs"} {
		page := weigh(t, site.URL+path, session)
		total, files := page.size, map[string]bool{}
		page.doc.Find("link[href], script[src], img[src], use[href]").Each(func(_ int, s *goquery.Selection) {
			url, _ := s.Attr("href")
			if url == "" {
				url, _ = s.Attr("src")
			}
			file, _, _ := strings.Cut(url, "#")
			if files[file] {
				return
			}
			files[file] = true
			total += weigh(t, site.URL+file, session).size
		})
		if len(files) < 3 {
			t.Fatalf("%s asks for %v only: build the assets first, with `make assets`", path, files)
		}
		if total > maxFirstLoad {
			t.Errorf("%s weighs %d bytes with %v", path, total, files)
		}
		t.Logf("%s weighs %d bytes in %d files", path, total, len(files)+1)
	}
}

type weighed struct {
	size int64
	doc  *goquery.Document
}

// weigh loads a file compressed and counts its bytes.
func weigh(t *testing.T, url string, session *http.Cookie) weighed {
	t.Helper()
	get := func(encoding string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(session)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Encoding", encoding) // the transport leaves the body as it comes
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK || (encoding == "gzip") != (answer.Header.Get("Content-Encoding") == "gzip") {
			t.Fatalf("%s: %d, encoding %q", url, answer.StatusCode, answer.Header.Get("Content-Encoding"))
		}
		return answer
	}
	packed := get("gzip")
	defer packed.Body.Close()
	size, err := io.Copy(io.Discard, packed.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	plain := get("identity")
	defer plain.Body.Close()
	doc, err := goquery.NewDocumentFromReader(plain.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return weighed{size, doc}
}
