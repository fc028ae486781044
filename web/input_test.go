package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

// secret stands in every bad body; no answer may repeat it.
const secret = "S3CRET-marker"

// filled is a valid body of that many bytes.
func filled(size int) string {
	const head, tail = `{"key":"a","value":"`, `"}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

func nested(depth int) string {
	// The body itself is the first level.
	return `{"key":"` + secret + `","value":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		body    string
		code    models.Code
		pointer string
	}{
		"not json":              {`{"key":"` + secret + `",`, models.CodeMalformed, ""},
		"empty":                 {``, models.CodeMalformed, ""},
		"white space":           {`  `, models.CodeMalformed, ""},
		"trailing data":         {`{"key":"` + secret + `"} {}`, models.CodeMalformed, ""},
		"duplicate member":      {`{"key":"` + secret + `","key":"b"}`, models.CodeMalformed, "/key"},
		"duplicate in a value":  {`{"key":"` + secret + `","value":{"a":1,"a":2}}`, models.CodeMalformed, "/value/a"},
		"invalid UTF-8":         {"{\"key\":\"" + secret + "\xff\"}", models.CodeMalformed, ""},
		"NUL":                   {`{"key":"` + secret + `\u0000"}`, models.CodeInvalid, "/key"},
		"lone surrogate":        {`{"key":"` + secret + `\ud800"}`, models.CodeInvalid, "/key"},
		"depth 65":              {nested(65), models.CodeInvalid, ""},
		"wrong-case member":     {`{"key":"a","Key":"` + secret + `"}`, models.CodeInvalid, "/Key"},
		"unknown member":        {`{"key":"` + secret + `","other":1}`, models.CodeInvalid, "/other"},
		"unknown with dots":     {`{"key":"` + secret + `","a.b[0]/c~":1}`, models.CodeInvalid, "/a.b[0]~1c~0"},
		"unknown in an item":    {`{"key":"a","items":[{"key":"` + secret + `","value":1},{"key":"b","value":2,"x":3}]}`, models.CodeInvalid, "/items/1/x"},
		"only wrong case":       {`{"KEY":"` + secret + `"}`, models.CodeInvalid, ""},
		"missing member":        {`{}`, models.CodeInvalid, ""},
		"wrong type":            {`{"key":{"a":"` + secret + `"}}`, models.CodeInvalid, "/key"},
		"wrong type in an item": {`{"key":"a","items":[{"key":"` + secret + `","value":1},{"key":2,"value":2}]}`, models.CodeInvalid, "/items/1/key"},
		"null for a list":       {`{"key":"a","items":{"a":"` + secret + `"}}`, models.CodeInvalid, "/items"},
		"null for a body":       {`null`, models.CodeInvalid, ""},
		"array for a body":      {`["` + secret + `"]`, models.CodeInvalid, ""},
		"too long":              {`{"key":"` + strings.Repeat(secret, 9) + `"}`, models.CodeInvalid, "/key"},
		"fraction for a count":  {`{"key":"` + secret + `","count":1.5}`, models.CodeInvalid, "/count"},
		"1.0 for a count":       {`{"key":"` + secret + `","count":1.0}`, models.CodeInvalid, ""},
		"huge count":            {`{"key":"` + secret + `","count":99999999999999999999}`, models.CodeInvalid, ""},
		"1e400 for a count":     {`{"key":"` + secret + `","count":1e400}`, models.CodeInvalid, "/count"},
		"1e400 for a share":     {`{"key":"` + secret + `","share":1e400}`, models.CodeInvalid, "/share"},
		"1e400 for a value":     {`{"key":"` + secret + `","value":1e400}`, models.CodeInvalid, "/value"},
		"value in a value":      {`{"key":"` + secret + `","value":{"a":[1,1e400]}}`, models.CodeInvalid, "/value/a/1"},
		"a time that is none":   {`{"key":"a","when":"` + secret + `"}`, models.CodeInvalid, "/when"},
		"a mail that is none":   {`{"key":"a","mail":"` + secret + `"}`, models.CodeInvalid, "/mail"},
		"a long duplicate":      {`{"key":"a","` + strings.Repeat(secret, 20) + `":1,"` + strings.Repeat(secret, 20) + `":1}`, models.CodeMalformed, ""},
		"a long unknown member": {`{"key":"a","` + strings.Repeat(secret, 20) + `":1}`, models.CodeInvalid, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.post("/api/v1/things", test.body)
			p := got.problem(t)
			if p.Code != test.code {
				t.Errorf("code %s, want %s: %s", p.Code, test.code, got.body)
			}
			if test.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != test.pointer) {
				t.Errorf("errors %+v, want one at %q", p.Errors, test.pointer)
			}
			if strings.Contains(got.body, secret) || strings.Contains(got.body, "Go ") {
				t.Errorf("the answer repeats the body: %s", got.body)
			}
		})
	}
}

