package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// How many requests are made up, in `make test` and in `make torture`.
const (
	generatedRequests = 3_000
	tortureGenerated  = 200_000
)

// TestTortureGenerated sends requests made up from the API document, sound and broken ones: none may be answered
// by 5xx, and afterwards the log and the data must still be one.
func TestTortureGenerated(t *testing.T) {
	t.Parallel()
	n, seed := generatedRequests, uint64(1) // the same in every run of `make test`
	if os.Getenv("HOTSWAP_TORTURE") == "full" {
		n, seed = tortureGenerated, uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
	}
	s := dev(t)
	for _, id := range []string{"acme-corp", "globex"} {
		makeTenant(s, id, "Enterprise")
	}
	g := newGenerator(s, seed)
	statuses := map[int]int{}
	for i := range n {
		r := g.request()
		answer, err := g.caller.try(r)
		if err != nil {
			t.Fatalf("request %d, %s %s: %v", i, r.Method, r.URL, err)
		}
		statuses[answer.status]++
		if broken := unsound(answer); broken != "" {
			t.Errorf("request %d, %s\n%s\n%s: %d: %s", i, answer.what, g.body, broken, answer.status, answer.body)
		}
		g.learn(answer)
		if t.Failed() && i > 100 {
			break
		}
	}
	t.Logf("answers by status: %v", statuses)
	for _, status := range []int{200, 201, 202, 400, 403, 404, 409, 422} {
		if statuses[status] < n/1000 {
			t.Errorf("%d of %d requests met the answer %d: too few to test much", statuses[status], n, status)
		}
	}
	s.as("admin").get("/me").want(http.StatusOK)
	wantWhole(t, s.superuser())
}

// unsound says what no answer may be.
func unsound(r reply) string {
	switch {
	case r.status >= 500:
		return "our fault"
	case r.status < 200 || r.status >= 300 && r.status < 400 && r.status != http.StatusNotModified:
		return "a status that the API does not use"
	case r.status >= 400 && r.status != http.StatusRequestHeaderFieldsTooLarge && r.header.Get("Content-Type") != "application/problem+json":
		return "no problem document"
	case r.status < 300 && len(r.body) > 0 && !json.Valid(r.body):
		return "not JSON"
	}
	for _, inside := range []string{"SQLSTATE", "goroutine ", "gorm", "pgx", "/services/", "huma"} {
		if strings.Contains(string(r.body), inside) {
			return "it shows " + inside
		}
	}
	return ""
}

// apiSchema is as much of JSON Schema as the API document uses.
type apiSchema struct {
	Ref        string `json:"$ref"`
	Type       any
	Enum       []any
	Properties map[string]apiSchema
	Items      *apiSchema
	Required   []string
}

type apiParam struct {
	Name, In string
	Required bool
	Schema   apiSchema
}

type apiOperation struct {
	method, path string
	Parameters   []apiParam
	RequestBody  *struct {
		Content map[string]struct{ Schema apiSchema }
	}
}

// generator makes up requests. It learns ids, digests and cursors from the answers, so that some requests reach
// what exists.
type generator struct {
	caller     caller
	keys       []string
	rand       *rand.Rand
	operations []apiOperation
	schemas    map[string]apiSchema
	learned    map[string][]string // by member name
	body       string              // of the last request
}

// busy are the operations that most of the product hangs on: they are asked five times as often.
var busy = []string{
	"POST /configs", "PUT /configs/{configId}", "POST /configs/{configId}/promote", "POST /changes", "POST /approvals/{changeId}/approve",
}

