package models_test

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

func TestParseValue(t *testing.T) {
	t.Parallel()
	for name, tt := range badTexts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := models.ParseValue([]byte(tt.text))
			if got := problemOf(err); got != tt.want || v != "" {
				t.Errorf("ParseValue(%.80q) = %.80q, %+v, want %+v", tt.text, v, got, tt.want)
			}
		})
	}
	for name, tt := range goodTexts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := models.ParseValue([]byte(tt.text))
			if err != nil || string(v) != tt.want {
				t.Errorf("ParseValue(%.80q) = %.80q, %v, want %.80q", tt.text, v, err, tt.want)
			}
		})
	}
}

// The limit counts the canonical text: white space and long spellings are free, written-out numbers are not.
func TestParseValueSize(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return `"` + strings.Repeat("a", n-2) + `"` }
	tests := map[string]struct {
		text string
		size int // 0: refused
	}{
		"largest":           {text(models.MaxValueBytes), models.MaxValueBytes},
		"one more":          {text(models.MaxValueBytes + 1), 0},
		"white space":       {strings.Repeat(" ", models.MaxValueBytes) + "1", 1},
		"escapes":           {`"` + strings.Repeat(`\u0061`, models.MaxValueBytes-2) + `"`, models.MaxValueBytes},
		"numbers that grow": {"[" + strings.Repeat("1e20,", 4000) + "0]", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := models.ParseValue([]byte(tt.text))
			want := problem{}
			if tt.size == 0 {
				want = invalid("")
			}
			if problemOf(err) != want || len(v) != tt.size {
				t.Errorf("got %d bytes, %v, want %d", len(v), err, tt.size)
			}
		})
	}
}

func TestType(t *testing.T) {
	t.Parallel()
	for v, want := range map[models.Value]models.ValueType{
		"true": models.TypeBoolean, "false": models.TypeBoolean,
		"0": models.TypeNumber, "-1": models.TypeNumber, "9e99": models.TypeNumber,
		`""`: models.TypeString, `"true"`: models.TypeString,
		"null": models.TypeJSON, "[]": models.TypeJSON, "{}": models.TypeJSON, "": models.TypeJSON,
	} {
		if got := v.Type(); got != want || !want.Valid() {
			t.Errorf("Type(%s) = %s, want %s", v, got, want)
		}
	}
	for _, bad := range []models.ValueType{"", "Boolean", "null", "object"} {
		if bad.Valid() {
			t.Errorf("%q is no type", bad)
		}
	}
}

