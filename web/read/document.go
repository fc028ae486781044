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
}

// resolvedKeyBody is what the read of one key answers.
type resolvedKeyBody struct {
	TenantID    string       `json:"tenantId"`
	Environment string       `json:"environment"`
	Revision    string       `json:"revision"`
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
		parameter("tenantId", "path", true), parameter("environment", "query", true), parameter("include", "query", false))
	describe[resolvedKeyBody](api, "resolved.key", "/configs/tenant/{tenantId}/keys/{key}", "One resolved value",
		parameter("tenantId", "path", true), parameter("key", "path", true), parameter("environment", "query", true))
}

func describe[T any](api huma.API, id, path, summary string, parameters ...*huma.Param) {
	schemas := api.OpenAPI().Components.Schemas
	problem := schemas.Schema(reflect.TypeFor[wire.Problem](), true, "")
	op := &huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{"Reads"},
		Parameters: append(parameters, parameter("If-None-Match", "header", false)),
		Responses: map[string]*huma.Response{
			"200": {Description: "From memory, with a strong ETag", Content: content("application/json",
				schemas.Schema(reflect.TypeFor[T](), true, ""))},
		},
	}
	for _, status := range []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
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
