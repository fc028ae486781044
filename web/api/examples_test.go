package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hotswap/hotswap/web/webtest"
)

// documented is the part of the document that the examples are in.
type documented struct {
	Info struct{ Description string }
	Tags []struct{ Name, Description string }

	Paths      map[string]map[string]exampled
	Components struct {
		Responses map[string]answer
		Schemas   map[string]struct {
			Properties map[string]struct {
				Ref         string `json:"$ref"`
				Description string
			}
		}
	}
}

type exampled struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []struct {
		Name, In, Description string
		Schema                json.RawMessage
		Example               json.RawMessage
	}
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]answer
}

// TestExamplesFitTheirSchemas holds every example of the served document against the schema beside it.
func TestExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	text := site.With("").Get("/api/openapi.json").Want(200).Text
	var d documented
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	fits := schemas(t, text)
	tags := map[string]bool{}
	for _, tag := range d.Tags {
		tags[tag.Name] = tag.Description != ""
	}
	if d.Info.Description == "" {
		t.Error("the document does not say what it is about")
	}
	for path, operations := range d.Paths {
		for method, op := range operations {
			at := "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method
			if len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s %s: the tags %v are not described", method, path, op.Tags)
			}
			checkBody(t, fits, at, op)
			checkParameterExamples(t, fits, at, op)
			for status, r := range op.Responses {
				for kind, media := range r.Content {
					if status[0] == '2' {
						fits(t, at+"/responses/"+status+"/content/"+strings.ReplaceAll(kind, "/", "~1"), media.Example)
					}
				}
			}
		}
	}
	for name, shape := range d.Components.Schemas {
		for member, about := range shape.Properties {
			if about.Ref == "" && about.Description == "" {
				t.Errorf("nothing is said of %s.%s", name, member)
			}
		}
	}
	if len(d.Components.Responses) < 10 {
		t.Errorf("errors are described by %d codes", len(d.Components.Responses))
	}
	for code, r := range d.Components.Responses {
		fits(t, "/components/responses/"+code+"/content/application~1problem+json", r.Content["application/problem+json"].Example)
	}
}

func checkBody(t *testing.T, fits fitter, at string, op exampled) {
	t.Helper()
	if op.RequestBody != nil {
		fits(t, at+"/requestBody/content/application~1json", op.RequestBody.Content["application/json"].Example)
	}
}

func checkParameterExamples(t *testing.T, fits fitter, at string, op exampled) {
	t.Helper()
	for n, p := range op.Parameters {
		if p.Description == "" {
			t.Errorf("%s: nothing is said of %s", op.OperationID, p.Name)
		}
		if p.In == "path" || p.Example != nil {
			fits(t, at+"/parameters/"+string(rune('0'+n)), p.Example)
		}
	}
}

// fitter fails the test unless the example fits the schema beside it.
type fitter func(t *testing.T, at string, example json.RawMessage)

func schemas(t *testing.T, document string) fitter {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("https://hotswap.example/openapi.json", parsed); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, at string, example json.RawMessage) {
		t.Helper()
		if example == nil {
			t.Errorf("%s has no example", at)
			return
		}
		schema, err := c.Compile("https://hotswap.example/openapi.json#" + at + "/schema")
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(example)))
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
}
