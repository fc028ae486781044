package read

import (
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web/wire"
)

// evaluation is what matters here of an evaluation context. The rest of it is the application's own: it may hold
// anything, and is not looked at.
type evaluation struct {
	tenantID, environment string
	unit, targetingKey    string
}

// asked is what an evaluation is of: the tenant and the environment that the credential is bound to, or that the
// context names. not_found, forbidden: it is not the actor's; invalid: nothing names it; malformed and all that
// wire.ReadBody says: the body is no evaluation request.
func asked(c echo.Context) (snapshots.Ask, error) {
	actor, ok := models.ActorFrom(c.Request().Context())
	if !ok {
		return snapshots.Ask{}, models.Unauthenticated()
	}
	body, err := wire.ReadBody(c.Request(), models.MaxBodyBytes)
	if err != nil {
		return snapshots.Ask{}, err
	}
	e, err := parseEvaluation(body)
	if err != nil {
		return snapshots.Ask{}, err
	}
	ask, err := e.ask(actor)
	if err != nil {
		return ask, models.Under("/context", err)
	}
	return ask, nil
}

// ask is what the actor asks for with the context: invalid when neither names a tenant and an environment.
func (e evaluation) ask(actor models.Actor) (snapshots.Ask, error) {
	bound := actor.Bound(models.PermResolve)
	if e.tenantID == "" {
		e.tenantID = bound.Tenant
	}
	if e.environment == "" {
		e.environment = bound.Environment
	}
	switch {
	case e.tenantID == "":
		return snapshots.Ask{}, models.Invalid("/tenantId", "a tenant is required: the API key is not for one alone")
	case e.environment == "":
		return snapshots.Ask{}, models.Invalid("/environment", "an environment is required: the API key is not for one alone")
	}
	if err := actor.Require(models.PermResolve, "tenant", e.tenantID, e.environment); err != nil {
		return snapshots.Ask{}, err
	}
	return snapshots.Ask{
		TenantID: e.tenantID, Environment: e.environment, Unit: e.who(),
		InClear: actor.Can(models.PermReadSecrets, e.tenantID, e.environment),
	}, nil
}

// who is the unit that evaluates.
func (e evaluation) who() string {
	if e.unit != "" {
		return e.unit
	}
	return e.targetingKey
}

// parseEvaluation reads a request's body, which is strict JSON. None at all is an empty context.
func parseEvaluation(body []byte) (e evaluation, err error) {
	if body == nil {
		return e, nil
	}
	if !isObject(body) {
		return e, models.Malformed("the body must be an object")
	}
	for name, value := range models.Members(body) {
		switch {
		case string(name) != "context":
			return e, models.Malformed("the body has a member that there is not: context is all that it may hold")
		case isObject(value):
			err = e.read(value)
		case string(value) != "null":
			err = models.Invalid("/context", "it must be an object")
		}
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

// isObject tells whether a text that was checked is one.
func isObject(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c == '{'
		}
	}
	return false
}

// read takes the members that matter out of the context.
func (e *evaluation) read(context []byte) error {
	for name, value := range models.Members(context) {
		var member *string
		switch string(name) {
		case "tenantId":
			member = &e.tenantID
		case "environment":
			member = &e.environment
		case "hotswapUnit":
			member = &e.unit
		case "targetingKey":
			member = &e.targetingKey
		default:
			continue
		}
		text, ok := models.Value(value).Text()
		if !ok && string(value) != "null" { // SDKs send null for what is not set
			return models.Invalid("/context/"+string(name), "it must be a string")
		}
		*member = text
	}
	return nil
}
