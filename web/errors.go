package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web/wire"
)

// kind is how a code looks to the caller.
type kind struct {
	status int
	title  string
	detail string // said when the error has no sentence of its own that callers may read
}

// kinds is the one map from codes to statuses.
var kinds = map[models.Code]kind{
	models.CodeMalformed:            {http.StatusBadRequest, "Malformed request", "the request is malformed"},
	models.CodeUnauthenticated:      {http.StatusUnauthorized, "Not authenticated", "a valid credential is required"},
	models.CodeForbidden:            {http.StatusForbidden, "Not allowed", "this is not allowed"},
	models.CodeNotFound:             {http.StatusNotFound, "Not found", "there is nothing at this path"},
	models.CodeMethodNotAllowed:     {http.StatusMethodNotAllowed, "Method not allowed", "this path does not take the method"},
	models.CodeTimeout:              {http.StatusRequestTimeout, "Request timeout", "the request did not arrive in time"},
	models.CodeConflict:             {http.StatusConflict, "Conflict", "it is no longer as you believe"},
	models.CodePreconditionFailed:   {http.StatusPreconditionFailed, "Precondition failed", "it was changed since you read it"},
	models.CodeTooLarge:             {http.StatusRequestEntityTooLarge, "Too large", "the request is too large"},
	models.CodeUnsupportedMediaType: {http.StatusUnsupportedMediaType, "Unsupported media type", "the body must be application/json"},
	models.CodeInvalid:              {http.StatusUnprocessableEntity, "Invalid request", "the request breaks a rule"},
	models.CodeFrozen:               {http.StatusLocked, "Frozen", "a freeze window is open"},
	models.CodeRateLimited:          {http.StatusTooManyRequests, "Too many requests", "too many requests"},
	models.CodeInternal:             {http.StatusInternalServerError, "Internal error", "something went wrong on our side"},
	models.CodeUnavailable:          {http.StatusServiceUnavailable, "Unavailable", "try again in a moment"},
}

// Status is the HTTP status of a code.
func Status(code models.Code) int { return kindOf(code).status }

func kindOf(code models.Code) kind {
	if k, ok := kinds[code]; ok {
		return k
	}
	return kinds[models.CodeInternal]
}

// codeOf is the code of a status that Echo or huma chose.
func codeOf(status int) models.Code {
	for code, k := range kinds {
		if k.status == status {
			return code
		}
	}
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return models.CodeMalformed
	}
	return models.CodeInternal
}

// plain is the error of a code in its own words.
func plain(code models.Code) *models.Error {
	return &models.Error{Code: code, Message: kindOf(code).detail}
}

// failures turns errors into answers; nothing else does.
type failures struct {
	log    *slog.Logger
	pages  *Pages // nil: every error is JSON
	refuse func(context.Context, models.Refusal)
	denied func(context.Context, models.Refusal)

	repeated func(context.Context, *models.Claim) error
}

// handle answers an error of a plain route, and everything that went wrong before or after a route.
func (f failures) handle(err error, c echo.Context) {
	ctx := c.Request().Context()
	if c.Response().Committed {
		f.abort(ctx, c, err)
		return
	}
	problem := f.answer(ctx, c, err)
	if speaksOFREP(c.Request().URL.Path) {
		f.sendFlagFailure(c, problem)
		return
	}
	if f.pages != nil && wantsHTML(c.Request()) {
		f.showPage(c, problem, err)
		return
	}
	f.send(ctx, c, problem)
}

// showPage answers with an error page, or the one that the error brings, and with the problem if even that cannot be
// drawn.
func (f failures) showPage(c echo.Context, problem *wire.Problem, err error) {
	ctx := c.Request().Context()
	if own, ok := errors.AsType[*PageError](err); ok {
		err = f.pages.Render(c, problem.Status, own.Page)
	} else {
		err = f.pages.fail(c, failureOf(problem, c.Request()))
	}
	switch {
	case err == nil:
	case c.Response().Committed:
		f.log.DebugContext(ctx, "the caller left before the answer", "error", err)
	default:
		f.log.ErrorContext(ctx, "cannot draw an error page", "error", err)
		f.send(ctx, c, problem)
	}
}

func (f failures) send(ctx context.Context, c echo.Context, problem *wire.Problem) {
	body := &bytes.Buffer{}
	if err := encodeJSON(body, problem); err != nil {
		f.log.ErrorContext(ctx, "cannot encode a problem", "error", err)
	}
	if err := c.Blob(problem.Status, wire.ProblemType, body.Bytes()); err != nil {
		f.log.DebugContext(ctx, "the caller left before the answer", "error", err)
	}
}

