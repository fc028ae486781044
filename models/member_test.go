package models_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

// members is what Members yields, with copies of the names.
func members(text string) map[string]string {
	out := map[string]string{}
	for name, value := range models.Members([]byte(text)) {
		out[string(name)] = string(value)
	}
	return out
}

func TestMembers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want map[string]string
	}{
		"none":            {`{}`, map[string]string{}},
		"white space":     {" {\n\t\"a\" : 1 ,\r\n \"b\":true } ", map[string]string{"a": "1", "b": "true"}},
		"strings":         {`{"a":"}\",","b":"\\","c":""}`, map[string]string{"a": `"}\","`, "b": `"\\"`, "c": `""`}},
		"escaped names":   {`{"\u0061":1,"\n\"":2,"b":3}`, map[string]string{"a": "1", "\n\"": "2", "b": "3"}},
		"nested":          {`{"a":{"b":[1,{"c":"]}"}]},"d":[[]]}`, map[string]string{"a": `{"b":[1,{"c":"]}"}]}`, "d": "[[]]"}},
		"nested in space": {`{"a": { "b" : [ 1 , 2 ] } , "c":null}`, map[string]string{"a": `{ "b" : [ 1 , 2 ] }`, "c": "null"}},
		"no object":       {`["a"]`, map[string]string{}},
		"a string":        {`"{\"a\":1}"`, map[string]string{}},
		"nothing":         {``, map[string]string{}},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, members(test.text)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMembersStop(t *testing.T) {
	t.Parallel()
	for name := range models.Members([]byte(`{"a":1,"b":2}`)) {
		if string(name) != "a" {
			t.Errorf("went on to %s", name)
		}
		break
	}
}

// What Members finds is what the standard decoder finds, and texts that are cut or broken never make it fail.
func TestMembersAreTheDecoders(t *testing.T) {
	t.Parallel()
	values := rapid.SampledFrom([]string{`1`, `-2.5e3`, `"x"`, `"\\\""`, `"{"`, `[]`, `[{"a":"]"}, 2]`, `{"a" : {}}`, `null`, `true`})
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]json.RawMessage{}
		for range rapid.IntRange(0, 5).Draw(t, "members") {
			want[rapid.String().Draw(t, "name")] = json.RawMessage(values.Draw(t, "value"))
		}
		text, err := json.MarshalIndent(want, "", rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"))
		if err != nil || models.CheckJSON(text) != nil {
			t.Skip("no text of ours")
		}
		var decoded map[string]json.RawMessage
		if err := json.Unmarshal(text, &decoded); err != nil {
			t.Fatal(err)
		}
		got := members(string(text))
		if !maps.EqualFunc(got, decoded, func(a string, b json.RawMessage) bool { return a == string(b) }) {
			t.Fatalf("%s: got %v", text, got)
		}
		members(string(text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]))
	})
}

func BenchmarkMembersOfText(b *testing.B) {
	text := []byte(`{"targetingKey":"user-4711","tenantId":"acme-corp","environment":"Production","plan":"gold","nested":{"a":[1,2,3]}}`)
	b.ReportAllocs()
	for b.Loop() {
		for range models.Members(text) {
		}
	}
}
