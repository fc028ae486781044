package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/web/auth"
)

// attack is what a provider, or somebody between it and us, does to one login.
type attack struct {
	idp    func(*idp)       // to the provider, before the answer
	answer func(url.Values) // to the answer
	cookie func(b *browser) // to the browser
	want   models.Code      // forbidden if it is not given
}

func attacks() map[string]attack {
	claim := func(name string, value any) attack {
		return attack{idp: func(p *idp) { p.claims = map[string]any{name: value} }}
	}
	param := func(name string, values ...string) attack {
		return attack{answer: func(v url.Values) { v[name] = values }}
	}
	answers := func(status int, body string) attack {
		return attack{want: models.CodeUnavailable, idp: func(p *idp) {
			p.answer = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body)) // we may hang up
			}
		}}
	}
	signs := func(sign func(*idp, map[string]any) string) attack {
		return attack{idp: func(p *idp) { p.sign = func(claims map[string]any) string { return sign(p, claims) } }}
	}
	mac := func(encode func(*rsa.PublicKey) []byte) attack {
		return signs(func(p *idp, claims map[string]any) string {
			return p.signed(jose.HS256, encode(&p.key.PublicKey), keyID, claims)
		})
	}
	return map[string]attack{
		"wrong state":             param("state", "guess"),
		"empty state":             param("state", ""),
		"missing state":           param("state"),
		"state twice":             param("state", "a", "b"),
		"missing code":            param("code"),
		"code twice":              param("code", "the code", "the code"),
		"refused":                 {answer: func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") }},
		"refused, beside a code":  param("error", "access_denied"),
		"refused with a sentence": param("error", "<script>alert(1)</script> call +1-900"),
		"wrong iss":               param("iss", "https://evil.example"),
		"iss with a slash":        {idp: func(*idp) {}, answer: func(v url.Values) { v.Set("iss", v.Get("iss")+"/") }},
		"missing iss":             param("iss"),
		"no cookie":               {cookie: func(b *browser) { clear(b.cookies) }},
		"cookie of nobody":        {cookie: func(b *browser) { b.cookies[auth.LoginCookie] = strings.Repeat("A", 43) }},
		"cookie of another login": {cookie: func(b *browser) {
			other := b.browser()
			other.begin("/")
			b.cookies = other.cookies
		}},

		"wrong nonce":        claim("nonce", "guess"),
		"missing nonce":      claim("nonce", nil),
		"wrong issuer":       claim("iss", "https://evil.example"),
		"missing issuer":     claim("iss", nil),
		"wrong audience":     claim("aud", "other"),
		"missing audience":   claim("aud", nil),
		"several audiences":  claim("aud", []string{clientID, "other"}),
		"other party":        claim("azp", "other"),
		"expired":            claim("exp", time.Date(2026, 5, 4, 3, 2, 0, 0, time.UTC).Unix()),
		"missing expiry":     claim("exp", nil),
		"not yet":            claim("nbf", time.Date(2026, 5, 4, 4, 0, 0, 0, time.UTC).Unix()),
		"missing subject":    claim("sub", nil),
		"subject too long":   claim("sub", strings.Repeat("s", 300)),
		"groups are a text":  claim("groups", "ops"),
		"other access token": claim("at_hash", base64.RawURLEncoding.EncodeToString(make([]byte, 16))),
		"missing ID token":   {idp: func(p *idp) { p.tokens = map[string]any{"id_token": nil} }},
		"ID token is none":   {idp: func(p *idp) { p.tokens = map[string]any{"id_token": 7} }},

		"alg none": signs(func(_ *idp, claims map[string]any) string { return unsigned(claims) }),
		"HS256 with the public key as PEM": mac(func(k *rsa.PublicKey) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der(k)})
		}),
		"HS256 with the public key as DER":   mac(der),
		"HS256 with the public key as PKCS1": mac(x509.MarshalPKCS1PublicKey),
		"HS256 with the client's secret":     mac(func(*rsa.PublicKey) []byte { return []byte(strings.Repeat(clientSecret, 2)) }),
		"another key under a known kid":      signs(func(p *idp, claims map[string]any) string { return p.signed(jose.RS256, otherKey(p), keyID, claims) }),
		"unknown kid":                        signs(func(p *idp, claims map[string]any) string { return p.signed(jose.RS256, otherKey(p), "other", claims) }),
		"cut signature": signs(func(p *idp, claims map[string]any) string {
			whole := p.signed(jose.RS256, p.key, keyID, claims)
			return whole[:strings.LastIndex(whole, ".")+1]
		}),
		"other claims under a signature": signs(func(p *idp, claims map[string]any) string {
			parts := strings.Split(p.signed(jose.RS256, p.key, keyID, claims), ".")
			claims["sub"] = "root"
			parts[1] = strings.Split(unsigned(claims), ".")[1]
			return strings.Join(parts, ".")
		}),

		"token endpoint answers 500":      answers(500, `{"error":"server_error"}`),
		"token endpoint answers 500 text": answers(500, "oh no"),
		"token endpoint answers garbage":  answers(200, "<html>"),
		"token endpoint answers nothing":  answers(200, ""),
		"token endpoint answers null":     answers(200, "null"),
		"token endpoint answers too much": answers(200, `{"access_token":"`+strings.Repeat("a", 4<<20)+`"}`),
		"token endpoint refuses the code": {want: models.CodeForbidden, idp: answers(400, `{"error":"invalid_grant"}`).idp},
		"token endpoint hangs": {want: models.CodeUnavailable, idp: func(p *idp) {
			p.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}},
		"token endpoint sends the code on": {want: models.CodeUnavailable, idp: func(p *idp) {
			p.answer = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", p.URL+"/elsewhere")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		}},
		"userinfo of somebody else": {idp: func(p *idp) {
			p.claims = map[string]any{"email": nil}
			p.userinfo = map[string]any{"sub": "bob", "email": "root@example.com", "email_verified": true}
		}},
	}
}

