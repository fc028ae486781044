package models_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hotswap/hotswap/models"
)

// problem is what a caller sees of an error: its code and the first pointer.
type problem struct {
	code    models.Code
	pointer string
}

func problemOf(err error) problem {
	var e *models.Error
	switch {
	case err == nil:
		return problem{}
	case !errors.As(err, &e):
		return problem{code: models.CodeInternal}
	case len(e.Fields) == 0:
		return problem{code: e.Code}
	default:
		return problem{e.Code, e.Fields[0].Pointer}
	}
}

func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

func malformed(pointer string) problem { return problem{models.CodeMalformed, pointer} }

func invalid(pointer string) problem { return problem{models.CodeInvalid, pointer} }

// badTexts are refused by CheckJSON and ParseValue alike.
var badTexts = map[string]struct {
	text string
	want problem
}{
	"nothing":                      {"", malformed("")},
	"only white space":             {" \n", malformed("")},
	"trailing value":               {"1 2", malformed("")},
	"trailing comma":               {"[1,]", malformed("/1")},
	"trailing bracket":             {"{}}", malformed("")},
	"trailing NUL":                 {"1\x00", malformed("")},
	"trailing comma in object":     {`{"a":1,}`, malformed("")},
	"no comma":                     {"[1 2]", malformed("/0")},
	"no comma in object":           {`{"a":1 "b":2}`, malformed("/a")},
	"no colon":                     {`{"a" 1}`, malformed("/a")},
	"no value":                     {`{"a":}`, malformed("/a")},
	"no name":                      {`{1:2}`, malformed("")},
	"wrong bracket":                {`{"a":[1}`, malformed("/a/0")},
	"wrong brace":                  {`[{"a":1]`, malformed("/0/a")},
	"open array":                   {"[1", malformed("/0")},
	"open object":                  {`{`, malformed("")},
	"open string":                  {`"abc`, malformed("")},
	"open escape":                  {`"abc\`, malformed("")},
	"open unicode escape":          {`"\u12`, malformed("")},
	"open name":                    {`{"abc`, malformed("")},
	"unknown escape":               {`"\x"`, malformed("")},
	"NUL as escape":                {"\"\\\x00\"", malformed("")},
	"upper case escape":            {`"\U0041"`, malformed("")},
	"bad digits of escape":         {`"\u12g4"`, malformed("")},
	"sign in escape":               {`"\u+123"`, malformed("")},
	"raw control character":        {"\"a\nb\"", malformed("")},
	"raw NUL":                      {"\"a\x00b\"", malformed("")},
	"single quotes":                {"'a'", malformed("")},
	"comment":                      {"/* a */ 1", malformed("")},
	"unknown word":                 {"nul", malformed("")},
	"longer word":                  {"trueish", malformed("")},
	"upper case word":              {"True", malformed("")},
	"NaN":                          {"NaN", malformed("")},
	"infinity":                     {"-Infinity", malformed("")},
	"leading zero":                 {"01", malformed("")},
	"leading zero, negative":       {"-01", malformed("")},
	"leading plus":                 {"+1", malformed("")},
	"leading point":                {".5", malformed("")},
	"trailing point":               {"5.", malformed("")},
	"point before exponent":        {"5.e1", malformed("")},
	"only minus":                   {"-", malformed("")},
	"no exponent":                  {"1e", malformed("")},
	"only sign of exponent":        {"1e+", malformed("")},
	"hexadecimal":                  {"0x10", malformed("")},
	"other white space":            {"\u00a01", malformed("")},
	"form feed":                    {"\f1", malformed("")},
	"byte order mark":              {"\ufeff1", malformed("")},
	"invalid UTF-8":                {"\"\xff\"", malformed("")},
	"overlong UTF-8":               {"\"\xc0\x80\"", malformed("")},
	"surrogate in UTF-8":           {"\"\xed\xa0\x80\"", malformed("")},
	"cut UTF-8":                    {"\"\xe2\x82\"", malformed("")},
	"65 deep":                      {nested(65), invalid(strings.Repeat("/0", 64))},
	"65 deep, never closed":        {strings.Repeat("[", 65), invalid(strings.Repeat("/0", 64))},
	"objects 65 deep":              {strings.Repeat(`{"a":`, 65), invalid(strings.Repeat("/a", 64))},
	"very deep":                    {strings.Repeat("[", 1<<20), invalid(strings.Repeat("/0", 64))},
	"NUL":                          {`{"a":["\u0000"]}`, invalid("/a/0")},
	"NUL within text":              {`"a\u0000b"`, invalid("")},
	"NUL in a name":                {`{"a":{"x":1,"b\u0000":2}}`, invalid("/a")},
	"high surrogate":               {`"\ud83d"`, invalid("")},
	"high surrogate and text":      {`"\ud83dabcdef"`, invalid("")},
	"high surrogate and escape":    {`"\ud83d\n12345"`, invalid("")},
	"high surrogate, low's digits": {`"\ud83d\nde00"`, invalid("")},
	"high surrogate and letter":    {`"\ud83d\u0041"`, invalid("")},
	"high surrogate twice":         {`"\ud83d\ud83d"`, invalid("")},
	"high surrogate, other digit":  {`"\ud83dxude00"`, invalid("")},
	"low surrogate":                {`"\ude00"`, invalid("")},
	"surrogates swapped":           {`"\ude00\ud83d"`, invalid("")},
	"surrogate in a name":          {`{"\ud83d":1}`, invalid("")},
}

// goodTexts are accepted by CheckJSON and ParseValue alike, with their canonical text.
var goodTexts = map[string]struct{ text, want string }{
	"null":                   {" null ", "null"},
	"true":                   {"true\n", "true"},
	"false":                  {"\t\r\nfalse", "false"},
	"empty string":           {`""`, `""`},
	"empty array":            {"[ ]", "[]"},
	"empty object":           {"{ }", "{}"},
	"empty name":             {`{"":1}`, `{"":1}`},
	"array":                  {" [ 1 , [ ] , { } ] ", "[1,[],{}]"},
	"sorted members":         {`{"b":1, "a":2 ,"c":3}`, `{"a":2,"b":1,"c":3}`},
	"nested members":         {`{"b":{"d":[1,{"y":1,"x":2}],"c":2},"a":{}}`, `{"a":{},"b":{"c":2,"d":[1,{"x":2,"y":1}]}}`},
	"upper case first":       {`{"a":1,"B":2,"_":3}`, `{"B":2,"_":3,"a":1}`},
	"same name, other place": {`[{"a":{"a":1}},{"a":2}]`, `[{"a":{"a":1}},{"a":2}]`},
	"shorter name first":     {`{"aa":1,"a":2}`, `{"a":2,"aa":1}`},
	"sorted by what it says": {`{"A":1,"\"":2,"\u0041A":3}`, `{"\"":2,"A":1,"AA":3}`},
	// By UTF-16 units the emoji would stand first.
	"by code point":           {`{"😀":1,"ﬀ":2}`, `{"ﬀ":2,"😀":1}`},
	"escapes that go":         {`"\/\u0041\u00e9\u20ac\u007f"`, "\"/Aé€\u007f\""},
	"escapes that stay":       {`"\"\\\b\f\n\r\t"`, `"\"\\\b\f\n\r\t"`},
	"escapes that shrink":     {`"\u0022\u005C\u0008\u000c\u000A\u000d\u0009"`, `"\"\\\b\f\n\r\t"`},
	"control characters":      {`"\u0001\u001F\u000b"`, `"\u0001\u001f\u000b"`},
	"surrogate pair":          {`"a\ud83d\ude00b"`, `"a😀b"`},
	"surrogates, upper case":  {`"\uD83D\uDE00"`, `"😀"`},
	"last code point":         {`"\udbff\udfff"`, "\"\U0010ffff\""},
	"replacement character":   {`"\ufffd"`, "\"\ufffd\""},
	"not escaped":             {"\"<>&\u2028\u2029\"", "\"<>&\u2028\u2029\""},
	"escaped for HTML":        {`"\u003c\u2028"`, "\"<\u2028\""},
	"no normalisation":        {"\"e\u0301\"", "\"e\u0301\""},
	"64 deep":                 {nested(64), nested(64)},
	"64 deep twice":           {"[" + nested(63) + "," + nested(63) + "]", "[" + nested(63) + "," + nested(63) + "]"},
	"number in every place":   {`{"a":[-0,1.0],"b":1E2}`, `{"a":[0,1],"b":100}`},
	"escaped name after text": {`{"\u0062":"\n","\u0061":"\t"}`, `{"a":"\t","b":"\n"}`},
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range badTexts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := problemOf(models.CheckJSON([]byte(tt.text))); got != tt.want {
				t.Errorf("CheckJSON(%.80q) = %+v, want %+v", tt.text, got, tt.want)
			}
		})
	}
	for name, tt := range goodTexts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := models.CheckJSON([]byte(tt.text)); err != nil {
				t.Errorf("CheckJSON(%.80q) = %v", tt.text, err)
			}
		})
	}
}

