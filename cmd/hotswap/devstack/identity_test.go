package devstack_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
)

const callback = "http://127.0.0.1:8080/auth/callback"

// people are two accounts, one without groups.
func people() []devstack.Account {
	return []devstack.Account{
		{Subject: "s-1", Email: "engineer@example.com", Name: "Erin <Engineer>", Groups: []string{"engineers", "all"}},
		{Subject: "s-2", Email: "viewer@example.com", Name: "Vera"},
	}
}

func startIdentity(ctx context.Context, t *testing.T, opts devstack.IdentityOptions) *devstack.Identity {
	t.Helper()
	i, err := devstack.StartIdentity(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(ctx, t, i) })
	return i
}

// party is a client of the provider as web will be one: go-oidc and oauth2, with a browser that stops at redirects.
type party struct {
	oauth2.Config
	provider *oidc.Provider
	verifier string
	browser  *http.Client
}

func newParty(ctx context.Context, t *testing.T, secret string, now func() time.Time) (*party, *devstack.Identity) {
	t.Helper()
	i := startIdentity(ctx, t, devstack.IdentityOptions{
		Dir: t.TempDir(), Accounts: people(), ClientID: "hotswap", ClientSecret: secret,
		RedirectPrefixes: []string{"http://127.0.0.1:8080/auth"}, Now: now,
	})
	provider, err := oidc.NewProvider(ctx, i.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	return &party{
		Config: oauth2.Config{
			ClientID: "hotswap", ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: callback,
			Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
		},
		provider: provider,
		verifier: oauth2.GenerateVerifier(),
		browser: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}, i
}

func (p *party) loginURL() string {
	return p.AuthCodeURL("the state", oidc.Nonce("the nonce"), oauth2.S256ChallengeOption(p.verifier))
}

// press posts the form of the page, as a browser does, and gives the address that it leads to.
func (p *party) press(ctx context.Context, t *testing.T, address, account string) *url.URL {
	t.Helper()
	status, header, body := p.send(ctx, t, http.MethodPost, address, url.Values{"account": {account}}, nil)
	if status != http.StatusSeeOther {
		t.Fatalf("the button answered %d: %s", status, body)
	}
	location, err := url.Parse(header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func (p *party) send(
	ctx context.Context, t *testing.T, method, address string, form url.Values, header http.Header,
) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	for name := range header {
		request.Header.Set(name, header.Get(name))
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := p.browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() // only read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

func (p *party) code(ctx context.Context, t *testing.T) string {
	t.Helper()
	code := p.press(ctx, t, p.loginURL(), "s-1").Query().Get("code")
	if code == "" {
		t.Fatal("no code")
	}
	return code
}

type claims struct {
	Email    string   `json:"email"`
	Verified bool     `json:"email_verified"`
	Name     string   `json:"name"`
	Groups   []string `json:"groups"`
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"confidential": "s3cret+/ %", "public": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := within(t, 2*time.Minute)
			p, i := newParty(ctx, t, secret, nil)
			back := p.press(ctx, t, p.loginURL(), "s-1")
			if !strings.HasPrefix(back.String(), callback+"?") || back.Query().Get("state") != "the state" ||
				back.Query().Get("iss") != i.Issuer() {
				t.Fatalf("came back to %s", back)
			}
			got, err := p.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(p.verifier))
			if err != nil {
				t.Fatal(err)
			}
			checkTokens(ctx, t, p, got)
		})
	}
}

func checkTokens(ctx context.Context, t *testing.T, p *party, got *oauth2.Token) {
	t.Helper()
	want := claims{"engineer@example.com", true, "Erin <Engineer>", []string{"engineers", "all"}}
	raw, _ := got.Extra("id_token").(string)
	verifier := p.provider.VerifierContext(ctx, &oidc.Config{ClientID: "hotswap"})
	idToken, err := verifier.Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if idToken.Subject != "s-1" || idToken.Nonce != "the nonce" || idToken.VerifyAccessToken(got.AccessToken) != nil {
		t.Errorf("subject %q, nonce %q, hash %v", idToken.Subject, idToken.Nonce, idToken.VerifyAccessToken(got.AccessToken))
	}
	access, err := verifier.Verify(ctx, got.AccessToken) // how the API takes a JWT of the issuer
	if err != nil {
		t.Fatal(err)
	}
	if life := time.Until(access.Expiry); access.Subject != "s-1" || life > time.Hour || life < 59*time.Minute {
		t.Errorf("access token of %q for %v", access.Subject, life)
	}
	info, err := p.provider.UserInfo(ctx, oauth2.StaticTokenSource(got))
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]interface{ Claims(any) error }{
		"id token": idToken, "access token": access, "userinfo": info,
	} {
		var have claims
		if err := source.Claims(&have); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	idAsAccess := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: raw, TokenType: "Bearer"})
	if _, err := p.provider.UserInfo(ctx, idAsAccess); err == nil {
		t.Error("userinfo takes an ID token for an access token")
	}
}

