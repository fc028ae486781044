package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
)

// refuseTimeout bounds how long writing down a refusal may hold its answer back.
const refuseTimeout = 2 * time.Second

// maxNamed is how much of an id that a path names a refusal keeps.
const maxNamed = 128

// operationKey is where a typed operation leaves itself for the refusals of its calls.
const operationKey = "operation"

// actionKey is where a form of the console leaves what it does.
const actionKey = "action"

// report hands on what was turned away: a known actor's write before its answer leaves, anything else as a count.
func (f failures) report(ctx context.Context, c echo.Context, e *models.Error, err error) {
	if tooOften, ok := errors.AsType[*tooOftenError](err); ok {
		f.report(ctx, c, models.Unauthenticated(), tooOften.refused)
		return
	}
	if e.Code == models.CodeUnauthenticated {
		f.denied(ctx, refusalOf(c, e))
		return
	}
	if _, known := models.ActorFrom(ctx); !known {
		return
	}
	switch {
	case isWrite(c.Request().Method) && refuses(e.Code) && !isRouting(err) && !observes(c):
		// The answer must not leave unrecorded because the caller hung up or used up the call's time.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refuseTimeout)
		defer cancel()
		f.refuse(ctx, refusalOf(c, e))
	case e.Code == models.CodeForbidden, e.Code == models.CodeNotFound && !isRouting(err):
		f.denied(ctx, refusalOf(c, e))
	}
}

// observationKey marks operations in their metadata.
const observationKey = "observation"

// Observes marks an operation that tells us what it sees and changes nothing that the log holds, many times a minute:
// its refusals are counted like those of reads. So are those of evaluations of flags, which are reads.
func Observes(op huma.Operation) huma.Operation {
	op.Metadata = map[string]any{observationKey: true}
	return op
}

func observes(c echo.Context) bool {
	if speaksOFREP(c.Path()) {
		return true
	}
	op, ok := c.Get(operationKey).(*huma.Operation)
	return ok && op.Metadata[observationKey] == true
}

func isWrite(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	default:
		return false
	}
}

// refuses tells whether the code says no to an act, rather than not understanding it.
func refuses(code models.Code) bool {
	return slices.Contains([]models.Code{
		models.CodeForbidden, models.CodeNotFound, models.CodeConflict, models.CodePreconditionFailed, models.CodeFrozen,
	}, code)
}

// isRouting tells whether there was no route at all, so nothing was tried.
func isRouting(err error) bool {
	var routing *echo.HTTPError
	return errors.As(err, &routing)
}

func refusalOf(c echo.Context, e *models.Error) models.Refusal {
	method := c.Request().Method
	action := method
	if op, ok := c.Get(operationKey).(*huma.Operation); ok && op.OperationID != "" {
		action = op.OperationID
	} else if name, ok := c.Get(actionKey).(string); ok {
		action = name
	}
	return models.Refusal{
		Action: action, Resource: resourceOf(c), Code: e.Code, Detail: e.Message,
		Route: method + " " + pattern(c.Path()),
	}
}

// pattern is a route as the API document writes it: "/changes/:id" is "/changes/{id}".
func pattern(route string) string {
	parts := strings.Split(route, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// resourceOf names what a path is about: "/approvals/:changeId/approve" is about "change/<id>",
// "/deployments/:id/pause" about "deployment/<id>", and "/configs" about "config".
func resourceOf(c echo.Context) string {
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(c.Path(), Prefix), "/"), "/")
	for i, part := range parts {
		name, ok := strings.CutPrefix(part, ":")
		if !ok {
			continue
		}
		id := c.Param(name)
		noun, ok := strings.CutSuffix(name, "Id")
		if !ok && i > 0 {
			noun = singular(parts[i-1])
		}
		return noun + "/" + strings.ToValidUTF8(id[:min(len(id), maxNamed)], "")
	}
	return singular(parts[0])
}

func singular(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(noun, "s")
}