// What is a value's business only passes the check of a body.
func TestCheckJSONLeavesValuesAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1e400", strings.Repeat("9", 35), `"` + strings.Repeat("a", models.MaxBodyBytes) + `"`} {
		if err := models.CheckJSON([]byte(text)); err != nil {
			t.Errorf("CheckJSON(%.80q) = %v", text, err)
		}
	}
}

func TestDuplicateMembers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, pointer string }{
		"neighbours":    {`{"a":1,"a":1}`, "/a"},
		"apart":         {`{"b":1,"a":2,"c":3,"b":4}`, "/b"},
		"escaped":       {`{"a":1,"\u0061":2}`, "/a"},
		"nested":        {`{"x":[0,{"z":1,"y":2,"z":3}]}`, "/x/1/z"},
		"empty":         {`{"":1,"":2}`, "/"},
		"to be escaped": {`{"a/b~c":1,"a/b~c":2}`, "/a~1b~0c"},
		"object":        {`{"b":{"c":1},"a":{},"b":{"c":2}}`, "/b"},
		"after sorted":  {`{"a":{"d":1,"c":2},"a":3}`, "/a"},
		"many":          {`{"k":0,` + strings.Repeat(`"k":0,`, 100) + `"z":0}`, "/k"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := problemOf(models.CheckJSON([]byte(tt.text))); got != malformed(tt.pointer) {
				t.Errorf("CheckJSON = %+v, want malformed at %q", got, tt.pointer)
			}
			_, err := models.ParseValue([]byte(tt.text))
			if got := problemOf(err); got != invalid(tt.pointer) {
				t.Errorf("ParseValue = %+v, want invalid at %q", got, tt.pointer)
			}
		})
	}
}

