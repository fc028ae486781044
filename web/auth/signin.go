package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/web/pace"
)

// The paths of signing in and out, below the public URL.
const (
	LoginPath     = "/login"
	CallbackPath  = "/login/callback"
	LogoutPath    = "/logout"
	SignedOutPath = "/signed-out"
)

const (
	// ReturnParam is the query parameter of LoginPath that says where to go afterwards.
	ReturnParam = "return"
	// movedParam says that the browser was sent to the public URL already.
	movedParam = "moved"
)

// finishTimeout bounds all that the end of a login waits for: the provider, up to three times, and Postgres.
const finishTimeout = 15 * time.Second

// SignInOptions say what signing in works with.
type SignInOptions struct {
	Provider *Provider
	Access   *access.Service
	Log      *slog.Logger
	// Denied counts a login that was refused; the address is in the context.
	Denied func(context.Context, models.Refusal)
	// Pace bounds how often logins are begun; see Pace. nil: nothing does.
	Pace *pace.Pace
}

// SignIn is the console's way in and out: OpenID Connect and sessions that the server keeps.
type SignIn struct {
	SignInOptions

	store *Store
}

// NewSignIn makes it; nothing is asked of the provider yet.
func NewSignIn(o SignInOptions) *SignIn {
	return &SignIn{SignInOptions: o, store: &Store{access: o.Access}}
}

// The names of a login's values.
const (
	stateValue    = "state"
	nonceValue    = "nonce"
	verifierValue = "verifier"
	returnValue   = "return"
)

// Begin starts a login and returns where the browser has to go: to the provider, or first to LoginPath below the public
// URL, whose cookies the provider's answer will find. Unavailable when the provider does not answer, rate_limited when
// too many are begun.
func (s *SignIn) Begin(c echo.Context, returnTo string) (string, error) {
	returnTo = afterLogin(returnTo)
	if address, away := s.away(c.Request(), returnTo); away {
		return address, nil
	}
	ctx := c.Request().Context()
	if err := s.Pace.Check(ctx, pace.Network(models.RequestFrom(ctx).Address), s.Provider.options.Now()); err != nil {
		return "", err
	}
	l := login{state: rand.Text() + rand.Text(), nonce: rand.Text() + rand.Text(), verifier: oauth2.GenerateVerifier()}
	address, err := s.Provider.authorizationURL(ctx, l)
	if err != nil {
		return "", err
	}
	session := s.store.blank(LoginCookie)
	session.Values = map[any]any{
		stateValue: l.state, nonceValue: l.nonce, verifierValue: l.verifier, returnValue: returnTo,
	}
	return address, session.Save(c.Request(), c.Response())
}

// away is the public URL's login when the browser is elsewhere. It is sent there once: behind a proxy that changes
// the host it would go round in circles.
func (s *SignIn) away(r *http.Request, returnTo string) (address string, away bool) {
	u, err := url.Parse(s.Provider.options.PublicURL)
	if err != nil || u.Host == r.Host || r.URL.Query().Has(movedParam) {
		return "", false
	}
	query := url.Values{ReturnParam: {returnTo}, movedParam: {"1"}}
	return u.Scheme + "://" + u.Host + LoginPath + "?" + query.Encode(), true
}

// Finish ends a login at CallbackPath: with a new session, whatever the browser had before, and the path of ours to
// go to. Forbidden with a sentence for the person when the provider's answer is refused, unavailable when the provider
// does not answer. A login is over after the first try, however it ends.
func (s *SignIn) Finish(c echo.Context) (returnTo string, err error) {
	// The code can be redeemed once, so this is brought to its end also for a browser that left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), finishTimeout)
	defer cancel()
	values, err := s.finish(ctx, c)
	if err != nil {
		return "", s.refused(ctx, err)
	}
	return afterLogin(text(values, returnValue)), nil
}

// finish returns the values of the login that ended well.
func (s *SignIn) finish(ctx context.Context, c echo.Context) (map[any]any, error) {
	r := c.Request()
	values, err := s.store.take(ctx, r, c.Response())
	if err != nil {
		return nil, err
	}
	code, err := s.code(ctx, r.URL.Query(), text(values, stateValue))
	if err != nil {
		return nil, err
	}
	l := login{nonce: text(values, nonceValue), verifier: text(values, verifierValue)}
	who, err := s.Provider.exchange(ctx, code, l)
	if err != nil {
		return nil, err
	}
	return values, s.start(ctx, c, who)
}

// answerError is an error that the provider reports by its name (RFC 6749 4.1.2.1).
type answerError string

func (e answerError) Error() string { return "the identity provider answered " + string(e) }

// errorName is what the name of such an error looks like; anything else is not shown to people.
var errorName = regexp.MustCompile(`^[a-z_]{1,40}$`)

// code is the code in the provider's answer, if it is the answer to this login.
func (s *SignIn) code(ctx context.Context, answer url.Values, state string) (string, error) {
	for _, name := range []string{"state", "iss", "error", "code"} {
		if len(answer[name]) > 1 {
			return "", fmt.Errorf("%w: %s is there more than once", errNoProof, name)
		}
	}
	if state == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(state)) != 1 {
		return "", fmt.Errorf("%w: the state is another login's", errNoProof)
	}
	if err := s.Provider.checkIssuer(ctx, answer.Get("iss")); err != nil {
		return "", err
	}
	code, problem := answer.Get("code"), answer.Get("error")
	switch {
	case errorName.MatchString(problem):
		return "", answerError(problem)
	case problem != "" || code == "":
		return "", answerError("without a code")
	}
	return code, nil
}

// start begins the session of who signed in. Nothing of the provider's is kept with it.
func (s *SignIn) start(ctx context.Context, c echo.Context, who access.Claims) error {
	data, err := encodeValues(nil)
	if err != nil {
		return err
	}
	r := c.Request()
	token, err := s.Access.StartSession(ctx, access.SessionStart{
		Claims: who, Data: data, UserAgent: r.UserAgent(), Earlier: tokenOf(r, SessionCookie),
	})
	if err == nil {
		s.store.hand(c.Response(), token)
	}
	return err
}

// refused is what a person reads of a login that failed, and counts it. Why exactly is for the operator: an answer
// that was tampered with is told nothing.
func (s *SignIn) refused(ctx context.Context, err error) error {
	var known *models.Error
	var answered answerError
	says := "this sign-in cannot be completed; please sign in again"
	switch {
	case errors.As(err, &known) && known.Code == models.CodeNotFound:
		says = "this sign-in was not begun in this browser, was completed before or took too long; please sign in again"
	case errors.As(err, &known) && known.Code == models.CodeForbidden:
		says = known.Message
	case errors.As(err, &answered):
		says = answered.Error() + "; please sign in again"
	case errors.As(err, &known) && known.Code == models.CodeUnauthenticated, errors.Is(err, errNoProof):
	default:
		return err // it failed, and nobody was refused
	}
	s.Log.InfoContext(ctx, "a sign-in was refused", "error", err, "requestId", models.RequestFrom(ctx).ID)
	s.Denied(ctx, models.Refusal{
		Action: access.ActionLogin, Resource: "session", Code: models.CodeForbidden, Detail: says,
		Route: http.MethodGet + " " + CallbackPath,
	})
	return models.Forbidden(says)
}

// text is a value of a session that is a text.
func text(values map[any]any, name string) string {
	t, _ := values[name].(string)
	return t
}