func newGenerator(s *stack, seed uint64) *generator {
	s.t.Helper()
	document, err := s.as("admin").try(mustRequest(s.t, s.URL+"/api/openapi.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var api struct {
		Paths      map[string]map[string]apiOperation
		Components struct{ Schemas map[string]apiSchema }
	}
	document.want(http.StatusOK).into(&api)
	g := &generator{
		caller: s.as("admin"), rand: rand.New(rand.NewPCG(seed, seed)), schemas: api.Components.Schemas,
		learned: map[string][]string{"tenantId": {"acme-corp", "globex"}},
	}
	for _, name := range []string{"admin", "admin", "engineer", "engineer2", "manager", "compliance", "auditor", "viewer", "app"} {
		g.keys = append(g.keys, s.APIKeys[name])
	}
	for path, methods := range api.Paths {
		if strings.HasSuffix(path, "/stream") {
			continue // it does not end: see the tests of streams
		}
		for method, o := range methods {
			o.method, o.path = strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1")
			g.operations = append(g.operations, o)
			if slices.Contains(busy, o.method+" "+o.path) {
				g.operations = append(g.operations, o, o, o, o)
			}
		}
	}
	for _, path := range []string{"/configs/tenant/{tenantId}", "/configs/tenant/{tenantId}/keys/{key}"} { // plain routes
		g.operations = append(g.operations, apiOperation{method: "GET", path: path, Parameters: []apiParam{
			{Name: "environment", In: "query", Required: true}, {Name: "include", In: "query"}, {Name: "tenantId", In: "path"}, {Name: "key", In: "path"},
		}})
	}
	if len(g.operations) < 30 {
		s.t.Fatalf("the document has only %d operations", len(g.operations))
	}
	slices.SortFunc(g.operations, func(a, b apiOperation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return g
}

func (g *generator) chance(percent int) bool { return g.rand.IntN(100) < percent }

func pick[T any](g *generator, from []T) T { return from[g.rand.IntN(len(from))] }

func (g *generator) request() *http.Request {
	o := pick(g, g.operations)
	path, query := o.path, url.Values{}
	for _, p := range o.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(g.text(p.Name)))
		case p.In == "query" && (p.Required && g.chance(95) || g.chance(25)):
			query.Add(p.Name, g.parameter(p))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	g.body = ""
	if o.method != "GET" {
		g.body = g.document(o)
	}
	g.caller.credential = pick(g, g.keys)
	method := o.method
	if g.chance(2) {
		method = pick(g, []string{"PATCH", "PUT", "DELETE", "OPTIONS", "POST"})
	}
	r := raw(g.caller, method, path, g.body)
	g.headers(r)
	return r
}

func (g *generator) headers(r *http.Request) {
	if g.chance(10) {
		r.Header.Set("If-Match", pick(g, []string{`"1"`, `"2"`, "*", "", `W/"1"`, "rubbish", `"1", "2"`, g.learn1("etag")}))
	}
	if g.chance(5) {
		r.Header.Set("If-None-Match", pick(g, []string{"*", `"1"`, g.learn1("etag"), ",,,"}))
	}
	if g.chance(3) {
		r.Header.Set("Content-Type", pick(g, []string{"text/plain", "application/json; charset=utf-8", "", "*/*"}))
	}
	if g.chance(3) {
		r.Header.Set("X-Request-Id", pick(g, []string{"a b", strings.Repeat("x", 300), "fine-1"}))
	}
}

// document is the body of an operation, sometimes broken.
func (g *generator) document(o apiOperation) string {
	if o.RequestBody == nil {
		return pick(g, []string{"", "", "", "{}", "null", "{"})
	}
	text, err := json.Marshal(g.value("", o.RequestBody.Content["application/json"].Schema, 0))
	if err != nil {
		return "{"
	}
	if g.chance(10) {
		return g.mutated(text)
	}
	return string(text)
}

// mutated changes some bytes, or the number of some.
func (g *generator) mutated(text []byte) string {
	for range 1 + g.rand.IntN(4) {
		at := g.rand.IntN(len(text) + 1)
		bit := pick(g, []string{"\x00", "\xff", `"`, "{", "}", "[", "]", ",", ":", "\\", "\\u0000", "\\ud800", "1e999", "-", "null", " ", "é"})
		text = slices.Insert(text, at, []byte(bit)...)
		if g.chance(50) && len(text) > at+1 {
			text = slices.Delete(text, at, at+1+g.rand.IntN(len(text)-at))
		}
	}
	return string(text)
}

// value fits the schema, most of the time.
func (g *generator) value(name string, s apiSchema, depth int) any {
	if s.Ref != "" {
		s = g.schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	if g.chance(2) || depth > 6 {
		return pick(g, []any{nil, 7, -1, 1e300, "", "text", []any{}, map[string]any{}, true, json.Number("9223372036854775808")})
	}
	if len(s.Enum) > 0 {
		return pick(g, s.Enum)
	}
	switch s.Type {
	case "object":
		return g.object(s, depth)
	case "array":
		list := []any{}
		for range g.rand.IntN(4) {
			list = append(list, g.value(name, *s.Items, depth+1))
		}
		return list
	case "integer", "number":
		return pick(g, []any{0, 1, 1, 2, 3, -1, 100, json.Number("9007199254740993"), 0.5})
	case "boolean":
		return g.chance(50)
	case "string":
		return g.text(name)
	default: // any JSON: a value or a schema
		if g.chance(60) {
			return g.rand.IntN(100)
		}
		return pick(g, []any{
			true, false, nil, 1, json.Number("9007199254740993"), json.Number("1e400"), "text", "true", "\u2028<&>",
			[]any{1, "a"},
			map[string]any{"a": map[string]any{"b": 1}},
			map[string]any{"type": "number"},
			map[string]any{"$ref": "#"},
			map[string]any{"pattern": "(a+)+$"},
			map[string]any{"minimum": 5},
			strings.Repeat("x", 70_000),
		})
	}
}

func (g *generator) object(s apiSchema, depth int) map[string]any {
	object := map[string]any{}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names) // the seed decides, not the map
	for _, name := range names {
		if optional := !slices.Contains(s.Required, name); g.chance(97) && (!optional || g.chance(25)) {
			object[name] = g.value(name, s.Properties[name], depth+1)
		}
	}
	if g.chance(3) {
		object[pick(g, []string{"other", "ID", "", "$schema", "tenantid"})] = 1
	}
	return object
}

func (g *generator) parameter(p apiParam) string {
	if p.Schema.Type == "integer" {
		return pick(g, []string{"1", "2", "50", "200", "0", "201", "-1", "abc", "1e3", "99999999999999999999", ""})
	}
	if len(p.Schema.Enum) > 0 && g.chance(80) {
		return fmt.Sprint(pick(g, p.Schema.Enum))
	}
	return g.text(p.Name)
}

// texts are what members of a name may hold.
var texts = map[string][]string{
	"environment":       {"Development", "QA", "Staging", "Production", "Development", "QA", "development", "Moon"},
	"targetEnvironment": {"QA", "Staging", "Production", "Moon"},
	"tenantId":          {"@platform", "@tier.enterprise", "nobody", "new-tenant", "*"},
	"tier":              {"Free", "Pro", "Enterprise", "enterprise", "Gold"},
	"key":               {"a", "b", "limits.rate", "feature.x", "c", "d.e", "f", "g", "h", "i", "j", "k", "with space"},
	"role":              {"viewer", "engineer", "manager", "reader", "king", "tenant-admin"},
	"op":                {"set", "set", "delete", "define"},
	"type":              {"number", "number", "json", "boolean", "blob"},
	"strategy":          {"direct", "direct", "canary"},
	"expiresIn":         {"24h", "168h", "1h", "forever"},
	"minSoak":           {"0s", "1h", "-1h"},
	"action":            {"config.set", "change.", "access.denied"},
	"from":              {"2020-01-01T00:00:00Z", "now", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"},
	"to":                {"2030-01-01T00:00:00Z", "never"},
	"status":            {"pending", "deployed", "draft", "none"},
	"include":           {"metadata", "all"},
	"name":              {"Name", "QA2", "Staging", ""},
	"email":             {"engineer@example.com", "nobody@example.com", "none"},
}

// odd are texts that go wrong somewhere.
var odd = []string{
	"", " ", "\x00", "\u202e", "é", "💥", "a/b", "..", "%2e%2e", "%00", "';--", "<script>", strings.Repeat("x", 5000), "null", "-1",
	"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000", "{}", "\ufffd", "A\u0301",
}

// text is something for a member or parameter of the name: learned, known, or odd.
func (g *generator) text(name string) string {
	learned, known := g.learned[name], texts[name]
	switch {
	case g.chance(3):
		return pick(g, odd)
	case len(learned) > 0 && g.chance(85):
		return pick(g, learned)
	case len(known) > 0:
		return pick(g, known)
	case strings.HasSuffix(name, "Id") || name == "id":
		return pick(g, odd)
	default:
		return pick(g, []string{"some text", "x", pick(g, odd)})
	}
}

// learn1 is one learned text, empty if there is none.
func (g *generator) learn1(name string) string {
	if all := g.learned[name]; len(all) > 0 {
		return pick(g, all)
	}
	return ""
}

// maxLearned is how many texts of a name are kept: the newest, for the old ones are used up.
const maxLearned = 40

// learn keeps what an answer names.
func (g *generator) learn(r reply) {
	if tag := r.header.Get("ETag"); tag != "" {
		g.keep("etag", tag)
	}
	if r.status >= 300 || len(r.body) == 0 {
		return
	}
	if cursor, ok := r.field("nextCursor").(string); ok {
		g.keep("cursor", cursor)
	}
	noun := r.what[strings.IndexByte(r.what, '/'):]
	for path, id := range map[string]string{"/configs": "configId", "/changes": "id", "/approvals": "changeId", "/deployments": "id", "/audit": "id"} {
		if !strings.HasPrefix(noun, "/api/v1"+path) {
			continue
		}
		for _, at := range []string{"", "change.", "items.0.", "items.1."} {
			g.keepField(r, at+"id", id)
			g.keepField(r, at+"digest", "digest")
			g.keepField(r, at+"changeId", "changeId")
			if at == "change." {
				g.keepField(r, at+"id", "changeId")
			}
		}
	}
}

func (g *generator) keepField(r reply, path, name string) {
	if text, ok := r.field(path).(string); ok && text != "" {
		g.keep(name, text)
	}
}

func (g *generator) keep(name, text string) {
	g.learned[name] = append(g.learned[name], text)
	g.learned[name] = g.learned[name][max(0, len(g.learned[name])-maxLearned):]
}
