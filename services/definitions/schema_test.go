package definitions_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
)

func value(t testing.TB, raw string) models.Value {
	t.Helper()
	v, err := models.ParseValue([]byte(raw))
	if err != nil {
		t.Fatalf("value %.60s: %v", raw, err)
	}
	return v
}

func fields(err error) []models.FieldError {
	if e, ok := errors.AsType[*models.Error](err); ok {
		return e.Fields
	}
	return nil
}

func code(err error) models.Code {
	var e *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	default:
		return models.Code(err.Error())
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		schema, value string
		want          models.Code
		pointer       string
	}{
		"no schema":               {``, `5`, "", ""},
		"true":                    {`true`, `5`, "", ""},
		"false":                   {`false`, `5`, models.CodeInvalid, "/value"},
		"type":                    {`{"type":"string"}`, `5`, models.CodeInvalid, "/value"},
		"member":                  {`{"properties":{"a/b":{"type":"string"}}}`, `{"a/b":5}`, models.CodeInvalid, "/value/a~1b"},
		"exact maximum":           {`{"maximum":9007199254740992}`, `9007199254740993`, models.CodeInvalid, "/value"},
		"exact enum":              {`{"enum":[9007199254740993]}`, `9007199254740992`, models.CodeInvalid, "/value"},
		"exact multiple":          {`{"multipleOf":0.1}`, `0.3`, "", ""},
		"integer":                 {`{"type":"integer"}`, `1e30`, "", ""},
		"format":                  {`{"format":"email"}`, `"nobody"`, models.CodeInvalid, "/value"},
		"draft 7":                 {`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"n":{"minimum":3}},"$ref":"#/definitions/n"}`, `2`, models.CodeInvalid, "/value"},
		"recursive":               {`{"properties":{"next":{"$ref":"#"},"n":{"type":"number"}}}`, `{"next":{"next":{"n":"x"}}}`, models.CodeInvalid, "/value/next/next/n"},
		"metaschema as reference": {`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"type":"nonsense"}`, models.CodeInvalid, ""},
		"is no schema":            {`{"type":"nonsense"}`, `5`, models.CodeInvalid, "/schema/type"},
		"another document":        {`{"$ref":"https://example.com/schema"}`, `5`, models.CodeInvalid, "/schema"},
		"a file":                  {`{"$ref":"file:///etc/passwd"}`, `5`, models.CodeInvalid, "/schema"},
		"unknown draft":           {`{"$schema":"https://example.com/draft"}`, `5`, models.CodeInvalid, "/schema"},
		"broken pattern":          {`{"pattern":"(["}`, `"a"`, models.CodeInvalid, "/schema/pattern"},
		"pattern that grows":      {`{"pattern":"a{900}b{900}"}`, `"a"`, models.CodeInvalid, "/schema/pattern"},
		"dangling reference":      {`{"$ref":"#/$defs/none"}`, `5`, models.CodeInvalid, "/schema"},
		"reference without end":   {`{"$ref":"#"}`, `5`, models.CodeInvalid, "/value"},
	}
	validator := definitions.NewValidator()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := validator.Validate(models.Definition{Key: "k", Schema: test.schema}, value(t, test.value), "/value")
			if got := code(err); got != test.want {
				t.Fatalf("got %q (%v), want %q", got, err, test.want)
			}
			if f := fields(err); test.pointer != "" && f[0].Pointer != test.pointer {
				t.Errorf("pointer %q, want %q: %v", f[0].Pointer, test.pointer, f)
			}
		})
	}
}

func TestValidateRepeatsNothing(t *testing.T) {
	t.Parallel()
	validator := definitions.NewValidator()
	for _, schema := range []string{
		`{"pattern":"^x$"}`, `{"format":"email"}`, `{"enum":["a"]}`, `{"const":"a"}`, `{"type":"number"}`, `{"maxLength":2}`,
	} {
		err := validator.Validate(models.Definition{Schema: schema}, `"hunter2"`, "/value")
		if err == nil || strings.Contains(fmt.Sprint(fields(err)), "hunter2") {
			t.Errorf("%s: %v", schema, fields(err))
		}
	}
	err := validator.Validate(models.Definition{Sensitive: true, Schema: `{"additionalProperties":{"type":"string"}}`},
		`{"hunter2":5}`, "/value")
	if f := fields(err); len(f) != 1 || f[0].Pointer != "/value" {
		t.Errorf("sensitive: %v", f)
	}
}