func TestManyFindingsAreBounded(t *testing.T) {
	t.Parallel()
	var members strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&members, `,"unknown%d":1`, i)
	}
	got := newSite(t).post("/api/v1/things", `{"key":"a"`+members.String()+`}`)
	if p := got.problem(t); p.Code != models.CodeInvalid || len(p.Errors) == 0 || len(got.body) > 10_000 {
		t.Errorf("%d bytes, %d findings", len(got.body), len(p.Errors))
	}
}

func TestGoodBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct{ body, want string }{
		"exact numbers": {
			`{"key":"a","value":{"n":9007199254740993,"t":0.1000}}`,
			`{"key":"a","value":{"n":9007199254740993,"t":0.1000},"result":{"n":9007199254740993,"t":0.1}}`,
		},
		"html and separators": {`{"key":"<a>&\u2028"}`, "{\"key\":\"<a>&\\u2028\"}"},
		"null value":          {`{"key":"a","value":null}`, `{"key":"a","value":null,"result":null}`},
		"numbers":             {`{"key":"a","count":10,"share":0.25}`, `{"key":"a","count":10,"share":0.25}`},
		"whole share":         {`{"key":"a","share":1}`, `{"key":"a","share":1}`},
		"depth 64":            {strings.Replace(nested(64), secret, "a", 1), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.post("/api/v1/things", test.body)
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("%d %s: %s", got.StatusCode, got.Header.Get("Content-Type"), got.body)
			}
			if test.want != "" && got.body != test.want {
				t.Errorf("got  %q\nwant %q", got.body, test.want)
			}
		})
	}
}

func TestBodySizes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		path    string
		size    int
		chunked bool
		want    int
	}{
		// A value of that size is refused by its own limit, which shows that the body itself was taken.
		"1 MiB":                 {"/api/v1/things", 1 << 20, false, http.StatusUnprocessableEntity},
		"1 MiB in chunks":       {"/api/v1/things", 1 << 20, true, http.StatusUnprocessableEntity},
		"more than 1 MiB":       {"/api/v1/things", 1<<20 + 1, false, http.StatusRequestEntityTooLarge},
		"more in chunks":        {"/api/v1/things", 1<<20 + 1, true, http.StatusRequestEntityTooLarge},
		"5 MiB":                 {"/api/v1/things", 5 << 20, false, http.StatusRequestEntityTooLarge},
		"5 MiB for an import":   {"/api/v1/imports", 5 << 20, false, http.StatusUnprocessableEntity},
		"8 MiB for an import":   {"/api/v1/imports", 8 << 20, true, http.StatusUnprocessableEntity},
		"more for an import":    {"/api/v1/imports", 8<<20 + 1, true, http.StatusRequestEntityTooLarge},
		"too large, no content": {"/api/v1/approvals/1/approve", 2 << 20, false, http.StatusRequestEntityTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body io.Reader = strings.NewReader(filled(test.size))
			if test.chunked {
				body = io.NopCloser(body) // hides the length
			}
			got := s.do(http.MethodPost, test.path, body)
			if p := got.problem(t); p.Status != test.want {
				t.Errorf("%d, want %d", p.Status, test.want)
			}
			if len(got.body) > 1000 {
				t.Errorf("the answer has %d bytes", len(got.body))
			}
		})
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const body = `{"key":"a"}`
	tests := map[string]struct {
		headers []string
		want    int
	}{
		"json":            {nil, http.StatusOK},
		"with charset":    {[]string{"Content-Type", "Application/JSON; charset=UTF-8"}, http.StatusOK},
		"none":            {[]string{"Content-Type", ""}, http.StatusOK},
		"form":            {[]string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		"text":            {[]string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		"a json of a kin": {[]string{"Content-Type", "application/merge-patch+json"}, http.StatusUnsupportedMediaType},
		"cbor":            {[]string{"Content-Type", "application/cbor"}, http.StatusUnsupportedMediaType},
		"nonsense":        {[]string{"Content-Type", ";;"}, http.StatusUnsupportedMediaType},
		"latin":           {[]string{"Content-Type", "application/json; charset=latin1"}, http.StatusUnsupportedMediaType},
		"packed":          {[]string{"Content-Encoding", "gzip"}, http.StatusUnsupportedMediaType},
		"accepts html":    {[]string{"Accept", "text/html"}, http.StatusOK},
		"accepts q=0":     {[]string{"Accept", "application/json;q=0"}, http.StatusOK},
		"accepts rubbish": {[]string{"Accept", "application/json;,;;q=,"}, http.StatusOK},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.post("/api/v1/things", body, test.headers...)
			if got.StatusCode != test.want {
				t.Fatalf("%d, want %d: %s", got.StatusCode, test.want, got.body)
			}
			if got.StatusCode != http.StatusOK {
				got.problem(t)
			}
		})
	}
}

