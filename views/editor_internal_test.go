package views

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
)

func TestParseInput(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind models.ValueType
		in   ValueInput
		want string // the value, or the sentence after "!"
	}{
		"boolean":             {models.TypeBoolean, ValueInput{Text: "true"}, "true"},
		"nothing chosen":      {models.TypeBoolean, ValueInput{}, "!a value is required"},
		"no boolean":          {models.TypeBoolean, ValueInput{Text: "yes"}, "!choose true or false"},
		"null is no boolean":  {models.TypeBoolean, ValueInput{Text: "null"}, "!choose true or false"},
		"number":              {models.TypeNumber, ValueInput{Text: " 1.50 "}, "1.5"},
		"beyond double":       {models.TypeNumber, ValueInput{Text: "9007199254740993.000000001"}, "9007199254740993.000000001"},
		"zero":                {models.TypeNumber, ValueInput{Text: "0"}, "0"},
		"comma":               {models.TypeNumber, ValueInput{Text: "1,5"}, "!a number is expected, such as 12, -0.5 or 1e6"},
		"quoted number":       {models.TypeNumber, ValueInput{Text: `"1"`}, "!a number is expected, such as 12, -0.5 or 1e6"},
		"text":                {models.TypeString, ValueInput{Text: " a \"b\"\n"}, `" a \"b\"\n"`},
		"empty text":          {models.TypeString, ValueInput{}, `""`},
		"text like a number":  {models.TypeString, ValueInput{Text: "1.50"}, `"1.50"`},
		"text as JSON":        {models.TypeString, ValueInput{Text: `"a\r\nb"`, AsJSON: true}, `"a\r\nb"`},
		"no text as JSON":     {models.TypeString, ValueInput{Text: `12`, AsJSON: true}, "!a string in quotes is expected"},
		"JSON":                {models.TypeJSON, ValueInput{Text: "{ \"b\": 1.0,\n \"a\": null }"}, `{"a":null,"b":1}`},
		"no JSON":             {models.TypeJSON, ValueInput{Text: "{a:1}"}, "!a member's name is expected"},
		"empty JSON":          {models.TypeJSON, ValueInput{Text: " \n"}, "!a value is required"},
		"too long a text":     {models.TypeString, ValueInput{Text: strings.Repeat("x", models.MaxValueBytes)}, "!a value has at most 64 KiB"},
		"more than 34 digits": {models.TypeNumber, ValueInput{Text: strings.Repeat("7", 35)}, "!"},
	}
	for name, tt := range tests {
		v, err := ParseInput(tt.kind, tt.in)
		got := string(v)
		if err != nil {
			got = "!"
			e, ok := err.(*models.Error) //nolint:errorlint // it is that very type
			if !ok || e.Code != models.CodeInvalid || len(e.Fields) != 1 || !strings.HasPrefix(e.Fields[0].Pointer, "/value") {
				t.Fatalf("%s: %v names no field", name, err)
			}
			if tt.want != "!" {
				got += e.Fields[0].Message
			}
		}
		if got != tt.want {
			t.Errorf("%s: %.80s, want %.80s", name, got, tt.want)
		}
	}
}

// What the field shows gives the same value when it is sent as a browser sends it.
func TestInputKeepsValues(t *testing.T) {
	t.Parallel()
	for _, v := range []models.Value{
		"true", "false", "0", "-1.5", "9007199254740993", "1e99", `""`, `"plain"`, `"two\nlines"`, `" space "`, `"\ttab"`, `"1.50"`,
		`"\nfirst line is empty"`, `"dos\r\nends"`, `"bell \u0007"`, `"a\"b\\c"`, "null", "[]", `{"a":[1,{"b":"x"}],"z":1.25}`,
	} {
		in := InputFor(v.Type(), "", v, false)
		sent := strings.ReplaceAll(strings.TrimPrefix(in.Text, "\n"), "\r\n", "\n") // browsers, and our form
		if got, err := ParseInput(v.Type(), ValueInput{Text: sent, AsJSON: in.AsJSON}); err != nil || got != v {
			t.Errorf("%s came back as %s, %v", v, got, err)
		}
	}
}

func TestInputFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind   models.ValueType
		schema string
		value  models.Value
		masked bool
		how    typing
		text   string
	}{
		"boolean":            {models.TypeBoolean, "", "false", false, typedSwitch, "false"},
		"number":             {models.TypeNumber, `{"minimum":1}`, "3", false, typedNumber, "3"},
		"text":               {models.TypeString, "", `"a"`, false, typedText, "a"},
		"no value yet":       {models.TypeString, "", "", false, typedText, ""},
		"hidden text":        {models.TypeString, "", models.Masked, true, typedText, ""},
		"hidden boolean":     {models.TypeBoolean, "", models.Masked, true, typedSwitch, ""},
		"unprintable":        {models.TypeString, "", `"\u0000a\u0001"`, false, typedCode, `"\u0000a\u0001"`},
		"object":             {models.TypeJSON, "", `{"a":1}`, false, typedCode, "{\n  \"a\": 1\n}"},
		"choice":             {models.TypeString, `{"enum":["a","b"]}`, `"b"`, false, typedChoice, `"b"`},
		"choice of numbers":  {models.TypeNumber, `{"enum":[1,2.50]}`, "2.5", false, typedChoice, "2.5"},
		"too many choices":   {models.TypeNumber, `{"enum":[` + strings.Repeat("1,", 50) + `2]}`, "2", false, typedNumber, "2"},
		"enum of a boolean":  {models.TypeBoolean, `{"enum":[true]}`, "true", false, typedSwitch, "true"},
		"schema of no words": {models.TypeNumber, `true`, "2", false, typedNumber, "2"},
	}
	for name, tt := range tests {
		in := InputFor(tt.kind, tt.schema, tt.value, tt.masked)
		if in.how != tt.how || in.Text != tt.text || in.required != tt.masked {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

func TestChoiceOptions(t *testing.T) {
	t.Parallel()
	show := func(choices []models.Value, present models.Value) (out []string) {
		for _, o := range choiceOptions(choices, present) {
			text := o.Label + "=" + o.Value
			if o.Selected {
				text = "*" + text
			}
			out = append(out, text)
		}
		return out
	}
	choices := []models.Value{`"a"`, `"12"`, "12", `""`, "null"}
	for present, want := range map[models.Value][]string{
		`"a"`: {`*a="a"`, `"12"="12"`, "12=12", `""=""`, "null=null"},
		"":    {"*Choose…=", `a="a"`, `"12"="12"`, "12=12", `""=""`, "null=null"},
		`"z"`: {`*z (no longer allowed)="z"`, `a="a"`, `"12"="12"`, "12=12", `""=""`, "null=null"},
	} {
		if diff := cmp.Diff(want, show(choices, present)); diff != "" {
			t.Errorf("%s: %s", present, diff)
		}
	}
}

func TestSchemaHints(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		"": "", "true": "", `{}`: "", `{"minimum":1,"maximum":1e3}`: "at least 1|at most 1e3",
		`{"type":"integer","exclusiveMinimum":0.1,"multipleOf":0.5}`:           "a whole number|more than 0.1|a multiple of 0.5",
		`{"exclusiveMinimum":true,"minimum":3}`:                                "at least 3",
		`{"minLength":2,"maxLength":9,"pattern":"^a","format":"email"}`:        "at least 2 characters|at most 9 characters|of the format email|matching ^a",
		`{"type":["string","null"],"required":["a","b"],"minItems":1}`:         "at least 1 elements|with the members a and b",
		`{"required":"not a list","minimum":1}`:                                "",
		`{"maxItems":4,"exclusiveMaximum":12345678901234567890123456789012.5}`: "less than 12345678901234567890123456789012.5|at most 4 elements",
	} {
		if got := strings.Join(readSchema(schema).hints(), "|"); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
}

var (
	inProduction = EditorPlace{Environment: "Production", Stages: []models.Stage{{Name: "engineer", Role: models.RoleEngineer, Required: 1}, {Name: "manager", Role: models.RoleManager, Required: 1}}}
	inStaging    = EditorPlace{Environment: "Staging", Set: true, Own: true, Value: "1", Layer: "acme", Version: 4}
	editedNumber = models.Definition{Key: "limit", Type: models.TypeNumber}
	editedTenant = models.Tenant{ID: "acme", Name: "Acme", Tier: "Enterprise"}
)

func TestEditorSays(t *testing.T) {
	t.Parallel()
	inherited := EditorPlace{Environment: "QA", Set: true, Value: "1", Layer: "@tier.enterprise", Version: 2}
	tests := map[string]struct{ got, want string }{
		"own":           {Editor{Tenant: editedTenant, Place: inStaging}.origin(), "Set here, version 4."},
		"inherited":     {Editor{Tenant: editedTenant, Place: inherited}.origin(), "Inherited from the tier enterprise. Saving sets it for Acme only."},
		"unset":         {Editor{Tenant: editedTenant, Place: EditorPlace{Environment: "QA"}}.origin(), "Not set in QA, here or above."},
		"live at once":  {Editor{Place: inStaging}.waits(), "Live at once in Staging."},
		"waits":         {Editor{Place: inProduction}.waits(), "Production needs engineer and manager to approve. They read your reason."},
		"choices":       {Editor{Choices: []EditorPlace{inherited, inStaging, inProduction}}.waits(), "Production needs engineer and manager; live at once in QA and Staging."},
		"choice":        {Editor{Choices: []EditorPlace{inStaging}}.waits(), "Live at once in Staging."},
		"reach":         {Editor{Tenant: editedTenant, Heirs: -1}.reach(), ""},
		"layer":         {Editor{Tenant: models.Tenant{ID: "@tier.pro"}, Heirs: 9}.reach(), "9 tenants below; none sets this key itself."},
		"one overrides": {Editor{Tenant: models.Tenant{ID: "@tier.pro"}, Heirs: 1, Overrides: 1}.reach(), "1 tenant below; 1 layer or tenant among them sets this key itself."},
		"many":          {Editor{Tenant: models.Tenant{ID: models.Platform}, Heirs: 24, Overrides: 3}.reach(), "24 tenants below; 3 layers and tenants among them set this key themselves."},
		"nothing below": {Editor{Place: inStaging}.removal(), "Nothing above sets it: applications find no value for this key in Staging any more."},
		"nothing above": {Editor{Tenant: models.Tenant{ID: models.Platform}, Place: inStaging}.removal(), "Nothing above sets it: applications of tenants without a value of their own find none for this key in Staging any more."},
		"shows through": {Editor{Place: EditorPlace{Below: &EditorValue{Layer: models.Platform}}}.removal(), "From then on the value of the platform shows through:"},
		"save":          {Editor{Place: inStaging}.submitLabel(), "Save"},
		"send":          {Editor{Place: inProduction}.submitLabel(), "Send for approval"},
		"title":         {Editor{Definition: &editedNumber, Form: EditorForm{Key: "limit"}, Place: inStaging}.Title(), "Edit limit"},
		"title unset":   {Editor{Definition: &editedNumber, Form: EditorForm{Key: "limit"}}.Title(), "Set limit"},
		"title new":     {Editor{Form: EditorForm{Key: "limit"}}.Title(), "New key"},
		"back":          {Editor{Tenant: editedTenant}.Back(), "/tenants/acme"},
		"back there":    {Editor{Tenant: editedTenant, Form: EditorForm{Return: "/tenants/acme?search=x"}}.Back(), "/tenants/acme?search=x"},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", name, tt.got, tt.want)
		}
	}
}

func TestEditorDone(t *testing.T) {
	t.Parallel()
	live, waits := models.Change{Status: models.ChangeDeployed}, models.Change{Status: models.ChangePending, Stages: inProduction.Stages}
	set := Editor{Place: inStaging, Form: EditorForm{Key: "limit"}}
	gone := set
	gone.Form.Removing = true
	covered := gone
	covered.Place.Below = &EditorValue{Layer: "@tier.pro"}
	tests := map[string]struct{ got, want string }{
		"live":      {set.Done(live, &models.Config{Version: 5}), "Saved limit in Staging: live as version 5."},
		"waits":     {set.Done(waits, nil), "Sent for approval. limit stays as it is in Staging until it is approved by engineer and manager."},
		"removed":   {gone.Done(live, nil), "Removed limit from Staging: it has no value there now."},
		"uncovered": {covered.Done(live, nil), "Removed limit from Staging: the value of the tier pro is live now."},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", name, tt.got, tt.want)
		}
	}
}