// A short schema must not be able to take a long time. Without the meter most of these take longer than anybody lives.
func TestValidateIsBounded(t *testing.T) {
	t.Parallel()
	doubling := func(keyword, leaf string) string {
		var defs strings.Builder
		for i := range 40 {
			fmt.Fprintf(&defs, `"d%d":{%q:[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, keyword, i+1, i+1)
		}
		return fmt.Sprintf(`{"$defs":{%s"d40":%s},"$ref":"#/$defs/d0"}`, defs.String(), leaf)
	}
	wide := func() string {
		var defs strings.Builder
		for i := range 1500 {
			fmt.Fprintf(&defs, `"d%d":{"$ref":"#/$defs/d%d"},`, i, i+1)
		}
		return fmt.Sprintf(`{"$defs":{%s"d1500":{}},"$ref":"#/$defs/d0"}`, defs.String())
	}
	deep := strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat(`}`, 60)
	long := `"` + strings.Repeat("a", 60_000) + `"`
	many := "[" + strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("a", 50)+`!",`, 1000), ",") + "]"
	tests := map[string]struct{ schema, value string }{
		"allOf":            {doubling("allOf", `{"type":"number"}`), `5`},
		"anyOf fails":      {doubling("anyOf", `{"type":"string"}`), `5`},
		"oneOf":            {doubling("oneOf", `{"type":"string"}`), `5`},
		"not":              {strings.Replace(doubling("anyOf", `{"type":"string"}`), `"$ref":"#/$defs/d0"}`, `"not":{"$ref":"#/$defs/d0"}}`, 1), `5`},
		"wide schema":      {`{"allOf":[` + strings.Repeat(`{"minimum":1},`, 4000) + `true]}`, `5`},
		"widest schema":    {`{"allOf":[` + strings.Repeat(`{},`, 20_000) + `true]}`, `5`},
		"wide definitions": {wide(), `5`},

		"patternProperties": {`{"$defs":{"x":{"type":"object","patternProperties":{"a":{"$ref":"#/$defs/x"},"^a":{"$ref":"#/$defs/x"},".":{"$ref":"#/$defs/x"}}}},"not":{"$ref":"#/$defs/x"}}`, deep},
		"unevaluated":       {`{"anyOf":[{"additionalProperties":{"$ref":"#"}},{"additionalProperties":{"$ref":"#"}}],"unevaluatedProperties":false}`, deep},
		"slow pattern":      {doubling("allOf", `{"pattern":"(a|aa|aaa){1,40}$"}`), long},
		"pattern on many":   {doubling("allOf", `{"items":{"pattern":"(a?){30}a{30}$"}}`), many},
		"if then else":      {strings.NewReplacer("@", `"if":{"$ref":"#/$defs/b"},"then":{"$ref":"#/$defs/b"}`).Replace(`{"$defs":{"b":{"additionalProperties":{"$ref":"#/$defs/a"}},"a":{@}},"$ref":"#/$defs/a"}`), deep},
		"old draft":         {`{"$schema":"http://json-schema.org/draft-07/schema#","anyOf":[{"additionalProperties":{"$ref":"#"}},{"additionalProperties":{"allOf":[{"$ref":"#"}]}}]}`, strings.Replace(deep, "1", `"x"`, 1)},
	}
	validator := definitions.NewValidator()
	for name, test := range tests {
		start := time.Now()
		err := validator.Validate(models.Definition{Schema: test.schema}, value(t, test.value), "")
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: took %v", name, took)
		} else {
			t.Logf("%s: %v: %v", name, took, err)
		}
	}
}

func TestValidateTakesLargeValues(t *testing.T) {
	t.Parallel()
	numbers := "[" + strings.TrimSuffix(strings.Repeat("1,", 32_000), ",") + "]"
	objects := "[" + strings.TrimSuffix(strings.Repeat(`{"id":1,"name":"x","on":true},`, 2_100), ",") + "]"
	tests := map[string]struct{ schema, value string }{
		"numbers": {`{"type":"array","items":{"type":"integer","minimum":0,"maximum":10}}`, numbers},
		"objects": {`{"type":"array","items":{"$ref":"#/$defs/o"},"$defs":{"o":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"name":{"type":"string","pattern":"^[a-z]+$"},"on":{"type":"boolean"}},"additionalProperties":false}}}`, objects},
	}
	validator := definitions.NewValidator()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := validator.Validate(models.Definition{Schema: test.schema}, value(t, test.value), ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	validator := definitions.NewValidator()
	d := models.Definition{Schema: `{"type":"object","properties":{"percent":{"type":"number","minimum":0,"maximum":100}}}`}
	v := value(b, `{"percent":50,"name":"x"}`)
	for b.Loop() {
		if err := validator.Validate(d, v, ""); err != nil {
			b.Fatal(err)
		}
	}
}
