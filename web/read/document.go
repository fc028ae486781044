package read

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/web/wire"
)

// resolvedBody is what the read of a whole set answers.
type resolvedBody struct {
	TenantID    string                  `json:"tenantId"`
	Environment string                  `json:"environment"`
	Revision    string                  `json:"revision" doc:"Opaque; moves whenever any value moves"`
	At          string                  `json:"at,omitempty" format:"date-time" doc:"With at: the instant, to the microsecond"`
	Overlays    []overlay               `json:"overlays,omitempty" doc:"With at: the deployments that were being rolled out in steps; the values are those of the stable side"`
	Configs     map[string]wire.RawJSON `json:"configs" doc:"The resolved value of each key"`
	Metadata    map[string]origin       `json:"metadata,omitempty" doc:"With include=metadata: where each value comes from"`
	Withheld    []string                `json:"withheld,omitempty" doc:"With include=metadata: keys this credential may not read"`
}

// origin is where a resolved value comes from.
type origin struct {
	Layer    string `json:"layer"`
	Version  int64  `json:"version"`
	Type     string `json:"type"`
	ChangeID string `json:"changeId"`
	LiveFrom string `json:"liveFrom" format:"date-time"`
	LockedBy string `json:"lockedBy,omitempty" doc:"The layer that keeps those below it from setting the key"`
}

// overlay is a deployment while it was on its way.
type overlay struct {
	DeploymentID string `json:"deploymentId"`
	Percent      int    `json:"percent"`
}

// resolvedKeyBody is what the read of one key answers.
type resolvedKeyBody struct {
	TenantID    string       `json:"tenantId"`
	Environment string       `json:"environment"`
	Revision    string       `json:"revision"`
	At          string       `json:"at,omitempty" format:"date-time"`
	Overlays    []overlay    `json:"overlays,omitempty"`
	Key         string       `json:"key"`
	Value       wire.RawJSON `json:"value"`
	Type        string       `json:"type"`
	Layer       string       `json:"layer"`
	Version     int64        `json:"version"`
}

// Document puts the reads into the API document. They are no operations of huma's: nothing may stand between
// them and the connection.
func Document(api huma.API) {
	describe[resolvedBody](api, "resolved.get", "/configs/tenant/{tenantId}", "An application's configuration",
		parameter("tenantId", "path", true), parameter("environment", "query", true), parameter("include", "query", false), past(), unit())
	describe[resolvedKeyBody](api, "resolved.key", "/configs/tenant/{tenantId}/keys/{key}", "One resolved value",
		parameter("tenantId", "path", true), parameter("key", "path", true), parameter("environment", "query", true), past(), unit())
	documentStreams(api)
}

func describe[T any](api huma.API, id, path, summary string, parameters ...*huma.Param) {
	schemas := api.OpenAPI().Components.Schemas
	add(api, &huma.Operation{
		OperationID: id, Path: path, Summary: summary,
		Parameters: append(parameters, parameter("If-None-Match", "header", false)),
		Responses: map[string]*huma.Response{
			"200": {Description: "From memory, with a strong ETag", Content: content("application/json",
				schemas.Schema(reflect.TypeFor[T](), true, ""))},
		},
	})
}

// add puts an operation into the document, with the errors that all reads have.
func add(api huma.API, op *huma.Operation) {
	op.Method, op.Tags = http.MethodGet, []string{"Reads"}
	problem := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.Problem](), true, "")
	for _, status := range []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests, http.StatusServiceUnavailable,
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status), Content: content("application/problem+json", problem),
		}
	}
	api.OpenAPI().AddOperation(op)
}

func content(kind string, schema *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{kind: {Schema: schema}}
}

func parameter(name, in string, required bool) *huma.Param {
	return &huma.Param{Name: name, In: in, Required: required, Schema: &huma.Schema{Type: huma.TypeString}}
}

// past is the parameter that asks for the values of another time.
func past() *huma.Param {
	at := parameter("at", "query", false)
	at.Schema.Format = "date-time"
	at.Description = "The values as they were at this instant, from Postgres: at most 5 a second for each credential, ten at once"
	return at
}

// unit is the parameter that names who reads.
func unit() *huma.Param {
	p := parameter("unit", "query", false)
	p.Description = "Who reads, such as an instance or a user: decides on which side of a deployment in steps the caller is"
	return p
}
