package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

// newAPI makes the registrar of typed operations below Prefix.
func newAPI(e *echo.Echo, version string, f failures) huma.API {
	setUpHuma()
	config := huma.DefaultConfig("HotSwap", version)
	config.CreateHooks = nil // they add $schema to every body
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Formats = formats()
	config.Servers = []*huma.Server{{URL: Prefix}}
	config.OnAddOperation = append(config.OnAddOperation, func(_ *huma.OpenAPI, op *huma.Operation) {
		if op.MaxBodyBytes > 0 {
			op.MaxBodyBytes += spareByte
		}
	})
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "An API key or a JWT of the OIDC issuer"},
		"apiKey": {Type: "apiKey", In: "header", Name: "X-API-Key"},
	}
	config.Security = []map[string][]string{{"bearer": {}}, {"apiKey": {}}}
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[models.Value](), reflect.TypeFor[wire.RawJSON]())

	// A group without middleware: with one, Echo would answer 404 where 405 is due.
	api := humaecho.NewWithGroup(e, e.Group(Prefix), config)
	api.UseMiddleware(f.strict)
	return api
}

// setUpHuma changes what huma keeps in package variables. They are the same for all servers of a process, so
// it is done once; what differs between servers travels in the call.
var setUpHuma = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.ErrorFormatter = formatWithoutErrors(huma.ErrorFormatter)
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		return problemOf(humaError(status, errs), "")
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		if c := callOf(ctx); c != nil {
			if c.replays(cause(status, errs)) {
				return silent{}
			}
			return c.failures.answer(ctx.Context(), c.echo, cause(status, errs))
		}
		return huma.NewError(status, msg, errs...)
	}
})

// callOf finds our call below what middleware of single operations put around it.
func callOf(ctx huma.Context) *call {
	for {
		if c, ok := ctx.(*call); ok {
			return c
		}
		around, ok := ctx.(interface{ Unwrap() huma.Context })
		if !ok {
			return nil
		}
		ctx = around.Unwrap()
	}
}

// formatWithoutErrors drops the text of parsers from validation messages: it repeats what was sent.
func formatWithoutErrors(format func(string, ...any) string) func(string, ...any) string {
	return func(text string, args ...any) string {
		for _, arg := range args {
			if _, ok := arg.(error); ok {
				text, _, _ = strings.Cut(text, ": %v")
				return text
			}
		}
		return format(text, args...)
	}
}

// cause is the error behind a call of huma's error function: what the handler returned, or what validation found.
func cause(status int, errs []error) error {
	if status == http.StatusInternalServerError && len(errs) == 1 {
		return errs[0]
	}
	return humaError(status, errs)
}

// humaError is what validation found, in our form.
func humaError(status int, errs []error) *models.Error {
	e := plain(codeOf(status))
	e.Fields = fieldErrors(errs)
	if e.Code == models.CodeInvalid && len(e.Fields) == 1 {
		e.Message += ": " + e.Fields[0].Message
	}
	return e
}

// specHandler serves the API document, encoded once, when all operations are known.
func specHandler(api huma.API) echo.HandlerFunc {
	encode := sync.OnceValues(func() ([]byte, error) { return json.Marshal(api.OpenAPI()) })
	return func(c echo.Context) error {
		spec, err := encode()
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, spec)
	}
}
