package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
)

// KeyHeader names a call: the same call with the same key is carried out once.
const KeyHeader = "Idempotency-Key"

// ReplayedHeader tells that an answer is that of a call which was carried out before.
const ReplayedHeader = "Idempotency-Replayed"

// Replay renders what a call made or moved when it comes again, as the thing is now and the caller may see it. What is
// secret is not shown a second time.
type Replay func(ctx context.Context, again Repeat) (Replayed, error)

// Repeat is a call that was carried out before.
type Repeat struct {
	Layer    string // the tenant or layer in whose log it is
	Resource string // noun/id of what it made or moved, as the log names it

	Param func(name string) string // of the path
	Query url.Values
}

// Replayed is the answer to such a call; without a body it has none.
type Replayed struct {
	Status   int
	Location string
	ETag     string
	Body     any
}

// replayKey is where an operation keeps its Replay.
const replayKey = "replay"

// SetReplays gives operations their replays by id. What writes and has none takes no Idempotency-Key.
func SetReplays(api huma.API, replays map[string]Replay) {
	for _, item := range api.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			replay, ok := replays[op.OperationID]
			if !ok {
				continue
			}
			if op.Metadata == nil {
				op.Metadata = map[string]any{}
			}
			op.Metadata[replayKey] = replay
			op.Parameters = append(op.Parameters, keyParameter())
		}
	}
}

func keyParameter() *huma.Param {
	shortest, longest := 1, models.MaxClaimKey
	return &huma.Param{
		Name: KeyHeader, In: "header", Example: "0198c7a2-order-4711",
		Description: "Names this call: for 24 hours the same call with the same key is carried out once, and answered again as what it made is then.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest, Pattern: "^[!-~]+$"},
	}
}

// operationsOf lists the operations of a path.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	var all []*huma.Operation
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
		if op != nil {
			all = append(all, op)
		}
	}
	return all
}

// claim puts the claim of a call with an Idempotency-Key into its context. models.RepeatedError: it was carried out
// before; invalid: the key is none, or belongs to another call.
func (c *call) claim() error {
	if _, ok := replayOf(c); !ok {
		return nil
	}
	r := c.echo.Request()
	keys := r.Header.Values(KeyHeader)
	switch {
	case len(keys) == 0:
		return nil
	case len(keys) > 1 || !models.ValidClaimKey(keys[0]):
		return models.Invalid("/"+KeyHeader, "one key of 1 to 255 visible ASCII characters")
	}
	actor, ok := models.ActorFrom(c.ctx)
	if !ok {
		return models.Unauthenticated()
	}
	claim := &models.Claim{
		Credential: actor.String() + " " + actor.KeyID, Method: r.Method, Path: r.URL.Path, Key: keys[0],
		Digest: digestOf(r.URL.RawQuery, c.body),
	}
	c.ctx = models.WithClaim(c.ctx, claim)
	return c.failures.repeated(c.ctx, claim)
}

// digestOf covers what the call says beside its path. A query holds no line end.
func digestOf(query string, body []byte) []byte {
	digest := sha256.New()
	_, _ = digest.Write([]byte(query + "\n")) // a hash takes everything
	_, _ = digest.Write(body)
	return digest.Sum(nil)
}

func replayOf(ctx huma.Context) (Replay, bool) {
	replay, ok := ctx.Operation().Metadata[replayKey].(Replay)
	return replay, ok
}

// replays notes that the service found the call to be a repetition. Its answer is written when huma is done.
func (c *call) replays(err error) bool {
	again, ok := errors.AsType[models.RepeatedError](err)
	if ok {
		c.again = &again
	}
	return ok
}

// replay answers a call that was carried out before.
func (c *call) replay() error {
	replay, ok := replayOf(c)
	if !ok {
		return *c.again // without a replay nothing is claimed
	}
	ec := humaecho.Unwrap(c.base)
	// What is rendered is only looked at: nothing of it may be taken for the call.
	answer, err := replay(models.WithClaim(c.ctx, nil), Repeat{
		Layer: c.again.Layer, Resource: c.again.Resource, Param: ec.Param, Query: ec.Request().URL.Query(),
	})
	if err != nil {
		return err
	}
	return answer.send(ec)
}

func (a Replayed) send(c echo.Context) error {
	h := c.Response().Header()
	h.Set(ReplayedHeader, "true")
	for name, value := range map[string]string{echo.HeaderLocation: a.Location, "ETag": a.ETag} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if a.Body == nil {
		return c.NoContent(a.Status)
	}
	h.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	c.Response().WriteHeader(a.Status)
	return encodeJSON(c.Response(), a.Body)
}

// known answers the call when it was carried out before, or with what speaks against it.
func (f failures) known(c *call, err error) {
	if c.replays(err) {
		err = c.replay()
	}
	if err != nil {
		f.handle(err, c.echo)
	}
}

// SetStatus sends the status, unless huma speaks of a repetition: that is answered afterwards.
func (c *call) SetStatus(status int) {
	if c.again == nil {
		c.base.SetStatus(status)
	}
}

// SetHeader sets a header of the answer.
func (c *call) SetHeader(name, value string) {
	if c.again == nil {
		c.base.SetHeader(name, value)
	}
}

// BodyWriter takes the answer's body.
func (c *call) BodyWriter() io.Writer {
	if c.again == nil {
		return c.base.BodyWriter()
	}
	return io.Discard
}

// silent is what huma is given to answer in place of the error that tells of a repetition: nothing.
type silent struct{}

// Error is read by nobody.
func (silent) Error() string { return "" }

// GetStatus is one without a body.
func (silent) GetStatus() int { return http.StatusNoContent }
