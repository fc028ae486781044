package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
)

// console serves one page, one part that polls and one that anybody may see. Nobody is signed in. Denied are the calls
// that were counted.
func console(t *testing.T, https bool) (handler http.Handler, denied *int) {
	t.Helper()
	denied = new(int)
	answer := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	handler, err := web.New(web.Deps{
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Authenticate: authenticate, HTTPS: https,
		Refuse: func(context.Context, models.Refusal) {},
		Denied: func(context.Context, models.Refusal) { *denied++ },
		Routes: func(r web.Router) {
			r.Console.Page("/page", answer)
			r.Console.Poll("/poll", answer)
			r.Console.Open("/open", answer)
		},
		SignIn: nobody(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler, denied
}

func look(t *testing.T, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPollsEndWithTheSession(t *testing.T) {
	t.Parallel()
	handler, denied := console(t, false)
	got := look(t, handler, "/poll",
		"HX-Request", "true", "HX-Target", `section#a"<b>`, "HX-Current-URL", "http://example.com/page?x=1")
	body := got.Body.String()
	if got.Code != http.StatusUnauthorized || got.Header().Get("HX-Reswap") != "outerHTML" || got.Header().Get("HX-Retarget") != "" ||
		got.Header().Get("Www-Authenticate") == "" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
	if !strings.Contains(body, `<section id="a&#34;&lt;b&gt;">`) || !strings.Contains(body, "Signed out.") ||
		!strings.Contains(body, `href="/login?return=%2Fpage%3Fx%3D1"`) || strings.Contains(body, "hx-") || strings.Contains(body, "<html") {
		t.Error(body)
	}
	if *denied != 0 {
		t.Errorf("%d polls were counted as denied", *denied)
	}
	if got := look(t, handler, "/poll"); got.Code != http.StatusSeeOther {
		t.Errorf("opened as a page: %d", got.Code)
	}
	// Who asks for a part of a page is told beside it, and counted.
	if got := look(t, handler, "/page", "HX-Request", "true", "HX-Target", "section#a"); got.Code != http.StatusUnauthorized ||
		got.Header().Get("HX-Retarget") != "#notice" || *denied != 1 {
		t.Errorf("%d %v, %d counted", got.Code, got.Header(), *denied)
	}
}

func TestBrowsersRememberHTTPS(t *testing.T) {
	t.Parallel()
	for https, want := range map[bool]string{true: "max-age=31536000", false: ""} {
		handler, _ := console(t, https)
		for path, told := range map[string]string{"/open": want, "/page": want, "/api/v1/nothing": ""} {
			if got := look(t, handler, path).Header().Get("Strict-Transport-Security"); got != told {
				t.Errorf("https %v, %s: %q", https, path, got)
			}
		}
	}
}