// abort cuts the connection: half an answer has left, and the caller must not take it for a whole one.
// A caller who left is no failure.
func (f failures) abort(ctx context.Context, c echo.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	f.logInternal(ctx, c, err)
	panic(http.ErrAbortHandler)
}

// answer makes the problem document of an error, sets the headers that belong to it and reports what must be.
func (f failures) answer(ctx context.Context, c echo.Context, err error) *wire.Problem {
	e := public(ctx, err)
	if e.Code == models.CodeInternal {
		f.logInternal(ctx, c, err)
	}
	f.report(ctx, c, e, err)
	setHeaders(c.Response().Header(), e)
	return problemOf(e, models.RequestFrom(ctx).ID)
}

func (f failures) logInternal(ctx context.Context, c echo.Context, err error) {
	f.log.ErrorContext(ctx, "request failed",
		"error", err, "requestId", models.RequestFrom(ctx).ID, "method", c.Request().Method, "route", c.Path())
}

// public is what a caller may know of an error. What is not of our making is internal.
func public(ctx context.Context, err error) *models.Error {
	var (
		own     *models.Error
		routing *echo.HTTPError
		crash   *panicked
	)
	switch {
	case errors.As(err, &crash):
		return plain(models.CodeInternal)
	case errors.As(err, &own):
		return worded(own)
	case errors.As(err, &routing):
		return plain(codeOf(routing.Code))
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		// The deadline passed, or the caller left and reads no answer anyway.
		return models.Unavailable("the call took too long", time.Second)
	default:
		return plain(models.CodeInternal)
	}
}

// is tells whether an error is ours, with that code.
func is(err error, code models.Code) bool {
	own, ok := errors.AsType[*models.Error](err)
	return ok && own.Code == code
}

// worded keeps the text of internal errors inside.
func worded(e *models.Error) *models.Error {
	if kindOf(e.Code).status == http.StatusInternalServerError {
		return plain(models.CodeInternal)
	}
	return e
}

func setHeaders(h http.Header, e *models.Error) {
	h.Set(echo.HeaderCacheControl, "no-store")
	if e.Code == models.CodeUnauthenticated {
		h.Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	if e.Allowance != nil {
		setAllowance(h, *e.Allowance)
	}
	if e.RetryAfter > 0 || e.Code == models.CodeFrozen || e.Code == models.CodeRateLimited || e.Code == models.CodeUnavailable {
		h.Set(echo.HeaderRetryAfter, seconds(e.RetryAfter))
	}
}

// advice says what people can do about an error whose sentence does not.
func advice(code models.Code) string {
	switch code {
	case models.CodeUnauthenticated:
		return "Nothing was changed. Sign in and try again."
	case models.CodeInternal, models.CodeUnavailable, models.CodeTimeout:
		return "What was saved before is safe. Try again in a moment; if it happens again, tell your operator the request's id."
	case models.CodeNotFound:
		return "It may have been removed, or you may not see it."
	default:
		return ""
	}
}

// failureOf is a problem as a page shows it.
func failureOf(p *wire.Problem, r *http.Request) views.Failure {
	f := views.Failure{
		Status: p.Status, Title: p.Title, Detail: sentence(p.Detail), Advice: advice(p.Code), Fields: p.Errors, RequestID: p.RequestID,
	}
	if p.Code == models.CodeUnauthenticated {
		f.SignIn = signInURL(r)
	}
	return f
}

// sentence makes one of the words that the API uses.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return views.Capital(text) + "."
}

// seconds rounds up, so that nobody comes back too early; at least 1.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

func problemOf(e *models.Error, requestID string) *wire.Problem {
	k := kindOf(e.Code)
	return &wire.Problem{
		Type: "urn:hotswap:problem:" + string(e.Code), Title: k.title, Status: k.status,
		Detail: e.Message, Code: e.Code, Errors: shown(e.Fields), RequestID: requestID,
	}
}

// How much of what callers named themselves an answer repeats.
const (
	maxFields  = 50
	maxPointer = 200
)

// shown bounds the findings: pointers hold names that were sent. A pointer that is too long becomes that of
// the nearest parent.
func shown(fields []models.FieldError) []models.FieldError {
	out := make([]models.FieldError, min(len(fields), maxFields))
	for i := range out {
		out[i] = fields[i]
		for len(out[i].Pointer) > maxPointer {
			out[i].Pointer = out[i].Pointer[:max(0, strings.LastIndexByte(out[i].Pointer, '/'))]
		}
	}
	return out
}

// encodeJSON writes compact JSON as people wrote it: <, > and & stay, and no line end follows.
func encodeJSON(w io.Writer, v any) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
	return err
}