func der(k *rsa.PublicKey) []byte {
	out, _ := x509.MarshalPKIXPublicKey(k) // a key that was just made
	return out
}

func otherKey(p *idp) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Error(err)
	}
	return key
}

// TestHostileProvider refuses every answer that is not the one to this login of this browser, by this provider. A login
// that was refused cannot be completed afterwards either.
func TestHostileProvider(t *testing.T) {
	t.Parallel()
	for name, a := range attacks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := s.browser()
			if a.idp != nil {
				s.idp.change(a.idp)
			}
			asked := b.begin("/")
			answer := b.answer(asked)
			honest := b.answer(asked)
			if a.answer != nil {
				a.answer(answer)
			}
			if a.cookie != nil {
				a.cookie(b)
			}
			want := a.want
			if want == "" {
				want = models.CodeForbidden
			}
			_, err := b.finish(answer)
			if codeOf(err) != want || strings.Contains(fmt.Sprint(err), "script") || strings.Contains(fmt.Sprint(err), "nonce") {
				t.Errorf("%v, want %s", err, want)
			}
			if counted := s.denied.Load() == 1; counted != (want == models.CodeForbidden) {
				t.Errorf("%d counted", s.denied.Load())
			}
			s.idp.honest()
			if _, err := b.finish(honest); codeOf(err) != models.CodeForbidden {
				t.Errorf("afterwards: %v", err)
			}
			b.enters(true, models.CodeUnauthenticated)
			if s.people() != 0 {
				t.Error("a session was made")
			}
		})
	}
}