func TestMalformedNamesTheByte(t *testing.T) {
	t.Parallel()
	const want = "the text is not valid JSON at byte 9: a comma or the end of the array or object is expected"
	if err := models.CheckJSON([]byte(`{"a": [1 2]}`)); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An error must not carry the request back: long names end the pointer.
func TestPointerIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 253) // with "/a/" 256 bytes
	tests := map[string]struct{ text, pointer string }{
		"fits":      {`{"a":{"` + long + `":}}`, "/a/" + long},
		"too long":  {`{"ab":{"` + long + `":{"x":}}}`, "/ab"},
		"very long": {`{"` + strings.Repeat("n", 1<<20) + `":}`, ""},
	}
	for name, tt := range tests {
		if got := problemOf(models.CheckJSON([]byte(tt.text))); got != malformed(tt.pointer) {
			t.Errorf("%s: got %.80q, want %.80q", name, got.pointer, tt.pointer)
		}
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	_, inner := models.ParseValue([]byte(`{"a":1e400}`))
	if got := problemOf(models.Under("/items/0/value", inner)); got != invalid("/items/0/value/a") {
		t.Errorf("moved to %+v", got)
	}
	if got := problemOf(inner); got != invalid("/a") {
		t.Errorf("the error itself moved to %+v", got)
	}
	other := errors.New("disk on fire")
	if got := models.Under("/value", other); got != other { //nolint:errorlint // the very same error is meant
		t.Errorf("got %v, want %v", got, other)
	}
	if models.Under("/value", nil) != nil {
		t.Error("an error came of nothing")
	}
}

func FuzzCheckJSON(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		agreesWithStandardLibrary(t, raw)
	})
}

func seed(f *testing.F) {
	f.Helper()
	for _, tt := range badTexts {
		if len(tt.text) < 1<<10 {
			f.Add([]byte(tt.text))
		}
	}
	for _, tt := range goodTexts {
		f.Add([]byte(tt.text))
	}
	for _, tt := range numbers {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte(`{"a":1,"\u0061":2}`))
}

// failer is what *testing.T and *rapid.T share.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// agreesWithStandardLibrary checks that the scanner accepts nothing that is no JSON,
// and refuses JSON only by a rule of our own.
func agreesWithStandardLibrary(t failer, raw []byte) {
	t.Helper()
	err := models.CheckJSON(raw)
	valid := json.Valid(raw)
	switch {
	case err == nil && (!valid || !utf8.Valid(raw)):
		t.Fatalf("CheckJSON accepts %q", raw)
	case err != nil && valid && utf8.Valid(raw):
		if problemOf(err).code != models.CodeInvalid && !strings.HasSuffix(err.Error(), "the member is given twice") {
			t.Fatalf("CheckJSON(%q) = %v, but it is JSON", raw, err)
		}
	}
}

func TestCheckJSONAllocatesLittle(t *testing.T) {
	raw := document(64 << 10)
	if n := testing.AllocsPerRun(100, func() { _ = models.CheckJSON(raw) }); n > 8 {
		t.Errorf("%v allocations for 64 KiB", n)
	}
}

// document is a JSON text of about that size that looks like a request: objects in an array, mixed members.
func document(size int) []byte {
	item := `{"key":"checkout.timeout_ms","op":"set","value":{"limit":1500,"on":true,"rate":0.25,` +
		`"names":["alpha","beta"],"note":"été \u00e9\n"},"baseVersion":12},`
	n := max(1, size/len(item))
	return []byte(`{"items":[` + strings.TrimSuffix(strings.Repeat(item, n), ",") + `]}`)
}

func BenchmarkCheckJSON(b *testing.B) {
	for name, size := range map[string]int{"200B": 1, "64KiB": 64 << 10, "1MiB": 1 << 20} {
		raw := document(size)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := models.CheckJSON(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJSONValid is the standard library's check of the same text, to compare with.
func BenchmarkJSONValid(b *testing.B) {
	raw := document(1 << 20)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if !json.Valid(raw) {
			b.Fatal("not valid")
		}
	}
}
