package devstack

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4/jwt"
)

type tokens struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
	IDToken     string `json:"id_token"`
	Scope       string `json:"scope"`
}

// token exchanges a code (RFC 6749 4.1.3, RFC 7636 4.5).
func (i *Identity) token(w http.ResponseWriter, r *http.Request) {
	answer, err := i.exchange(r)
	if err == nil {
		i.json(w, r, http.StatusOK, answer)
		return
	}
	known := &oauthError{"server_error", "the identity provider failed"}
	if !errors.As(err, &known) {
		i.log.ErrorContext(r.Context(), "token request failed", "error", err)
	}
	i.json(w, r, tokenStatus(w, known), map[string]string{
		"error": known.code, "error_description": known.description,
	})
}

func tokenStatus(w http.ResponseWriter, e *oauthError) int {
	switch e.code {
	case "invalid_client":
		w.Header().Set("WWW-Authenticate", `Basic realm="hotswap development"`)
		return http.StatusUnauthorized
	case "server_error":
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

func (i *Identity) exchange(r *http.Request) (tokens, error) {
	if err := r.ParseForm(); err != nil {
		return tokens{}, &oauthError{"invalid_request", "the form cannot be read"}
	}
	if err := i.authenticate(r); err != nil {
		return tokens{}, err
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		return tokens{}, &oauthError{"unsupported_grant_type", "only authorization_code is supported"}
	}
	g, ok := i.takeCode(r.PostForm.Get("code"))
	switch {
	case !ok:
		return tokens{}, &oauthError{"invalid_grant", "the code is unknown, used or expired"}
	case r.PostForm.Get("redirect_uri") != g.redirectURI:
		return tokens{}, &oauthError{"invalid_grant", "the redirect address is not that of the code"}
	case !verifies(r.PostForm.Get("code_verifier"), g.challenge):
		return tokens{}, &oauthError{"invalid_grant", "the verifier does not fit the challenge"}
	}
	return i.issueTokens(g)
}

// authenticate takes client_secret_basic, client_secret_post, or none for a public client. One way at a time.
func (i *Identity) authenticate(r *http.Request) error {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		if secret != "" || id != "" && id != formDecoded(user) {
			return &oauthError{"invalid_request", "the client authenticates in two ways"}
		}
		id, secret = formDecoded(user), formDecoded(password)
	}
	sameID := subtle.ConstantTimeCompare([]byte(id), []byte(i.opts.ClientID))
	sameSecret := subtle.ConstantTimeCompare([]byte(secret), []byte(i.opts.ClientSecret))
	if sameID&sameSecret != 1 {
		return &oauthError{"invalid_client", "unknown client or wrong secret"}
	}
	return nil
}

// formDecoded undoes the encoding that RFC 6749 2.3.1 asks for inside Basic; what is not encoded passes.
func formDecoded(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func verifies(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	made := base64.RawURLEncoding.EncodeToString(sum[:])
	return len(verifier) >= 43 && subtle.ConstantTimeCompare([]byte(made), []byte(challenge)) == 1
}

func (i *Identity) issueTokens(g grant) (tokens, error) {
	now := i.now()
	claims := tokenClaims{
		Claims: jwt.Claims{
			Issuer: i.issuer, Subject: g.account.Subject, Audience: jwt.Audience{g.clientID},
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokenLife)),
		},
		profile: g.account.profile(),
	}
	access := claims
	access.ID, access.ClientID, access.Scope = rand.Text(), g.clientID, g.scope
	accessToken, err := i.keys.sign(typeAccess, access)
	if err != nil {
		return tokens{}, err
	}
	claims.Nonce, claims.AuthTime = g.nonce, jwt.NewNumericDate(g.at)
	claims.AccessTokenHash = accessTokenHash(accessToken)
	idToken, err := i.keys.sign(typeID, claims)
	if err != nil {
		return tokens{}, err
	}
	return tokens{accessToken, "Bearer", int(tokenLife.Seconds()), idToken, g.scope}, nil
}

// userinfo tells whom an access token stands for (OpenID Connect Core 5.3).
func (i *Identity) userinfo(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := i.keys.verify(token, jwt.Expected{
		Issuer: i.issuer, AnyAudience: jwt.Audience{i.opts.ClientID}, Time: i.now(),
	})
	if !ok || err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		i.json(w, r, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	i.json(w, r, http.StatusOK, struct {
		Subject string `json:"sub"`
		profile
	}{claims.Subject, claims.profile})
}

func (i *Identity) json(w http.ResponseWriter, r *http.Request, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		i.log.ErrorContext(r.Context(), "encode an answer", "error", err)
		status, text = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	i.send(w, r, status, text)
}

func (i *Identity) send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		i.log.DebugContext(r.Context(), "the client left", "error", err)
	}
}
