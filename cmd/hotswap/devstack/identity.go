package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Account is somebody who can sign in: one button of the page.
type Account struct {
	Subject string // stable, never shown
	Email   string
	Name    string
	Groups  []string
}

// IdentityOptions configure the identity provider. It knows one client.
type IdentityOptions struct {
	Dir          string // keeps the port and the signing key
	Accounts     []Account
	ClientID     string
	ClientSecret string // empty: a public client, which proves itself by PKCE alone
	// RedirectPrefixes are the loopback addresses that may be redirected to, such as http://127.0.0.1:8080/.
	// Scheme, host and port must be equal; the path must lie at or below that of the prefix.
	RedirectPrefixes []string
	Now              func() time.Time // nil: the clock
	Log              *slog.Logger     // nil discards
}

// Identity is a running OpenID Connect provider (authorization code flow with PKCE) for development: whoever
// reaches it signs in as any of its accounts, so it listens on the loopback interface only.
type Identity struct {
	*place
	opts      IdentityOptions
	issuer    string
	keys      *signingKeys
	pages     *pages
	redirects redirects
	now       func() time.Time
	server    *http.Server
	served    chan struct{}

	mu    sync.Mutex
	codes map[string]grant
}

// StartIdentity starts the provider on the port it had before in Dir, or any free one. ctx bounds the start
// only. The error is ErrInUse when another process works in Dir.
func StartIdentity(ctx context.Context, opts IdentityOptions) (*Identity, error) {
	place, err := enter(Options{Dir: opts.Dir, Log: opts.Log}, "identity")
	if err != nil {
		return nil, err
	}
	i := &Identity{place: place, opts: opts, now: opts.Now, codes: map[string]grant{}, served: make(chan struct{})}
	if i.now == nil {
		i.now = time.Now
	}
	listener, err := i.prepare(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the identity provider: %w", err), i.leave())
	}
	go i.serve(context.WithoutCancel(ctx), listener)
	return i, nil
}

func (i *Identity) prepare(ctx context.Context) (_ net.Listener, err error) {
	if i.redirects, err = parseRedirects(i.opts.RedirectPrefixes); err != nil {
		return nil, err
	}
	if i.keys, err = loadKeys(i.place); err != nil {
		return nil, err
	}
	if i.pages, err = loadPages(); err != nil {
		return nil, err
	}
	listener, err := i.listen(ctx)
	if err != nil {
		return nil, err
	}
	i.issuer = "http://" + listener.Addr().String()
	i.server = &http.Server{
		Handler:           i.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(i.log.Handler(), slog.LevelWarn),
	}
	return listener, nil
}

func (i *Identity) serve(ctx context.Context, listener net.Listener) {
	defer close(i.served)
	if err := i.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		i.log.ErrorContext(ctx, "the identity provider ended by itself", "error", err)
	}
}

func (i *Identity) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks", i.jwks)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /authorize", i.signIn)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", i.userinfo)
	mux.HandleFunc("POST /userinfo", i.userinfo)
	mux.HandleFunc("GET /end_session", i.endSession)
	mux.HandleFunc("POST /end_session", i.endSession)
	mux.HandleFunc("GET /style.css", i.pages.style)
	// A page of another site must not press the buttons of this one.
	return http.MaxBytesHandler(http.NewCrossOriginProtection().Handler(secure(mux)), 64<<10)
}

// secure sets the headers of every answer. The policy has no form-action: Chromium applies it to the redirect
// that answers the form too, and that one leaves for the console.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// Issuer is http://127.0.0.1:PORT, the same at every start in one directory while the port is free.
func (i *Identity) Issuer() string { return i.issuer }

// Stop ends the provider and frees the directory. Open requests are finished while ctx lasts. A second call does
// nothing.
func (i *Identity) Stop(ctx context.Context) error {
	err := i.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, i.server.Close())
	}
	<-i.served
	if errLeave := i.leave(); !errors.Is(errLeave, os.ErrClosed) {
		err = errors.Join(err, errLeave)
	}
	return err
}
