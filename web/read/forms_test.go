package read_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web"
)

// TestPackedAnswers asks for one answer in its forms: each has an ETag of its own, and each ETag is that of the answer.
func TestPackedAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Set(t, "acme", "Production", "long", `"`+strings.Repeat("a long text ", 200)+`"`)
	const path = "/configs/tenant/acme?environment=Production"
	plain := s.get("app", path)
	for name, test := range map[string]struct {
		accept string
		packed bool
	}{
		"gzip": {"gzip", true}, "as Go asks": {"gzip, deflate", true}, "weighted": {"br;q=1, GZIP;q=0.8", true},
		"refused": {"gzip;q=0", false}, "refused exactly": {"gzip; q=0.000", false}, "others": {"br, deflate", false}, "all": {"*", false},
	} {
		got := s.get("app", path, "Accept-Encoding", test.accept)
		body := got.Body.String()
		if packed := got.Header().Get("Content-Encoding") == "gzip"; got.Code != http.StatusOK || packed != test.packed {
			t.Errorf("%s: %d with encoding %q", name, got.Code, got.Header().Get("Content-Encoding"))
		} else if packed {
			unpacked, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(unpacked)
			if err != nil {
				t.Fatal(err)
			}
			body = string(text)
		}
		if body != plain.Body.String() || got.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: got %.100s…, Vary %q", name, body, got.Header().Get("Vary"))
		}
		tag := got.Header().Get("ETag")
		if same := tag == plain.Header().Get("ETag"); same == test.packed {
			t.Errorf("%s has the ETag %s, plain %s", name, tag, plain.Header().Get("ETag"))
		}
		for _, accept := range []string{"gzip", "identity"} {
			if again := s.get("app", path, "Accept-Encoding", accept, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s: who has it and takes %s is answered %d", name, accept, again.Code)
			}
		}
	}
	if short := s.get("app", "/configs/tenant/acme/keys/limit?environment=Production", "Accept-Encoding", "gzip"); short.Header().Get("Content-Encoding") != "" {
		t.Error("a short answer is packed")
	}
}

// TestHeadOfALongAnswer asks for the head of what leaves in one write otherwise, on connections as they are served.
func TestHeadOfALongAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Set(t, "acme", "Production", "long", `"`+strings.Repeat("a long text ", 1000)+`"`)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := web.NewHTTPServer(s.web, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(web.AtOnceListener(l)) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodHead} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r, err := http.NewRequestWithContext(ctx, method, "http://"+l.Addr().String()+web.Prefix+"/configs/tenant/acme?environment=Production", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer app")
		r.Header.Set("Accept-Encoding", "identity")
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || got.StatusCode != http.StatusOK || got.ContentLength < 12_000 || (method == http.MethodGet) != (len(body) > 0) {
			t.Errorf("%s: %d with %d of %d bytes (%v)", method, got.StatusCode, len(body), got.ContentLength, err)
		}
		_ = got.Body.Close() // read to its end
		cancel()
	}
}