func TestAs(t *testing.T) {
	t.Parallel()
	types := []models.ValueType{models.TypeBoolean, models.TypeNumber, models.TypeString, models.TypeJSON}
	tests := map[models.Value][4]models.Value{ // by type; empty: refused
		"true":               {"true", "", "", "true"},
		"12":                 {"", "12", "", "12"},
		`"x"`:                {"", "", `"x"`, `"x"`},
		`"true"`:             {"true", "", `"true"`, `"true"`},
		`"false"`:            {"false", "", `"false"`, `"false"`},
		`"1.5"`:              {"", "1.5", `"1.5"`, `"1.5"`},
		`"-7"`:               {"", "-7", `"-7"`, `"-7"`},
		`"9007199254740993"`: {"", "9007199254740993", `"9007199254740993"`, `"9007199254740993"`},
		`"1.50"`:             {"", "", `"1.50"`, `"1.50"`},
		`"010"`:              {"", "", `"010"`, `"010"`},
		`"1e400"`:            {"", "", `"1e400"`, `"1e400"`},
		`" 1"`:               {"", "", `" 1"`, `" 1"`},
		`"TRUE"`:             {"", "", `"TRUE"`, `"TRUE"`},
		`""`:                 {"", "", `""`, `""`},
		`"null"`:             {"", "", `"null"`, `"null"`},
		`"\"a\""`:            {"", "", `"\"a\""`, `"\"a\""`},
		"null":               {"", "", "", "null"},
		"[1]":                {"", "", "", "[1]"},
		`{"a":1}`:            {"", "", "", `{"a":1}`},
		"":                   {},
	}
	for v, row := range tests {
		for i, want := range row {
			if got, ok := v.As(types[i]); got != want || ok != (want != "") {
				t.Errorf("%s as %s = %q, %v, want %q", v, types[i], got, ok, want)
			}
		}
		if got, ok := v.As("object"); ok {
			t.Errorf("%s became %q of a type that does not exist", v, got)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for v, want := range map[models.Value]string{
		`""`: "", `"plain"`: "plain", `"a\n\"\\\u0001é"`: "a\n\"\\\x01é",
	} {
		if got, ok := v.Text(); !ok || got != want {
			t.Errorf("Text(%s) = %q, %v", v, got, ok)
		}
	}
	for _, v := range []models.Value{"", "null", "1", `["a"]`} {
		if got, ok := v.Text(); ok {
			t.Errorf("%s is no string but says %q", v, got)
		}
	}
}

func TestMembersAndElements(t *testing.T) {
	t.Parallel()
	v := parse(t, `{"n":{"x":[1,{"y":"},{"}]},"a\"b\\":"x,\"y","":[],"z":null}`)
	want := map[string]models.Value{"n": `{"x":[1,{"y":"},{"}]}`, `a"b\`: `"x,\"y"`, "": "[]", "z": "null"}
	members, ok := v.Members()
	if !ok || !maps.Equal(members, want) {
		t.Errorf("Members(%s) = %v, %v", v, members, ok)
	}
	if back := models.Object(members); back != v {
		t.Errorf("Object = %s, want %s", back, v)
	}
	array := parse(t, `[1,"a,]",[2,[3]],{"k":[","]},null]`)
	elements, ok := array.Elements()
	if !ok || !slices.Equal(elements, []models.Value{"1", `"a,]"`, "[2,[3]]", `{"k":[","]}`, "null"}) {
		t.Errorf("Elements(%s) = %v, %v", array, elements, ok)
	}
}

func TestMembersAndElementsOfOthers(t *testing.T) {
	t.Parallel()
	if m, ok := models.Value("{}").Members(); !ok || m == nil || len(m) != 0 {
		t.Errorf("members of {}: %v, %v", m, ok)
	}
	if e, ok := models.Value("[]").Elements(); !ok || e == nil || len(e) != 0 {
		t.Errorf("elements of []: %v, %v", e, ok)
	}
	for _, v := range []models.Value{"", "null", "1", `"{"`} {
		if _, ok := v.Members(); ok {
			t.Errorf("%s has members", v)
		}
		if _, ok := v.Elements(); ok {
			t.Errorf("%s has elements", v)
		}
	}
	for _, broken := range []models.Value{"{1:2}", `{"a"}`, `{"\q":1}`} {
		if m, ok := broken.Members(); ok {
			t.Errorf("broken text %s has members %v", broken, m)
		}
	}
	if got := models.Object(nil); got != "{}" {
		t.Errorf("Object(nil) = %s", got)
	}
}

func TestValueInDocuments(t *testing.T) {
	t.Parallel()
	type item struct {
		Value   models.Value `json:"value"`
		Omitted models.Value `json:"omitted,omitempty"`
	}
	raw, err := json.Marshal(item{Value: `{"a":9007199254740993}`})
	if want := `{"value":{"a":9007199254740993}}`; err != nil || string(raw) != want {
		t.Fatalf("marshalled %s, %v, want %s", raw, err, want)
	}
	if raw, err = json.Marshal(item{}); err != nil || string(raw) != `{"value":null}` {
		t.Errorf("marshalled nothing as %s, %v", raw, err)
	}
	var back item
	if err := json.Unmarshal([]byte(`{"value":{"b":1.0,"a":"x"}}`), &back); err != nil || back.Value != `{"a":"x","b":1}` {
		t.Errorf("unmarshalled %q, %v", back.Value, err)
	}
	if err := json.Unmarshal([]byte(`{"value":1e400}`), &back); problemOf(err) != invalid("") {
		t.Errorf("unmarshalled 1e400: %v", err)
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	type part struct {
		Name  string
		At    time.Time    `json:"at"`
		Value models.Value `json:"value"`
		None  []string     `json:"none"`
	}
	at := time.Date(2024, 5, 6, 7, 8, 9, 120_000_000, time.UTC)
	got, err := models.Canonical([]any{
		part{Name: "<é>\u2028", At: at, Value: `{"z":1.50,"a":"<"}`},
		map[string]any{"b": true, "a": int64(math.MaxInt64)},
		1.5, nil,
	})
	want := "[{\"Name\":\"<é>\u2028\",\"at\":\"2024-05-06T07:08:09.12Z\",\"none\":null,\"value\":{\"a\":\"<\",\"z\":1.5}}," +
		"{\"a\":9223372036854775807,\"b\":true},1.5,null]"
	if err != nil || string(got) != want {
		t.Errorf("Canonical = %s, %v, want %s", got, err, want)
	}
	large := strings.Repeat("a", 2*models.MaxValueBytes)
	if got, err := models.Canonical(large); err != nil || len(got) != len(large)+2 {
		t.Errorf("large text: %d bytes, %v", len(got), err)
	}
	for name, bad := range map[string]any{"channel": make(chan int), "NUL": "\x00", "no value": models.Value("{")} {
		if got, err := models.Canonical(bad); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func parse(t failer, text string) models.Value {
	t.Helper()
	v, err := models.ParseValue([]byte(text))
	if err != nil {
		t.Fatalf("ParseValue(%q): %v", text, err)
	}
	return v
}

func BenchmarkParseValue(b *testing.B) {
	for name, raw := range map[string][]byte{
		"boolean": []byte("true"), "number": []byte("1500"), "decimal": []byte("12.50"),
		"object": []byte(`{"limit":1500,"on":true,"names":["alpha","beta"],"rate":0.25}`),
		"60KiB":  document(60 << 10),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := models.ParseValue(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMembers(b *testing.B) {
	v := models.Value(`{"limit":1500,"names":["alpha","beta"],"on":true,"rate":0.25}`)
	b.ReportAllocs()
	for b.Loop() {
		v.Members()
	}
}
