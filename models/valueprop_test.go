package models_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

func FuzzParseValue(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		models.Value(raw).Members() // text from elsewhere must not make them panic
		models.Value(raw).Elements()
		v, err := models.ParseValue(raw)
		if err != nil {
			if code := problemOf(err).code; code != models.CodeMalformed && code != models.CodeInvalid {
				t.Fatalf("ParseValue(%q) = %v", raw, err)
			}
			return
		}
		if err := models.CheckJSON(raw); err != nil {
			t.Fatalf("CheckJSON(%q) = %v, but it is a value", raw, err)
		}
		holds(t, raw, v)
	})
}

func TestValueProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := texts(4).Draw(t, "text")
		v := parse(t, text)
		if err := models.CheckJSON([]byte(text)); err != nil {
			t.Fatalf("CheckJSON(%q) = %v", text, err)
		}
		holds(t, []byte(text), v)
	})
}

// holds checks all that is true of every value v made of raw.
func holds(t failer, raw []byte, v models.Value) {
	t.Helper()
	if len(v) == 0 || len(v) > models.MaxValueBytes {
		t.Fatalf("%d bytes", len(v))
	}
	if again := parse(t, string(v)); again != v {
		t.Fatalf("canonical text %q became %q", v, again)
	}
	before, after := decode(t, raw), decode(t, v.Raw())
	if !same(before, after) {
		t.Fatalf("%q means something else than %q", v, raw)
	}
	if strings.ContainsAny(blankStrings(v), " \t\r\n+E") {
		t.Fatalf("%q is not canonical", v)
	}
	comesApart(t, v)
}

// comesApart checks that Members, Elements and Text tell what encoding/json tells.
func comesApart(t failer, v models.Value) {
	t.Helper()
	members, isObject := v.Members()
	elements, isArray := v.Elements()
	text, isString := v.Text()
	switch want := decode(t, v.Raw()).(type) {
	case map[string]any:
		if !isObject || len(members) != len(want) || models.Object(members) != v {
			t.Fatalf("%s has the members %v", v, members)
		}
		for name, m := range members {
			if !same(decode(t, m.Raw()), want[name]) {
				t.Fatalf("%s has %s at %q", v, m, name)
			}
			comesApart(t, m)
		}
	case []any:
		if !isArray || len(elements) != len(want) {
			t.Fatalf("%s has the elements %v", v, elements)
		}
		for _, e := range elements {
			comesApart(t, e)
		}
	case string:
		if !isString || text != want {
			t.Fatalf("%s says %q", v, text)
		}
	default:
		if isObject || isArray || isString {
			t.Fatalf("%s came apart", v)
		}
	}
}

func TestMemberOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfNDistinct(objectMembers(2), 1, 40, func(m memberText) string { return m.name }).Draw(t, "members")
		shuffled := rapid.Permutation(members).Draw(t, "shuffled")
		want, got := parse(t, object(members)), parse(t, object(shuffled))
		if got != want {
			t.Fatalf("%q and %q", want, got)
		}
		// The canonical text shows the names in the order of their bytes.
		slices.SortFunc(members, func(a, b memberText) int { return strings.Compare(a.name, b.name) })
		if sorted := parse(t, object(members)); sorted != want {
			t.Fatalf("sorted before: %q, after: %q", sorted, want)
		}
	})
}

func TestDuplicatesAreAlwaysFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfNDistinct(objectMembers(1), 1, 40, func(m memberText) string { return m.name }).Draw(t, "members")
		twice := rapid.SampledFrom(members).Draw(t, "twice")
		twice.text = quoted(t, twice.name) + ":0"
		text := object(rapid.Permutation(append(members, twice)).Draw(t, "shuffled"))
		if got := problemOf(models.CheckJSON([]byte(text))); got.code != models.CodeMalformed {
			t.Fatalf("CheckJSON(%q): %+v", text, got)
		}
		if _, err := models.ParseValue([]byte(text)); problemOf(err).code != models.CodeInvalid {
			t.Fatalf("ParseValue(%q): %v", text, err)
		}
	})
}

// Texts with a few bytes changed are mostly no JSON, or barely.
func TestScannerAgreesWithStandardLibrary(t *testing.T) {
	t.Parallel()
	const alphabet = `[]{}":,\/ue+-.0123456789tfnuldE ` + "\n\x00\x1f\x7f\xff\xc3"
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(texts(3).Draw(t, "text"))
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			at := rapid.IntRange(0, len(raw)).Draw(t, "at")
			cut := min(rapid.IntRange(0, 2).Draw(t, "cut"), len(raw)-at)
			with := rapid.SliceOfN(rapid.SampledFrom([]byte(alphabet)), 0, 2).Draw(t, "with")
			raw = slices.Replace(raw, at, at+cut, with...)
		}
		agreesWithStandardLibrary(t, raw)
	})
}

func TestStringsConvertWithoutLoss(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := parse(t, number().Draw(t, "number"))
		held, err := models.Canonical(string(n))
		if err != nil {
			t.Fatalf("Canonical(%s): %v", n, err)
		}
		if got, ok := held.As(models.TypeNumber); !ok || got != n {
			t.Fatalf("%s as number = %q", held, got)
		}
	})
}

