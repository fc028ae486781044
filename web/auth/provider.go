package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// ProviderOptions say which identity provider vouches for people, and who we are there.
type ProviderOptions struct {
	Issuer       string
	ClientID     string
	ClientSecret string           // empty: a public client, which proves itself by PKCE alone
	PublicURL    string           // where people reach the console, without a path: https://hotswap.example.com
	Client       *http.Client     // its timeout bounds each call
	Now          func() time.Time // required
}

// Provider is the OpenID Connect provider of the house: it signs people in, and its JWTs are credentials. It is asked
// for its metadata when they are first needed, so that API keys work while it is down.
type Provider struct {
	options   ProviderOptions
	client    *http.Client
	discovery discovery
}

// NewProvider asks nothing yet.
func NewProvider(o ProviderOptions) *Provider {
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	return &Provider{options: o, client: guarded(o.Client)}
}

// HTTPS tells whether people reach the console by https, and by nothing else.
func (p *Provider) HTTPS() bool {
	u, err := url.Parse(p.options.PublicURL)
	return err == nil && u.Scheme == "https"
}

// Issuer is the provider's name.
func (p *Provider) Issuer() string { return p.options.Issuer }

// algorithms are the ones a provider may sign with, whatever its metadata say: asymmetric ones only, so that a public
// key is never taken for a secret.
func algorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
	}
}

// Verify checks signature, issuer, audience and time of a JWT, and that it is no proof of somebody's sign-in at a browser:
// only these carry a nonce. What it does not say is marked as unsaid. Unauthenticated: it is not valid; unavailable: the
// identity provider does not answer and its keys are not known yet.
func (p *Provider) Verify(ctx context.Context, raw string) (access.Claims, error) {
	if strings.Count(raw, ".") != 2 {
		return access.Claims{}, models.Unauthenticated() // no JWT: not worth asking anybody
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return access.Claims{}, err
	}
	token, err := m.verifier.Verify(oidc.ClientContext(ctx, p.client), raw)
	if err != nil {
		return access.Claims{}, models.Unauthenticated()
	}
	var told struct {
		profile
		Nonce json.RawMessage `json:"nonce"`
	}
	if err := token.Claims(&told); err != nil || told.Nonce != nil {
		return access.Claims{}, models.Unauthenticated()
	}
	claims := told.claims(token)
	claims.Unsaid = told.unsaid()
	return claims, nil
}

// login is what one login in progress is recognised by.
type login struct {
	state, nonce, verifier string
}

// authorizationURL is where the browser goes to sign in (OpenID Connect Core 3.1.2.1, RFC 7636).
func (p *Provider) authorizationURL(ctx context.Context, l login) (string, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	if !p.leadsSomewhere(m.oauth.Endpoint.AuthURL) {
		return "", down()
	}
	return m.oauth.AuthCodeURL(l.state, oidc.Nonce(l.nonce), oauth2.S256ChallengeOption(l.verifier)), nil
}

// leadsSomewhere tells whether a browser may be sent to an address of the metadata: never to less security than the
// issuer itself has.
func (p *Provider) leadsSomewhere(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" &&
		(u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(p.options.Issuer, "http://"))
}

// checkIssuer holds the issuer that a callback names against ours (RFC 9207).
func (p *Provider) checkIssuer(ctx context.Context, named string) error {
	m, err := p.metadata(ctx)
	switch {
	case err != nil:
		return err
	case named == "" && !m.NamesIssuer, named == p.options.Issuer:
		return nil
	default:
		return fmt.Errorf("%w: it is another provider's", errNoProof)
	}
}

// errNoProof says that the provider's answer proves nothing.
var errNoProof = errors.New("the provider's answer proves nothing")

// exchange redeems a code and checks all that comes back (OpenID Connect Core 3.1.3). Unavailable: the provider does
// not answer as one should; any other error says why the answer is worth nothing.
func (p *Provider) exchange(ctx context.Context, code string, l login) (access.Claims, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return access.Claims{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := m.oauth.Exchange(ctx, code, oauth2.VerifierOption(l.verifier))
	if err != nil {
		return access.Claims{}, exchangeFailure(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return access.Claims{}, fmt.Errorf("%w: %w", errNoProof, err)
	}
	if err := p.checkBound(token, tokens, l); err != nil {
		return access.Claims{}, err
	}
	told, err := m.profile(ctx, token, tokens)
	if err != nil {
		return access.Claims{}, err
	}
	// The provider was asked for everything, so silence means that there is none.
	return told.claims(token), nil
}

// exchangeFailure keeps what the provider wrote out of the message: it may repeat the code.
func exchangeFailure(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError && refused.ErrorCode != "" {
		return fmt.Errorf("%w: it answered %d %q", errNoProof, refused.Response.StatusCode, refused.ErrorCode)
	}
	return down()
}

// checkBound makes sure that the token is for this login of this client, and belongs to its access token.
func (p *Provider) checkBound(token *oidc.IDToken, tokens *oauth2.Token, l login) error {
	var extra struct {
		Party string `json:"azp"`
	}
	if err := token.Claims(&extra); err != nil {
		return fmt.Errorf("%w: %w", errNoProof, err)
	}
	switch {
	case l.nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(l.nonce)) != 1:
		return fmt.Errorf("%w: the nonce is another login's", errNoProof)
	case extra.Party != "" && extra.Party != p.options.ClientID, extra.Party == "" && len(token.Audience) > 1:
		return fmt.Errorf("%w: the token is another client's", errNoProof)
	case token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil:
		return fmt.Errorf("%w: the access token is another one's", errNoProof)
	}
	return nil
}

// logoutURL is where the provider's own session ends (OpenID Connect RP-Initiated Logout 1.0); empty when it has no
// such place or does not answer. It is not told whose session it is: an ID token in an address ends up in logs.
func (p *Provider) logoutURL(ctx context.Context) string {
	m, err := p.metadata(ctx)
	if err != nil || !p.leadsSomewhere(m.EndSession) {
		return ""
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return ""
	}
	query := u.Query()
	query.Set("client_id", p.options.ClientID)
	query.Set("post_logout_redirect_uri", p.options.PublicURL+SignedOutPath)
	u.RawQuery = query.Encode()
	return u.String()
}
