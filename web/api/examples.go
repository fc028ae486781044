package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// example is a call as the document shows it.
type example struct {
	about string         // what the summary leaves open; empty where it says all
	in    string         // the body, as a caller writes it
	out   map[int]any    // the answers, as the operation makes them
	query map[string]any // parameters of the query that the example gives
}

// ok is the answer of most calls.
func ok(body any) map[int]any { return map[int]any{http.StatusOK: body} }

// made is the answer of calls that make something.
func made(body any) map[int]any { return map[int]any{http.StatusCreated: body} }

// none is for calls whose answer has no body.
func none() map[int]any { return map[int]any{} }

// or adds the answer with a change that waits.
func or(out map[int]any) map[int]any {
	out[http.StatusAccepted] = waiting{exampleChange()}
	return out
}

// listed is a page with one thing, the last.
func listed[T any](one T) map[int]any { return ok(page[T]{Items: []T{one}}) }

// describeAll puts descriptions and examples into the document.
func describeAll(api huma.API) {
	document := api.OpenAPI()
	document.Tags = tags()
	all := examples()
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all[op.OperationID].onto(op)
			}
		}
	}
}

func (e example) onto(op *huma.Operation) {
	if op.Description == "" {
		op.Description = e.about
	}
	if op.RequestBody != nil && e.in != "" {
		op.RequestBody.Content["application/json"].Example = json.RawMessage(e.in)
	}
	for status, body := range e.out {
		response := op.Responses[strconv.Itoa(status)]
		if response == nil {
			continue // the test of the document tells
		}
		for _, media := range response.Content {
			media.Example = body
		}
	}
	for _, p := range op.Parameters {
		if given, ok := e.query[p.Name]; ok && p.In == "query" {
			p.Example = given
		}
	}
}

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagReads, Description: "What applications read: resolved values of a tenant in an environment, from memory, with a strong ETag."},
		{Name: tagConfigs, Description: "Single values of a tenant or layer: set, look, promote, roll back, compare, explain. Every write is a change of one item, live at once or waiting for approval as the policy of the environment asks."},
		{Name: tagChanges, Description: "Edits of several keys as one unit of review, and the decisions on them."},
		{Name: tagDefinitions, Description: "What a key is for all environments: type, JSON Schema, owner, whether it is sensitive, how layers merge. The topmost layer that defines a key defines it for all below."},
		{Name: tagTenants, Description: "Customers, the tiers they belong to, and their life: active, suspended, deleted, purged."},
		{Name: tagEnvironments, Description: "The steps on the way to customers, and what a change needs in each."},
		{Name: tagDeployments, Description: "Approved changes on their way to being live."},
		{Name: tagAccess, Description: "API keys, roles, and who is signed in at the console."},
		{Name: tagAudit, Description: "Who did what, without gaps."},
	}
}

// examples are by operation. A test holds each against the schema that the document gives for it.
func examples() map[string]example {
	all := map[string]example{}
	for _, part := range []map[string]example{
		readExamples(), configExamples(), changeExamples(), definitionExamples(), tenantExamples(),
		environmentExamples(), accessExamples(), recordExamples(),
	} {
		maps.Copy(all, part)
	}
	return all
}
