package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/hotswap/hotswap/models"
)

const (
	// discoverEvery bounds how often an identity provider that does not answer is asked again.
	discoverEvery = 5 * time.Second
	// maxAnswer is how many bytes of a provider's answer are read.
	maxAnswer = 1 << 20
)

// down says that the provider does not answer, or not as one should.
func down() *models.Error {
	return models.Unavailable("the identity provider does not answer", discoverEvery)
}

// discovery finds the provider's metadata once.
type discovery struct {
	found  atomic.Pointer[metadata]
	asking singleflight.Group
	failed time.Time // only touched by the one who asks
}

// metadata is what is known of a provider, and what was made of it.
type metadata struct {
	EndSession  string   `json:"end_session_endpoint"`
	NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`

	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
}

// metadata is unavailable while the provider does not answer. Whoever waits does so no longer than its context.
func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	if m := p.discovery.found.Load(); m != nil {
		return m, nil
	}
	asked := p.discovery.asking.DoChan("", func() (any, error) {
		// What is found outlives this call, and so does the asking; the client's timeout bounds it.
		return p.discover(oidc.ClientContext(context.WithoutCancel(ctx), p.client))
	})
	select {
	case answer := <-asked:
		if answer.Err != nil {
			return nil, down()
		}
		return answer.Val.(*metadata), nil //nolint:forcetypeassert // discover returns nothing else
	case <-ctx.Done():
		return nil, down()
	}
}

// errAskedLately says that the provider did not answer a moment ago.
var errAskedLately = errors.New("the identity provider was asked a moment ago")

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	d := &p.discovery
	if m := d.found.Load(); m != nil {
		return m, nil
	}
	if p.options.Now().Sub(d.failed) < discoverEvery {
		return nil, errAskedLately
	}
	m, err := p.ask(ctx)
	if err != nil {
		d.failed = p.options.Now()
		return nil, err
	}
	d.found.Store(m)
	return m, nil
}

func (p *Provider) ask(ctx context.Context) (*metadata, error) {
	provider, err := oidc.NewProvider(ctx, p.options.Issuer)
	if err != nil {
		return nil, err
	}
	m := &metadata{provider: provider}
	if err := provider.Claims(m); err != nil {
		return nil, err
	}
	m.verifier = provider.Verifier(&oidc.Config{
		ClientID: p.options.ClientID, Now: p.options.Now, SupportedSigningAlgs: algorithms(),
	})
	m.oauth = oauth2.Config{
		ClientID: p.options.ClientID, ClientSecret: p.options.ClientSecret, Endpoint: provider.Endpoint(),
		RedirectURL: p.options.PublicURL + CallbackPath, Scopes: []string{oidc.ScopeOpenID, "profile", "email", "groups"},
	}
	m.oauth.Endpoint.AuthStyle = p.authStyle(m.AuthMethods)
	return m, nil
}

// authStyle is how we prove who we are when a code is redeemed. Trying both would redeem it twice.
func (p *Provider) authStyle(offered []string) oauth2.AuthStyle {
	basic := len(offered) == 0 || slices.Contains(offered, "client_secret_basic") // what metadata without a word mean
	if p.options.ClientSecret == "" || !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// guarded is the client as it may talk to a provider: answers are bounded, and what is posted, codes and secrets, is
// never sent on to where an answer points.
func guarded(c *http.Client) *http.Client {
	out := *c
	if out.Transport == nil {
		out.Transport = http.DefaultTransport
	}
	out.Transport = bounded{out.Transport}
	out.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if via[0].Method != http.MethodGet || len(via) > 3 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &out
}

// bounded cuts answers off at maxAnswer.
type bounded struct{ next http.RoundTripper }

// RoundTrip is next's, with a bounded body.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}
