// Package api holds the typed JSON resources of the API: each operation decodes its input, calls one service
// and shows what came back.
package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web"
)

// Services are what the operations call.
type Services struct {
	Audit       *audit.Log
	Access      *access.Service
	Tenants     *tenants.Service
	Definitions *definitions.Service
	Configs     *configs.Service
	Snapshots   *snapshots.Service
	Deployments *deployments.Service
	Instances   *deployments.Instances
	Changes     *changes.Service
	Past        func(context.Context) error // bounds how often a credential looks at the past
}

// Register adds all operations.
func Register(api huma.API, s Services) {
	tenantRoutes{s.Tenants, s.Changes}.register(api)
	tierRoutes{s.Tenants}.register(api)
	environmentRoutes{s.Tenants}.register(api)
	policyRoutes{s.Tenants}.register(api)
	definitionRoutes{s.Definitions, s.Changes}.register(api)
	configRoutes{s.Changes, s.Configs}.register(api)
	revealRoutes{s.Configs}.register(api)
	compareRoutes{s.Snapshots, s.Past}.register(api)
	explainRoutes{s.Configs, s.Past}.register(api)
	versionRoutes{s.Configs}.register(api)
	diffRoutes{s.Configs}.register(api)
	changeRoutes{s.Changes}.register(api)
	approvalRoutes{s.Changes}.register(api)
	deploymentRoutes{s.Deployments}.register(api)
	instanceRoutes{s.Instances}.register(api)
	auditRoutes{s.Audit}.register(api)
	keyRoutes{s.Access}.register(api)
	bindingRoutes{s.Access}.register(api)
	sessionRoutes{s.Access}.register(api)
	meRoutes{s.Access}.register(api)
	web.SetReplays(api, replays(s))
	describeAll(api)
}

// The tags that group the operations in the document.
const (
	tagTenants      = "Tenants"
	tagEnvironments = "Environments and policies"
	tagDefinitions  = "Definitions"
	tagConfigs      = "Configs"
	tagChanges      = "Changes and approvals"
	tagDeployments  = "Deployments"
	tagAudit        = "Audit"
	tagAccess       = "Access"
)

// reads is an operation that alters nothing.
func reads(id, path, tag, summary string) huma.Operation {
	return describe(http.MethodGet, id, path, tag, summary, http.StatusOK)
}

// creates is an operation that answers 201 with what it made.
func creates(id, path, tag, summary string, errors ...int) huma.Operation {
	return describe(http.MethodPost, id, path, tag, summary, http.StatusCreated, errors...)
}

// acts is an operation on something that is there, which it answers.
func acts(method, id, path, tag, summary string, errors ...int) huma.Operation {
	return describe(method, id, path, tag, summary, http.StatusOK, errors...)
}

// removes is an operation that leaves nothing to show.
func removes(id, path, tag, summary string, errors ...int) huma.Operation {
	return describe(http.MethodDelete, id, path, tag, summary, http.StatusNoContent, errors...)
}

// describe is an operation with the errors that any of its kind may answer, and its own.
func describe(method, id, path, tag, summary string, status int, errors ...int) huma.Operation {
	all := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable}
	if method != http.MethodGet && method != http.MethodDelete {
		all = append(all, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary, DefaultStatus: status,
		Errors: append(append(all, http.StatusUnprocessableEntity), errors...),
	}
}

// also adds another successful answer to the document of an operation.
func also[T any](api huma.API, op huma.Operation, status int, description string) huma.Operation {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
	op.Responses = map[string]*huma.Response{
		strconv.Itoa(status): {
			Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
		},
	}
	return op
}

// waits adds the answer 202, with a change that now waits.
func waits(api huma.API, op huma.Operation) huma.Operation {
	return also[waiting](api, op, http.StatusAccepted, "The change that now waits")
}