// TestHonestVariants must pass, or the refusals above would prove nothing.
func TestHonestVariants(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*idp){
		"as usual":              func(*idp) {},
		"several audiences":     func(p *idp) { p.claims = map[string]any{"aud": []string{"other", clientID}, "azp": clientID} },
		"bound access token":    func(p *idp) { p.claims = map[string]any{"at_hash": atHash("access")} },
		"nothing about signing": func(p *idp) { p.metadata = map[string]any{"id_token_signing_alg_values_supported": nil} },
		"PS256":                 func(p *idp) { p.sign = func(c map[string]any) string { return p.signed(jose.PS256, p.key, keyID, c) } },
		"no names":              func(p *idp) { p.claims = map[string]any{"email": nil, "name": nil, "groups": nil} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, change)
			b := s.browser()
			b.login()
			b.enters(true, "")
		})
	}
}

func atHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestIssuerParameterWhereItIsNotPromised(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(p *idp) { p.metadata = map[string]any{"authorization_response_iss_parameter_supported": false} })
	b := s.browser()
	answer := b.answer(b.begin("/"))
	answer.Set("iss", "https://evil.example")
	if _, err := b.finish(answer); codeOf(err) != models.CodeForbidden {
		t.Errorf("another provider's: %v", err)
	}
	answer = b.answer(b.begin("/"))
	answer.Del("iss")
	if _, err := b.finish(answer); err != nil {
		t.Errorf("without: %v", err)
	}
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(p *idp) {
		p.claims = map[string]any{"email": nil, "groups": nil}
		p.userinfo = map[string]any{"sub": "ann", "email": "ann@elsewhere.example", "email_verified": false, "name": "No", "groups": []string{"g"}}
	})
	b := s.browser()
	b.login()
	d, err := s.access.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := d.Person(b.enters(true, "").ID)
	// The ID token says that an e-mail is verified, but names none: that is not about this one.
	if p.Email != "ann@elsewhere.example" || p.EmailVerified || p.Name != "Ann" || len(p.Groups) != 1 || p.Groups[0] != "g" {
		t.Errorf("%+v", p)
	}
}

func TestProviderDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.idp.change(func(p *idp) { p.metadata = map[string]any{"issuer": "https://evil.example"} })
	b := s.browser()
	begin := func(want models.Code) {
		t.Helper()
		b.visit("/login", func(c echo.Context) {
			if _, err := b.Begin(c, "/"); codeOf(err) != want {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
	begin(models.CodeUnavailable)
	begin(models.CodeUnavailable)
	if _, asked := s.idp.counts(); asked != 1 {
		t.Errorf("asked %d times within a moment", asked)
	}
	if _, err := s.provider.Verify(t.Context(), "a.b.c"); codeOf(err) != models.CodeUnavailable {
		t.Errorf("a JWT: %v", err)
	}
	b.visit("/signed-out", func(c echo.Context) {
		if address := b.Logout(c); address != "" {
			t.Errorf("leads to %s", address)
		}
	})
	if len(b.cookies) != 0 || s.people() != 0 {
		t.Errorf("cookies %v", b.cookies)
	}
	s.idp.change(func(p *idp) { p.metadata = nil })
	s.sleep(5 * time.Second)
	begin("")
	begin("")
	if _, asked := s.idp.counts(); asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAddressesOfTheMetadata(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"script": "javascript:alert(1)", "none": "", "relative": "/authorize", "data": "data:text/html,x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(p *idp) {
				p.metadata = map[string]any{"authorization_endpoint": address, "end_session_endpoint": address}
			})
			b := s.browser()
			b.visit("/login", func(c echo.Context) {
				if to, err := b.Begin(c, "/"); codeOf(err) != models.CodeUnavailable {
					t.Errorf("%s, %v", to, err)
				}
				if to := b.Logout(c); to != "" {
					t.Errorf("sign-out leads to %s", to)
				}
			})
		})
	}
}

