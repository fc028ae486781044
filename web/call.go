package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

// spareByte is added to the limits that huma sees, for it refuses a body of exactly its limit.
const spareByte = 1

// base is a name for embedding that leaves the method Context free.
type base = huma.Context

// call is one call of a typed operation as huma sees it: the body is read and checked, the context has a deadline.
type call struct {
	base
	ctx      context.Context //nolint:containedctx // huma asks the call for its context
	echo     echo.Context
	failures failures
	body     []byte
	again    *models.RepeatedError // the call was carried out before
}

// Context is the call's, with its deadline.
func (c *call) Context() context.Context { return c.ctx }

// Unwrap gives adapters their own context back.
func (c *call) Unwrap() huma.Context { return c.base }

// BodyReader reads the body from memory.
func (c *call) BodyReader() io.Reader { return bytes.NewReader(c.body) }

// SetReadDeadline does nothing: the body has been read, and a deadline that passes while the handler works
// would cancel the call.
func (c *call) SetReadDeadline(time.Time) error { return nil }

// Header hides what huma would negotiate by: every answer is JSON, the body was found to be, and huma's parsers
// of these two fail on malformed and on upper-case ones.
func (c *call) Header(name string) string {
	if name == echo.HeaderAccept || name == echo.HeaderContentType {
		return ""
	}
	return c.base.Header(name)
}

// strict is what every typed operation has in common: it lets no request through that is not exactly what it says.
func (f failures) strict(ctx huma.Context, next func(huma.Context)) {
	ec := humaecho.Unwrap(ctx)
	ec.Set(operationKey, ctx.Operation())
	ec.Response().Header().Set(echo.HeaderCacheControl, "no-store")

	body, err := readBody(ec.Request(), ctx.Operation())
	if err == nil {
		err = checkParams(ec.Request(), ctx.Operation())
	}
	if err != nil {
		f.handle(err, ec)
		return
	}
	deadline, cancel := context.WithTimeout(ec.Request().Context(), callTimeout)
	defer cancel()
	c := &call{base: ctx, ctx: deadline, echo: ec, failures: f, body: body}
	if err := c.claim(); err != nil {
		f.known(c, err)
		return
	}
	next(c)
	if c.again != nil {
		f.known(c, *c.again)
	}
}

// readBody reads what the operation takes. Actions take nothing or {}.
func readBody(r *http.Request, op *huma.Operation) ([]byte, error) {
	if !isWrite(r.Method) {
		return nil, nil // whatever is there means nothing
	}
	body, err := wire.ReadBody(r, bodyLimit(op))
	if err == nil && body != nil && op.RequestBody == nil && !isEmptyObject(body) {
		return nil, models.Invalid("", "this call takes no body")
	}
	return body, err
}

// bodyLimit is how many bytes the operation's body may have.
func bodyLimit(op *huma.Operation) int64 {
	if op.MaxBodyBytes <= 0 {
		return models.MaxBodyBytes
	}
	return op.MaxBodyBytes - spareByte
}

func isEmptyObject(body []byte) bool {
	return string(bytes.Join(bytes.Fields(body), nil)) == "{}"
}

// checkParams refuses what huma would silently drop or hand on: repeated and empty values, and text that the
// database would choke on.
func checkParams(r *http.Request, op *huma.Operation) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return models.Malformed("the query is malformed")
	}
	var fields []models.FieldError
	for _, p := range op.Parameters {
		if message := checkParam(p, query[p.Name], r.Header.Values(p.Name)); message != "" {
			fields = append(fields, models.FieldError{Pointer: "/" + p.Name, Message: message})
		}
	}
	return models.InvalidFields(fields)
}

// checkParam says what is wrong with the values of a parameter, nothing if all is well.
func checkParam(p *huma.Param, query, header []string) string {
	values := query
	switch p.In {
	case "query":
		repeats := p.Explode != nil && *p.Explode
		switch {
		case len(values) > 1 && !repeats:
			return "it is there more than once"
		case len(values) == 1 && values[0] == "" && p.Schema != nil && (p.Schema.Type != huma.TypeString || p.Schema.Format != ""):
			return "it is empty"
		}
	case "header":
		values = header
	default:
		return ""
	}
	if slices.ContainsFunc(values, func(v string) bool { return !storable(v) }) {
		return "it holds characters that are not text"
	}
	return ""
}
