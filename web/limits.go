package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/pace"
)

// Limits bound how often callers call. A nil Pace bounds nothing, and costs nothing.
type Limits struct {
	Reads       *pace.Pace // what applications read, by credential
	Calls       *pace.Pace // all other calls of the API, by credential
	Credentials *pace.Pace // calls without a known credential, by address
	Now         func() time.Time
}

// NewLimits makes the limits of the API, each of its own limit and share.
func NewLimits(now func() time.Time, reads, calls, credentials pace.Options) Limits {
	reads.Kind, reads.Message = "reads", "your credential reads too often; please wait a moment"
	calls.Kind, calls.Message = "calls", "your credential calls too often; please wait a moment"
	credentials.Kind = "credentials"
	credentials.Message = "too many calls without a valid credential came from your address; please wait a moment"
	return Limits{Reads: pace.New(reads), Calls: pace.New(calls), Credentials: pace.New(credentials), Now: now}
}

// Run tells the other nodes what was taken here, until the context ends.
func (l Limits) Run(ctx context.Context) {
	var telling sync.WaitGroup
	for _, p := range []*pace.Pace{l.Reads, l.Calls, l.Credentials} {
		telling.Go(func() { p.Run(ctx, l.Now) })
	}
	telling.Wait()
}

// call bounds a call whose credential is known: rate_limited. The answer tells what is left.
func (l Limits) call(c echo.Context) error {
	p := l.Calls
	if isRead(c.Path()) {
		p = l.Reads
	}
	if p == nil {
		return nil
	}
	ctx := c.Request().Context()
	actor, _ := models.ActorFrom(ctx) // whoever comes here was let in
	left, err := p.Take(ctx, actor.Credential(), l.Now())
	if err == nil {
		setAllowance(c.Response().Header(), left)
	}
	return err
}

// isRead tells whether a route answers applications from memory: resolved reads, streams, OFREP.
func isRead(route string) bool {
	below, ok := strings.CutPrefix(route, Prefix+"/configs/")
	return ok && (strings.HasPrefix(below, "tenant/") && !strings.HasSuffix(below, "/explain") || below == "stream") ||
		strings.HasPrefix(route, "/ofrep/")
}

// failed bounds calls whose credential is not known: rate_limited in place of unauthenticated. A credential that is
// known is served from the same address all the same: many share one.
func (l Limits) failed(c echo.Context, refused error) error {
	if l.Credentials == nil || !is(refused, models.CodeUnauthenticated) {
		return refused
	}
	ctx := c.Request().Context()
	if err := l.Credentials.Check(ctx, pace.Network(models.RequestFrom(ctx).Address), l.Now()); err != nil {
		return &tooOftenError{refused: refused, limited: err}
	}
	return refused
}

// tooOftenError is answered as rate_limited and counted as the unknown credential that it is.
type tooOftenError struct{ refused, limited error }

// Error tells both.
func (e *tooOftenError) Error() string { return errors.Join(e.limited, e.refused).Error() }

// Unwrap leads to what is answered.
func (e *tooOftenError) Unwrap() error { return e.limited }

// The headers that tell callers what is left (draft-ietf-httpapi-ratelimit-headers, before it put all into one).
const (
	limitHeader     = "Ratelimit-Limit" // as net/http spells it; names of headers have no case
	remainingHeader = "Ratelimit-Remaining"
	resetHeader     = "Ratelimit-Reset"
)

func setAllowance(h http.Header, a models.Allowance) {
	h[limitHeader] = []string{strconv.Itoa(a.Limit)}
	h[remainingHeader] = []string{strconv.Itoa(a.Remaining)}
	h[resetHeader] = []string{strconv.FormatInt(int64((a.Reset+time.Second-1)/time.Second), 10)}
}