func TestActionsTakeNoBody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		body string
		want int
	}{
		"none":    {"", http.StatusNoContent},
		"empty":   {" { }\n", http.StatusNoContent},
		"members": {`{"a":1}`, http.StatusUnprocessableEntity},
		"null":    {`null`, http.StatusUnprocessableEntity},
		"rubbish": {`{`, http.StatusBadRequest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.post("/api/v1/approvals/fine/approve", test.body)
			if got.StatusCode != test.want {
				t.Errorf("%d, want %d: %s", got.StatusCode, test.want, got.body)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		query   string
		want    int
		pointer string
	}{
		"all":             {"environment=QA&limit=200&layers=true", http.StatusOK, ""},
		"unknown":         {"environment=QA&other=1&other=2", http.StatusUnprocessableEntity, "/other"},
		"odd name":        {"environment=QA&a/b~c=1", http.StatusUnprocessableEntity, "/a~1b~0c"},
		"another case":    {"environment=QA&Limit=1", http.StatusUnprocessableEntity, "/Limit"},
		"missing":         {"limit=1", http.StatusUnprocessableEntity, "/environment"},
		"repeated":        {"environment=QA&environment=QA", http.StatusUnprocessableEntity, "/environment"},
		"limit 0":         {"environment=QA&limit=0", http.StatusUnprocessableEntity, "/limit"},
		"limit 201":       {"environment=QA&limit=201", http.StatusUnprocessableEntity, "/limit"},
		"limit of words":  {"environment=QA&limit=ten", http.StatusUnprocessableEntity, "/limit"},
		"no boolean":      {"environment=QA&layers=perhaps", http.StatusUnprocessableEntity, "/layers"},
		"empty boolean":   {"environment=QA&layers=", http.StatusUnprocessableEntity, "/layers"},
		"NUL":             {"environment=%00", http.StatusUnprocessableEntity, "/environment"},
		"invalid UTF-8":   {"environment=%ff", http.StatusUnprocessableEntity, "/environment"},
		"broken escape":   {"environment=%zz", http.StatusBadRequest, ""},
		"semicolon":       {"environment=QA;limit=1", http.StatusBadRequest, ""},
		"repeats a value": {"environment=QA&layers=" + secret, http.StatusUnprocessableEntity, "/layers"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.get("/api/v1/things?" + test.query)
			if got.StatusCode != test.want {
				t.Fatalf("%d, want %d: %s", got.StatusCode, test.want, got.body)
			}
			if test.pointer == "" {
				return
			}
			if p := got.problem(t); len(p.Errors) != 1 || p.Errors[0].Pointer != test.pointer {
				t.Errorf("errors %+v, want one at %q", p.Errors, test.pointer)
			}
			if strings.Contains(got.body, secret) {
				t.Errorf("the answer repeats the query: %s", got.body)
			}
		})
	}
	if got := s.get("/api/v1/things?environment=QA", "If-Match", "\xff"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a header that is no text: %d", got.StatusCode)
	}
	const want = `{"items":[{"key":"QA 50 false","value":1}],"nextCursor":""}`
	if got := s.get("/api/v1/things?environment=QA"); got.body != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
}

func TestPathParameters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := map[string]struct {
		path string
		want int
		id   string
	}{
		"plain":         {"/api/v1/paths/a", http.StatusOK, "a"},
		"at":            {"/api/v1/paths/@platform", http.StatusOK, "@platform"},
		"escaped at":    {"/api/v1/paths/%40platform", http.StatusOK, "@platform"},
		"escaped slash": {"/api/v1/paths/a%2Fb", http.StatusOK, "a/b"},
		"percent":       {"/api/v1/paths/a%2541", http.StatusOK, "a%41"},
		"NUL":           {"/api/v1/paths/a%00", http.StatusNotFound, ""},
		"invalid UTF-8": {"/api/v1/paths/%ff", http.StatusNotFound, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.get(test.path)
			if got.StatusCode != test.want {
				t.Fatalf("%d, want %d: %s", got.StatusCode, test.want, got.body)
			}
			if want := `{"id":"` + test.id + `"}`; test.id != "" && got.body != want {
				t.Errorf("got %s, want %s", got.body, want)
			}
		})
	}
}
