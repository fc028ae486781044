package definitions

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/maypok86/otter/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hotswap/hotswap/models"
)

const (
	// schemaURL is what a schema is called while it is compiled; nothing is ever fetched from there.
	schemaURL = "urn:hotswap:schema"
	// compiledSchemas is how many compiled schemas are kept.
	compiledSchemas = 1024
	// maxProgram is how many instructions a regular expression may compile to. RE2 takes time proportional
	// to that, times the length of the text.
	maxProgram = 1000
	// maxParts is how many JSON values a schema may consist of: compiling takes the square of its subschemas.
	maxParts = 5000
)

// schema is a compiled JSON Schema. One validation runs at a time, for they share the meter.
type schema struct {
	mu    sync.Mutex
	root  *jsonschema.Schema
	meter *meter
}

// schemas keeps compiled schemas by their text, bounded.
type schemas struct{ compiled *otter.Cache[string, *schema] }

func newSchemas() schemas {
	return schemas{otter.Must(&otter.Options[string, *schema]{MaximumSize: compiledSchemas})}
}

// get compiles a schema, or finds it compiled.
func (s schemas) get(text string) (*schema, error) {
	if known, ok := s.compiled.GetIfPresent(text); ok {
		return known, nil
	}
	made, err := compile(text)
	if err != nil {
		return nil, err
	}
	s.compiled.Set(text, made)
	return made, nil
}

// check tells whether the value satisfies the schema; invalid with pointers below the one given. What it
// says names members and rules but repeats nothing of a sensitive value.
func (s schemas) check(d models.Definition, v models.Value, pointer string) error {
	compiled, err := s.get(d.Schema)
	if err != nil {
		return err
	}
	instance, err := decode(v)
	if err != nil {
		return err
	}
	failed, err := compiled.validate(instance)
	switch {
	case err != nil:
		return models.Invalid(pointer, err.Error())
	case failed == nil:
		return nil
	case d.Sensitive:
		return models.Invalid(pointer, "the value does not satisfy the schema of the key")
	default:
		return models.InvalidFields(explain(failed, pointer))
	}
}

var errTooComplex = errors.New("the schema of the key takes too many steps for this value")

// validate runs the schema within its budget.
func (s *schema) validate(instance any) (*jsonschema.ValidationError, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.left = maxSteps
	err := s.root.Validate(instance)
	if s.meter.left < 0 {
		return nil, errTooComplex
	}
	var failed *jsonschema.ValidationError
	if err != nil && !errors.As(err, &failed) {
		return nil, fmt.Errorf("validate: %w", err)
	}
	return failed, nil
}

// compile makes a schema of canonical JSON text; invalid when it is none. Drafts 4 to 2020-12 are known by
// their $schema, 2020-12 is the default, and formats are checked.
func compile(text string) (*schema, error) {
	doc, err := decode(models.Value(text))
	if err != nil {
		return nil, err
	}
	if size(doc) > maxParts {
		return nil, models.Invalid("/schema", "a schema has at most 5000 parts")
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(boundedRegexp)
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, badSchema(err)
	}
	root, err := c.Compile(schemaURL)
	if err != nil {
		return nil, badSchema(err)
	}
	m := &meter{seen: map[*jsonschema.Schema]bool{}}
	m.attach(root)
	m.seen = nil
	return &schema{root: root, meter: m}, nil
}

// badSchema says what is wrong with a schema, in words that name only the schema.
func badSchema(err error) error {
	var load *jsonschema.LoadURLError
	var invalid *jsonschema.SchemaValidationError
	var failed *jsonschema.ValidationError
	switch {
	case errors.As(err, &load):
		return models.Invalid("/schema", "a schema must not refer to other documents")
	case errors.As(err, &invalid) && errors.As(invalid.Err, &failed):
		return models.InvalidFields(explain(failed, "/schema"))
	default:
		text := strings.ReplaceAll(err.Error(), schemaURL, "")
		return models.Invalid("/schema", "it is not a usable JSON Schema: "+text)
	}
}

func decode(v models.Value) (any, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(v)))
	if err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	return doc, nil
}

// noLoader refuses every URL: a schema is all there is.
type noLoader struct{}

// Load always fails.
func (noLoader) Load(string) (any, error) { return nil, errors.New("schemas are not fetched") }

// pattern is a regular expression that knows how many instructions it has.
type pattern struct {
	*regexp.Regexp
	size int
}

// boundedRegexp compiles with RE2, which never backtracks, and refuses expressions that grow too large.
func boundedRegexp(text string) (jsonschema.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxProgram {
		return nil, errors.New("the regular expression is too large")
	}
	compiled, err := regexp.Compile(text)
	return pattern{compiled, len(program.Inst)}, err
}
