package hotswap_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	hotswap "github.com/hotswap/hotswap/client"
)

type limits struct {
	Requests int               `json:"requests"`
	Names    map[string]string `json:"names"`
}

func TestValuesAreTyped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.set(map[string]string{
			"true": "true", "text": `"a <b> é"`, "null": "null", "list": "[1,2]", "whole": "42", "thousand": "1e3", "half": "0.5",
			"exact": "0.1234567890123456789012345678901234", "big": "9223372036854775808", "least": "-9223372036854775808",
			"huge": "1e999999999", "tiny": "1e-999999999", "wait": `"1m30s"`, "object": `{"requests":7,"names":{"a":"b"}}`,
		})
		c := connect(t, s, nil)
		pass(0)
		equal := func(what string, got, want any) {
			t.Helper()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s is %v, want %v", what, got, want)
			}
		}
		equal("a boolean", c.Bool("true", false), true)
		equal("a string as a boolean", c.Bool("text", true), true)
		equal("no boolean", c.Bool("nope", true), true)
		equal("a string", c.String("text", ""), "a <b> é")
		equal("a number as a string", c.String("whole", "d"), "d")
		equal("a whole number", c.Int("whole", 0), int64(42))
		equal("one with an exponent", c.Int("thousand", 0), int64(1000))
		equal("the least", c.Int("least", 0), int64(-1<<63))
		for _, key := range []string{"half", "big", "huge", "tiny", "text", "null", "nope"} {
			equal(key+" as a whole number", c.Int(key, -1), int64(-1))
		}
		equal("a half", c.Float("half", 0), 0.5)
		equal("a whole number as a float", c.Float("whole", 0), 42.0)
		equal("beyond all floats", c.Float("huge", -1), -1.0)
		equal("an exact number", c.Number("exact", ""), json.Number("0.1234567890123456789012345678901234"))
		equal("a time", c.Duration("wait", 0), 90*time.Second)
		equal("no time", c.Duration("text", time.Second), time.Second)
		equal("the keys", len(c.Snapshot().Keys()), 14)
		equal("a key that is there", c.Snapshot().Has("null"), true)
		equal("one that is not", c.Snapshot().Has("nope"), false)
		equal("its text", c.Snapshot().Raw("nope"), json.RawMessage(nil))

		want := limits{Requests: 7, Names: map[string]string{"a": "b"}}
		equal("an object", hotswap.Get(c, "object", limits{}), want)
		equal("a string as an object", hotswap.Get(c, "text", limits{Requests: 1}), limits{Requests: 1})
		equal("a list", hotswap.Get(c, "list", []int(nil)), []int{1, 2})
		equal("int", hotswap.Get(c, "thousand", 0), 1000)
		equal("int64", hotswap.Get(c, "thousand", int64(0)), int64(1000))
		equal("int8 of 1e3", hotswap.Get(c, "thousand", int8(3)), int8(3))
		equal("a number of a string", hotswap.Get(c, "text", json.Number("1")), json.Number("1"))
		equal("null as a boolean", hotswap.Get(c, "null", true), true)
		equal("null as a pointer", hotswap.Get(c, "null", &want), (*limits)(nil))
		equal("null as anything", hotswap.Get[any](c, "null", 1), nil)
		equal("anything", hotswap.Get[any](c, "whole", nil), json.Number("42"))

		var own limits
		equal("its error", c.JSON("object", &own), nil)
		equal("a copy", own, want)
		if err := c.JSON("text", &own); !errors.Is(err, hotswap.ErrType) {
			t.Errorf("a string into an object: %v", err)
		}
		if err := c.JSON("nope", &own); !errors.Is(err, hotswap.ErrNotFound) {
			t.Errorf("nothing into an object: %v", err)
		}
		if _, err := hotswap.Lookup[bool](c, "nope"); !errors.Is(err, hotswap.ErrNotFound) {
			t.Errorf("no key: %v", err)
		}
		if _, err := hotswap.Lookup[bool](c, "text"); !errors.Is(err, hotswap.ErrType) {
			t.Errorf("another type: %v", err)
		}
	})
}

// What is read from one snapshot stays, whatever the server does.
func TestSnapshotsDoNotMove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.set(map[string]string{"a": "1", "object": `{"requests":7}`})
		c := connect(t, s, nil)
		pass(0)
		before := c.Snapshot()
		first := hotswap.Get(c, "object", (*limits)(nil))
		s.put("a", "2")
		pass(0)
		if before.Int("a", 0) != 1 || c.Int("a", 0) != 2 {
			t.Error("a snapshot moved, or the client did not")
		}
		if hotswap.Get(c, "object", (*limits)(nil)) != first {
			t.Error("a value that did not move was decoded again")
		}
	})
}

func BenchmarkBool(b *testing.B) {
	c := known(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if !c.Bool("flag", false) {
				b.Fail()
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	c := known(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if hotswap.Get(c, "object", limits{}).Requests != 7 {
				b.Fail()
			}
		}
	})
}

// known is a client that has something to read.
func known(b *testing.B) *hotswap.Client {
	b.Helper()
	s := serve(b)
	s.set(map[string]string{"flag": "true", "object": `{"requests":7}`})
	c := connect(b, s, nil)
	if err := c.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	return c
}