func TestAccountWithoutGroupsHasAnEmptyList(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p, i := newParty(ctx, t, "", nil)
	got, err := p.Exchange(ctx, p.press(ctx, t, p.loginURL(), "s-2").Query().Get("code"), oauth2.VerifierOption(p.verifier))
	if err != nil {
		t.Fatal(err)
	}
	bearer := http.Header{"Authorization": {"Bearer " + got.AccessToken}}
	_, _, body := p.send(ctx, t, http.MethodGet, i.Issuer()+"/userinfo", nil, bearer)
	if !strings.Contains(body, `"groups":[]`) {
		t.Error(body)
	}
}

func TestSignInPage(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p, i := newParty(ctx, t, "", nil)
	status, header, body := p.send(ctx, t, http.MethodGet, p.loginURL(), nil, nil)
	if status != http.StatusOK || strings.Count(body, "<button") != 2 {
		t.Errorf("%d: %s", status, body)
	}
	for _, text := range []string{">engineer@example.com</button>", ">viewer@example.com</button>", `title="Erin &lt;Engineer&gt;"`} {
		if !strings.Contains(body, text) {
			t.Errorf("the page lacks %s", text)
		}
	}
	policy := header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "form-action") {
		t.Errorf("policy %q", policy)
	}
	if status, _, body := p.send(ctx, t, http.MethodPost, p.loginURL(), url.Values{"account": {"s-9"}}, nil); status != http.StatusBadRequest || !strings.Contains(body, "<button") {
		t.Errorf("an unknown account got %d: %s", status, body)
	}
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}
	if status, _, _ := p.send(ctx, t, http.MethodPost, p.loginURL(), url.Values{"account": {"s-1"}}, foreign); status != http.StatusForbidden {
		t.Errorf("another site's form got %d", status)
	}
	if status, header, _ := p.send(ctx, t, http.MethodGet, i.Issuer()+"/style.css", nil, nil); status != http.StatusOK || header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style: %d %s", status, header.Get("Content-Type"))
	}
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p, i := newParty(ctx, t, "", nil)
	var discovered struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := p.provider.Claims(&discovered); err != nil {
		t.Fatal(err)
	}
	if discovered.EndSession != i.Issuer()+"/end_session" {
		t.Fatal(discovered.EndSession)
	}
	for back, want := range map[string]bool{"http://127.0.0.1:8080/auth/bye": true, "https://evil.example/": false, "": false} {
		q := url.Values{"post_logout_redirect_uri": {back}, "state": {"x y"}}
		status, _, body := p.send(ctx, t, http.MethodGet, discovered.EndSession+"?"+q.Encode(), nil, nil)
		if status != http.StatusOK || !strings.Contains(body, "You are signed out") {
			t.Errorf("%q: %d %s", back, status, body)
		}
		if linked := strings.Contains(body, `<a href="`+back+"?state=x"); linked != want || strings.Contains(body, "evil") {
			t.Errorf("%q: linked %v, want %v: %s", back, linked, want, body)
		}
	}
}

func TestIdentityKeepsKeyAndAddress(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.IdentityOptions{Dir: t.TempDir(), ClientID: "hotswap", Accounts: people(), RedirectPrefixes: []string{callback}}
	p := &party{browser: http.DefaultClient}
	first := startIdentity(ctx, t, opts)
	_, _, keys := p.send(ctx, t, http.MethodGet, first.Issuer()+"/jwks", nil, nil)
	if !strings.HasPrefix(first.Issuer(), "http://127.0.0.1:") || strings.Contains(keys, `"d":`) || !strings.Contains(keys, `"RS256"`) {
		t.Fatalf("%s serves %s", first.Issuer(), keys)
	}
	stop(ctx, t, first)
	second := startIdentity(ctx, t, opts)
	_, _, again := p.send(ctx, t, http.MethodGet, second.Issuer()+"/jwks", nil, nil)
	if second.Issuer() != first.Issuer() || again != keys {
		t.Error("address or key changed")
	}
	if got := mode(t, filepath.Join(opts.Dir, "identity.key")); got != 0o600 {
		t.Errorf("the key has mode %o", got)
	}
	stop(ctx, t, second)
	stop(ctx, t, second) // does nothing
	occupy(ctx, t, host(t, first.Issuer()))
	if third := startIdentity(ctx, t, opts); third.Issuer() == first.Issuer() {
		t.Error("it took an occupied port")
	}
}

func TestRedirectPrefixesAreLoopback(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"https://hotswap.example/", "http://10.0.0.1:8080/", "127.0.0.1:8080", "http://127.0.0.1:8080/#x", ""} {
		ctx := within(t, time.Minute)
		opts := devstack.IdentityOptions{Dir: t.TempDir(), RedirectPrefixes: []string{prefix}}
		if i, err := devstack.StartIdentity(ctx, opts); err == nil {
			stop(ctx, t, i)
			t.Errorf("%q was taken", prefix)
		}
	}
}