func decode(t failer, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", raw, err)
	}
	return v
}

// same compares what encoding/json read, numbers by their exact size.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		for name := range a {
			ok = ok && same(a[name], b[name])
		}
		return ok && len(a) == len(b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a, b)
	default:
		return a == b
	}
}

func sameNumber(a, b json.Number) bool {
	// big.Rat would write out what a fuzzer's exponent says; a zero needs no exponent.
	if zero := func(n json.Number) bool {
		digits, _, _ := strings.Cut(strings.ToLower(n.String()), "e")
		return strings.Trim(digits, "-0.") == ""
	}; zero(a) || zero(b) {
		return zero(a) && zero(b)
	}
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0
}

// blankStrings is the text without its strings.
func blankStrings(v models.Value) string {
	var out strings.Builder
	quotedText := false
	for i := 0; i < len(v); i++ {
		switch {
		case quotedText && v[i] == '\\':
			i++
		case v[i] == '"':
			quotedText = !quotedText
		case !quotedText:
			out.WriteByte(v[i])
		}
	}
	return out.String()
}

// texts makes JSON texts that are values, spelled in every way JSON allows.
func texts(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kinds := 5
		if depth > 0 {
			kinds = 9
		}
		var text string
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0, 1:
			text = rapid.SampledFrom([]string{"true", "false", "null", "[]", "{}"}).Draw(t, "word")
		case 2, 3:
			text = number().Draw(t, "number")
		case 4:
			text = quoted(t, plain().Draw(t, "string"))
		case 5, 6:
			elements := rapid.SliceOfN(texts(depth-1), 0, 5).Draw(t, "elements")
			text = "[" + strings.Join(elements, ",") + "]"
		default:
			byName := func(m memberText) string { return m.name }
			text = object(rapid.SliceOfNDistinct(objectMembers(depth-1), 0, 6, byName).Draw(t, "members"))
		}
		return space(t) + text + space(t)
	})
}

func space(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "", " ", "\n", "\t\r\n "}).Draw(t, "space")
}

type memberText struct{ name, text string }

func objectMembers(depth int) *rapid.Generator[memberText] {
	return rapid.Custom(func(t *rapid.T) memberText {
		name := plain().Draw(t, "name")
		text := space(t) + quoted(t, name) + space(t) + ":" + texts(depth).Draw(t, "value")
		return memberText{name: name, text: text}
	})
}

func object(members []memberText) string {
	var parts []string
	for _, m := range members {
		parts = append(parts, m.text)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// plain makes text that a string may hold, with many characters that escape, sort or encode peculiarly.
func plain() *rapid.Generator[string] {
	odd := rapid.SampledFrom([]rune("\"\\/\b\f\n\r\t\x01\x1f\x7f <>&aAé€\u2028\u2029\ud7ff\ue000\ufb00\ufffd\uffff😀\U0010ffff"))
	any := rapid.Rune().Filter(func(r rune) bool { return r != 0 })
	return rapid.StringOfN(rapid.OneOf(odd, rapid.RuneFrom([]rune("abc")), any), 0, 8, -1)
}

// quoted spells the text as a JSON string, some characters escaped that need not be.
func quoted(t *rapid.T, text string) string {
	var out strings.Builder
	for _, r := range text {
		spelling := rapid.IntRange(0, 3).Draw(t, "spelling")
		short := strings.IndexRune("\"\\/\b\f\n\r\t", r)
		switch {
		case spelling == 0 && short >= 0:
			out.WriteString(`\` + `"\/bfnrt`[short:short+1])
		case spelling == 1 || r < 0x20 || r == '"' || r == '\\':
			out.WriteString(unicodeEscape(r))
		default:
			out.WriteRune(r)
		}
	}
	return `"` + out.String() + `"`
}

func unicodeEscape(r rune) string {
	format := `\u%04x`
	if r%2 == 0 {
		format = `\u%04X`
	}
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(&out, format, unit)
	}
	return out.String()
}

// number makes numbers within the range, spelled with zeros and exponents that need not be.
func number() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		digits := rapid.StringMatching(`[1-9][0-9]{0,33}`).Draw(t, "digits")
		point := rapid.IntRange(0, len(digits)).Draw(t, "point")
		whole, fraction := digits[:point], digits[point:]+strings.Repeat("0", rapid.IntRange(0, 3).Draw(t, "zeros"))
		if whole == "" {
			whole = "0"
		}
		text := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign") + whole
		if fraction != "" {
			text += "." + fraction
		}
		if rapid.Bool().Draw(t, "exponent") {
			// The first digit's own exponent is between -1 and 33.
			e := rapid.OneOf(rapid.IntRange(-30, 30), rapid.IntRange(-307, 275)).Draw(t, "e")
			text += rapid.SampledFrom([]string{"e", "E"}).Draw(t, "letter")
			if e >= 0 {
				text += rapid.SampledFrom([]string{"", "+", "00", "+0"}).Draw(t, "plus")
			}
			text += strconv.Itoa(e)
		}
		return text
	})
}
