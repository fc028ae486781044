package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
)

var statuses = map[models.Code]int{
	models.CodeMalformed: 400, models.CodeUnauthenticated: 401, models.CodeForbidden: 403, models.CodeNotFound: 404,
	models.CodeMethodNotAllowed: 405, models.CodeTimeout: 408, models.CodeConflict: 409,
	models.CodePreconditionFailed: 412, models.CodeTooLarge: 413, models.CodeUnsupportedMediaType: 415,
	models.CodeInvalid: 422, models.CodeFrozen: 423, models.CodeRateLimited: 429, models.CodeInternal: 500,
	models.CodeUnavailable: 503,
}

func TestEveryCodeHasAnAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for code, status := range statuses {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			if got := web.Status(code); got != status {
				t.Errorf("Status is %d, want %d", got, status)
			}
			got := s.get("/api/v1/failures/" + string(code))
			p := got.problem(t)
			if p.Code != code || p.Status != status {
				t.Errorf("%s %d, want %s %d", p.Code, p.Status, code, status)
			}
			if said := p.Detail == "the sentence"; said == (code == models.CodeInternal) {
				t.Errorf("detail %q", p.Detail)
			}
			comesBack := code == models.CodeFrozen || code == models.CodeRateLimited || code == models.CodeUnavailable
			if (got.Header.Get("Retry-After") == "1") != comesBack {
				t.Errorf("Retry-After is %q", got.Header.Get("Retry-After"))
			}
			if (got.Header.Get("WWW-Authenticate") == "Bearer") != (code == models.CodeUnauthenticated) {
				t.Errorf("WWW-Authenticate is %q", got.Header.Get("WWW-Authenticate"))
			}
			if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
}

func TestInternalTextStaysInside(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		logged string
	}{
		"internal": {http.StatusInternalServerError, "secret of the database"},
		"panic":    {http.StatusInternalServerError, "server_test.go"}, // where it came from
		"odd":      {http.StatusInternalServerError, "secret of a code"},
		"deadline": {http.StatusServiceUnavailable, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			got := s.get("/api/v1/failures/"+name, "X-Request-Id", "call-"+name)
			if p := got.problem(t); p.Status != test.status {
				t.Errorf("%d, want %d", p.Status, test.status)
			}
			if strings.Contains(got.body, "secret") {
				t.Errorf("the answer shows internals: %s", got.body)
			}
			lines := 0
			for line := range strings.Lines(s.logged()) {
				if strings.Contains(line, `"requestId":"call-`+name+`"`) && strings.Contains(line, test.logged) {
					lines++
				}
			}
			if want := min(1, len(test.logged)); lines != want {
				t.Errorf("%d log lines, want %d:\n%s", lines, want, s.logged())
			}
		})
	}
}

func TestRetryAfterRoundsUp(t *testing.T) {
	t.Parallel()
	frozen := newSite(t).post("/api/v1/approvals/monday/approve", "")
	if frozen.Header.Get("Retry-After") != "2" || frozen.problem(t).Detail != "frozen until Monday" {
		t.Errorf("%v: %s", frozen.Header, frozen.body)
	}
}

func TestRoutingErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		method, path string
		code         models.Code
		allow        string
	}{
		"outside":         {http.MethodGet, "/nowhere", models.CodeNotFound, ""},
		"root":            {http.MethodGet, "/", models.CodeNotFound, ""},
		"inside":          {http.MethodGet, "/api/v1/nowhere", models.CodeNotFound, ""},
		"prefix":          {http.MethodGet, "/api/v1", models.CodeNotFound, ""},
		"typed operation": {http.MethodDelete, "/api/v1/things", models.CodeMethodNotAllowed, "GET, POST"},
		"plain route":     {http.MethodPost, "/api/v1/reads/acme", models.CodeMethodNotAllowed, "GET"},
		"parameters":      {http.MethodPut, "/api/v1/approvals/1/approve", models.CodeMethodNotAllowed, "POST"},
		"odd method":      {"BREW", "/api/v1/things", models.CodeMethodNotAllowed, "GET, POST"},
		"public":          {http.MethodPost, web.SpecPath, models.CodeMethodNotAllowed, "GET"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.do(test.method, test.path, nil)
			if p := got.problem(t); p.Code != test.code {
				t.Errorf("%s, want %s", p.Code, test.code)
			}
			if allow := strings.TrimPrefix(got.Header.Get("Allow"), "OPTIONS, "); allow != test.allow {
				t.Errorf("Allow is %q, want %q", allow, test.allow)
			}
		})
	}
}

func TestHalfAnAnswerIsCut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	response, err := http.Get(s.url + "/half") //nolint:noctx // bounded by the server's own deadlines
	if err == nil {
		defer func() { _ = response.Body.Close() }()
		_, err = bufio.NewReader(response.Body).ReadString(0)
	}
	if err == nil || err.Error() == "EOF" {
		t.Errorf("the caller takes half an answer for a whole one: %v", err)
	}
	if !strings.Contains(s.logged(), "secret of the half") {
		t.Error("nothing was logged")
	}
}

func TestSlowCalls(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	start := time.Now()
	got := s.get("/api/v1/slow")
	if p := got.problem(t); p.Code != models.CodeUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s: %v", got.body, got.Header)
	}
	if took := time.Since(start); took < time.Second || took > 5*time.Second {
		t.Errorf("took %v, want 2 s", took)
	}
}

func TestACallerWhoLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", engineerKey)
	go func() { <-s.waiting; cancel() }()
	response, err := http.DefaultClient.Do(r)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	// A second call on the same server shows that the first is over; its log would be there.
	s.get("/healthz")
	if logged := s.logged(); strings.Contains(logged, "ERROR") {
		t.Errorf("logged %s", logged)
	}
}

func TestASlowBodyTimesOut(t *testing.T) {
	t.Parallel()
	s := startSite(t, func(h *http.Server) { h.ReadTimeout = 100 * time.Millisecond })
	body, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	go func() { _, _ = writer.Write([]byte(`{"key":`)) }()
	if p := s.do(http.MethodPost, "/api/v1/things", body).problem(t); p.Code != models.CodeTimeout {
		t.Errorf("%+v", p)
	}
}

func TestErrorsOfOperationsWithMiddleware(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if p := s.get("/api/v1/wrapped/forbidden").problem(t); p.Detail != "the sentence" {
		t.Errorf("%+v", p)
	}
	if len(s.denied) != 1 || s.denied[0].Code != models.CodeForbidden {
		t.Errorf("denied %+v", s.denied)
	}
}

func TestACutConnectionStaysCut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	response, err := http.Get(s.url + "/cut") //nolint:noctx // bounded by the server's own deadlines
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("answered %d", response.StatusCode)
	}
	if logged := s.logged(); logged != "" {
		t.Errorf("logged %s", logged)
	}
}

func TestABodyThatStopsIsMalformed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]string{
		"broken chunks": "Transfer-Encoding: chunked\r\n\r\nnot a chunk\r\n",
		"cut short":     "Content-Length: 100\r\n\r\n{\"key\":",
	}
	for name, rest := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, err = fmt.Fprintf(conn, "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\n%s", engineerKey, rest)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode != http.StatusBadRequest {
				t.Errorf("%d, want 400", response.StatusCode)
			}
		})
	}
}
