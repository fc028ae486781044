// Package auth tells who calls: it finds the credential in a request and puts the actor behind it into the context.
package auth

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
)

// KeyHeader is the header of an API key; Authorization: Bearer does as well.
const KeyHeader = "X-Api-Key"

// Authenticate finds the actor behind an API key or JWT; unauthenticated when there is none.
type Authenticate func(ctx context.Context, credential string, from models.Request) (models.Actor, error)

// Enter puts the actor of the call into its context; unauthenticated when there is none.
// Cookies are no credential here.
func (a Authenticate) Enter(c echo.Context) error {
	r := c.Request()
	credential, err := Credential(r.Header)
	if err != nil {
		return err
	}
	ctx := r.Context()
	actor, err := a(ctx, credential, models.RequestFrom(ctx))
	if err != nil {
		return err
	}
	if call, ok := ctx.(*models.Call); ok { // a copy of the request is not cheap
		call.Identify(actor)
		return nil
	}
	c.SetRequest(r.WithContext(models.WithActor(ctx, actor)))
	return nil
}

// Credential is the one API key or JWT of a request; unauthenticated when there is none, or when the headers
// leave open which one is meant.
func Credential(h http.Header) (string, error) {
	authorization, keys := h[echo.HeaderAuthorization], h[KeyHeader]
	switch {
	case len(authorization) > 1 || len(keys) > 1:
		return "", models.Unauthenticated()
	case len(authorization) == 0 && len(keys) == 1:
		return token(keys[0])
	case len(authorization) == 1:
		credential, err := token(bearer(authorization[0]))
		if len(keys) == 1 && keys[0] != credential {
			return "", models.Unauthenticated()
		}
		return credential, err
	default:
		return "", models.Unauthenticated()
	}
}

// bearer is what follows the scheme of an Authorization header (RFC 6750), empty when the scheme is another.
// The scheme's case does not matter (RFC 9110).
func bearer(value string) string {
	scheme, credential, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(credential, " ")
}

// token lets visible ASCII through and nothing else.
func token(text string) (string, error) {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return "", models.Unauthenticated()
		}
	}
	if text == "" {
		return "", models.Unauthenticated()
	}
	return text, nil
}
