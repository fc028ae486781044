package web

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

// complete finishes the document when all operations are known: what is the same for all of them is written here.
func complete(document *huma.OpenAPI) {
	document.Info.Description = about
	document.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	responses := map[string]*huma.Response{}
	for _, item := range document.Paths {
		for _, op := range operationsOf(item) {
			addErrors(op)
			describeParameters(op)
			for status, r := range op.Responses {
				n, _ := strconv.Atoi(status)
				if n < http.StatusBadRequest {
					describeSuccess(op, n, r)
					continue
				}
				code := string(codeOf(n))
				if responses[code] == nil {
					responses[code] = errorResponse(codeOf(n))
				}
				op.Responses[status] = &huma.Response{Ref: "#/components/responses/" + code}
			}
		}
	}
	document.Components.Responses = responses
	allowNulls(document.Components.Schemas)
	describeMembers(document.Components.Schemas)
}

// describeMembers says what members are that say nothing of themselves. They mean the same wherever they are.
func describeMembers(schemas huma.Registry) {
	for _, schema := range schemas.Map() {
		for name, member := range schema.Properties {
			if member.Description == "" && member.Ref == "" {
				member.Description = memberTexts[name]
			}
		}
	}
}

// allowNulls says of members that are null where there is nothing that they may be: huma says so of plain types only.
func allowNulls(schemas huma.Registry) {
	for name, schema := range schemas.Map() {
		held := schemas.TypeFromRef("#/components/schemas/" + name)
		if held == nil || held.Kind() != reflect.Struct {
			continue
		}
		for _, field := range reflect.VisibleFields(held) {
			member, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			property := schema.Properties[member]
			if property == nil || property.Ref == "" || field.Type.Kind() != reflect.Pointer || strings.Contains(options, "omitempty") {
				continue
			}
			schema.Properties[member] = &huma.Schema{
				Description: field.Tag.Get("doc"), AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}},
			}
		}
	}
}

func describeParameters(op *huma.Operation) {
	for _, p := range op.Parameters {
		if p.Description == "" {
			p.Description = paramTexts[p.Name]
		}
		if p.Name == "limit" { // models.ParsePage reads the text
			p.Schema = &huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0), Maximum: new(float64(models.MaxLimit)), Default: models.DefaultLimit}
		}
		if p.Example == nil && p.In == "path" {
			p.Example = paramExamples[p.Name]
		}
	}
}

// addErrors adds the errors that come from what all operations of a kind share.
func addErrors(op *huma.Operation) {
	statuses := []int{http.StatusBadRequest, http.StatusInternalServerError} // of a query; of ours
	if op.RequestBody != nil {
		statuses = append(statuses, http.StatusRequestTimeout)
	}
	if _, keyed := op.Metadata[replayKey]; keyed {
		statuses = append(statuses, http.StatusConflict)
	}
	for _, status := range statuses {
		if text := strconv.Itoa(status); op.Responses[text] == nil {
			op.Responses[text] = &huma.Response{}
		}
	}
}

// again are the codes that may say when to try again.
func again() []models.Code {
	return []models.Code{models.CodeConflict, models.CodeFrozen, models.CodeRateLimited, models.CodeUnavailable}
}

// errorResponse is the answer of a code as the document shows it once, for all operations.
func errorResponse(code models.Code) *huma.Response {
	problem := problemOf(plain(code), "01J9ZK6C4Q2M7T8V5R3W1X0Y9A")
	if code == models.CodeInvalid {
		problem.Errors = []models.FieldError{{Pointer: "/environment", Message: "there is no such environment"}}
	}
	media := &huma.MediaType{Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}, Example: problem}
	out := &huma.Response{
		Description: kindOf(code).title + ": " + kindOf(code).detail, Content: map[string]*huma.MediaType{wire.ProblemType: media},
	}
	if slices.Contains(again(), code) {
		out.Headers = map[string]*huma.Param{"Retry-After": {
			Description: "Seconds after which to try again, where that helps", Schema: &huma.Schema{Type: huma.TypeInteger},
		}}
	}
	return out
}

func describeSuccess(op *huma.Operation, status int, r *huma.Response) {
	if _, keyed := op.Metadata[replayKey]; keyed {
		if r.Headers == nil {
			r.Headers = map[string]*huma.Param{}
		}
		r.Headers[ReplayedHeader] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}}}
	}
	for name, h := range r.Headers {
		if h.Description == "" {
			h.Description = headerTexts[name]
		}
	}
	if slices.Contains([]string{"", http.StatusText(status)}, r.Description) {
		r.Description = successText(op.Method, status)
	}
}

func successText(method string, status int) string {
	switch {
	case status == http.StatusCreated:
		return "It is made"
	case status == http.StatusNoContent:
		return "It is gone"
	case status == http.StatusAccepted:
		return "It waits"
	case method == http.MethodGet:
		return "What was asked for"
	default:
		return "As it is now"
	}
}