// TestVerify is about JWTs as credentials of the API.
func TestVerify(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	claims := s.idp.idToken()
	delete(claims, "nonce")
	good := s.idp.sign(claims)
	got, err := s.provider.Verify(t.Context(), good)
	if err != nil || got.Subject != "ann" || got.Email != "ann@example.com" || !got.EmailVerified || got.Issuer != s.idp.URL ||
		any(got.Until.Unix()) != claims["exp"] {
		t.Errorf("%+v, %v", got, err)
	}
	with := func(nonce any) string {
		bearer := maps.Clone(claims)
		bearer["nonce"] = nonce
		return s.idp.sign(bearer)
	}
	for name, raw := range map[string]string{
		"of a login": with("n"), "with an empty nonce": with(""), "with no nonce": with(nil), "with an odd nonce": with(1),
		"none": unsigned(claims), "no JWT": "abc", "empty": "..", "symmetric": s.idp.signed(jose.HS256, der(&s.idp.key.PublicKey), keyID, claims),
		"other key": s.idp.signed(jose.RS256, otherKey(s.idp), keyID, claims),
	} {
		if _, err := s.provider.Verify(t.Context(), raw); codeOf(err) != models.CodeUnauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.sleep(6 * time.Minute)
	if _, err := s.provider.Verify(t.Context(), good); codeOf(err) != models.CodeUnauthenticated {
		t.Errorf("expired: %v", err)
	}
}

// TestVerifyTellsSilence is about what an API token does not say.
func TestVerifyTellsSilence(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, test := range map[string]struct {
		change map[string]any // nil: the claim is null
		want   access.Unsaid
	}{
		"all":         {nil, access.Unsaid{}},
		"empty":       {map[string]any{"email": "", "name": "", "groups": []string{}}, access.Unsaid{}},
		"null":        {map[string]any{"email": nil, "name": nil, "groups": nil}, access.Unsaid{Email: true, Name: true, Groups: true}},
		"no verified": {map[string]any{"email_verified": nil}, access.Unsaid{EmailVerified: true}},
	} {
		claims := s.idp.idToken()
		delete(claims, "nonce")
		maps.Copy(claims, test.change)
		if got, err := s.provider.Verify(t.Context(), s.idp.sign(claims)); err != nil || got.Unsaid != test.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		if got, err := s.provider.Verify(t.Context(), s.idp.sign(claims)); err != nil || got.Unsaid != test.want {
			t.Errorf("%s, left out: %+v, %v", name, got, err)
		}
	}
}

// TestVerifiedAsText is about providers that write booleans as texts.
func TestVerifiedAsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[any]bool{"true": true, "false": false, true: true, false: false} {
		t.Run(fmt.Sprintf("%T %v", text, text), func(t *testing.T) {
			t.Parallel()
			told := map[string]any{"sub": "ann", "email": "ann@example.com", "email_verified": text}
			for _, at := range []func(*idp){
				func(p *idp) { p.claims = told },
				func(p *idp) { p.claims, p.userinfo = map[string]any{"email": nil, "email_verified": nil}, told },
			} {
				s := newSite(t, at)
				b := s.browser()
				b.login()
				if verified := b.enters(true, "").Email == "ann@example.com"; verified != want {
					t.Errorf("verified: %v", verified)
				}
			}
		})
	}
}

func TestUserinfoIsRefused(t *testing.T) {
	t.Parallel()
	for want, info := range map[string]map[string]any{
		"somebody else":  {"sub": "bob", "groups": "ops"},
		"cannot be read": {"sub": "ann", "groups": "ops"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(p *idp) { p.claims, p.userinfo = map[string]any{"groups": nil}, info })
			b := s.browser()
			_, err := b.finish(b.answer(b.begin("/")))
			if codeOf(err) != models.CodeForbidden || s.people() != 0 || !strings.Contains(s.told(), "userinfo") || !strings.Contains(s.told(), want) {
				t.Errorf("%v; the log says %s", err, s.told())
			}
		})
	}
}

func TestMetadataTooLarge(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(p *idp) { p.metadata = map[string]any{"padding": strings.Repeat("x", 2<<20)} })
	b := s.browser()
	b.visit("/login", func(c echo.Context) {
		if to, err := b.Begin(c, "/"); codeOf(err) != models.CodeUnavailable {
			t.Errorf("%s, %v", to, err)
		}
	})
}
