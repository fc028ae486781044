package models_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ above, below, want models.Value }{
		"members":          {`{"a":1,"b":2}`, `{"b":3,"c":4}`, `{"a":1,"b":3,"c":4}`},
		"nested":           {`{"a":{"x":1,"y":{"z":1}}}`, `{"a":{"w":0,"y":{"z":2}}}`, `{"a":{"w":0,"x":1,"y":{"z":2}}}`},
		"array replaces":   {`{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		"null replaces":    {`{"a":{"x":1}}`, `{"a":null}`, `{"a":null}`},
		"object over none": {`{"a":null}`, `{"a":{"x":1}}`, `{"a":{"x":1}}`},
		"scalar on top":    {`1`, `{"a":1}`, `{"a":1}`},
		"scalar below":     {`{"a":1}`, `1`, `1`},
		"null below":       {`{"a":1}`, `null`, `null`},
		"array of objects": {`[{"a":1}]`, `[{"b":1}]`, `[{"b":1}]`},
		"nothing above":    {``, `{"a":1}`, `{"a":1}`},
		"nothing below":    {`{"a":1}`, ``, `{"a":1}`},
		"empty above":      {`{}`, `{"a":1}`, `{"a":1}`},
		"empty below":      {`{"a":{"b":1}}`, `{"a":{}}`, `{"a":{"b":1}}`},
		"both empty":       {`{}`, `{}`, `{}`},
		"escaped names":    {`{"a\"":1,"a#":1}`, `{"a!":2,"a\"":2}`, `{"a!":2,"a\"":2,"a#":1}`},
		"empty name":       {`{"":1}`, `{"":2,"a":3}`, `{"":2,"a":3}`},
		"brackets in text": {`{"a":"}{","b":1}`, `{"a":"],:\"","c":"{"}`, `{"a":"],:\"","b":1,"c":"{"}`},
		"exact numbers":    {`{"a":9007199254740993}`, `{"b":1e+30}`, `{"a":9007199254740993,"b":1e+30}`},
		"sealed":           {`{"a":1}`, models.Sealed{ID: "i", Commitment: "c"}.Value(), models.Sealed{ID: "i", Commitment: "c"}.Value()},
	} {
		if got := models.MergeValues(test.above, test.below); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// mergedByMaps merges as one would explain it.
func mergedByMaps(above, below models.Value) models.Value {
	upper, ok := above.Members()
	lower, both := below.Members()
	if !ok || !both {
		return below
	}
	out := maps.Clone(upper)
	for name, v := range lower {
		if u, ok := out[name]; ok {
			v = mergedByMaps(u, v)
		}
		out[name] = v
	}
	return models.Object(out)
}

func TestMergeIsTheNaiveOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) models.Value { return parse(t, texts(4).Draw(t, label)) }
		above, below := draw("above"), draw("below")
		got := models.MergeValues(above, below)
		if want := mergedByMaps(above, below); got != want {
			t.Fatalf("%s over %s is %s, want %s", below, above, got, want)
		}
		if parse(t, string(got)) != got {
			t.Fatalf("%s is not canonical", got)
		}
	})
}

// Texts that are made to cost: long names that are compared again and again, and depth.
func TestMergeIsQuick(t *testing.T) {
	t.Parallel()
	var short []string
	for i := range 5000 {
		short = append(short, fmt.Sprintf(`"a%05d":1`, i))
	}
	many := models.Value("{" + strings.Join(short, ",") + "}")
	long := models.Value(`{"b` + strings.Repeat("b", 60_000) + `":1}`)
	deep := models.Value(strings.Repeat(`{"a":`, 63) + `{"b":"` + strings.Repeat("x", 60_000) + `"}` + strings.Repeat("}", 63))
	for name, pair := range map[string][2]models.Value{"long name": {many, long}, "long name above": {long, many}, "deep": {deep, deep}} {
		began := time.Now()
		for range 10 {
			models.MergeValues(pair[0], pair[1])
		}
		if took := time.Since(began) / 10; took > 200*time.Millisecond {
			t.Errorf("%s takes %v", name, took)
		}
	}
}
