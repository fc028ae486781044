package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	clientID     = "hotswap"
	clientSecret = "a secret with: odd/characters"
	keyID        = "key-1"
)

// idp is an identity provider that answers as a test wants it to, and signs for real.
type idp struct {
	*httptest.Server

	t   *testing.T
	key *rsa.PrivateKey

	mu        sync.Mutex
	now       func() time.Time
	metadata  map[string]any // of discovery, beside the usual
	claims    map[string]any // of the ID token, beside the usual; nil removes
	sign      func(claims map[string]any) string
	answer    http.HandlerFunc // of the token endpoint, instead of the usual
	tokens    map[string]any   // of the token answer, beside the usual
	userinfo  map[string]any   // nil: there is none
	nonce     string           // of the login under way
	challenge string
	redeemed  int
	asked     int // for metadata
}

func newIDP(t *testing.T, now func() time.Time) *idp {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t, key: key, now: now}
	p.honest()
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", p.discover)
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		p.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: keyID, Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/token", p.redeem)
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.json(w, p.userinfo)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { t.Error("the code was sent on") })
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// change sets what the provider does from now on.
func (p *idp) change(f func(*idp)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// honest makes it do what it should.
func (p *idp) honest() {
	p.change(func(p *idp) {
		p.answer, p.claims, p.tokens = nil, nil, nil
		p.sign = func(claims map[string]any) string { return p.signed(jose.RS256, p.key, keyID, claims) }
	})
}

// counts are how often codes were redeemed and metadata asked for.
func (p *idp) counts() (redeemed, asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.redeemed, p.asked
}

func (p *idp) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func (p *idp) discover(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	m := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
		"end_session_endpoint": p.URL + "/end?x=1", "authorization_response_iss_parameter_supported": true,
		// A provider cannot talk us into these.
		"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"},
	}
	if p.userinfo != nil {
		m["userinfo_endpoint"] = p.URL + "/userinfo"
	}
	maps.Copy(m, p.metadata)
	p.json(w, m)
}

// redeem answers every code, as often as it comes: that it counts once is for us to see to.
func (p *idp) redeem(w http.ResponseWriter, r *http.Request) {
	verifier := r.PostFormValue("code_verifier") // a server sees that a caller left once it has read all
	p.mu.Lock()
	answer := p.answer
	p.redeemed++
	p.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256([]byte(verifier))
	user, password, _ := r.BasicAuth()
	switch {
	case base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge:
		w.WriteHeader(http.StatusBadRequest)
		p.json(w, map[string]string{"error": "invalid_grant"})
		return
	case user != clientID || password != url.QueryEscape(clientSecret) || r.PostFormValue("code") != "the code":
		w.WriteHeader(http.StatusUnauthorized)
		p.json(w, map[string]string{"error": "invalid_client"})
		return
	}
	out := map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(p.idToken())}
	maps.Copy(out, p.tokens)
	p.json(w, out)
}

// idToken are the claims of somebody who signs in.
func (p *idp) idToken() map[string]any {
	now := p.now()
	out := map[string]any{
		"iss": p.URL, "sub": "ann", "aud": clientID, "nonce": p.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"email": "Ann@Example.com", "email_verified": true, "name": "Ann", "groups": []string{"ops"},
	}
	for name, value := range p.claims {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

// signed is a JWT.
func (p *idp) signed(alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
	if err != nil {
		p.t.Error(err)
		return ""
	}
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	signature, err := signer.Sign(text)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	out, err := signature.CompactSerialize()
	if err != nil {
		p.t.Error(err)
	}
	return out
}

// unsigned is a JWT of the algorithm none.
func unsigned(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","kid":"`+keyID+`"}`)) + "." + encode(text) + "."
}
