package devstack

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// codeLife is how long a code can be exchanged, once.
const codeLife = 60 * time.Second

// challengePattern is an unpadded base64url SHA-256 (RFC 7636).
var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// errUntrusted marks a request that must not be answered by a redirect.
var errUntrusted = errors.New("unknown client or redirect address")

// authorization is a checked request of a client for somebody's sign-in.
type authorization struct {
	clientID, redirectURI, scope, state, nonce, challenge string
}

// grant is what a code stands for.
type grant struct {
	authorization
	account Account
	at      time.Time
}

// oauthError is an error of RFC 6749 and its description.
type oauthError struct{ code, description string }

func (e *oauthError) Error() string { return e.code + ": " + e.description }

// authorize shows the accounts.
func (i *Identity) authorize(w http.ResponseWriter, r *http.Request) {
	request, err := i.authorization(r.URL.Query())
	if err != nil {
		i.refuse(w, r, request, err)
		return
	}
	i.show(w, r, http.StatusOK, page{
		Title: "Sign in to HotSwap", Text: "Choose who you want to be.", Accounts: i.opts.Accounts,
	})
}

// signIn takes the press of a button. The form posts to the address of the page, so the request is checked anew.
func (i *Identity) signIn(w http.ResponseWriter, r *http.Request) {
	request, err := i.authorization(r.URL.Query())
	if err != nil {
		i.refuse(w, r, request, err)
		return
	}
	account, ok := i.account(r.PostFormValue("account"))
	if !ok {
		i.show(w, r, http.StatusBadRequest, page{
			Title: "Sign in to HotSwap", Text: "There is no such account. Choose one of these.", Accounts: i.opts.Accounts,
		})
		return
	}
	i.answer(w, r, request, url.Values{"code": {i.issueCode(request, account)}})
}

// authorization checks the request. With errUntrusted its redirect address must not be used.
func (i *Identity) authorization(q url.Values) (authorization, error) {
	a := authorization{
		clientID: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), scope: q.Get("scope"),
		state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
	}
	switch {
	case a.clientID != i.opts.ClientID || !i.redirects.allows(a.redirectURI):
		return a, errUntrusted
	case q.Has("request") || q.Has("request_uri"):
		return a, &oauthError{"request_not_supported", "request objects are not supported"}
	case q.Get("response_type") != "code":
		return a, &oauthError{"unsupported_response_type", "only code is supported"}
	case !slices.Contains(strings.Fields(a.scope), "openid"):
		return a, &oauthError{"invalid_scope", "the scope openid is required"}
	case q.Get("code_challenge_method") != "S256" || !challengePattern.MatchString(a.challenge):
		return a, &oauthError{"invalid_request", "PKCE with S256 is required"}
	case slices.Contains(strings.Fields(q.Get("prompt")), "none"):
		return a, &oauthError{"login_required", "nobody stays signed in here"}
	}
	return a, nil
}

func (i *Identity) refuse(w http.ResponseWriter, r *http.Request, request authorization, err error) {
	var known *oauthError
	if !errors.As(err, &known) {
		i.show(w, r, http.StatusBadRequest, page{
			Title: "This sign-in cannot go on", Text: "The client or the address to return to is not known here.",
		})
		return
	}
	i.answer(w, r, request, url.Values{"error": {known.code}, "error_description": {known.description}})
}

// answer goes back to the client; iss tells it whose answer it is (RFC 9207).
func (i *Identity) answer(w http.ResponseWriter, r *http.Request, request authorization, values url.Values) {
	values.Set("state", request.state)
	values.Set("iss", i.issuer)
	http.Redirect(w, r, withQuery(request.redirectURI, values), http.StatusSeeOther)
}

func (i *Identity) account(subject string) (Account, bool) {
	at := slices.IndexFunc(i.opts.Accounts, func(a Account) bool { return a.Subject == subject })
	if at < 0 {
		return Account{}, false
	}
	return i.opts.Accounts[at], true
}

func (i *Identity) issueCode(request authorization, account Account) string {
	now, code := i.now(), rand.Text()
	i.mu.Lock()
	defer i.mu.Unlock()
	for old, g := range i.codes {
		if now.Sub(g.at) > codeLife {
			delete(i.codes, old)
		}
	}
	i.codes[code] = grant{authorization: request, account: account, at: now}
	return code
}

// takeCode gives the grant once, whatever the caller then does with it.
func (i *Identity) takeCode(code string) (grant, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	g, ok := i.codes[code]
	delete(i.codes, code)
	return g, ok && i.now().Sub(g.at) <= codeLife
}

// endSession has nothing to end, for nobody stays signed in here: it says so and leads back.
func (i *Identity) endSession(w http.ResponseWriter, r *http.Request) {
	var back string
	if wanted := r.FormValue("post_logout_redirect_uri"); i.redirects.allows(wanted) {
		back = withQuery(wanted, url.Values{"state": {r.FormValue("state")}})
	}
	i.show(w, r, http.StatusOK, page{
		Title: "You are signed out", Text: "The identity provider keeps no session.", Back: back,
	})
}
