package web

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
)

// requestIDHeader names the call, as net/http spells it.
const requestIDHeader = "X-Request-Id"

// maxRequestID is how long an id that the caller brings may be.
const maxRequestID = 64

// enter is around everything: it names and observes the call, keeps panics in and writes errors.
func (s *server) enter(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, header := c.Request(), c.Response().Header()
		call := models.Request{ID: requestID(r.Header[requestIDHeader]), Address: c.RealIP()}
		ctx, seen := s.observer.begin(r, c.Path())
		c.SetRequest(r.WithContext(models.WithRequest(ctx, call)))
		header[requestIDHeader] = []string{call.ID}
		header[echo.HeaderXContentTypeOptions] = s.noSniff
		s.secure(header, r)

		whole := false
		defer func() { s.observer.end(c, seen, call.ID, whole) }()
		if err := guard(next, c); err != nil {
			s.failures.handle(err, c)
		}
		whole = true
		return nil
	}
}

// requestID keeps the caller's id if it is one and harmless wherever it is printed, and makes one otherwise.
func requestID(given []string) string {
	if len(given) != 1 || given[0] == "" || len(given[0]) > maxRequestID {
		return newRequestID()
	}
	for i := range len(given[0]) {
		if !isIDByte(given[0][i]) {
			return newRequestID()
		}
	}
	return given[0]
}

// newRequestID tells calls apart. It guards nothing, so nobody has to be unable to guess it.
func newRequestID() string {
	var id [16]byte
	raw := binary.BigEndian.AppendUint64(id[:0], rand.Uint64()) //nolint:gosec // no secret
	raw = binary.BigEndian.AppendUint64(raw, rand.Uint64())     //nolint:gosec // no secret
	var text [32]byte
	hex.Encode(text[:], raw)
	return string(text[:])
}

func isIDByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// panicked is what became of a panic: an internal error with the place it came from.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// guard turns a panic into an error. http.ErrAbortHandler stays what it is: the wish to cut the connection.
func guard(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if e, ok := value.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(value)
		}
		err = &panicked{value: value, stack: debug.Stack()}
	}()
	return next(c)
}

// authenticated asks for a credential wherever a route of the API matched, makes path parameters plain text and
// refuses query parameters that the route does not take.
func (s *server) authenticated(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := plainParams(c); err != nil {
			return err
		}
		if route := c.Path(); strings.HasPrefix(route, Prefix+"/") || speaksOFREP(route) {
			if err := s.authenticate.Enter(c); err != nil {
				return s.limits.failed(c, err)
			}
			if err := s.limits.call(c); err != nil {
				return err
			}
			if err := s.queries.check(c); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// plainParams undoes the escapes that Echo leaves in path parameters when the path has unusual ones ("%40platform").
// What no id can hold is not found.
func plainParams(c echo.Context) error {
	values := c.ParamValues()
	for i, value := range values {
		if c.Request().URL.RawPath != "" {
			value, _ = url.PathUnescape(value) // net/http parsed the path already
		}
		if !storable(value) {
			return echo.ErrNotFound
		}
		values[i] = value
	}
	return nil
}

// storable tells whether a text can be handed to the database: valid UTF-8 without NUL.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// headMark is in the context of a HEAD that is answered like a GET.
type headMark struct{}

// IsHead tells whether only the head of the answer leaves: what never ends must not begin.
func IsHead(ctx context.Context) bool { return ctx.Value(headMark{}) != nil }

// headAsGet answers HEAD like GET; net/http leaves the body out, for it looks at the request it read itself.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), headMark{}, true)) // a copy
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}
