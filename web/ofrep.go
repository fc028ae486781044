package web

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

// ofrepPrefix is the path below which the OpenFeature Remote Evaluation Protocol is spoken, errors included.
const ofrepPrefix = "/ofrep/"

// flagParam is what the key of a flag is called in the pattern of a route.
const flagParam = "key"

// Error codes of the OpenFeature specification, as the protocol uses them.
const (
	flagParseError     = "PARSE_ERROR"
	flagInvalidContext = "INVALID_CONTEXT"
	flagNotFound       = "FLAG_NOT_FOUND"
	flagGeneral        = "GENERAL"
)

// flagFailure is the body of an error answer of the protocol. The key is there where one flag was asked for.
type flagFailure struct {
	Key          string `json:"key,omitempty"`
	ErrorCode    string `json:"errorCode"`
	ErrorDetails string `json:"errorDetails"`
}

// speaksOFREP tells whether a path, or the pattern of a route, is the protocol's.
func speaksOFREP(path string) bool { return strings.HasPrefix(path, ofrepPrefix) }

// sendFlagFailure answers with the problem in the protocol's own form.
func (f failures) sendFlagFailure(c echo.Context, problem *wire.Problem) {
	failure := flagFailure{
		Key: flagKey(c), ErrorCode: flagCode(c, problem), ErrorDetails: flagDetails(problem),
	}
	ctx, body := c.Request().Context(), &bytes.Buffer{}
	if err := encodeJSON(body, failure); err != nil {
		f.log.ErrorContext(ctx, "cannot encode a failure", "error", err)
	}
	if err := c.Blob(flagStatus(problem), echo.MIMEApplicationJSON, body.Bytes()); err != nil {
		f.log.DebugContext(ctx, "the caller left before the answer", "error", err)
	}
}

// flagKey is the key of the flag that a call is about, empty for none. Who asks for more than a key can be gets the
// beginning of it back.
func flagKey(c echo.Context) string {
	key := c.Param(flagParam)
	return strings.ToValidUTF8(key[:min(len(key), models.MaxKeyLength)], "")
}

// flagStatus is the problem's, but for one that the protocol does not know.
func flagStatus(problem *wire.Problem) int {
	if problem.Status == http.StatusUnprocessableEntity {
		return http.StatusBadRequest
	}
	return problem.Status
}

func flagCode(c echo.Context, problem *wire.Problem) string {
	switch {
	case problem.Code == models.CodeNotFound && flagKey(c) != "":
		return flagNotFound
	case problem.Code == models.CodeMalformed:
		return flagParseError
	case problem.Code == models.CodeInvalid && len(problem.Errors) > 0 && strings.HasPrefix(problem.Errors[0].Pointer, "/context"):
		return flagInvalidContext
	default:
		return flagGeneral
	}
}

// flagDetails are the problem's own words and, where they say what is wrong where, the place.
func flagDetails(problem *wire.Problem) string {
	if len(problem.Errors) == 0 || problem.Errors[0].Pointer == "" {
		return problem.Detail
	}
	return problem.Errors[0].Pointer + ": " + problem.Errors[0].Message
}
