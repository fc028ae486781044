package api_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

// operation is what the document says of one call.
type operation struct {
	OperationID string   `json:"operationId"`
	Summary     string   `json:"summary"`
	Tags        []string `json:"tags"`
	Parameters  []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	Responses map[string]answer `json:"responses"`
}

// answer is what the document says of one status: of an error, where it says so for all operations.
type answer struct {
	Ref     string           `json:"$ref"`
	Content map[string]media `json:"content"`
}

type media struct {
	Schema  json.RawMessage `json:"schema"`
	Example json.RawMessage `json:"example"`
}

func (o operation) takes(in, name string) bool {
	for _, p := range o.Parameters {
		if p.In == in && strings.EqualFold(p.Name, name) {
			return true
		}
	}
	return false
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// conditional are the operations that alter something with an ETag.
func conditional(method string) bool { return method == "put" || method == "patch" }

// unconditional are those that have nothing to hold If-Match against.
func unconditional() []string { return []string{"environment.put", "instance.put"} }

// TestEveryOperationIsDocumented reads the API document that the site serves.
func TestEveryOperationIsDocumented(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	var document struct {
		OpenAPI string                          `json:"openapi"`
		Paths   map[string]map[string]operation `json:"paths"`
	}
	if err := json.Unmarshal([]byte(site.With("").Get("/api/openapi.json").Want(200).Text), &document); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1") || len(document.Paths) < 25 {
		t.Fatalf("OpenAPI %s with %d paths", document.OpenAPI, len(document.Paths))
	}
	ids := map[string]bool{}
	for path, operations := range document.Paths {
		for method, o := range operations {
			if o.OperationID == "" || ids[o.OperationID] || o.Summary == "" || len(o.Tags) != 1 || o.Tags[0] == "" {
				t.Errorf("%s %s lacks an id of its own, a summary or a tag: %+v", method, path, o)
			}
			ids[o.OperationID] = true
			checkParameters(t, path, method, o)
			checkResponses(t, path, method, o)
		}
	}
}

func checkParameters(t *testing.T, path, method string, o operation) {
	t.Helper()
	for _, found := range pathParameter.FindAllStringSubmatch(path, -1) {
		if !o.takes("path", found[1]) {
			t.Errorf("%s %s does not read {%s}", method, path, found[1])
		}
	}
	if conditional(method) && !slices.Contains(unconditional(), o.OperationID) && !o.takes("header", "If-Match") {
		t.Errorf("%s %s does not read If-Match", method, path)
	}
}

func checkResponses(t *testing.T, path, method string, o operation) {
	t.Helper()
	success := 0
	for status, r := range o.Responses {
		if status[0] == '2' {
			success++
			continue
		}
		if !strings.HasPrefix(r.Ref, "#/components/responses/") {
			t.Errorf("%s %s: %s is no problem document", method, path, status)
		}
	}
	if success == 0 || len(o.Responses) == success {
		t.Errorf("%s %s documents the answers %v", method, path, o.Responses)
	}
	for _, status := range []string{"400", "401", "403", "404", "422", "500", "503"} {
		if _, ok := o.Responses[status]; !ok {
			t.Errorf("%s %s does not document %s", method, path, status)
		}
	}
}
