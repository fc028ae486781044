package e2e_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signIn goes through the code flow with PKCE as the account with the e-mail, and returns the token answer.
func signIn(t *testing.T, s *stack, email string) reply {
	t.Helper()
	const verifier = "a-verifier-of-at-least-forty-three-characters-is-asked-for"
	sum := sha256.Sum256([]byte(verifier))
	back := s.URL + "/callback"
	page := s.Issuer + "/authorize?" + url.Values{
		"client_id": {"hotswap"}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"openid email profile"},
		"state": {"a-state"}, "nonce": {"a-nonce"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	button := regexp.MustCompile(`<button name="account" value="([^"]+)"[^>]*>` + regexp.QuoteMeta(email) + `</button>`)
	match := button.FindSubmatch(fetch(t, mustRequest(t, page)).want(http.StatusOK).body)
	if match == nil {
		t.Fatalf("the sign-in page has no button %s", email)
	}
	answer := fetch(t, form(t, page, url.Values{"account": {string(match[1])}})).want(http.StatusSeeOther)
	target, err := url.Parse(answer.header.Get("Location"))
	if err != nil || !strings.HasPrefix(target.String(), back+"?") || target.Query().Get("state") != "a-state" {
		t.Fatalf("the sign-in leads to %v (%v)", target, err)
	}
	return fetch(t, form(t, s.Issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {target.Query().Get("code")}, "redirect_uri": {back},
		"client_id": {"hotswap"}, "code_verifier": {verifier},
	})).want(http.StatusOK)
}

func form(t *testing.T, address string, values url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func fetch(t *testing.T, r *http.Request) reply {
	t.Helper()
	answer, err := caller{t: t}.try(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestJWT(t *testing.T) {
	t.Parallel()
	s := dev(t)
	for email, role := range map[string]string{
		"engineer@example.com": "engineer", "auditor@example.com": "auditor", "admin@example.com": "platform-admin",
	} {
		token := signIn(t, s, email).text("access_token")
		me := caller{t, s.URL, token}.get("/me").want(http.StatusOK)
		if me.field("email") != email || me.field("roles.0.role") != role || me.field("roles.1") != nil {
			t.Errorf("%s is %s", email, me.body)
		}
		byKey := s.as(strings.TrimSuffix(email, "@example.com")).get("/me").want(http.StatusOK)
		if byKey.text("id") != me.text("id") {
			t.Errorf("%s is another person by token (%s) than by key (%s)", email, me.text("id"), byKey.text("id"))
		}
	}
	nobody := caller{t, s.URL, signIn(t, s, "tenant-admin@example.com").text("access_token")}
	if me := nobody.get("/me").want(http.StatusOK); me.field("roles.0") != nil {
		t.Errorf("without demo data the tenant-admin is %s", me.body)
	}
	nobody.post("/configs", `{"tenantId":"acme-corp","key":"a","value":1,"environment":"Staging"}`).problem(http.StatusNotFound, "not_found")
}

func TestForgedJWTs(t *testing.T) {
	t.Parallel()
	s := dev(t)
	good := signIn(t, s, "admin@example.com").text("access_token")
	parsed, err := jwt.ParseSigned(good, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		t.Fatal(err)
	}
	private := signingKey(t, s.dir)
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	id := parsed.Headers[0].KeyID
	genuine := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: id}}
	hour := func(n int) int64 { return time.Now().Add(time.Duration(n) * time.Hour).Unix() }
	with := func(changes map[string]any) map[string]any {
		out := maps.Clone(claims)
		maps.Copy(out, changes)
		return out
	}
	tests := map[string]string{
		"another audience": sign(t, genuine, with(map[string]any{"aud": "another"})),
		"no audience":      sign(t, genuine, with(map[string]any{"aud": nil})),
		"another issuer":   sign(t, genuine, with(map[string]any{"iss": "https://example.com"})),
		"expired":          sign(t, genuine, with(map[string]any{"exp": hour(-1)})),
		"without expiry":   sign(t, genuine, with(map[string]any{"exp": nil})),
		"not yet valid":    sign(t, genuine, with(map[string]any{"nbf": hour(2)})),
		"HS256 with the public key": sign(t, jose.SigningKey{
			Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: publicPEM, KeyID: id},
		}, claims),
		"alg none":      unsigned(t, claims),
		"cut signature": good[:strings.LastIndexByte(good, '.')+1],
		"other claims":  strings.Split(good, ".")[0] + "." + body64(t, with(map[string]any{"sub": "dev-admin2"})) + "." + strings.Split(good, ".")[2],
	}
	for name, token := range tests {
		r := caller{t, s.URL, token}.get("/me")
		if r.status != http.StatusUnauthorized {
			t.Errorf("%s: %d: %s", name, r.status, r.body)
			continue
		}
		r.problem(http.StatusUnauthorized, "unauthenticated")
	}
	control := sign(t, genuine, with(map[string]any{"exp": hour(1)}))
	caller{t, s.URL, control}.get("/me").want(http.StatusOK) // the forgeries fail for what is wrong with them
}

// signingKey is the identity provider's own, from the directory it keeps it in.
func signingKey(t *testing.T, dir string) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "identity.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("identity.key holds no key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", key)
	}
	return private
}

func sign(t *testing.T, key jose.SigningKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(present(claims)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// present leaves out the claims that are nil.
func present(claims map[string]any) map[string]any {
	out := maps.Clone(claims)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	return body64(t, map[string]any{"alg": "none", "typ": "at+jwt"}) + "." + body64(t, claims) + "."
}

func body64(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
