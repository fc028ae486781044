package auth

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// discoverEvery bounds how often an identity provider that does not answer is asked again.
const discoverEvery = 5 * time.Second

// Verifier checks JWTs of one OIDC issuer. It asks the issuer for its keys when it first needs them, so
// that API keys work while the identity provider is down.
type Verifier struct {
	issuer, clientID string
	client           *http.Client
	now              func() time.Time

	mu    sync.Mutex
	ready *oidc.IDTokenVerifier
	tried time.Time
}

// NewVerifier accepts tokens of the issuer that are meant for the client.
func NewVerifier(issuer, clientID string, client *http.Client, now func() time.Time) *Verifier {
	return &Verifier{issuer: issuer, clientID: clientID, client: client, now: now}
}

// Verify checks signature, issuer, audience and time of a JWT. unauthenticated: it is not valid;
// unavailable: the identity provider does not answer and its keys are not known yet.
func (v *Verifier) Verify(ctx context.Context, raw string) (access.Claims, error) {
	if strings.Count(raw, ".") != 2 {
		return access.Claims{}, models.Unauthenticated() // no JWT: not worth asking anybody
	}
	verifier, err := v.verifier(ctx)
	if err != nil {
		return access.Claims{}, err
	}
	token, err := verifier.Verify(oidc.ClientContext(ctx, v.client), raw)
	if err != nil {
		return access.Claims{}, models.Unauthenticated()
	}
	var claims struct {
		Email         string   `json:"email"`
		EmailVerified bool     `json:"email_verified"`
		Name          string   `json:"name"`
		Groups        []string `json:"groups"`
	}
	if err := token.Claims(&claims); err != nil {
		return access.Claims{}, models.Unauthenticated()
	}
	return access.Claims{
		Issuer: token.Issuer, Subject: token.Subject, Email: strings.ToLower(claims.Email),
		EmailVerified: claims.EmailVerified, Name: claims.Name, Groups: claims.Groups,
	}, nil
}

func (v *Verifier) verifier(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ready != nil {
		return v.ready, nil
	}
	down := models.Unavailable("the identity provider does not answer", discoverEvery)
	if v.now().Sub(v.tried) < discoverEvery {
		return nil, down
	}
	v.tried = v.now()
	// The key set outlives this call, so it must not end with the call's context.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.issuer)
	if err != nil {
		return nil, down
	}
	v.ready = provider.Verifier(&oidc.Config{ClientID: v.clientID, Now: v.now})
	return v.ready, nil
}
