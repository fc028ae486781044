package devstack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	now := time.Now()
	p, _ := newParty(ctx, t, "secret", func() time.Time { return now })
	used := p.code(ctx, t)
	if _, err := p.Exchange(ctx, used, oauth2.VerifierOption(p.verifier)); err != nil {
		t.Fatal(err)
	}
	late := p.code(ctx, t)
	now = now.Add(61 * time.Second)
	if _, err := p.Exchange(ctx, late, oauth2.VerifierOption(p.verifier)); err == nil {
		t.Error("an expired code was taken") // the next code clears it away
	}
	burnt := p.code(ctx, t)
	if _, err := p.Exchange(ctx, burnt, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Fatal("a wrong verifier was taken")
	}
	tests := map[string]struct {
		code   string
		change func(*party)
		want   string
		status int
	}{
		"wrong verifier":          {p.code(ctx, t), func(p *party) { p.verifier = oauth2.GenerateVerifier() }, "invalid_grant", 400},
		"no verifier":             {p.code(ctx, t), func(p *party) { p.verifier = "" }, "invalid_grant", 400},
		"replayed":                {used, nil, "invalid_grant", 400},
		"after a wrong verifier":  {burnt, nil, "invalid_grant", 400},
		"made up":                 {"guess", nil, "invalid_grant", 400},
		"other redirect":          {p.code(ctx, t), func(p *party) { p.RedirectURL += "/x" }, "invalid_grant", 400},
		"other client":            {p.code(ctx, t), func(p *party) { p.ClientID = "other" }, "invalid_client", 401},
		"wrong secret":            {p.code(ctx, t), func(p *party) { p.ClientSecret = "guess" }, "invalid_client", 401},
		"no secret":               {p.code(ctx, t), func(p *party) { p.ClientSecret = "" }, "invalid_client", 401},
		"wrong secret, in header": {p.code(ctx, t), func(p *party) { p.ClientSecret, p.Endpoint.AuthStyle = "guess", oauth2.AuthStyleInHeader }, "invalid_client", 401},
	}
	for name, c := range tests {
		bad := *p
		bad.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		if c.change != nil {
			c.change(&bad)
		}
		_, err := bad.Exchange(ctx, c.code, oauth2.VerifierOption(bad.verifier))
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.ErrorCode != c.want || refused.Response.StatusCode != c.status {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	good := *p
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		good.Endpoint.AuthStyle = style
		if _, err := good.Exchange(ctx, p.code(ctx, t), oauth2.VerifierOption(p.verifier)); err != nil {
			t.Errorf("style %v: %v", style, err)
		}
	}
}

func TestTokenRequestForms(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p, i := newParty(ctx, t, "secret", nil)
	basic := http.Header{"Authorization": {"Basic aG90c3dhcDpzZWNyZXQ="}} // hotswap:secret
	for name, c := range map[string]struct {
		form   url.Values
		header http.Header
		want   string
	}{
		"refresh token": {url.Values{"grant_type": {"refresh_token"}}, basic, "unsupported_grant_type"},
		"secret twice":  {url.Values{"client_secret": {"secret"}}, basic, "invalid_request"},
		"two clients":   {url.Values{"client_id": {"other"}}, basic, "invalid_request"},
		"nobody":        {url.Values{"grant_type": {"authorization_code"}}, nil, "invalid_client"},
	} {
		_, header, body := p.send(ctx, t, http.MethodPost, i.Issuer()+"/token", c.form, c.header)
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Error != c.want {
			t.Errorf("%s: got %s", name, body)
		}
		if header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the answer may be cached", name)
		}
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p, _ := newParty(ctx, t, "", nil)
	tests := map[string]struct {
		name, value string
		want        string // the error told to the client; empty: told to the person only
	}{
		"other client":         {"client_id", "other", ""},
		"redirect elsewhere":   {"redirect_uri", "https://evil.example/auth/callback", ""},
		"redirect other port":  {"redirect_uri", "http://127.0.0.1:8081/auth/callback", ""},
		"redirect by name":     {"redirect_uri", "http://localhost:8080/auth/callback", ""},
		"redirect other path":  {"redirect_uri", "http://127.0.0.1:8080/authx", ""},
		"redirect dot path":    {"redirect_uri", "http://127.0.0.1:8080/auth/../x", ""},
		"redirect escaped dot": {"redirect_uri", "http://127.0.0.1:8080/auth/%2e%2e/x", ""},
		"redirect backslash":   {"redirect_uri", `http://127.0.0.1:8080\@evil.example/auth`, ""},
		"redirect user":        {"redirect_uri", "http://127.0.0.1:8080@evil.example/auth", ""},
		"redirect fragment":    {"redirect_uri", callback + "#x", ""},
		"redirect https":       {"redirect_uri", "https://127.0.0.1:8080/auth/callback", ""},
		"redirect none":        {"redirect_uri", "", ""},
		"redirect script":      {"redirect_uri", "javascript:alert(1)", ""},
		"implicit":             {"response_type", "token", "unsupported_response_type"},
		"plain challenge":      {"code_challenge_method", "plain", "invalid_request"},
		"no challenge":         {"code_challenge", "", "invalid_request"},
		"short challenge":      {"code_challenge", "abc", "invalid_request"},
		"no openid":            {"scope", "email", "invalid_scope"},
		"silent":               {"prompt", "none", "login_required"},
		"request object":       {"request", "x.y.z", "request_not_supported"},
	}
	for name, c := range tests {
		u, err := url.Parse(p.loginURL())
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(c.name, c.value)
		u.RawQuery = q.Encode()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			status, header, _ := p.send(ctx, t, method, u.String(), url.Values{"account": {"s-1"}}, nil)
			location, err := url.Parse(header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			got := location.Query()
			switch {
			case c.want == "" && (status != http.StatusBadRequest || location.String() != ""):
				t.Errorf("%s %s: got %d to %q", method, name, status, location)
			case c.want != "" && (status != http.StatusSeeOther || got.Get("error") != c.want || got.Get("state") != "the state" || got.Has("code")):
				t.Errorf("%s %s: got %d to %q", method, name, status, location)
			}
		}
	}
}
