package configs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

func operations(d configs.Diff) (out []string) {
	for _, o := range d.Operations {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", o.Op, o.Path, o.Value)))
	}
	return out
}

func TestDiff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	viewer := as(t, models.RoleViewer, "acme", "QA")
	for name, test := range map[string]struct {
		from, to string
		want     []string
		text     []string
	}{
		"scalar":       {`1`, `2`, []string{"replace  2"}, []string{"-1", "+2"}},
		"large number": {`9007199254740992`, `9007199254740993`, []string{"replace  9007199254740993"}, []string{"-9007199254740992", "+9007199254740993"}},
		"same":         {`{"a":1}`, `{"a":1}`, nil, nil},
		"members": {
			`{"a":1,"b":{"c":[1,2]},"x/y~z":true}`, `{"a":1,"b":{"c":[1,3],"d":null},"e":"<&>"}`,
			[]string{"replace /b/c/1 3", "add /b/d null", `add /e "<&>"`, "remove /x~1y~0z"},
			[]string{`-      2`, `+      3`, `+    "d": null`, `-  "x/y~z": true`, `+  "e": "<&>"`},
		},
		"another type": {`{"a":1}`, `null`, []string{"add  null"}, []string{`-  "a": 1`, "+null"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := strings.ReplaceAll(name, " ", "-")
			id := s.db.Set(t, "acme", "QA", key, test.from)
			s.db.Set(t, "acme", "QA", key, test.to)
			d, err := s.Diff(viewer, id, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, operations(d)); diff != "" {
				t.Errorf("operations (-want +got)\n%s", diff)
			}
			if d.From.Number != 1 || d.To.Number != 2 || d.Equal != (test.want == nil) || d.Masked || d.Operations == nil {
				t.Errorf("got %+v", d)
			}
			for _, line := range test.text {
				if !strings.Contains(d.Text, line+"\n") {
					t.Errorf("no line %q in\n%s", line, d.Text)
				}
			}
			if header := "--- version 1\n+++ version 2\n"; (d.Text == "") != d.Equal || !d.Equal && !strings.HasPrefix(d.Text, header) {
				t.Errorf("text\n%s", d.Text)
			}
		})
	}
}

func TestDiffRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.db.Set(t, "acme", "QA", "limit", `1`)
	s.db.Set(t, "acme", "QA", "limit", `2`)
	s.db.Unset(t, "acme", "QA", "limit")
	above := s.db.Set(t, models.Platform, "QA", "limit", `1`)
	viewer := as(t, models.RoleViewer, "acme", "QA")
	for name, test := range map[string]struct {
		by       context.Context
		id       string
		from, to int64
		want     models.Code
	}{
		"back":              {viewer, id, 2, 1, ""},
		"itself":            {viewer, id, 2, 2, ""},
		"no such from":      {viewer, id, 3, 1, models.CodeNotFound},
		"no such to":        {viewer, id, 1, 0, models.CodeNotFound},
		"platform":          {admin(t), above, 1, 1, ""},
		"layer above":       {viewer, above, 1, 1, models.CodeNotFound},
		"other tenant":      {as(t, models.RoleViewer, "globex", ""), id, 1, 2, models.CodeNotFound},
		"other environment": {as(t, models.RoleViewer, "acme", "Production"), id, 1, 2, models.CodeForbidden},
		"application key":   {as(t, models.RoleReader, "acme", ""), id, 1, 2, models.CodeForbidden},
		"no id":             {viewer, "limit", 1, 2, models.CodeNotFound},
		"nobody":            {t.Context(), id, 1, 2, models.CodeUnauthenticated},
	} {
		if d, err := s.Diff(test.by, test.id, test.from, test.to); code(err) != test.want || err == nil && (d.From.Number != test.from || d.To.Number != test.to) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestDiffHidesSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Define(t, "acme", "password", models.TypeJSON, true)
	id := s.db.Set(t, "acme", "QA", "password", `{"user":"root","word":"hunter2"}`)
	s.db.Set(t, "acme", "QA", "password", `{"user":"root","word":"hunter3"}`)
	s.db.Set(t, "acme", "QA", "password", `{"user":"root","word":"hunter3"}`)
	d, err := s.Diff(as(t, models.RoleTenantAdmin, "acme", ""), id, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if everything := fmt.Sprintf("%+v", d); strings.Contains(everything, "hunter") || strings.Contains(everything, "root") || strings.Contains(everything, "word:") {
		t.Errorf("the diff tells %s", everything)
	}
	if !d.Masked || d.Equal || d.Text != "" || len(d.Operations) != 0 || !d.From.Masked || d.To.Value != models.Masked {
		t.Errorf("got %+v", d)
	}
	if d, err := s.Diff(as(t, models.RoleTenantAdmin, "acme", ""), id, 2, 3); err != nil || !d.Equal || !d.Masked {
		t.Errorf("the same secret: %+v, %v", d, err)
	}
	if d, err := s.Diff(secrets(t, "acme"), id, 1, 2); err != nil || !d.Masked || len(d.Operations) != 0 {
		t.Errorf("for who may read secrets: %+v, %v", d, err)
	}
}

// Sealed values are compared by what they commit to, also those of a key that is no secret any more.
func TestDiffOfSealedValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.seal(t, "acme", "QA", "token", "one")
	for _, commitment := range []string{"one", "two"} {
		s.seal(t, "acme", "QA", "token", commitment)
	}
	s.db.Set(t, "acme", "QA", "token", `"open"`)
	for pair, equal := range map[[2]int64]bool{{1, 2}: true, {2, 3}: false, {3, 4}: false} {
		d, err := s.Diff(admin(t), id, pair[0], pair[1])
		if err != nil || d.Equal != equal || !d.Masked || len(d.Operations) != 0 || d.Text != "" || d.From.Value != models.Masked {
			t.Errorf("%v: %+v, %v", pair, d, err)
		}
	}
	v, err := s.Version(admin(t), id, 4)
	if err != nil || v.Masked || v.Value != `"open"` {
		t.Errorf("the value that is no secret: %+v, %v", v, err)
	}
}

