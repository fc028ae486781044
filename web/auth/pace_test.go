package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/auth"
)

// tries begins a login from an address and returns what it is told.
func (s *site) tries(address string) *models.Error {
	s.t.Helper()
	ctx := models.WithRequest(s.t.Context(), models.Request{ID: "r", Address: address})
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, publicURL+"/login", nil)
	_, err := s.Begin(echo.New().NewContext(r, httptest.NewRecorder()), "/")
	var told *models.Error
	if err != nil && !errors.As(err, &told) {
		s.t.Fatal(err)
	}
	return told
}

func (s *site) lets(address string, want int) {
	s.t.Helper()
	for n := range want {
		if told := s.tries(address); told != nil {
			s.t.Fatalf("%s was let begin %d logins, not %d: %v", address, n, want, told)
		}
	}
	told := s.tries(address)
	if told == nil || told.Code != models.CodeRateLimited || told.RetryAfter <= 0 || told.RetryAfter > 2*time.Second {
		s.t.Errorf("%s after %d logins: %+v", address, want, told)
	}
}

func (s *site) logins() (n int) {
	s.t.Helper()
	s.Scan(s.t, `SELECT count(*) FROM sessions WHERE person_id IS NULL`, nil, &n)
	return n
}

func TestLoginsOfOneClientAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.lets("192.0.2.1", 30)
	if n := s.logins(); n != 30 {
		t.Errorf("%d rows", n)
	}
	if told := s.tries("192.0.2.2"); told != nil {
		t.Errorf("another client: %v", told)
	}
	s.sleep(2 * time.Second) // one more every two seconds
	s.lets("192.0.2.1", 1)
	s.lets("::ffff:192.0.2.1", 0) // the same
	s.sleep(time.Minute)
	s.lets("2001:db8::1", 30)
	s.lets("2001:db8::ffff:1", 0) // of the same network
	if told := s.tries("2001:db8:0:1::1"); told != nil {
		t.Errorf("of another network: %v", told)
	}
	b := s.browser()
	b.visit("http://localhost:8080/login", func(c echo.Context) { // writes nothing
		if _, err := b.Begin(c, "/"); err != nil {
			t.Error(err)
		}
	})
}

func TestLoginsOfAllClientsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 50 {
		if told := s.tries(fmt.Sprintf("192.0.2.%d", i)); told != nil {
			t.Fatalf("%d: %v", i, told)
		}
	}
	s.lets("192.0.2.100", 0)
	s.sleep(time.Second)
	if told := s.tries("192.0.2.100"); told != nil {
		t.Errorf("a second later: %v", told)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"https://a.example": true, "HTTPS://a.example/": true, "http://127.0.0.1:1": false, "": false} {
		if got := auth.NewProvider(auth.ProviderOptions{PublicURL: address, Client: &http.Client{}, Now: time.Now}).HTTPS(); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