func TestEditorMoved(t *testing.T) {
	t.Parallel()
	base := func(n int64) *int64 { return &n }
	inherited := EditorPlace{Environment: "QA", Set: true, Layer: models.Platform, Version: 7}
	tests := map[string]struct {
		place EditorPlace
		base  *int64
		want  bool
	}{
		"same":           {inStaging, base(4), false},
		"older":          {inStaging, base(3), true},
		"none before":    {inStaging, base(0), true},
		"not said":       {inStaging, nil, false},
		"inherited":      {inherited, base(0), false},
		"own value gone": {inherited, base(7), true},
	}
	for name, tt := range tests {
		e := Editor{Place: tt.place, Form: EditorForm{Base: tt.base}, Errors: map[string]string{"": "it moved", "/value/a": "too long", "/reason": "elsewhere"}}
		want := []string{"At a: too long", "It moved"}
		if tt.want {
			want = want[:1] // the notice says it
		}
		if got := e.valueErrors(); e.Moved() != tt.want || !slices.Equal(got, want) {
			t.Errorf("%s: moved %v, says %v", name, e.Moved(), got)
		}
	}
}

func TestEditorValue(t *testing.T) {
	t.Parallel()
	secret := models.Definition{Key: "token", Type: models.TypeString, Sensitive: true}
	hidden := Editor{Definition: &secret, Place: EditorPlace{Set: true, Own: true, Masked: true, Value: models.Masked, Version: 2}}.Fresh()
	if hidden.Form.Input.Text != "" || *hidden.Form.Base != 2 {
		t.Errorf("the mask is in the field: %+v", hidden.Form)
	}
	if v, err := hidden.Value(); err == nil {
		t.Errorf("an empty field made %s of a secret", v)
	}
	hidden.Form.Input.Text = "new"
	if v, err := hidden.Value(); err != nil || v != `"new"` {
		t.Errorf("the new secret is %s, %v", v, err)
	}
	code := Editor{Definition: &secret, Form: EditorForm{Input: ValueInput{Text: `"a\r"`, AsJSON: true}}}.Typed()
	if v, err := code.Value(); err != nil || v != `"a\r"` || code.Form.Input.how != typedCode {
		t.Errorf("as JSON it is %s, %v, typed as %s", v, err, code.Form.Input.how)
	}
	for kind, want := range map[models.ValueType]models.ValueType{"": models.TypeString, "nonsense": models.TypeString, models.TypeJSON: models.TypeJSON} {
		if got := (Editor{Form: EditorForm{Type: kind}}).Type(); got != want {
			t.Errorf("a new key of type %q is %s", kind, got)
		}
	}
}