// TestPatchMakesTheOther applies what Diff answers, by the rules of RFC 6902, to values of all shapes.
func TestPatchMakesTheOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	viewer := as(t, models.RoleViewer, "acme", "QA")
	id := s.db.Set(t, "acme", "QA", "value", `0`)
	version := int64(1)
	rapid.Check(t, func(rt *rapid.T) {
		from, to := drawValue(rt, 3), drawValue(rt, 3)
		s.db.Set(t, "acme", "QA", "value", from)
		s.db.Set(t, "acme", "QA", "value", to)
		version += 2
		d, err := s.Diff(viewer, id, version-1, version)
		if err != nil {
			rt.Fatal(err)
		}
		document := decode(rt, string(d.From.Value))
		for _, o := range d.Operations {
			document = apply(rt, document, o)
		}
		if got, err := models.Canonical(document); err != nil || got != d.To.Value {
			rt.Fatalf("%s with %v is %s, %v, want %s", d.From.Value, operations(d), got, err, d.To.Value)
		}
		if d.Equal != (len(d.Operations) == 0) || d.Equal != (d.Text == "") {
			rt.Fatalf("equal %v: %v\n%s", d.Equal, d.Operations, d.Text)
		}
	})
}

// drawValue draws JSON text of up to that depth, with few different members, so that values share some.
func drawValue(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	var parts []string
	switch kind {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")
	case 1:
		return strconv.FormatInt(rapid.Int64().Draw(t, "number"), 10)
	case 2, 3:
		return string(models.Text(strings.ReplaceAll(rapid.StringMatching(`[a-c<"\\/~é]{0,4}`).Draw(t, "text"), "\x00", "")))
	case 4:
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			parts = append(parts, drawValue(t, depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		for _, name := range []string{"a", "b/c", "~", "0", "-", ""} {
			if rapid.Bool().Draw(t, "member") {
				parts = append(parts, string(models.Text(name))+":"+drawValue(t, depth-1))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
}

func decode(t *rapid.T, text string) (v any) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// apply is one operation of RFC 6902, as far as Diff uses it.
func apply(t *rapid.T, document any, o configs.Operation) any {
	if o.Path == "" {
		return decode(t, string(o.Value))
	}
	return change(t, document, strings.Split(o.Path, "/")[1:], o)
}

func change(t *rapid.T, at any, path []string, o configs.Operation) any {
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	last := len(path) == 1
	switch held := at.(type) {
	case map[string]any:
		switch {
		case !last:
			held[name] = change(t, held[name], path[1:], o)
		case o.Op == "remove":
			delete(held, name)
		default:
			held[name] = decode(t, string(o.Value))
		}
		return held
	case []any:
		if name == "-" && o.Op == "add" {
			return append(held, decode(t, string(o.Value)))
		}
		i, err := strconv.Atoi(name)
		switch {
		case err != nil || i >= len(held):
			t.Fatalf("no element %s in %v", name, held)
		case !last:
			held[i] = change(t, held[i], path[1:], o)
		case o.Op == "remove":
			return append(held[:i:i], held[i+1:]...)
		case o.Op == "replace":
			held[i] = decode(t, string(o.Value))
		default:
			t.Fatalf("%s in the middle of an array", o.Op)
		}
		return held
	default:
		t.Fatalf("%s leads into %v", o.Path, at)
		return nil
	}
}

// Two versions as large and as different as they may be must not keep a page waiting.
func TestDiffOfLargeValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	numbers := func(step int) string {
		var parts []string
		for i := range 12_000 {
			parts = append(parts, strconv.Itoa(i*step%9973))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	id := s.db.Set(t, "acme", "QA", "large", numbers(1))
	s.db.Set(t, "acme", "QA", "large", numbers(7919))
	began := time.Now()
	d, err := s.Diff(as(t, models.RoleViewer, "acme", ""), id, 1, 2)
	if err != nil || len(d.Operations) < 11_000 || d.Text == "" {
		t.Fatalf("%d operations, %v", len(d.Operations), err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
