package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/hotswap/hotswap/services/access"
)

// profile is what a provider says of somebody, beside issuer and subject. What it does not say is nil.
type profile struct {
	Email         *string  `json:"email"`
	EmailVerified *boolean `json:"email_verified"`
	Name          *string  `json:"name"`
	Groups        []string `json:"groups"`
}

// boolean is a JSON one, or the text of one: some providers write "true".
type boolean bool

// UnmarshalJSON takes nothing else.
func (b *boolean) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", `"true"`:
		*b = true
	case "false", `"false"`:
		*b = false
	default:
		return fmt.Errorf("auth: %.20s is neither true nor false", text)
	}
	return nil
}

func (p profile) claims(token *oidc.IDToken) access.Claims {
	return access.Claims{
		Issuer: token.Issuer, Subject: token.Subject, Email: strings.ToLower(said(p.Email)),
		EmailVerified: bool(said(p.EmailVerified)), Name: said(p.Name), Groups: p.Groups,
		Until: token.Expiry,
	}
}

func (p profile) unsaid() access.Unsaid {
	return access.Unsaid{
		Email: p.Email == nil, EmailVerified: p.EmailVerified == nil, Name: p.Name == nil, Groups: p.Groups == nil,
	}
}

// said is the zero value for what was not said.
func said[T any](claim *T) (value T) {
	if claim != nil {
		value = *claim
	}
	return value
}

// profile is what the ID token says of the person, and what it leaves to the userinfo endpoint (OpenID Connect Core
// 5.3, 5.4).
func (m *metadata) profile(ctx context.Context, token *oidc.IDToken, tokens *oauth2.Token) (profile, error) {
	var told profile
	if err := token.Claims(&told); err != nil {
		return profile{}, fmt.Errorf("%w: %w", errNoProof, err)
	}
	complete := said(told.Email) != "" && said(told.Name) != "" && told.Groups != nil
	if complete || m.provider.UserInfoEndpoint() == "" || tokens.AccessToken == "" {
		return told, nil
	}
	info, err := m.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return profile{}, down()
	}
	if info.Subject != token.Subject {
		return profile{}, fmt.Errorf("%w: userinfo speaks of somebody else", errNoProof)
	}
	var more profile
	if err := info.Claims(&more); err != nil {
		return profile{}, fmt.Errorf("%w: userinfo cannot be read: %w", errNoProof, err)
	}
	return told.with(more), nil
}

// with fills in what is missing. An e-mail and its being verified belong together.
func (p profile) with(more profile) profile {
	if said(p.Email) == "" {
		p.Email, p.EmailVerified = more.Email, more.EmailVerified
	}
	if said(p.Name) == "" {
		p.Name = more.Name
	}
	if p.Groups == nil {
		p.Groups = slices.Clone(more.Groups)
	}
	return p
}
